"""The association matrix S: which dimension reacts when one factor changes.

S[d, j] = 1 - |Pearson(z_d, z'_d)| over pairs of images that differ in factor j only. 1: changing j
decorrelates dimension d, so d encodes j. 0: d does not react to j. From "Transferring disentangled
representations: bridging the gap between synthetic and real images" (NeurIPS 2024).

Pairs can be drawn where a generator is at hand (`dviz.metrics.pairs`). From a finite labelled
sample the study draws them at random: for every distinct label row and factor j, the distinct rows
that agree on all other factors form a group, which is split into two halves and paired. All pairs
of a group are then equally likely, so the correlation is an intraclass correlation with a closed
form in group sums (`association_matrix`): no sampling noise, and a sort instead of a search.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_table
from dviz.metrics.groups import (
    Cells,
    cells_from_rows,
    centred_means,
    disjoint_pairs,
    group_moments,
    group_sizes,
    join,
    spread,
)
from dviz.metrics.pairs import CONSTANT, MIN_PAIRS

MIN_GROUPS = 10  # with fewer, leaving them out one by one does not tell how far S may be off
ALONE = "is the only factor: which pairs differ in nothing else, without a label, cannot be told"


@dataclass(frozen=True)
class Association:
    """S with what it rests on.

    Attributes:
        correlation: r, float64 (D, F), in [-1, 1]; a column is NaN where `reasons` says why.
        pairs: disjoint pairs of rows that differ in this factor only, int64 (F,); rows alike in
            labels and codes count once.
        groups: groups of label rows that those pairs come from, int64 (F,).
        reasons: per factor, why its column is NaN, or None.
    """

    correlation: np.ndarray
    pairs: np.ndarray
    groups: np.ndarray
    reasons: tuple[str | None, ...]

    @property
    def matrix(self) -> np.ndarray:
        """S, float64 (D, F), in [0, 1]."""
        return 1 - np.abs(self.correlation)


def association_matrix(codes: Any, factors: Any, *, min_pairs: int = MIN_PAIRS) -> np.ndarray:
    """Closed form of S from a labelled sample. See `associate` for the details.

    Args:
        codes: posterior means, (N, D).
        factors: class indices, (N, F).

    Returns:
        S, float64 (D, F), in [0, 1]; the column of a factor with fewer than `min_pairs` pairs is
        NaN.

    Raises:
        ValueError: shapes, lengths or values that `dviz.metrics.arrays` does not allow.
    """
    return associate(codes, factors, min_pairs=min_pairs).matrix


def associate(codes: Any, factors: Any, *, min_pairs: int = MIN_PAIRS) -> Association:
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

    A single factor has no S: nothing says that the rows of a pair are alike in all else, so that
    noise would react to it as well as what encodes it.

    Costs O(N (D + F) + F N log N).
    """
    codes, factors = check_table(codes, factors)
    return _associate(cells_from_rows(codes, factors), min_pairs)


def group_covariance(codes: Any, factors: Any, *, min_pairs: int = MIN_PAIRS) -> np.ndarray:
    """Covariance of the columns of S over its dimensions, float64 (F, D, D).

    The jackknife over groups (Efron 1982): every group of label rows is left out once, and S taken
    anew. NaN for a factor whose column is.
    """
    codes, factors = check_table(codes, factors)
    return _covariance(cells_from_rows(codes, factors), min_pairs)


def is_whole(factors: np.ndarray) -> bool:
    """Whether rows (N, F) are every combination of their values once: none else could be drawn."""
    combinations = math.prod(len(np.unique(column)) for column in factors.T)
    return len(np.unique(factors, axis=0)) == len(factors) == combinations


