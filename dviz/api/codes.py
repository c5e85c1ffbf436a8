"""Anybody's codes and labels in, scores out: needs neither torch nor Gradio.

>>> import numpy as np
>>> factors = np.argwhere(np.ones((10, 20)))
>>> print(measure(factors * 0.5, factors, metrics=["omes", "mig"], names=["hue", "size"]))
200 samples, 2 of 2 dimensions active
<BLANKLINE>
                  score   hue  size
OMES              0.881 0.840 0.922
OMES modularity   0.881 0.840 0.922
OMES compactness  0.881 0.840 0.922
OMES calibrated   1.000 1.000 1.000
MIG               1.000 1.000 1.000
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from dviz.factors import is_number
from dviz.metrics import omes as score
from dviz.metrics.association import associate
from dviz.metrics.diagnostics import active_dimensions
from dviz.metrics.suite import evaluate_all
from dviz.metrics.summary import notes, score_rows

if TYPE_CHECKING:
    import pandas as pd

    from dviz.metrics.omes import OmesResult


def omes(
    codes: Any,
    factors: Any,
    *,
    names: Sequence[str] | None = None,
    alpha: float = 0.5,
    pooling: str = "avg",
) -> OmesResult:
    """OMES, the Overlap Multiple Encoding Scores, of a code: one number with its parts.

    >>> import numpy as np
    >>> factors = np.argwhere(np.ones((10, 20)))
    >>> result = omes(factors * 0.5, factors, names=["hue", "size"], pooling="max")
    >>> round(result.omes, 3), result.per_factor["size"]["associated_dimension"]
    (0.881, 1)

    Args:
        codes: numbers (N, D), N ≥ 2: an array, a CPU or GPU tensor, or a DataFrame.
        factors: labels (N, F) of the same rows. Whole numbers are class indices; words and other
            numbers are numbered in their order. A DataFrame's columns name the factors; its index
            must be that of `codes`, where these have one.
        names: F different factor names; by default the columns', else "0", "1", …
        alpha: weight of modularity against compactness, in [0, 1].
        pooling: "avg" or "max", over dimensions.

    Returns:
        `.omes`, `.modularity`, `.compactness` in [0, 1], higher is better, NaN where nothing could
        be scored; `.per_factor`, `.association` (D, F), `.active`; `float(result)` is `.omes`.
        A factor whose association cannot be told is left out, and its `reason` says why.

    Raises:
        ValueError: an argument outside of what is described above.

    Source: arXiv 2409.18017. Dimensions with a standard deviation below 0.05 are not scored.
    """
    codes, factors, names = _table(codes, factors, names)
    found = associate(codes, factors)
    active = active_dimensions(codes)
    return score.omes(found.matrix, alpha, pooling, active, names, found.reasons)


def measure(
    codes: Any,
    factors: Any,
    *,
    names: Sequence[str] | None = None,
    metrics: str | Sequence[str] = "all",
    alpha: float = 0.5,
    pooling: str = "avg",
    seed: int = 0,
    n_jobs: int = 2,
    shuffle: bool = True,
) -> Measurement:
    """Every metric of a code, or those named: prints as a table.

    The first two thirds of the rows train what has to be trained, the last third tests it.

    Args:
        codes, factors, names, alpha, pooling: as for `omes`; N ≥ 3.
        metrics: "all", or some of `dviz.metrics.suite.METRICS`.
        seed: of everything drawn at random.
        n_jobs: processes for what trains something.
        shuffle: put the rows in random order first: of a table sorted by a factor, the last third
            would hold values that were never trained on. False where the order is random already,
            or where another's split is to be had.

    Raises:
        ValueError: an argument outside of what is described above.
    """
    codes, factors, names = _table(codes, factors, names)
    return Measurement(
        evaluate_all(
            codes,
            factors,
            names=names,
            metrics=metrics,
            alpha=alpha,
            pooling=pooling,
            seed=seed,
            n_jobs=n_jobs,
            shuffle=shuffle,
        )
    )


@dataclass(frozen=True, repr=False)
class Measurement:
    """What `measure` found.

    Attributes:
        values: as strict JSON holds it, see `dviz.metrics.suite.evaluate_all`. `found["mig"]` is
            `found.values["mig"]`.
    """

    values: dict[str, Any]

    def __getitem__(self, metric: str) -> Any:
        return self.values[metric]

    def to_dict(self) -> dict[str, Any]:
        """A copy of `values`, to be written as JSON."""
        return dict(self.values)

    def to_frame(self) -> pd.DataFrame:
        """One row a metric: its `score`, and its part of each factor; NaN where there is none."""
        import pandas as pd

        factors = self.values["factors"]
        rows = {
            label: [number, *(parts or [None] * len(factors))]
            for label, number, parts in score_rows(self.values)
        }
        return pd.DataFrame.from_dict(rows, "index", float, ["score", *factors])

    def __repr__(self) -> str:
        table = self.to_frame().to_string(float_format="{:.3f}".format, na_rep="–")
        return "\n".join([self._head(), "", table, *notes(self.values)])

    def _repr_html_(self) -> str:
        table = self.to_frame().to_html(float_format="{:.3f}".format, na_rep="–", border=0)
        lines = [f"<p>{escape(line)}</p>" for line in notes(self.values)]
        return f"<p>{escape(self._head())}</p>{table}{''.join(lines)}"

    def _head(self) -> str:
        active, dimensions = len(self.values["active"]), len(self.values["dimensions"])
        samples = self.values["n_samples"]
        return f"{samples:,} samples, {active} of {dimensions} dimensions active"


def _table(
    codes: Any, factors: Any, names: Sequence[str] | None
) -> tuple[np.ndarray, np.ndarray, Sequence[str] | None]:
    """Codes as an array, factors as class indices int64 (N, F), and what these are called."""
    _check_index(codes, factors)
    if names is None and hasattr(factors, "columns"):
        names = [str(name) for name in factors.columns]
    indices = [_class_indices(column, j) for j, column in enumerate(_columns(factors))]
    classes = np.stack(indices, axis=1) if indices else np.empty((len(factors), 0), np.int64)
    return _typed(_plain(codes)), classes, names


def _columns(factors: Any) -> list[np.ndarray]:
    """The columns of factors, each of its own type."""
    if hasattr(factors, "iloc"):  # of pandas; as one array, large numbers beside floats would round
        one = factors.ndim == 1
        series = [factors] if one else [factors.iloc[:, j] for j in range(factors.shape[1])]
        return [_of_series(column) for column in series]
    array = _plain(factors)
    if array.ndim not in (1, 2):
        raise ValueError(f"factors must be (N, F), got shape {array.shape}")
    return [array] if array.ndim == 1 else list(array.T)


def _of_series(series: Any) -> np.ndarray:
    """A column of pandas; categories with an order of their own are numbered in it."""
    if not getattr(series.dtype, "ordered", False):
        return series.to_numpy()
    codes = series.cat.codes.to_numpy()
    return np.where(codes < 0, np.nan, codes)


def _check_index(codes: Any, factors: Any) -> None:
    """Raise ValueError where both are of pandas, equally long, and name their rows differently."""
    index: Any = getattr(codes, "index", None)
    other: Any = getattr(factors, "index", None)
    if not (hasattr(index, "equals") and hasattr(other, "equals")):
        return
    if len(index) == len(other) and not index.equals(other):
        raise ValueError(
            "codes and factors must have the same index, got two that differ; align them "
            "(factors.loc[codes.index]), or, where the rows belong together as they stand, call "
            "reset_index(drop=True) on both"
        )


def _plain(values: Any) -> np.ndarray:
    """An array of what numpy can read, or of a tensor on any device; what is masked is NaN."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        # numpy has no bfloat16
        values = values.double() if values.is_floating_point() else values
    if np.ma.isMaskedArray(values):
        values = values.astype(object).filled(np.nan)
    return np.asarray(values)


