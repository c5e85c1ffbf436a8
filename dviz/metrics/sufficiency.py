"""Minimality and sufficiency (Almudévar & Ortega, "Rethinking disentanglement under dependent
factors of variation", arXiv 2408.07016).

They stay meaningful where factors depend on each other. A latent is minimal where it holds nothing
but what it tells of one factor; a factor's latent is sufficient where it tells all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_names, check_table, jsonable
from dviz.metrics.discrete import binned, entropy, mutual_information
from dviz.metrics.metric import Entry, Metric, Row, Score, Table

BINS = 15


@dataclass(frozen=True)
class SufficiencyResult:
    """All in [0, 1], higher is better; NaN where nothing varies.

    Attributes:
        minimality: mean over latents of max_j I(z_d; j) / H(z_d).
        sufficiency: mean over factors of max_d I(z_d; j) / H(j).
        per_factor: sufficiency of each factor; per_dimension: minimality of each latent, (D,).
    """

    minimality: float
    sufficiency: float
    per_factor: dict[str, float]
    per_dimension: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Plain values for strict JSON: NaN becomes None."""
        return jsonable(vars(self))


def sufficiency(
    codes: Any,
    factors: Any,
    *,
    names: Sequence[str] | None = None,
    active: Any = None,
    bins: int = BINS,
) -> SufficiencyResult:
    """Minimality and sufficiency of codes (N, D) in bins of equal width (15 as in their code).

    Args:
        active: bool (D,), latents that are scored (all by default): one that never varies holds
            nothing, and is neither minimal nor not.
    """
    codes, factors = check_table(codes, factors)
    names = check_names(names, factors.shape[1])
    counts = binned(codes, bins)
    information = mutual_information(counts, factors)
    latent, factor = entropy(counts), entropy(factors)
    scored = latent > 0 if active is None else np.asarray(active) & (latent > 0)
    minimal, sufficient = np.full(len(latent), np.nan), np.full(len(factor), np.nan)
    minimal[scored] = information[scored].max(axis=1) / latent[scored]
    known = factor > 0
    if scored.any():
        sufficient[known] = information[np.ix_(scored, known)].max(axis=0) / factor[known]
    return SufficiencyResult(
        _mean(minimal),
        _mean(sufficient),
        dict(zip(names, sufficient.tolist(), strict=True)),
        minimal,
    )


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _rows(entry: Entry, factors: list[str]) -> Iterator[Row]:
    yield "Minimality", entry["minimality"], []
    yield "Sufficiency", entry["sufficiency"], [entry["per_factor"][name] for name in factors]


def _run(t: Table) -> Entry:
    return sufficiency(t.codes, t.factors, names=t.names, active=t.active).to_dict()


METRIC = Metric(
    "sufficiency",
    "Minimality and sufficiency",
    _run,
    _rows,
    scores=(
        Score("minimality", "Minimality", "Minimality", lambda entry: entry["minimality"]),
        Score("sufficiency", "Sufficiency", "Sufficiency", lambda entry: entry["sufficiency"]),
    ),
)
