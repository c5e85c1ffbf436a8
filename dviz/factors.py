"""Factors of variation: what can change in a scene, and pairs of scenes that differ in some."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
UNIFORM = "uniform"


def is_number(label: str) -> bool:
    """Whether a label is written as a number; not 1_11, which is one to Python.

    >>> is_number("-2.5e3"), is_number("1_11")
    (True, False)
    """
    return _NUMBER.fullmatch(label) is not None


def as_number(label: str) -> float:
    """The number that a label is.

    Raises:
        ValueError: it is none, see `is_number`.
    """
    if not is_number(label):
        raise ValueError(f"{label!r} is no number")
    return float(label)


def number_names(values: Iterable[float]) -> tuple[str, ...]:
    """Numbers as short as tells them apart: with six digits, or with all where some would agree.

    >>> number_names([0.5, 2.0]), number_names([2019.00001, 2019.00002])
    (('0.5', '2'), ('2019.00001', '2019.00002'))
    """
    numbers = [float(value) for value in values]
    short = tuple(f"{number:g}" for number in numbers)
    return short if len(set(short)) == len(numbers) else tuple(map(repr, numbers))


@dataclass(frozen=True)
class Factor:
    """One factor of variation, e.g. `Factor("scale", 6, ("0.5", ...))`.

    `values` names what each class index means, for people; empty where the index says it all.
    `cyclic`: the last value is followed by the first, as of an angle: it lies on a circle, which
    one dimension of a code has to cut open and two need not.
    """

    name: str
    size: int
    values: tuple[str, ...] = ()
    cyclic: bool = False

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size of factor {self.name!r} is {self.size}; at least 1 is needed")
        if self.values and len(self.values) != self.size:
            raise ValueError(
                f"factor {self.name!r} has size {self.size} but {len(self.values)} values"
            )

    def label(self, index: int) -> str:
        """What class `index` is called."""
        return self.values[index] if self.values else str(index)


class FactorSpace:
    """The full grid of factor values; row-major: the last factor changes fastest.

    >>> space = FactorSpace([Factor("shape", 3), Factor("scale", 6)])
    >>> space.index(np.array([[2, 5]])), space.classes(np.array([17]))
    (array([17]), array([[2, 5]]))
    """

    def __init__(self, factors: Sequence[Factor]) -> None:
        self.factors = tuple(factors)
        self.names = tuple(factor.name for factor in self.factors)
        self.sizes = np.array([factor.size for factor in self.factors], dtype=np.int64)
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"factor names must be unique, got {self.names}")

    def __len__(self) -> int:
        """Number of factors F."""
        return len(self.factors)

    @property
    def num_combinations(self) -> int:
        return int(np.prod(self.sizes))

    def ties(self, cyclic_dimensions: int = 1) -> tuple[int, ...]:
        """The factor that owns each tied dimension, in order: one dimension a factor.

        With `cyclic_dimensions` = 2 a cyclic factor owns two, side by side.

        >>> FactorSpace([Factor("angle", 8, cyclic=True), Factor("scale", 6)]).ties(2)
        (0, 0, 1)
        """
        owned = (cyclic_dimensions if f.cyclic else 1 for f in self.factors)
        return tuple(j for j, count in enumerate(owned) for _ in range(count))

    @property
    def varying(self) -> np.ndarray:
        """Indices of the factors with more than one value, int64 (≤ F,)."""
        return np.flatnonzero(self.sizes > 1)

    def classes(self, indices: np.ndarray) -> np.ndarray:
        """Flat indices (N,) to class indices int64 (N, F)."""
        return np.stack(np.unravel_index(np.asarray(indices), tuple(self.sizes)), axis=-1).astype(
            np.int64
        )

    def index(self, classes: np.ndarray) -> np.ndarray:
        """Class indices (N, F) to flat indices int64 (N,)."""
        return np.ravel_multi_index(tuple(np.asarray(classes).T), tuple(self.sizes)).astype(
            np.int64
        )

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """`n` independent uniform draws, class indices int64 (n, F)."""
        return rng.integers(self.sizes, size=(n, len(self)))

    def sample_pairs(
        self, n: int, rng: np.random.Generator, k: int | str = 1
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw `n` pairs that differ in exactly `k` factors each.

        Args:
            k: how many factors change; `"uniform"` draws it anew for each pair from 1 to the
                number of factors with more than one value.

        Returns:
            first, second: class indices int64 (n, F); changed: bool (n, F).

        Raises:
            ValueError: `k` is neither "uniform" nor between 1 and the number of varying factors.
        """
        varying = self.varying
        changed = np.zeros((n, len(self)), dtype=bool)
        changed[:, varying] = _random_subsets(n, len(varying), k, rng)
        first = self.sample(n, rng)
        return first, self.change(first, changed, rng), changed

    def change(
        self, classes: np.ndarray, changed: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Give every factor marked in `changed` (N, F) another value, uniform over the others."""
        step = rng.integers(1, np.maximum(self.sizes, 2), size=classes.shape)
        return np.where(changed, (classes + step) % self.sizes, classes)


def _random_subsets(n: int, size: int, k: int | str, rng: np.random.Generator) -> np.ndarray:
    """Uniform random subsets of `size` items with `k` members each, as bool (n, size)."""
    if k == UNIFORM:
        count = rng.integers(1, size + 1, size=(n, 1))
    elif isinstance(k, int) and 1 <= k <= size:
        count = np.full((n, 1), k)
    else:
        raise ValueError(f"k is {k!r}; allowed are 'uniform' and 1 to {size}")
    ranks = rng.random((n, size)).argsort(axis=1).argsort(axis=1)
    return ranks < count
