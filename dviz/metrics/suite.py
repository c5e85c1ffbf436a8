"""Every metric on one table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_names, check_table, jsonable
from dviz.metrics.association import Association, associate, bootstrap_association, interval
from dviz.metrics.beta_vae import beta_vae
from dviz.metrics.dci import dci
from dviz.metrics.diagnostics import active_dimensions, gaussian_total_correlation
from dviz.metrics.explicitness import explicitness
from dviz.metrics.factor_vae import factor_vae
from dviz.metrics.mig import mig
from dviz.metrics.modularity import modularity
from dviz.metrics.omes import omes
from dviz.metrics.probes import probe_factors
from dviz.metrics.sap import sap


@dataclass(frozen=True)
class _Table:
    """A checked table and what several metrics share."""

    codes: np.ndarray
    factors: np.ndarray
    names: tuple[str, ...]
    active: np.ndarray
    association: Association
    alpha: float
    pooling: str
    seed: int
    n_jobs: int


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
    codes, factors = check_table(codes, factors)
    names = check_names(names, factors.shape[1])
    asked = tuple(METRICS) if metrics == "all" else _check_metrics(metrics)
    if len(codes) < 3:
        raise ValueError(f"codes must have at least 3 rows, got {len(codes)}")
    if shuffle:
        order = np.random.default_rng(seed).permutation(len(codes))
        codes, factors = codes[order], factors[order]
    active, association = active_dimensions(codes), associate(codes, factors)
    table = _Table(codes, factors, names, active, association, alpha, pooling, seed, n_jobs)
    results: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    for name in asked:
        if progress is not None:
            progress(name)
        start = time.perf_counter()
        results[name] = METRICS[name](table)
        seconds[name] = round(time.perf_counter() - start, 3)
    head = {
        "n_samples": len(codes),
        "active": np.flatnonzero(active),
        "factors": names,
        "dimensions": list(range(codes.shape[1])),
        "seed": seed,
    }
    return jsonable(head | results | {"seconds": seconds})


def _omes(t: _Table) -> dict[str, Any]:
    """OMES with 95% bootstrap intervals and the number of pairs behind each factor."""
    S = t.association
    result = omes(S.matrix, t.alpha, t.pooling, t.active, t.names, S.reasons).to_dict()
    for j, name in enumerate(t.names):
        result["per_factor"][name]["pairs"] = int(S.pairs[j])
    samples = bootstrap_association(t.codes, t.factors, seed=t.seed)
    scores = [omes(sample, t.alpha, t.pooling, t.active) for sample in samples]
    keys = ("omes", "modularity", "compactness")
    result["interval"] = {key: interval([getattr(s, key) for s in scores]) for key in keys}
    return result


def _dci(t: _Table) -> dict[str, Any]:
    return {
        kind: dci(
            t.codes, t.factors, names=t.names, importances=kind, seed=t.seed, n_jobs=t.n_jobs
        ).to_dict()
        for kind in ("trees", "lasso")
    }


def _probes(t: _Table) -> dict[str, Any]:
    return probe_factors(
        t.codes,
        t.factors,
        names=t.names,
        seed=t.seed,
        association=t.association.matrix,
        active=t.active,
        n_jobs=t.n_jobs,
    ).to_dict()


def _diagnostics(t: _Table) -> dict[str, Any]:
    return {
        "active_dimensions": int(t.active.sum()),
        "standard_deviation": t.codes.std(axis=0, ddof=1),
        "gaussian_total_correlation": gaussian_total_correlation(t.codes[:, t.active])
        if t.active.any()
        else 0.0,
    }


METRICS: dict[str, Callable[[_Table], dict[str, Any]]] = {
    "omes": _omes,
    "mig": lambda t: mig(t.codes, t.factors, names=t.names).to_dict(),
    "sap": lambda t: sap(t.codes, t.factors, names=t.names, n_jobs=t.n_jobs).to_dict(),
    "dci": _dci,
    "beta_vae": lambda t: beta_vae(t.codes, t.factors, names=t.names, seed=t.seed).to_dict(),
    "factor_vae": lambda t: factor_vae(t.codes, t.factors, names=t.names, seed=t.seed).to_dict(),
    "modularity": lambda t: modularity(t.codes, t.factors).to_dict(),
    "explicitness": lambda t: explicitness(
        t.codes, t.factors, names=t.names, n_jobs=t.n_jobs
    ).to_dict(),
    "probes": _probes,
    "diagnostics": _diagnostics,
}
"""What `evaluate_all` can run, in its order."""


def _check_metrics(metrics: str | Sequence[str]) -> tuple[str, ...]:
    asked = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    unknown = [name for name in asked if name not in METRICS]
    if unknown or not asked:
        raise ValueError(f"metrics must be 'all' or some of {list(METRICS)}, got {metrics!r}")
    return asked
