"""What a cell of S says once the noise of its dimension and the ceiling of its factor are known.

S calls decorrelation encoding, but a dimension also decorrelates where it changes by itself: pure
noise has S = 1 for every factor. And a perfect code does not reach 1: partners differ in the factor
by construction, so a dimension that encodes n values and nothing else correlates by -1 / (n - 1).

Let signal be the correlation of a dimension between two images of *equal* labels: 1 where an image
is determined by its labels, 0 for pure noise. The share of the signal that moves with factor j,
alone or together with others (Sobol's total effect; Homma & Saltelli 1996), is

    calibrated[d, j] = (1 - r[d, j] / signal[d]) (n_j - 1) / n_j

with r the signed correlation over pairs that differ in j: 0 at the noise's own floor 1 - signal, 1
for a perfect code of any number of values. OMES of this matrix is the calibrated OMES.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dviz.metrics.arrays import check_table
from dviz.metrics.groups import Cells, cells_from_rows
from dviz.metrics.pairs import MIN_PAIRS

SIGMAS = 4.0
"""Standard errors by which a signal must exceed what noise gives; below it counts as none."""


def calibrate(correlation: Any, signal: Any, sizes: Any) -> np.ndarray:
    """The calibrated association, float64 (D, F), in [0, 1]; a NaN column stays NaN.

    >>> calibrate([[-1.0, 1.0], [0.0, 0.0]], [1.0, 0.0], [2, 5])
    array([[1., 0.],
           [0., 0.]])

    Args:
        correlation: r over pairs that differ in one factor, (D, F).
        signal: correlation over pairs of equal labels, (D,), in [0, 1].
        sizes: how many values each factor takes, (F,).
    """
    r, known = np.asarray(correlation, dtype=np.float64), np.asarray(signal, dtype=np.float64)
    n = np.maximum(np.asarray(sizes, dtype=np.float64), 2)
    share = np.divide(r, known[:, None], out=np.ones_like(r), where=known[:, None] > 0)
    effect = np.clip((1 - share) * (n - 1) / n, 0, 1)
    effect[np.isnan(r)] = np.nan
    effect[known <= 0] *= 0.0
    if np.isnan(effect).any():
        return effect
    # Total effects of independent factors add up to 1 at least. Less is chance, or labels that go
    # together: of pairs that differ in one of them alone, none is far apart. Shares stay shares.
    total = effect.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(effect, total, out=effect, where=(total > 0) & (total < 1)))


def pair_signal(correlation: Any, pairs: int) -> np.ndarray:
    """Signal (D,) from r (D,) of `pairs` pairs of equal labels: what may be chance is 0."""
    r = np.asarray(correlation, dtype=np.float64)
    return np.where(r > SIGMAS / np.sqrt(pairs), r, 0.0)


def table_signal(codes: Any, factors: Any, correlation: Any, pairs: Any) -> np.ndarray:
    """Signal (D,) of codes (N, D) with labels (N, F) only.

    Where at least `MIN_PAIRS` rows repeat the labels of others, the share of the variance that is
    not among rows of equal labels. Where not, a bound from below, the larger of two: the share that
    the factors explain, each value adding its own constant, beyond what permuted labels explain on
    average; and the largest r over pairs that differ in one factor, which keep all the noise there
    is.

    Args:
        correlation, pairs: r (D, F) and the pairs behind each of its columns, (F,).
    """
    codes, factors = check_table(codes, factors)
    repeated = repeated_signal(cells_from_rows(codes, factors), codes.var(axis=0))
    found = _explained(codes, factors) if repeated is None else repeated
    return at_least_kept(found, correlation, pairs)


def repeated_signal(cells: Cells, variance: np.ndarray) -> np.ndarray | None:
    """1 - variance within rows of equal labels / `variance` of all, (D,); None where too few
    repeat."""
    spare = int((cells.counts - 1).sum())
    if spare < MIN_PAIRS:
        return None
    within = np.broadcast_to(cells.scatter, cells.total.shape).sum(axis=0) / spare
    share = np.divide(within, variance, out=np.zeros_like(within), where=variance > 0)
    return pair_signal(1 - share, spare)


def at_least_kept(signal: np.ndarray, correlation: Any, pairs: Any) -> np.ndarray:
    """A signal (D,) no smaller than any r (D, F) of pairs that differ in one factor, but for what
    may be chance with so many `pairs`, (F,): they keep all the noise there is."""
    r, pairs = np.asarray(correlation, dtype=np.float64), np.asarray(pairs)
    chance = SIGMAS / np.sqrt(np.maximum(pairs, 1))
    kept = np.where(np.nan_to_num(r, nan=-1) > chance, np.nan_to_num(r), 0).max(axis=1, initial=0)
    return np.clip(np.maximum(signal, kept), 0, 1)


def _explained(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Adjusted R² of one constant a value of every factor, (D,); 0 where it may be chance."""
    rows = len(codes)
    values = [np.unique(column, return_inverse=True) for column in factors.T]
    columns: list[np.ndarray] = [index for seen, index in values if 1 < len(seen) <= rows // 4]
    freedom = sum(int(index.max()) for index in columns)
    if not columns or freedom >= rows // 2:
        return np.zeros(codes.shape[1])
    centred = codes - codes.mean(axis=0)
    residual = _residuals(centred, columns)
    total = (centred**2).sum(axis=0)
    share = np.divide((residual**2).sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
    # Labels in random order explain freedom / (rows - 1) on average.
    adjusted = 1 - share * (rows - 1) / (rows - 1 - freedom)
    chance = SIGMAS * np.sqrt(2 * freedom) / rows
    return np.where(adjusted > chance, adjusted, 0.0)


def _residuals(centred: np.ndarray, columns: list[np.ndarray]) -> np.ndarray:
    """What a sum of one constant a value of each factor leaves of the codes, by backfitting."""
    residual = centred.copy()
    for _ in range(50):
        before = residual.copy()
        for index in columns:
            count = np.bincount(index)[:, None]
            means = np.stack([np.bincount(index, column) for column in residual.T], axis=1) / count
            residual -= means[index]
        if np.abs(residual - before).max() < 1e-9 * (np.abs(centred).max() + 1e-300):
            break
    return residual
