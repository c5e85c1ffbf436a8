"""How far a Target lies from a Source, from unlabelled images alone.

On plain arrays: codes (N, D) of one encoder on both, or pixels as vectors. Which of these distances
foretells how well a transfer goes is an open question of the study (see docs/results.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from dviz.metrics.arrays import check_codes

MMD_ROWS = 1000
PERMUTATIONS = 500
OUTSIDE_QUANTILES = (0.005, 0.995)


@dataclass(frozen=True)
class Mmd:
    """Maximum mean discrepancy of two samples.

    Attributes:
        squared: unbiased estimate of MMD²; around 0, and possibly below, for equal distributions.
        p_value: share of random relabellings that give as much, in (0, 1].
        bandwidth: of the Gaussian kernel.
    """

    squared: float
    p_value: float
    bandwidth: float


def frechet_distance(source: Any, target: Any) -> float:
    """Fréchet distance of the two Gaussians with the samples' means and covariances, ≥ 0.

    ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½) (Dowson and Landau 1982; the "FID" of Heusel et al. 2017
    on features of an image classifier), in squared units of the codes.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(5000, 3))
    >>> round(frechet_distance(x, x + [3, 0, 0]), 6)
    9.0

    Args:
        source, target: (N, D) and (M, D), at least 2 rows each.

    Raises:
        ValueError: other shapes, or values that are not finite.
    """
    source, target = _check_pair(source, target)
    difference = source.mean(axis=0) - target.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (source, target))
    root = _square_root(first)
    # The eigenvalues of Σ₁ Σ₂ are those of this symmetric product, which are real and not negative.
    mixed = np.linalg.eigvalsh(root @ second @ root)
    overlap = np.sqrt(np.clip(mixed, 0, None)).sum()
    return float(max(0.0, difference @ difference + np.trace(first + second) - 2 * overlap))


def kernel_mmd(
    source: Any,
    target: Any,
    *,
    max_rows: int = MMD_ROWS,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Mmd:
    """MMD with a Gaussian kernel and a permutation test (Gretton et al. 2012).

    The bandwidth is the median distance between rows of the joint sample; where more than half of
    these are 0, of those that are not.

    Args:
        source, target: (N, D) and (M, D); at most `max_rows` random rows of each are used, since
            time and memory grow with their square.
        permutations: relabellings drawn for the p-value, whose smallest value is thus
            1 / (permutations + 1).

    Raises:
        ValueError: other shapes, or values that are not finite.
    """
    source, target = _check_pair(source, target)
    rng = np.random.default_rng(seed)
    source, target = (x[rng.permutation(len(x))[:max_rows]] for x in (source, target))
    n, joint = len(source), np.concatenate([source, target])
    distances = cdist(joint, joint)
    apart = distances[distances > 0]  # rows that are equal say nothing of a scale
    if not len(apart):
        return Mmd(0.0, 1.0, 0.0)
    bandwidth = float(np.median(distances[np.triu_indices(len(joint), 1)]) or np.median(apart))
    kernel = np.exp(-(distances**2) / (2 * bandwidth**2))
    np.fill_diagonal(kernel, 0)
    labels = np.zeros((permutations + 1, len(joint)))
    labels[0, :n] = 1
    for row in labels[1:]:
        row[rng.permutation(len(joint))[:n]] = 1
    values = _mmd_squared(kernel, labels, n)
    p_value = float(np.mean(values >= values[0] - 1e-12))
    return Mmd(float(values[0]), p_value, bandwidth)


def _mmd_squared(kernel: np.ndarray, labels: np.ndarray, n: int) -> np.ndarray:
    """MMD² for rows of `labels` (P, N + M), 1 where a point counts as Source; diagonal is 0."""
    m = kernel.shape[0] - n
    to_source = labels @ kernel  # (P, N + M)
    total = kernel.sum()
    within = (to_source * labels).sum(axis=1)
    between = (to_source * (1 - labels)).sum(axis=1)
    others = total - within - 2 * between
    return within / (n * (n - 1)) + others / (m * (m - 1)) - 2 * between / (n * m)


def outside_range(source: Any, target: Any) -> tuple[float, np.ndarray]:
    """Share of Target codes beyond the central 99% of the Source's, dimension by dimension.

    Returns:
        The share of rows outside in at least one dimension, in [0, 1], and of each dimension (D,).
        Of the Source itself 1% lies outside in each dimension.
    """
    source, target = _check_pair(source, target)
    low, high = np.quantile(source, OUTSIDE_QUANTILES, axis=0)
    outside = (target < low) | (target > high)
    return float(outside.any(axis=1).mean()), outside.mean(axis=0)


def _square_root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric square root of a covariance matrix (D, D)."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def _check_pair(source: Any, target: Any) -> tuple[np.ndarray, np.ndarray]:
    source, target = check_codes(source, "source"), check_codes(target, "target")
    if source.shape[1] != target.shape[1]:
        raise ValueError(
            f"source and target must have equally many dimensions, got shapes {source.shape} and "
            f"{target.shape}"
        )
    if min(len(source), len(target)) < 2:
        raise ValueError(
            f"source and target must have at least 2 rows, got {len(source)} and {len(target)}"
        )
    return source.astype(np.float64), target.astype(np.float64)
