"""Label rows grouped by all factors but one, and the moments the closed form of S needs.

A *cell* is one distinct label row with the sums of the codes that carry it; a *group* of factor j
holds the cells that agree on every factor but j.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dviz.metrics.arrays import row_keys
from dviz.metrics.pairs import CONSTANT

AT_ONCE = 2**16  # cells of the longest table that are put together with the others' at once


class Cells(NamedTuple):
    """Distinct label rows in lexicographic order, with what their codes add up to.

    labels: int64 (C, F); counts: rows per cell, int64 (C,); total: sum of their codes, float64
    (C, D); scatter: sum of squares about the cell's own mean, float64 (C, D), or a single zero
    row (1, D) where every cell holds one row.
    """

    labels: np.ndarray
    counts: np.ndarray
    total: np.ndarray
    scatter: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(D, F)."""
        return self.total.shape[1], self.labels.shape[1]


class Moments(NamedTuple):
    """Per group of one factor: weight (G,); mean, second moment, cross moment (G, D)."""

    weight: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    cross: np.ndarray


def cells_from_rows(codes: np.ndarray, factors: np.ndarray) -> Cells:
    """Collapse a table of codes (N, D) and class indices (N, F) to cells."""
    count = np.ones(len(codes), dtype=np.int64)
    return collapse(Cells(factors, count, codes, np.zeros((1, codes.shape[1]))))


def join(parts: Sequence[Cells]) -> Cells:
    """The cells of several tables together.

    Takes the memory of the parts and of what comes out, and little more: cells are in order, so a
    range of label rows after the other is put together.
    """
    full = [
        part._replace(scatter=np.broadcast_to(part.scatter, part.total.shape)) for part in parts
    ]
    ranges = _ranges([part.labels for part in parts])
    most = sum(len(part.counts) for part in parts)
    found = [np.empty((most, *column.shape[1:]), column.dtype) for column in full[0]]
    end = 0
    for cuts in ranges:
        pieces = [[column[cut] for column in part] for part, cut in zip(full, cuts, strict=True)]
        some = collapse(Cells(*(np.concatenate(column) for column in zip(*pieces, strict=True))))
        start, end = end, end + len(some.counts)
        for target, column in zip(found, some, strict=True):
            target[start:end] = column
    return Cells(*(column[:end] for column in found))


def _ranges(labels: list[np.ndarray]) -> Iterator[list[slice]]:
    """Ranges of label rows, in order; for each, where it lies in each of the tables."""
    ends = np.cumsum([len(rows) for rows in labels])
    keys = np.split(row_keys(np.concatenate(labels)), ends[:-1])
    cuts = max(keys, key=len)[AT_ONCE::AT_ONCE]
    places = [np.r_[0, np.searchsorted(own, cuts), len(own)] for own in keys]
    for n in range(len(cuts) + 1):
        yield [slice(place[n], place[n + 1]) for place in places]


def collapse(cells: Cells) -> Cells:
    """Put equal label rows together (Chan et al.'s parallel update of a scatter)."""
    order, starts = _runs(row_keys(cells.labels))
    labels, count, total = cells.labels[order], cells.counts[order], cells.total[order]
    scatter = cells.scatter if len(cells.scatter) == 1 else cells.scatter[order]
    if len(starts) == len(order):
        return Cells(labels, count, total, scatter)
    run = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(order)))
    new_count = np.add.reduceat(count, starts)
    new_total = np.add.reduceat(total, starts, axis=0)
    apart = total / count[:, None] - (new_total / new_count[:, None])[run]
    scatter = scatter + count[:, None] * apart**2
    return Cells(labels[starts], new_count, new_total, np.add.reduceat(scatter, starts, axis=0))


def centred_means(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Mean code per cell about the mean of all cells, float64 (C, D); and that centre (D,)."""
    means = cells.total / cells.counts[:, None]
    centre = means.mean(axis=0)
    means -= centre
    return means, centre


def spread(cells: Cells) -> np.ndarray:
    """Standard deviation of all rows behind the cells, ddof 1, float64 (D,)."""
    means, _ = centred_means(cells)
    count, rows = cells.counts[:, None], cells.counts.sum()
    about = means - (count * means).sum(axis=0) / rows
    scatter = np.broadcast_to(cells.scatter, cells.total.shape)
    return np.sqrt(((count * about**2) + scatter).sum(axis=0) / max(rows - 1, 1))


def group_sizes(cells: Cells, j: int) -> tuple[np.ndarray, np.ndarray]:
    """Groups of factor j with at least two cells.

    Returns:
        order: indices of their cells, group after group; sizes: cells per group, int64 (G,).
    """
    order, starts = _runs(row_keys(np.delete(cells.labels, j, axis=1)))
    sizes = np.diff(starts, append=len(order))
    return order[np.repeat(sizes > 1, sizes)], sizes[sizes > 1]


def disjoint_pairs(cells: Cells, order: np.ndarray, g: np.ndarray) -> int:
    """How many pairs of rows of different cells can be taken from groups, no row twice.

    Groups as by `group_sizes`. Rows of a cell that all have the same code tell nothing new: they
    count once.
    """
    if not len(g):
        return 0
    starts, rows = np.cumsum(g) - g, _telling_rows(cells)[order]
    total, most = np.add.reduceat(rows, starts), np.maximum.reduceat(rows, starts)
    return int(np.minimum(total // 2, total - most).sum())


def _telling_rows(cells: Cells) -> np.ndarray:
    """Rows of each cell, or 1 where they are one and the same up to rounding, int64 (C,)."""
    counts = cells.counts[:, None]
    rounding = counts * (CONSTANT * np.abs(cells.total / counts)) ** 2
    return np.where((cells.scatter > rounding).any(axis=1), cells.counts, 1)


def group_moments(cells: Cells, means: np.ndarray, order: np.ndarray, g: np.ndarray) -> Moments:
    """Moments of groups given as by `group_sizes`; `means` as by `centred_means`."""
    starts = np.cumsum(g) - g
    size = g[:, None]
    values = means[order]
    own = values**2
    total, squared_means = (np.add.reduceat(part, starts, axis=0) for part in (values, own))
    squares = squared_means
    if len(cells.scatter) > 1:
        own += cells.scatter[order] / cells.counts[order, None]
        squares = np.add.reduceat(own, starts, axis=0)
    cross = (total**2 - squared_means) / (size * (size - 1))
    return Moments(g * (g // 2), total / size, squares / size, cross)


def _runs(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Stable order that sorts `keys`, and where each run of equal keys starts in it."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    return order, np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
