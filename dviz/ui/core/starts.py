"""Where a traversal starts: a sample of the dataset, a draw from the prior, or a photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from dviz.checkpoint import DIRECT
from dviz.data.base import FactorDataset
from dviz.data.registry import dataset_info, load_dataset
from dviz.errors import CheckpointError, DatasetError
from dviz.factors import Factor
from dviz.measuring.circles import measured_circles
from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import encode
from dviz.ui.core.titles import title_of


@dataclass(frozen=True)
class Start:
    """A code (D,) to start from, what it is, and the image uint8 (64, 64, 3) behind it, if any."""

    code: np.ndarray
    caption: str
    original: np.ndarray | None = None


def from_sample(entry: Entry, rng: np.random.Generator) -> Start:
    """A random row of the stored codes.

    Raises:
        CheckpointError: the checkpoint came without any.
    """
    if entry.sample is None:
        raise CheckpointError(
            f"{entry.key} has no stored codes to sample from; start from the prior or a photo"
        )
    codes, _ = entry.sample
    return from_row(entry, int(rng.integers(len(codes))))


def from_scene(entry: Entry, wanted: Sequence[int | None], rng: np.random.Generator) -> Start:
    """A scene with chosen factor values: drawn and encoded, or else one of the stored codes.

    Args:
        wanted: a class index for each of `scene_factors`; None leaves it to chance.

    Raises:
        CheckpointError: no stored code has these values.
    """
    dataset = renderer(entry)
    chosen = np.array([-1 if value is None else value for value in wanted], dtype=np.int64)
    if dataset is None:
        rows = np.flatnonzero(((entry.sample[1] == chosen) | (chosen < 0)).all(axis=1))
        if not len(rows):
            raise CheckpointError(
                f"none of the stored codes of {entry.key} has all of these values; leave more of "
                "them at any"
            )
        return from_row(entry, int(rng.choice(rows)))
    classes = np.where(chosen < 0, dataset.space.sample(1, rng)[0], chosen)
    image = dataset.render(classes[None], rng)[0]
    code = encode(entry.model, image[None]).mean[0]
    return Start(code, f"A scene of {title_of(dataset.name)}: {in_words(entry, classes)}", image)


def scene_factors(entry: Entry) -> tuple[Factor, ...]:
    """Factors whose values can be chosen for a start; none without a dataset or stored codes."""
    there = renderer(entry) is not None or entry.sample is not None
    return tuple(entry.config.factors) if there else ()


def class_codes(entry: Entry, factor: int) -> tuple[list[int], np.ndarray]:
    """Classes of a factor that there are stored codes of, and one code (C, D) of each: of the
    sample whose other factors are nearest to their first values, so that samples are alike.

    Raises:
        CheckpointError: there are no stored codes.
    """
    if entry.sample is None:
        raise CheckpointError(f"{entry.key} has no stored codes")
    codes, classes = entry.sample
    others = np.delete(classes / np.maximum(classes.max(axis=0), 1), factor, axis=1).sum(axis=1)
    order = np.argsort(others, kind="stable")
    values, first = np.unique(classes[order, factor], return_index=True)
    return values.tolist(), codes[order[first]]


def as_wanted(values: Any, factors: Sequence[Factor]) -> list[int | None]:
    """Class indices out of whatever a request holds. Raises ValueError where it is none."""
    if not isinstance(values, list) or len(values) != len(factors):
        raise ValueError(f"wanted must be a list of {len(factors)} class indices or null")
    for value, factor in zip(values, factors, strict=True):
        if value is not None and not (type(value) is int and 0 <= value < factor.size):
            raise ValueError(f"{factor.name} is {value!r}; allowed are 0 to {factor.size - 1}")
    return values


def renderer(entry: Entry) -> FactorDataset | None:
    """What draws the scenes of a checkpoint's dataset; None where images are files."""
    dataset = _drawn(entry.config.dataset)
    same = dataset is not None and _drawn_as(dataset.space.factors) == _drawn_as(
        entry.config.factors
    )
    return dataset if same else None


def _drawn_as(factors: Sequence[Factor]) -> list[tuple[str, int, tuple[str, ...]]]:
    """What of factors makes the pictures; whether one is a circle is a matter of reading them."""
    return [(factor.name, factor.size, factor.values) for factor in factors]


@lru_cache(maxsize=8)
def _drawn(name: str) -> FactorDataset | None:
    """The dataset of that name if it needs no files, so that its genuine images can be drawn."""
    try:
        return None if dataset_info(name).needs_files else load_dataset(name)
    except DatasetError:
        return None


def from_row(entry: Entry, row: int) -> Start:
    """The stored code with this number, and its genuine image where that can be drawn."""
    codes, classes = entry.sample
    original = originals(entry, np.array([row]))
    caption = f"A sample of {title_of(entry.config.dataset)}: {in_words(entry, classes[row])}"
    return Start(codes[row], caption, None if original is None else original[0])


def originals(entry: Entry, rows: np.ndarray) -> np.ndarray | None:
    """Genuine images uint8 (K, 64, 64, 3) of stored codes `rows` (K,), drawn or kept with them.

    None where the dataset's images are files and none were kept.
    """
    dataset = renderer(entry)
    if dataset is not None:
        return dataset.render(entry.sample[1][rows], np.random.default_rng(0))
    if entry.pictures is not None and rows.max() < len(entry.pictures):
        return entry.pictures[rows]
    return None


def in_words(entry: Entry, classes: np.ndarray) -> str:
    """What a sample with these class indices (F,) shows."""
    return ", ".join(
        f"{factor.name} {factor.label(int(value))}"
        for factor, value in zip(entry.config.factors, classes, strict=True)
    )


def from_prior(entry: Entry, rng: np.random.Generator) -> Start:
    """A draw from N(0, 1) in every dimension; where a decoder learnt from a direct transfer's
    codes, which lie far from it, from a normal distribution around these."""
    code = rng.standard_normal(entry.latent_size).astype(np.float32)
    config, measured = entry.config, entry.measured
    if measured is None or config.kind != DIRECT or not config.paints_dataset:
        told = "A draw from the prior, N(0, 1) in every dimension"
        circles = measured_circles(config, measured) if measured else []
        for circle in circles:
            code = circle.onto(code)
            told += f"; {circle.factor} on its circle"
        return Start(code, told)
    code = np.array(measured.mean, np.float32) + np.array(measured.std, np.float32) * code
    return Start(code, "A draw around this Target's codes, of their mean and spread")


def from_photo(entry: Entry, image: np.ndarray, name: str) -> Start:
    """The posterior mean of a model input uint8 (64, 64, 3)."""
    return Start(encode(entry.model, image[None]).mean[0], name, image)


def first(entry: Entry) -> Start:
    """What a page opens with: always the same sample, or the prior's mean where there is none."""
    if entry.sample is not None:
        return from_sample(entry, np.random.default_rng(0))
    return Start(np.zeros(entry.latent_size, dtype=np.float32), "The prior's mean")
