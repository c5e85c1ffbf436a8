"""The association matrix S: which dimension reacts when one factor changes.

S[d, j] = 1 - |Pearson(z_d, z'_d)| over pairs of images that differ in factor j only. 1: changing j
decorrelates dimension d, so d encodes j. 0: d does not react to j. From "Transferring disentangled
representations: bridging the gap between synthetic and real images" (NeurIPS 2024).

Pairs can be drawn where a generator is at hand (`association_from_pairs`). From a finite labelled
sample the study draws them at random: for every distinct label row and factor j, the distinct rows
that agree on all other factors form a group, which is split into two halves and paired. All pairs
of a group are then equally likely, so the correlation is an intraclass correlation with a closed
form in group sums (`association_matrix`): no sampling noise, and a sort instead of a search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_codes, check_table
from dviz.metrics.groups import (
    Cells,
    Moments,
    cells_from_rows,
    centred_means,
    group_moments,
    group_sizes,
    join,
)

MIN_PAIRS = 2
"""A correlation needs two pairs; with fewer the factor's column is NaN."""

_CONSTANT = 1e-12
"""A dimension whose spread is below this share of its magnitude is constant up to rounding."""


@dataclass(frozen=True)
class Association:
    """S with what it rests on.

    Attributes:
        matrix: S, float64 (D, F), in [0, 1]; a column is NaN where `reasons` says why.
        pairs: disjoint pairs of label rows that differ in this factor only, int64 (F,).
        groups: groups of label rows that those pairs come from, int64 (F,).
        reasons: per factor, why its column is NaN, or None.
    """

    matrix: np.ndarray
    pairs: np.ndarray
    groups: np.ndarray
    reasons: tuple[str | None, ...]


def association_matrix(codes: Any, factors: Any) -> np.ndarray:
    """Closed form of S from a labelled sample. See `associate` for the details.

    Args:
        codes: posterior means, (N, D).
        factors: class indices, (N, F).

    Returns:
        S, float64 (D, F), in [0, 1]; a column is NaN where a factor has fewer than two pairs.

    Raises:
        ValueError: shapes, lengths or values that `dviz.metrics.arrays` does not allow.
    """
    return associate(codes, factors).matrix


def associate(codes: Any, factors: Any) -> Association:
    """S in closed form, with the number of pairs behind each factor.

    For factor j, a group holds the g distinct label rows that agree on all factors but j. Its
    weight is w = g ⌊g/2⌋ (the study visits a group once per row and draws ⌊g/2⌋ pairs each time).
    With the group's mean m, second moment q and mean product of two different rows c, and all
    three averaged over groups with weights w:

        S = 1 - |(c - m²) / (q - m²)|

    Rows with identical labels are one label row of which a random one stands for all: m and c use
    their mean, q their mean square. Where equal labels mean equal codes (an image determined by
    its factors) this is what the study's program converges to; that program keeps the first of
    such rows, and doing so beforehand reproduces it on any other codes. A constant dimension
    reacts to nothing and gets 0.

    Partners differ in factor j by construction, so a dimension that encodes j alone, with all g
    values present, correlates by -1 / (g - 1) with itself: S reaches 1 - 1 / (g - 1) there, 0.5
    for three values and 0 for two. Compare scores of factors of equal size.

    Costs O(N (D + F) + F N log N).
    """
    codes, factors = check_table(codes, factors)
    return _associate(cells_from_rows(codes, factors))


def association_from_pairs(first: Sequence[Any], second: Sequence[Any]) -> np.ndarray:
    """S from drawn pairs.

    Args:
        first, second: for each of F factors an array (P_j, D); row p of `second[j]` is the code of
            an image that differs from that of row p of `first[j]` in factor j only.

    Returns:
        S, float64 (D, F), in [0, 1]; a column is NaN where a factor has fewer than two pairs.

    Raises:
        ValueError: not the same number of factors, shapes that differ, or NaN or infinite codes.
    """
    if len(first) != len(second) or not len(first):
        raise ValueError(
            f"first and second must hold one array per factor, got {len(first)} and {len(second)}"
        )
    columns = [_pearson_column(a, b, j) for j, (a, b) in enumerate(zip(first, second, strict=True))]
    if len({len(column) for column in columns}) != 1:
        raise ValueError(
            "first and second must have one D for all factors, got "
            f"{[len(column) for column in columns]}"
        )
    return np.stack(columns, axis=1)


def bootstrap_association(
    codes: Any, factors: Any, *, resamples: int = 200, seed: int = 0
) -> np.ndarray:
    """S of resampled groups, for confidence intervals: float64 (resamples, D, F).

    Each resample draws, for every factor on its own, as many groups as there are, with
    replacement. Feed each slice to `omes` for the interval of a score, or the whole to `interval`.
    A column stays NaN where a factor has fewer than two pairs; with a handful of groups the
    interval is too narrow, as any bootstrap is.
    """
    codes, factors = check_table(codes, factors)
    return _bootstrap(cells_from_rows(codes, factors), resamples, seed)


