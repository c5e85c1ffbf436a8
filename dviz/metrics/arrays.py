"""What every metric asks of its arrays, and how every result becomes JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def check_codes(codes: Any, name: str = "codes") -> np.ndarray:
    """Return `codes` as float64 (N, D), N and D at least 1.

    Raises:
        ValueError: not a table of numbers, empty, or holding NaN or infinite values.
    """
    array = np.asarray(codes)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must hold numbers, got dtype {array.dtype}")
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{name} must be (N, D) with N, D >= 1, got shape {array.shape}")
    array = array.astype(np.float64, copy=False)
    finite = np.isfinite(array)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise ValueError(
            f"{name} must be finite, got {array[row, column]} at row {row}, dimension {column}"
        )
    return array


def check_factors(factors: Any, rows: int | None = None, name: str = "factors") -> np.ndarray:
    """Return `factors` as int64 (N, F), N and F at least 1.

    Whole numbers stored as floats (3.0) are accepted; class indices may have gaps or be negative.

    Raises:
        ValueError: not class indices (words: see `dviz.measuring.files.encode_labels`), empty, or
            not as many rows as the codes.
    """
    array = np.asarray(factors)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{name} must be (N, F) with N, F >= 1, got shape {array.shape}")
    if array.dtype.kind == "f":
        whole = np.isfinite(array) & (array == np.floor(array)) & (np.abs(array) < 2.0**53)
        if not whole.all():
            row, column = np.argwhere(~whole)[0]
            raise ValueError(
                f"{name} must be whole class indices, got {array[row, column]} at row {row}, "
                f"factor {column}"
            )
    elif array.dtype.kind not in "iub":
        raise ValueError(f"{name} must be whole class indices, got dtype {array.dtype}")
    if rows is not None and len(array) != rows:
        raise ValueError(f"{name} must have a row for each of the {rows} codes, got {len(array)}")
    return array.astype(np.int64, copy=False)


def check_table(codes: Any, factors: Any) -> tuple[np.ndarray, np.ndarray]:
    """`check_codes` and `check_factors` together, of equal length."""
    codes = check_codes(codes)
    return codes, check_factors(factors, rows=len(codes))


def check_names(names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """Factor names, by default "0", "1", ...; unique and one per factor."""
    names = tuple(str(i) for i in range(count)) if names is None else tuple(map(str, names))
    if len(names) != count or len(set(names)) != count:
        raise ValueError(f"names must be {count} different names, got {names}")
    return names


def row_keys(labels: np.ndarray) -> np.ndarray:
    """One int64 per row of `labels` (N, F): equal where rows are equal, in lexicographic order."""
    keys: np.ndarray = np.zeros(len(labels), dtype=np.int64)
    span = 1
    for column in labels.T:
        low, high = int(column.min()), int(column.max())
        size = high - low + 1
        if size > 2**31:
            column = np.unique(column, return_inverse=True)[1]
            low, size = 0, int(column.max()) + 1
        if span * size > 2**62:
            keys = np.unique(keys, return_inverse=True)[1]
            span = int(keys.max()) + 1
        keys = keys * size + (column - low)
        span *= size
    return keys


def jsonable(value: Any) -> Any:
    """Arrays to lists, NaN and infinity to None, tuples to lists: what strict JSON can hold."""
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return jsonable(value.tolist())
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