class AssociationAccumulator:
    """S from a stream of batches, or from shards on several machines.

    >>> left, right = AssociationAccumulator(1), AssociationAccumulator(1)
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

    def __init__(self, min_pairs: int = MIN_PAIRS) -> None:
        self._min_pairs = min_pairs
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
        return _associate(self.cells(), self._min_pairs)

    def covariance(self) -> np.ndarray:
        """As `group_covariance`, of everything seen so far."""
        return _covariance(self.cells(), self._min_pairs)

    def cells(self) -> Cells:
        """What is kept of everything seen so far. ValueError if nothing was seen."""
        if not self._parts:
            raise ValueError("nothing to compute: update() was never called")
        if len(self._parts) > 1:
            self._parts = [join(self._parts)]
        return self._parts[0]

    @classmethod
    def of_cells(cls, cells: Cells) -> AssociationAccumulator:
        """What has seen the rows behind `cells`."""
        return cls()._add(cells)

    @property
    def num_rows(self) -> int:
        """Rows seen so far."""
        return int(sum(part.counts.sum() for part in self._parts))

    def standard_deviation(self) -> np.ndarray:
        """Of everything seen so far, ddof 1, float64 (D,); tells which dimensions are active."""
        return spread(self.cells())

    def _add(self, part: Cells) -> AssociationAccumulator:
        if self._parts and part.shape != self._parts[0].shape:
            raise ValueError(
                f"codes and factors must keep (D, F) = {self._parts[0].shape}, got {part.shape}"
            )
        self._parts.append(part)
        # Joining only when the pending parts outweigh the first keeps a long stream linear.
        if sum(len(p.counts) for p in self._parts[1:]) > len(self._parts[0].counts):
            self.cells()
        return self


def _associate(cells: Cells, min_pairs: int) -> Association:
    means, centre = centred_means(cells)
    columns, pairs, groups, reasons = [], [], [], []
    for j in range(cells.shape[1]):
        order, g = group_sizes(cells, j)
        pairs.append(disjoint_pairs(cells, order, g))
        groups.append(len(g))
        reasons.append(_reason(cells.labels, j, pairs[-1], min_pairs))
        if reasons[-1] is None:
            moments = group_moments(cells, means, order, g)
            share = moments.weight / moments.weight.sum()
            mean, square, cross = (share @ part for part in moments[1:])
            columns.append(_correlation(mean, square, cross, centre))
        else:
            columns.append(np.full(cells.shape[0], np.nan))
    return Association(np.stack(columns, axis=1), np.array(pairs), np.array(groups), tuple(reasons))


def _covariance(cells: Cells, min_pairs: int) -> np.ndarray:
    means, centre = centred_means(cells)
    width, factors = cells.shape
    covariance = np.full((factors, width, width), np.nan)
    for j in range(factors):
        order, g = group_sizes(cells, j)
        pairs = disjoint_pairs(cells, order, g)
        if _reason(cells.labels, j, pairs, min_pairs) is not None or len(g) < MIN_GROUPS:
            continue
        moments = group_moments(cells, means, order, g)
        weight = moments.weight
        rest = (weight.sum() - weight)[:, None]
        mean, square, cross = (
            (weight @ part - weight[:, None] * part) / rest for part in moments[1:]
        )
        S = 1 - np.abs(_correlation(mean, square, cross, centre))  # (G, D)
        apart = S - S.mean(axis=0)
        covariance[j] = (len(g) - 1) / len(g) * apart.T @ apart
    return covariance


def _correlation(
    mean: np.ndarray, square: np.ndarray, cross: np.ndarray, centre: np.ndarray
) -> np.ndarray:
    """Covariance / variance of exchangeable pairs from moments about `centre`, (..., D)."""
    variance, covariance = square - mean**2, cross - mean**2
    varies = variance > (CONSTANT * np.abs(centre)) ** 2
    correlation = np.divide(covariance, variance, out=np.ones_like(variance), where=varies)
    return np.clip(correlation, -1, 1)


def _reason(labels: np.ndarray, j: int, pairs: int, min_pairs: int) -> str | None:
    """Why the association of factor j of distinct label rows (L, F) cannot be told, or None."""
    if (labels[:, j] == labels[0, j]).all():
        return "takes one value only"
    if (labels != labels[0]).any(axis=0).sum() == 1:
        return ALONE
    if pairs >= min_pairs:
        return None
    found = {0: "no two rows differ", 1: "only one pair of rows differs"}.get(
        pairs, f"only {pairs} pairs of rows differ"
    )
    return f"{found} in this factor alone; {min_pairs} pairs are needed: {_remedy(labels, j)}"


def _remedy(labels: np.ndarray, j: int) -> str:
    """What helps where pairs are too few."""
    rows = len(labels)
    for k in (j, *range(labels.shape[1])):
        values = len(np.unique(labels[:, k]))
        if leaves_no_pairs(values, rows):
            which = "it" if k == j else f"factor {k} (counted from 0)"
            return f"{which} has {values} values in {rows} rows of labels; leave it out or bin it"
    return "take a denser sample"


def leaves_no_pairs(values: int, rows: int) -> bool:
    """Whether a factor with so many values in so many rows is an identifier or a measurement.

    Hardly two rows share a value of it then, and so none differ in another factor alone. Of fewer
    rows than pairs are needed nothing is said: more of them would help.
    """
    return rows >= MIN_PAIRS and values > rows / 2
