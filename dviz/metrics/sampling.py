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

    def draw(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each of `rows`, any shape, a random row with the same value, same shape."""
        value = self._value[rows]
        return self._order[self._start[value] + rng.integers(self._count[value])]
