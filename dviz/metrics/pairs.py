"""S from drawn pairs of codes, with what each correlation may be off by.

A pair holds the codes of two images that differ in one factor only. For dimension d and factor j,
r is Pearson's correlation between the two sides and S = 1 - |r| (see `dviz.metrics.association`).
A pair with standardised values u and v has the influence u v - r (u² + v²) / 2 on r (Devlin et al.
1975), so the mean product of the influences on two dimensions, over the number of pairs, is the
covariance of their correlations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_codes

MIN_PAIRS = 100
"""With fewer pairs a factor's column is NaN: |r| of two unrelated codes is about .8 / √pairs, so
that S of pure noise would be .72 at 10 pairs and .88 at 45 instead of 1."""

CONSTANT = 1e-12
"""A dimension whose spread is below this share of its magnitude is constant up to rounding."""


@dataclass(frozen=True)
class PairAssociation:
    """S of drawn pairs, D dimensions and F factors.

    Attributes:
        correlation: r, float64 (D, F), in [-1, 1]; the column of a factor without pairs is NaN.
        covariance: of the columns of S, float64 (F, D, D); NaN likewise.
    """

    correlation: np.ndarray
    covariance: np.ndarray

    @property
    def matrix(self) -> np.ndarray:
        """S, float64 (D, F), in [0, 1]."""
        return 1 - np.abs(self.correlation)


def associate_pairs(
    first: Sequence[Any], second: Sequence[Any], *, min_pairs: int = MIN_PAIRS
) -> PairAssociation:
    """S, and its covariance, from drawn pairs.

    Args:
        first, second: for each of F factors an array (P_j, D); row p of `second[j]` is the code of
            an image that differs from that of row p of `first[j]` in factor j only.
        min_pairs: below this a factor's column is NaN.

    Raises:
        ValueError: not the same number of factors, shapes that differ, or NaN or infinite codes.
    """
    if len(first) != len(second) or not len(first):
        raise ValueError(
            f"first and second must hold one array per factor, got {len(first)} and {len(second)}"
        )
    least = max(min_pairs, 2)  # a correlation needs two
    columns = [_column(a, b, j, least) for j, (a, b) in enumerate(zip(first, second, strict=True))]
    widths = [len(correlation) for correlation, _ in columns]
    if len(set(widths)) != 1:
        raise ValueError(f"first and second must have one D for all factors, got {widths}")
    correlations, covariances = zip(*columns, strict=True)
    return PairAssociation(np.stack(correlations, axis=1), np.stack(covariances))


def _column(first: Any, second: Any, j: int, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Pearson's r of paired codes (P, D), (D,), and the covariance of 1 - |r|, (D, D)."""
    shapes = np.shape(first), np.shape(second)
    if shapes[0] != shapes[1] or len(shapes[0]) != 2:
        raise ValueError(f"pairs of factor {j} must both be (P, D), got {shapes[0]}, {shapes[1]}")
    pairs, width = shapes[0]
    if pairs < least:
        return np.full(width, np.nan), np.full((width, width), np.nan)
    x, y = check_codes(first, f"first[{j}]"), check_codes(second, f"second[{j}]")
    size = CONSTANT * np.maximum(np.abs(x), np.abs(y)).max(axis=0)
    same = (np.abs(x - y) <= size).all(axis=0)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    spread = x.std(axis=0), y.std(axis=0)
    varies = spread[0] * spread[1] > size**2
    u, v = (side / np.where(varies, s, 1.0) for side, s in zip((x, y), spread, strict=True))
    # Without spread there is no correlation: the dimension either never moved or always did.
    r = np.clip(np.where(varies, (u * v).mean(axis=0), same), -1, 1)
    influence = np.where(varies, u * v - r * (u**2 + v**2) / 2, 0.0) * -np.sign(r)
    return r, influence.T @ influence / pairs**2
