"""Datasets by name, and images of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dviz.api.extras import needed_by

if TYPE_CHECKING:
    from dviz.data import DatasetInfo, FactorDataset
    from dviz.factors import Factor


def datasets() -> list[str]:
    """Names that `dataset` knows. Those with a procedural twin are drawn; no file is needed.

    >>> "shapes3d" in datasets()
    True
    """
    with needed_by("dviz.datasets"):
        from dviz.data import list_datasets

    return list_datasets()


def dataset(
    source: Any, labels: Any = None, *, root: str | Path | None = None, **more: Any
) -> Dataset:
    """The dataset of that name, or one of your own images.

    >>> shapes = dataset("dsprites")
    >>> shapes
    dsprites (procedural twin): 737,280 images of shape, scale, orientation, position x, position y
    >>> images, factors = shapes.sample(8, seed=0)
    >>> images.shape, images.dtype, factors.shape
    ((8, 64, 64, 3), dtype('uint8'), (8, 5))

    >>> dataset(np.zeros((4, 28, 28)), [0, 0, 1, 1], names=["digit"])
    arrays (in memory): 4 images of digit

    Args:
        source: one of `datasets()`; or images: arrays (N, H, W, 3) or (N, 3, H, W), pictures of
            PIL, a torch dataset or one of Hugging Face (see `dviz.data.arrays`).
        labels: of images given as arrays, (N,) or (N, F), or a table; of a Hugging Face dataset
            the columns that are factors.
        root: the folder with its files, by default DVIZ_DATA or the user's cache; for "folder"
            the folder or zip of pictures itself.
        more: for your own images `names` of the factors, `name` of the dataset, and `photographs`,
            which of them belong together (see `dviz.data.arrays`).

    Raises:
        DatasetError: there is no such dataset, or its files are missing or broken.
        ValueError: images or labels have another form.
    """
    with needed_by("dviz.dataset"):
        from dviz.data import load_dataset
        from dviz.data.arrays import as_dataset

    if isinstance(source, str):
        if labels is not None or more:
            raise ValueError(f"{source} has labels and a name of its own; give its images instead")
        return Dataset(load_dataset(source, root))
    return Dataset(as_dataset(source, labels, **more))


class Dataset:
    """Images with factors of variation.

    Attributes:
        source: what the rest of dviz works with, see `dviz.data.base.FactorDataset`.
        info: licence, citation, home, and what is known before it is loaded.
        factors: name, size and meaning of the values of each of the F factors.
    """

    def __init__(self, source: FactorDataset) -> None:
        self.source = source
        self.info: DatasetInfo = source.info
        self.factors: tuple[Factor, ...] = source.space.factors

    @property
    def name(self) -> str:
        return self.source.name

    def __len__(self) -> int:
        """Number of different images."""
        return self.source.num_images

    def sample(self, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """`n` images drawn uniformly, the same for the same seed.

        Returns:
            images uint8 (n, 64, 64, 3), and their class indices int64 (n, F).

        Raises:
            ValueError: `n` is not a number from 1.
        """
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        return self.source.sample(n, np.random.default_rng(seed))

    def __repr__(self) -> str:
        names = ", ".join(factor.name for factor in self.factors) or "no known factor"
        origin = f" ({self.source.origin})" if self.source.origin else ""
        return f"{self.name}{origin}: {len(self):,} images of {names}"
