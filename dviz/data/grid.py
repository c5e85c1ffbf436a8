"""From the labels of an official dataset to where each combination of factors lies in it."""

from __future__ import annotations

import numpy as np

from dviz.errors import DatasetError
from dviz.factors import FactorSpace


def rows_of_grid(labels: np.ndarray, space: FactorSpace, source: str) -> np.ndarray:
    """The row of `labels` that holds each combination of factors.

    Only the order of a factor's values counts: the smallest is class 0, the next one class 1.

    Args:
        labels: numbers (N, F), one row an image, columns in the order of `space`.
        source: where the labels come from, for error messages.

    Returns:
        int64 (N,): the row that shows the combination with flat index i.

    Raises:
        DatasetError: the labels are not numbers, not as many as the grid has combinations, or do
            not hold each of them once.
    """
    expected = (space.num_combinations, len(space))
    if labels.dtype.kind not in "fiu" or labels.shape != expected:
        raise DatasetError(
            f"labels in {source} are {labels.dtype} of shape {labels.shape}; "
            f"numbers of shape {expected} are expected; fetch it again"
        )
    classes = np.empty(expected, dtype=np.int64)
    for column, factor in enumerate(space.factors):
        values, classes[:, column] = np.unique(labels[:, column], return_inverse=True)
        if len(values) != factor.size:
            raise DatasetError(
                f"labels in {source} have {len(values)} values of {factor.name!r} in column "
                f"{column + 1}; {factor.size} are expected; fetch it again"
            )
    flat = space.index(classes)
    rows = np.full(len(flat), -1, dtype=np.int64)
    rows[flat] = np.arange(len(flat))
    if (rows < 0).any():
        raise DatasetError(
            f"labels in {source} do not hold every combination of factors once; fetch it again"
        )
    return rows
