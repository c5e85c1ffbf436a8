"""Rows of a table that share a factor's value, for the two metrics defined with a generator.

The BetaVAE and FactorVAE scores fix one factor and draw all others from the generator. On a
table, the rows that share the factor's value stand in for it: drawn with replacement, the other
factors come as they are distributed among those rows.
"""

from __future__ import annotations

import numpy as np


class SharedRows:
    """Draws rows that share the value of one factor with given rows."""

    def __init__(self, labels: np.ndarray) -> None:
        """`labels`: one factor, int64 (N,)."""
        values, self._value = np.unique(labels, return_inverse=True)
        self._order = np.argsort(self._value, kind="stable")
        self._count = np.bincount(self._value, minlength=len(values))
        self._start = np.cumsum(self._count) - self._count

        self._rank = np.empty(len(self._value), dtype=np.int64)
        first = self._start[self._value[self._order]]
        self._rank[self._order] = np.arange(len(self._value)) - first

    @property
    def paired(self) -> np.ndarray:
        """The rows that share their value with another, int64 (≤ N,)."""
        return np.flatnonzero(self._count[self._value] > 1)

    def draw(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each of `rows`, any shape, a random row with the same value, same shape."""
        value = self._value[rows]
        return self._order[self._start[value] + rng.integers(self._count[value])]

    def draw_other(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """As `draw`, but never a row for itself; `rows` must be among the `paired`."""
        value = self._value[rows]
        step = 1 + rng.integers(self._count[value] - 1)
        return self._order[self._start[value] + (self._rank[rows] + step) % self._count[value]]
