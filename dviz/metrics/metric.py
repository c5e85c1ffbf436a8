"""What a metric declares of itself, and what it is handed: everything that shows one follows.

A metric is one file of `dviz/metrics` with a `METRIC` at its foot, and its name in
`dviz.metrics.suite`. The command, the reports, the tables of the study, the cards and the page
read that declaration and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dviz.metrics.association import Association

Entry = dict[str, Any]
Row = tuple[str, float | None, list[float | None]]

MODULARITY, COMPACTNESS = "modularity", "compactness"


@dataclass(frozen=True)
class Table:
    """A checked table and what several metrics share.

    Attributes:
        codes: float64 (N, D); factors: class indices int64 (N, F); names: of the factors.
        active: bool (D,), see `active_dimensions`; association: of all rows.
        alpha, pooling: of OMES; seed: of what is drawn at random; n_jobs: processes.
    """

    codes: np.ndarray
    factors: np.ndarray
    names: tuple[str, ...]
    active: np.ndarray
    association: Association
    alpha: float
    pooling: str
    seed: int
    n_jobs: int


@dataclass(frozen=True)
class Score:
    """One number of a metric that reports keep.

    Attributes:
        key: its name in `DatasetReport.scores`.
        title: its name in full; label: its name at the head of a column.
        value: reads it off what the metric returned.
        measures: `MODULARITY` or `COMPACTNESS` where it is a measure of either: the tables of the
            study show it then. The first of each stands beside OMES's own half.
    """

    key: str
    title: str
    label: str
    value: Callable[[Entry], float | None]
    measures: str = ""


@dataclass(frozen=True)
class Metric:
    """A metric as everything else knows it.

    Attributes:
        name: what it is asked for by, and its file's name; title: how people call it.
        run: measures a table; returns a dict that `jsonable` takes.
        rows: what it found as rows (label, score, a part per factor or none), given the factors'
            names; None where it has no row.
        scores: what reports keep of it.
        notes: lines of text beside the rows.
        cost: seconds that 15,000 rows of 10 dimensions and 6 factors take on one core, roughly: for
            telling how much is left to wait.
    """

    name: str
    title: str
    run: Callable[[Table], Entry]
    rows: Callable[[Entry, list[str]], Iterator[Row]] | None = None
    scores: tuple[Score, ...] = ()
    notes: Callable[[Entry], list[str]] = lambda entry: []
    cost: float = 1.0


def single(
    name: str,
    title: str,
    run: Callable[[Table], Entry],
    *,
    label: str = "",
    measures: str = "",
    cost: float = 1.0,
) -> Metric:
    """A metric whose result is a `MetricResult`: one row, one score in a report.

    >>> metric = single("mig", "MIG", lambda table: {})
    >>> list(metric.rows({"score": 0.5, "per_factor": {"a": 0.4, "b": 0.6}}, ["a", "b"]))
    [('MIG', 0.5, [0.4, 0.6])]
    """

    def rows(entry: Entry, factors: list[str]) -> Iterator[Row]:
        parts = entry["per_factor"]
        yield title, entry["score"], [parts[factor] for factor in factors] if parts else []

    score = Score(name, title, label or title, lambda entry: entry["score"], measures)
    return Metric(name, title, run, rows, (score,), cost=cost)


def left_out(entry: Entry) -> list[str]:
    """For each factor that the metric leaves out, a line that says why."""
    parts = entry["per_factor"].items()
    return [f"{name}: {part['reason']}" for name, part in parts if part["reason"]]
