"""Every metric on one table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from dviz.metrics.arrays import check_names, check_table, jsonable
from dviz.metrics.association import associate
from dviz.metrics.diagnostics import active_dimensions
from dviz.metrics.metric import COMPACTNESS, MODULARITY, Metric, Score, Table

# The quick ones first: a person reads them while the others run.
_MODULES = (
    "omes",
    "mig",
    "sap",
    "modularity",
    "sufficiency",
    "explicitness",
    "beta_vae",
    "factor_vae",
    "dci",
    "infomec",
    "dci_es",
    "probes",
    "diagnostics",
)

METRICS: dict[str, Metric] = {
    name: import_module(f"dviz.metrics.{name}").METRIC for name in _MODULES
}
"""What `evaluate_all` can run, in its order; each is declared at the foot of its own file."""


def reported_scores() -> tuple[Score, ...]:
    """What reports keep, in the metrics' order."""
    return tuple(score for metric in METRICS.values() for score in metric.scores)


def shown_scores(*kinds: str) -> list[Score]:
    """Scores that the study's tables show: of modularity, then of compactness, or of `kinds`."""
    found = reported_scores()
    return [s for kind in kinds or (MODULARITY, COMPACTNESS) for s in found if s.measures == kind]


def evaluate_all(
    codes: Any,
    factors: Any,
    *,
    names: Sequence[str] | None = None,
    metrics: str | Sequence[str] = "all",
    alpha: float = 0.5,
    pooling: str = "avg",
    seed: int = 0,
    n_jobs: int = 2,
    shuffle: bool = False,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Run the metrics and return one dict for strict JSON.

    Args:
        codes, factors: (N, D) and class indices (N, F), N at least 3.
        names: F different factor names.
        metrics: "all", or some of `METRICS`.
        alpha, pooling: of OMES.
        seed: of everything drawn at random.
        n_jobs: processes for what trains something.
        shuffle: put the rows in random order first: a table sorted by a factor would otherwise be
            tested on classes never trained on.
        progress: called with the name of each metric before it runs.

    Returns:
        n_samples, active (indices), factors (names), dimensions (indices), seed, one entry per
        metric, and `seconds` each took. NaN is None.

    Raises:
        ValueError: an argument outside of what is described above.
    """
    found: dict[str, Any] = {}
    for step in evaluate_each(
        codes,
        factors,
        names=names,
        metrics=metrics,
        alpha=alpha,
        pooling=pooling,
        seed=seed,
        n_jobs=n_jobs,
        shuffle=shuffle,
    ):
        if step.metric is not None and progress is not None:
            progress(step.metric)
        found = step.result
    return found


class Step(NamedTuple):
    """Where `evaluate_each` is: the metric that runs next (None when all are done), what is known
    so far as `evaluate_all` returns it, and how many seconds the rest may take (None at first)."""

    metric: str | None
    result: dict[str, Any]
    remaining: float | None


def evaluate_each(
    codes: Any,
    factors: Any,
    *,
    names: Sequence[str] | None = None,
    metrics: str | Sequence[str] = "all",
    alpha: float = 0.5,
    pooling: str = "avg",
    seed: int = 0,
    n_jobs: int = 2,
    shuffle: bool = False,
) -> Iterator[Step]:
    """As `evaluate_all`, one metric after the other: a step before each, and one at the end."""
    codes, factors = check_table(codes, factors)
    names = check_names(names, factors.shape[1])
    asked = tuple(METRICS) if metrics == "all" else _check_metrics(metrics)
    if len(codes) < 3:
        raise ValueError(f"codes must have at least 3 rows, got {len(codes)}")
    if shuffle:
        order = np.random.default_rng(seed).permutation(len(codes))
        codes, factors = codes[order], factors[order]
    active, association = active_dimensions(codes), associate(codes, factors)
    table = Table(codes, factors, names, active, association, alpha, pooling, seed, n_jobs)
    found = {
        "n_samples": len(codes),
        "active": np.flatnonzero(active),
        "factors": names,
        "dimensions": list(range(codes.shape[1])),
        "seed": seed,
    }
    seconds: dict[str, float] = {}
    for place, name in enumerate(asked):
        known = jsonable(found | {"seconds": seconds})
        yield Step(name, known, remaining_seconds(seconds, asked[place:]))
        start = time.perf_counter()
        found[name] = METRICS[name].run(table)
        seconds[name] = round(time.perf_counter() - start, 3)
    yield Step(None, jsonable(found | {"seconds": seconds}), 0.0)


def remaining_seconds(done: Mapping[str, float], rest: Sequence[str]) -> float | None:
    """How long `rest` may take, given the seconds that others took; None before anything has.

    What metrics cost relative to each other is declared with them.
    """
    spent = sum(METRICS[name].cost for name in done)
    if not spent:
        return None
    return sum(done.values()) / spent * sum(METRICS[name].cost for name in rest)


def _check_metrics(metrics: str | Sequence[str]) -> tuple[str, ...]:
    asked = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    unknown = [name for name in asked if name not in METRICS]
    if unknown or not asked:
        raise ValueError(f"metrics must be 'all' or some of {list(METRICS)}, got {metrics!r}")
    return asked
