"""Modularity (Ridgeway & Mozer 2018, "Learning deep disentangled embeddings")."""

from __future__ import annotations

from typing import Any

import numpy as np

from dviz.metrics.arrays import check_table
from dviz.metrics.discrete import BINS, binned, mutual_information
from dviz.metrics.metric import single
from dviz.metrics.result import MetricResult

SIGNIFICANCE = 0.001


def modularity(codes: Any, factors: Any, *, bins: int = BINS) -> MetricResult:
    """Does each dimension tell about one factor only? Mean over dimensions, in [0, 1].

    Per dimension d, with θ the largest I(z_d; j) over the F factors: 1 - Σ of the squares of the
    others / (θ² (F - 1)), and 0 where θ is 0. Factors with one value are left out; with fewer
    than two factors left there is nothing to tell apart (NaN).

    The estimate of I from counts is above 0 for independent noise too, which gives a dimension of
    noise a middling score. `details`: `mutual_information` (D, F), `per_dimension` (D,), and
    `significant`, the score where information that independence would exceed once in a thousand
    times (G-test) counts as 0: there noise scores 0.
    """
    codes, factors = check_table(codes, factors)
    varying = (factors != factors[:1]).any(axis=0)
    counts = binned(codes, bins)
    information = mutual_information(counts, factors)
    per_dimension = _per_dimension(information[:, varying])
    chance = _chance_information(counts, factors)
    significant = _per_dimension(np.where(information > chance, information, 0)[:, varying])
    details = {
        "mutual_information": information,
        "per_dimension": per_dimension,
        "significant": float(significant.mean()),
    }
    return MetricResult(float(per_dimension.mean()), {}, details)


def _per_dimension(information: np.ndarray) -> np.ndarray:
    """Modularity of each dimension from I (D, F), (D,)."""
    if information.shape[1] < 2:
        return np.full(len(information), np.nan)
    squares = information**2
    largest = squares.max(axis=1)
    others = (squares.sum(axis=1) - largest) / (squares.shape[1] - 1)
    deviation = np.divide(others, largest, out=np.ones_like(largest), where=largest > 0)
    return 1 - deviation


def _chance_information(counts: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """What I of independent variables exceeds with probability `SIGNIFICANCE`, (D, F)."""
    from scipy.stats import chi2

    bins, values = (
        np.array([len(np.unique(column)) - 1 for column in table.T]) for table in (counts, factors)
    )
    freedom = np.outer(bins, values)
    return chi2.isf(SIGNIFICANCE, np.maximum(freedom, 1)) / (2 * len(counts))


METRIC = single(
    "modularity",
    "Modularity (Ridgeway)",
    lambda t: modularity(t.codes, t.factors).to_dict(),
    cost=0.2,
)