def interval(samples: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval (low, high) over the first axis of bootstrap `samples`."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    tail = (1 - confidence) / 2
    low, high = np.quantile(samples, [tail, 1 - tail], axis=0)
    return low, high


class AssociationAccumulator:
    """S from a stream of batches, or from shards on several machines.

    >>> left, right = AssociationAccumulator(), AssociationAccumulator()
    >>> _ = left.update([[0.0], [1.0], [2.0]], [[0, 0], [0, 1], [0, 2]])
    >>> _ = right.update([[0.0], [1.0], [2.0]], [[1, 0], [1, 1], [1, 2]])
    >>> left.merge(right).compute()
    array([[0. , 0.5]])

    What a shard must hold: for every distinct label row it saw, the number of rows, the sum of
    their codes and the scatter about their mean, so 2 D + F + 1 numbers per distinct label row,
    however long the stream. Sums per group would be smaller but not enough: a group, and even the
    rows of one label row, may be split over shards, and what is averaged in a group are label
    rows, not rows.

    What is exact: labels, counts, groups, pairs and reasons are those of all rows at once, bit for
    bit, in any order of updates and merges. The sums are added in float64, so S agrees with that
    of all rows at once to about 1e-12, and bit for bit where no label row occurs twice.
    """

    def __init__(self) -> None:
        self._parts: list[Cells] = []

    def update(self, codes: Any, factors: Any) -> AssociationAccumulator:
        """Add rows: codes (N, D), class indices (N, F). Returns self."""
        codes, factors = check_table(codes, factors)
        return self._add(cells_from_rows(codes, factors))

    def merge(self, other: AssociationAccumulator) -> AssociationAccumulator:
        """Add everything `other` has seen; `other` keeps its own. Returns self."""
        for part in list(other._parts):
            self._add(part)
        return self

    def compute(self) -> np.ndarray:
        """S of everything seen so far, float64 (D, F). ValueError if nothing was seen."""
        return self.summary().matrix

    def summary(self) -> Association:
        """S with pairs, groups and reasons. ValueError if nothing was seen."""
        return _associate(self._cells())

    def bootstrap(self, *, resamples: int = 200, seed: int = 0) -> np.ndarray:
        """As `bootstrap_association`, of everything seen so far."""
        return _bootstrap(self._cells(), resamples, seed)

    def _add(self, part: Cells) -> AssociationAccumulator:
        if self._parts and part.shape != self._parts[0].shape:
            raise ValueError(
                f"codes and factors must keep (D, F) = {self._parts[0].shape}, got {part.shape}"
            )
        self._parts.append(part)
        # Joining only when the pending parts outweigh the first keeps a long stream linear.
        if sum(len(p.counts) for p in self._parts[1:]) > len(self._parts[0].counts):
            self._cells()
        return self

    def _cells(self) -> Cells:
        if not self._parts:
            raise ValueError("nothing to compute: update() was never called")
        if len(self._parts) > 1:
            self._parts = [join(self._parts)]
        return self._parts[0]


def _associate(cells: Cells) -> Association:
    means, centre = centred_means(cells)
    columns, pairs, groups, reasons = [], [], [], []
    for j in range(cells.shape[1]):
        order, g = group_sizes(cells, j)
        pairs.append(int((g // 2).sum()))
        groups.append(len(g))
        reasons.append(_reason(cells.labels[:, j], pairs[-1]))
        if reasons[-1] is None:
            moments = group_moments(cells, means, order, g)
            columns.append(_one_minus_correlation(moments, moments.weight, centre))
        else:
            columns.append(np.full(cells.shape[0], np.nan))
    return Association(np.stack(columns, axis=1), np.array(pairs), np.array(groups), tuple(reasons))


def _bootstrap(cells: Cells, resamples: int, seed: int) -> np.ndarray:
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}")
    rng = np.random.default_rng(seed)
    means, centre = centred_means(cells)
    samples = np.full((resamples, *cells.shape), np.nan)
    for j in range(cells.shape[1]):
        order, g = group_sizes(cells, j)
        if _reason(cells.labels[:, j], int((g // 2).sum())) is not None:
            continue
        moments = group_moments(cells, means, order, g)
        for sample in samples:
            drawn = np.bincount(rng.integers(len(g), size=len(g)), minlength=len(g))
            sample[:, j] = _one_minus_correlation(moments, drawn * moments.weight, centre)
    return samples


def _one_minus_correlation(moments: Moments, weight: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """1 - |covariance / variance| of exchangeable pairs from moments about `centre`, (D,).

    `weight` (G,) is what each group counts.
    """
    share = weight / weight.sum()
    mean, square, cross = (share @ part for part in moments[1:])
    variance, covariance = square - mean**2, cross - mean**2
    varies = variance > (_CONSTANT * np.abs(centre)) ** 2
    correlation = np.divide(covariance, variance, out=np.ones_like(variance), where=varies)
    return 1 - np.minimum(np.abs(correlation), 1)


def _reason(column: np.ndarray, pairs: int) -> str | None:
    """Why a factor's association cannot be told, or None."""
    if (column == column[0]).all():
        return "takes one value only"
    if pairs < MIN_PAIRS:
        found = "no two rows differ" if pairs == 0 else "only one pair of rows differs"
        return f"{found} in this factor alone; {MIN_PAIRS} pairs are needed: take a denser sample"
    return None


def _pearson_column(first: Any, second: Any, j: int) -> np.ndarray:
    """1 - |Pearson| between paired codes (P, D), per dimension (D,)."""
    shapes = np.shape(first), np.shape(second)
    if shapes[0] != shapes[1] or len(shapes[0]) != 2:
        raise ValueError(f"pairs of factor {j} must both be (P, D), got {shapes[0]}, {shapes[1]}")
    if len(first) < MIN_PAIRS:
        return np.full(shapes[0][1], np.nan)
    x, y = check_codes(first, f"first[{j}]"), check_codes(second, f"second[{j}]")
    size = _CONSTANT * np.maximum(np.abs(x), np.abs(y)).max(axis=0)
    same = (np.abs(x - y) <= size).all(axis=0)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    spread = np.sqrt((x**2).mean(axis=0) * (y**2).mean(axis=0))
    # Without spread there is no correlation: the dimension either never moved or always did.
    correlation = np.divide(
        (x * y).mean(axis=0), spread, out=same.astype(np.float64), where=spread > size**2
    )
    return 1 - np.minimum(np.abs(correlation), 1)
