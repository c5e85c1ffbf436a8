"""Association by normalised mutual information: the same matrix and pooling, without pairs.

The study worries that correlation misses what is not linear. Here cell (d, j) is I(z_d; j) / H(j),
from codes in bins of equal counts: 1 where dimension d tells the value of factor j, 0 where it says
nothing of it. It differs from S where a dimension changes with a factor without telling its value
(a sum of two factors modulo n: S 1, information 0), or tells it by its sign alone (two values: S 0,
information 1).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dviz.metrics.arrays import check_table
from dviz.metrics.discrete import BINS, entropy, mutual_information


def information_matrix(codes: Any, factors: Any, *, bins: int = BINS) -> np.ndarray:
    """I(z_d; j) / H(j) of codes (N, D) and class indices (N, F), float64 (D, F), in [0, 1].

    Bins hold equally many codes each, at least as many bins as the factor with most values has, up
    to one for 20 rows. Counts of independent variables have information too, (bins - 1)(values - 1)
    / 2N on average (Miller 1955), which is taken off. The column of a factor with one value is NaN.
    """
    codes, factors = check_table(codes, factors)
    values = np.array([len(np.unique(column)) for column in factors.T])
    bins = int(np.clip(values.max(), bins, max(2, len(codes) // 20)))
    counts = _equal_counts(codes, bins)
    used = np.array([len(np.unique(column)) for column in counts.T])
    chance = np.outer(used - 1, values - 1) / (2 * len(codes))
    found, whole = mutual_information(counts, factors) - chance, entropy(factors)
    share = np.divide(found, whole, out=np.full(found.shape, np.nan), where=whole > 0)
    return np.clip(share, 0, 1)


def _equal_counts(codes: np.ndarray, bins: int) -> np.ndarray:
    """Bin of each code, int64 (N, D); equal codes share one."""
    edges = np.quantile(codes, np.linspace(0, 1, bins + 1)[1:-1], axis=0)
    columns = [
        np.searchsorted(np.unique(edge), column, side="right")
        for edge, column in zip(edges.T, codes.T, strict=True)
    ]
    return np.stack(columns, axis=1)