def _typed(array: np.ndarray) -> np.ndarray:
    """Objects as the numbers or words that they are; what is missing is NaN."""
    if array.dtype != object:
        return array
    from pandas import isna

    return np.array(np.where(isna(array), np.nan, array).tolist())


def _class_indices(column: np.ndarray, j: int) -> np.ndarray:
    """Whole numbers as they are, anything else numbered in its order, int64 (N,)."""
    column = _typed(column)  # of a DataFrame: numbers, words, or both
    if column.ndim != 1:
        raise ValueError(f"labels of factor {j} are lists; expected numbers or words")
    kind = column.dtype.kind
    if kind in "ib" or (kind == "u" and column.max(initial=0) < 2**63):
        return column.astype(np.int64)
    _check_gaps(column, j)
    if kind == "f" and (column == np.floor(column)).all() and (np.abs(column) < 2**53).all():
        return column.astype(np.int64)
    if kind == "U" and all(map(is_number, np.unique(column))):
        numbers = column.astype(np.float64)  # "10" comes after "9"
        if (np.abs(numbers) < 2**53).all():  # beyond, two names of one number may differ
            return _class_indices(numbers, j)
    return np.unique(column, return_inverse=True)[1].astype(np.int64)


def _check_gaps(column: np.ndarray, j: int) -> None:
    """Raise ValueError where a row of factor j has no label."""
    kind = column.dtype.kind
    if kind == "f":
        gaps = ~np.isfinite(column)
    elif kind in "mM":
        gaps = np.isnat(column)
    else:
        gaps = column.astype(str) == "nan"
    if gaps.any():
        row = int(gaps.argmax())
        got = "none" if str(column[row]) in ("nan", "NaT") else column[row]
        raise ValueError(
            f"factors must have a label in every row, got {got} in row {row} of factor {j}; leave "
            "such rows out"
        )
