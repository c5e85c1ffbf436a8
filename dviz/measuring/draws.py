"""Which images of a dataset are measured, in what order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dviz.data.base import FactorDataset
from dviz.data.table import UNKNOWN
from dviz.errors import DvizError

CHUNK = 512


def sample_images(dataset: FactorDataset, count: int, seed: int, num_images: int) -> np.ndarray:
    """The first `count` images uint8 (N, H, W, 3) of the sample that `measure` takes, with known
    labels, as their codes are stored."""
    kept: list[np.ndarray] = []
    for images, labels, _ in draws(dataset, num_images, np.random.default_rng(seed)):
        kept.append(images[(labels != UNKNOWN).all(axis=1)])
        if sum(map(len, kept)) >= count:
            break
    return np.concatenate(kept)[:count]


def check_counts(**asked: tuple[int, int]) -> None:
    """Raise DvizError where fewer are asked for than is the least: name → (asked, least)."""
    for name, (count, least) in asked.items():
        if count < least:
            raise DvizError(f"{count} {name} were asked for: at least {least} are needed")


def check_sizes(dataset: FactorDataset, images: int, pairs: int) -> None:
    """Raise DvizError where nothing could be measured of so many images and pairs of a dataset."""
    check_counts(images=(images, 2), pairs=(pairs, 2))
    if dataset.num_images < 2:
        raise DvizError(f"{dataset.name} has one image; at least two are needed to measure")


def draws(
    dataset: FactorDataset, num_images: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """Random images, their classes and photographs, chunk after chunk; none twice unless it is a
    grid."""
    if dataset.is_grid:
        for count in _chunks(num_images):
            images, classes = dataset.sample(count, rng)
            yield images, classes, dataset.photographs(classes)
        return
    rows = drawn_rows(dataset, num_images, rng)
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        yield dataset.images(some, rng), dataset.factors(some), dataset.photographs_of(some)


def drawn_rows(dataset: FactorDataset, num_images: int, rng: np.random.Generator) -> np.ndarray:
    """Which images of one that is no grid `draws` takes, int64 (N,)."""
    return rng.permutation(dataset.num_images)[:num_images]


def _chunks(total: int) -> list[int]:
    return [min(CHUNK, total - done) for done in range(0, total, CHUNK)]
