"""Where a traversal starts: a sample of the dataset, a draw from the prior, or a photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dviz.data.dsprites import ColorDSprites
from dviz.errors import CheckpointError
from dviz.ui.inspector import encode
from dviz.ui.library import Entry

# Datasets that need no files, so that the genuine image of a sample can be drawn.
PROCEDURAL = {ColorDSprites.name: ColorDSprites}


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
    codes, classes = entry.sample
    row = int(rng.integers(len(codes)))
    factors = entry.config.factors
    values = ", ".join(
        f"{factor.name} {factor.label(int(value))}"
        for factor, value in zip(factors, classes[row], strict=True)
    )
    dataset = PROCEDURAL.get(entry.config.dataset)
    original = None
    if dataset is not None and dataset().space.factors == factors:
        original = dataset().render(classes[row : row + 1])[0]
    return Start(codes[row], f"Sample of {entry.config.dataset}: {values}", original)


def from_prior(entry: Entry, rng: np.random.Generator) -> Start:
    """A draw from N(0, 1) in every dimension."""
    code = rng.standard_normal(entry.latent_size).astype(np.float32)
    return Start(code, "Drawn from the prior, N(0, 1) in every dimension")


def from_photo(entry: Entry, image: np.ndarray, name: str) -> Start:
    """The posterior mean of a model input uint8 (64, 64, 3)."""
    return Start(encode(entry.model, image[None]).mean[0], name, image)


def first(entry: Entry) -> Start:
    """What a page opens with: always the same sample, or the prior's mean where there is none."""
    if entry.sample is not None:
        return from_sample(entry, np.random.default_rng(0))
    return Start(np.zeros(entry.latent_size, dtype=np.float32), "The prior's mean")
