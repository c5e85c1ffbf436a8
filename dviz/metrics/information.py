"""Association by normalised mutual information: the same matrix and pooling, without pairs.

The study worries that correlation misses what is not linear. Here cell (d, j) is I(z_d; j) / H(j),
estimated from nearest neighbours: 1 where dimension d tells the value of factor j, 0 where it says
nothing of it. It differs from S where a dimension changes with a factor without telling its value
(a sum of two factors modulo n: S 1, information 0), or tells it by its sign alone (two values: S 0,
information 1).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dviz.metrics.arrays import check_table
from dviz.metrics.discrete import entropy
from dviz.metrics.split import standardised

NEIGHBOURS = 10


def information_matrix(codes: Any, factors: Any) -> np.ndarray:
    """I(z_d; j) / H(j) of codes (N, D) and class indices (N, F), float64 (D, F), in [0, 1].

    The column of a factor with one value is NaN.
    """
    codes, factors = check_table(codes, factors)
    return np.clip(neighbour_shares(standardised(codes), factors), 0, 1)


def neighbour_shares(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """As `information_matrix`; what is estimated of a perfect code may be a little above 1."""
    shares = np.full((codes.shape[1], factors.shape[1]), np.nan)
    for j in np.flatnonzero((factors != factors[:1]).any(axis=0)):
        found = [neighbour_information(column, factors[:, j]) for column in codes.T]
        shares[:, j] = np.array(found) / entropy(factors[:, j : j + 1])[0]
    return shares


def neighbour_information(values: np.ndarray, labels: np.ndarray, k: int = NEIGHBOURS) -> float:
    """I(value; label) in nats, at least 0, of values (N,) and labels (N,): Ross (2014).

    For each value the distance to its k-th neighbour of the same label, and how many values of any
    label lie nearer. Labels that occur once tell nothing and are left out. Neighbours are found by
    sorting, as there is one dimension only.
    """
    from scipy.special import digamma

    _, label, count = np.unique(labels, return_inverse=True, return_counts=True)
    kept = count[label] > 1
    values, label = values[kept], label[kept]
    if not len(values):
        return 0.0
    # Equal values, as stored codes of half precision are, would be neighbours at no distance.
    spread = 1e-10 * max(float(np.abs(values).mean()), 1.0)
    values = values + spread * np.random.default_rng(0).normal(size=len(values))
    order = np.lexsort((values, label))
    ordered, own = values[order], np.bincount(label)
    sizes = own[own > 0]
    near = np.minimum(k, sizes - 1)
    radius = np.concatenate(
        [
            _neighbour_distance(part, n)
            for part, n in zip(np.split(ordered, np.cumsum(sizes)[:-1]), near, strict=True)
        ]
    )
    # The neighbour itself does not count, whichever way a sum is rounded.
    radius = radius - 8 * np.finfo(np.float64).eps * np.abs(ordered).max()
    everything = np.sort(values)
    within = np.searchsorted(everything, ordered + radius, side="right")
    within -= np.searchsorted(everything, ordered - radius, side="left")
    share = sizes / sizes.sum()
    found = digamma(len(values)) + share @ digamma(near) - share @ digamma(sizes)
    return max(0.0, float(found - digamma(np.maximum(within, 1)).mean()))


def _neighbour_distance(ordered: np.ndarray, k: int) -> np.ndarray:
    """Distance of each of the sorted values (N,) to its k-th nearest, k < N, (N,)."""
    padded = np.concatenate([np.full(k, -np.inf), ordered, np.full(k, np.inf)])
    count, nearest = len(ordered), np.full(len(ordered), np.inf)
    for below in range(k + 1):  # so many of the k lie below
        low = padded[k - below : k - below + count]
        high = padded[2 * k - below : 2 * k - below + count]
        nearest = np.minimum(nearest, np.maximum(ordered - low, high - ordered))
    return nearest
