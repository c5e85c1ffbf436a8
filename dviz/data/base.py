"""What every dataset offers: images by index, their factors, and random batches."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from dviz.data.info import DatasetInfo
from dviz.factors import FactorSpace


class FactorDataset(ABC):
    """Images with factors of variation, reached at random and in batches.

    This class is a full grid: one image for every combination of factor values. What comes as a
    list of labelled images instead is a `dviz.data.table.TableDataset`.

    Attributes:
        info: what is known of it before it is loaded.
        name: the name it is loaded by and stored under.
        space: its factors.
        is_grid: whether there is an image for every combination of factor values, so that pairs
            that differ in any one factor can be drawn.
        remarks: what whoever works with it should be told of how its files were read.
    """

    info: DatasetInfo = DatasetInfo("")
    name: str
    space: FactorSpace
    is_grid = True
    remarks: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What people call it."""
        return self.info.title or self.name

    @property
    def origin(self) -> str:
        """Where its images come from: "official file", "procedural twin", "photographs" …"""
        return self.info.origin

    def photographs(self, classes: np.ndarray) -> np.ndarray | None:
        """Which photograph images of these classes (N, F) were made of, int64 (N,).

        None where every image stands for itself. See `dviz.data.info.Split`.
        """
        split = self.info.split
        if split is None:
            return None
        columns = [self.space.names.index(name) for name in split.photograph]
        part = FactorSpace([self.space.factors[column] for column in columns])
        return part.index(np.asarray(classes)[:, columns])

    def photographs_of(self, indices: np.ndarray) -> np.ndarray | None:
        """The same of images `indices` (N,), which may know more of themselves than classes."""
        return self.photographs(self.factors(indices))

    def in_arc(self, classes: np.ndarray) -> np.ndarray | None:
        """Whether images are seen from the first third of the circle, bool (N,).

        None where the dataset goes around nothing.
        """
        split = self.info.split
        if split is None:
            return None
        column = self.space.names.index(split.arc)
        return np.asarray(classes)[:, column] < self.space.sizes[column] / 3

    def angles(self, classes: np.ndarray) -> np.ndarray:
        """Where cyclic factors stand on their circle, in radians, float64 (N, F); others are NaN.

        Images that look alike have the same angle: a square's repeats four times a turn.
        """
        cyclic = np.array([factor.cyclic for factor in self.space.factors], dtype=bool)
        return np.where(cyclic, 2 * np.pi * np.asarray(classes) / self.space.sizes, np.nan)

    @property
    def num_images(self) -> int:
        return self.space.num_combinations

    @property
    def content(self) -> str:
        """Tells its images and labels from those it had before somebody changed them; "" where
        nobody does."""
        return ""

    @property
    def pictures(self) -> str:
        """How many images there are and, in brackets, what tells them from others, in whatever
        order and with whatever labels: "300 (1f3a9c22)"; "" where nobody changes them."""
        return ""

    def factors(self, indices: np.ndarray) -> np.ndarray:
        """Class indices int64 (N, F) of images `indices` (N,)."""
        return self.space.classes(indices)

    def images(self, indices: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """Images uint8 (N, 64, 64, 3). `rng` feeds what is random in a picture, such as noise."""
        return self.render(self.factors(indices), rng)

    @abstractmethod
    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """The images uint8 (N, 64, 64, 3) of class indices int64 (N, F)."""

    def sample_indices(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Numbers of `n` images drawn uniformly, int64 (n,); those that `sample` would take."""
        return self.space.index(self.space.sample(n, rng))

    def sample(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """`n` images drawn uniformly: uint8 (n, 64, 64, 3), and their classes int64 (n, F)."""
        classes = self.space.sample(n, rng)
        return self.render(classes, rng), classes

    def sample_pairs(
        self, n: int, rng: np.random.Generator, k: int | str = 1
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`n` pairs of images that differ in `k` factors (see FactorSpace.sample_pairs).

        Returns:
            first, second: uint8 (n, 64, 64, 3); changed: bool (n, F).
        """
        first, second, changed = self.space.sample_pairs(n, rng, k)
        return self.render(first, rng), self.render(second, rng), changed

    def sample_pairs_of(
        self, n: int, factor: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """`n` pairs that differ in the one factor with this index: two of uint8 (n, 64, 64, 3)."""
        first = self.space.sample(n, rng)
        changed = np.zeros((n, len(self.space)), dtype=bool)
        changed[:, factor] = True
        return self.render(first, rng), self.render(self.space.change(first, changed, rng), rng)
