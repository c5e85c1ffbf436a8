"""What `evaluate_all` found, as the rows of one table: a score, and its parts factor by factor."""

from __future__ import annotations

from typing import Any

from dviz.metrics.metric import Row
from dviz.metrics.suite import METRICS


def score_rows(result: dict[str, Any]) -> list[Row]:
    """Rows (label, score, one part per factor or none) of every metric that was run.

    >>> mig = {"score": 0.5, "per_factor": {"shape": 0.4, "scale": 0.6}}
    >>> score_rows({"factors": ["shape", "scale"], "mig": mig})
    [('MIG', 0.5, [0.4, 0.6])]

    Args:
        result: of `dviz.metrics.suite.evaluate_all`.
    """
    return [
        row
        for name, metric in METRICS.items()
        if metric.rows and name in result
        for row in metric.rows(result[name], result["factors"])
    ]


def notes(result: dict[str, Any]) -> list[str]:
    """What else the metrics have to say, a line each: why a factor was left out, and the like."""
    lines = [
        line
        for name, metric in METRICS.items()
        if name in result
        for line in metric.notes(result[name])
    ]
    return list(dict.fromkeys(lines))
