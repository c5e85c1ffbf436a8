"""Labels of one's own that are in memory already, as factors and class indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dviz.data.table import number_photographs
from dviz.factors import Factor, FactorSpace, number_names


def factors_of(
    labels: Any, names: Sequence[str] | None, count: int
) -> tuple[FactorSpace, np.ndarray]:
    """Factors and class indices of whatever `from_arrays` takes as labels."""
    if labels is None:
        return FactorSpace([]), np.empty((count, 0), dtype=np.int64)
    if isinstance(labels, pd.DataFrame | Mapping):
        frame = pd.DataFrame({str(key): _column(labels[key]) for key in labels})
    else:
        frame = _frame(labels)
        frame.columns = [f"factor {j + 1}" for j in range(frame.shape[1])]
    if names is not None:
        if len(names) != frame.shape[1]:
            raise ValueError(
                f"names has {len(names)} entries; labels have {frame.shape[1]} columns"
            )
        frame.columns = list(names)
    if len(frame) != count:
        raise ValueError(f"labels has {len(frame)} rows; there are {count} images")
    columns = [_classes(frame[column], str(column)) for column in frame]
    table = np.stack([classes for _, classes in columns], axis=1)
    return FactorSpace([factor for factor, _ in columns]), table


def _frame(labels: Any) -> pd.DataFrame:
    """Labels (N,) or (N, F), a column each of its own type; what is masked is unknown."""
    rows = labels if isinstance(labels, list | tuple) else None
    if rows is not None and (not rows or np.ndim(as_array(rows[0])) == 0):
        frame = pd.DataFrame({0: _column(rows)})  # one array would make a word of NaN
    elif rows is not None and isinstance(rows[0], list | tuple):
        if len(widths := {len(row) for row in rows}) > 1:
            raise ValueError(f"labels have rows of {sorted(widths)} entries; expected as many each")
        frame = pd.DataFrame([_column(row) for row in rows])
    else:
        if np.ma.isMaskedArray(labels):
            labels = labels.astype(object).filled(np.nan)
        values = as_array(labels)
        if values.ndim not in (1, 2):
            raise ValueError(f"labels have shape {values.shape}; expected (N,) or (N, F)")
        frame = pd.DataFrame(values.reshape(len(values), -1)).infer_objects()
    if not frame.shape[1]:
        raise ValueError("labels have no columns; leave them out where there are none")
    return frame


def photographs_of(photographs: Any, count: int) -> np.ndarray | None:
    """Numbers of photographs, int64 (N,); see `number_photographs`."""
    if photographs is None:
        return None
    try:
        codes, _ = pd.factorize(pd.Series(_column(photographs)).replace("", None))
    except TypeError as error:
        raise ValueError(f"photographs are no list of numbers or words ({error})") from error
    if len(codes) != count:
        raise ValueError(f"photographs has {len(codes)} entries; there are {count} images")
    return number_photographs([None if c < 0 else int(c) for c in codes], "photographs")


def _column(values: Any) -> Any:
    # What pandas holds already keeps the order of its categories.
    if isinstance(values, pd.Series) and values.dtype != object:
        return values.array
    if isinstance(values, pd.Categorical):
        return values
    # A tensor of one number equals no other to pandas, so each would be a value of its own.
    rows = as_array(values) if hasattr(values, "detach") else values
    return [row.item() if hasattr(row, "detach") else row for row in rows]


def _classes(column: pd.Series, name: str) -> tuple[Factor, np.ndarray]:
    """A factor, and for each row which of its values it has, int64 (N,), −1 for none."""
    if column.dtype == object:
        column = column.mask(column == "")  # an empty cell
    try:
        classes, values = pd.factorize(column, sort=True)
    except TypeError as error:
        raise ValueError(f"labels of {name!r} are no numbers or words ({error})") from error
    if not len(values):
        raise ValueError(f"labels of {name!r} are all unknown")
    words: tuple[str, ...] = ()
    if not np.array_equal(values, np.arange(len(values))):
        floats = all(isinstance(value, float) for value in values)
        words = number_names(values) if floats else tuple(map(str, values))
    return Factor(name, len(values), words), classes.astype(np.int64)


def as_array(values: Any) -> np.ndarray:
    """A numpy array; of a tensor that learns or is on another device too."""
    for step in ("detach", "cpu"):
        values = getattr(values, step, lambda values=values: values)()
    return np.asarray(values)
