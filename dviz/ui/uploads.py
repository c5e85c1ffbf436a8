"""Photos a person hands over, as the model sees them; what is no photo becomes one clear line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from dviz.data.photos import decode_photo, example_photos, to_model_input
from dviz.errors import PhotoError

MODES = {"Crop to a square": "crop", "Pad to a square": "pad"}
BACKGROUNDS = {"Keep": "keep", "Make black": "border"}
MAX_PHOTOS = 12


@dataclass(frozen=True)
class Photo:
    """A file's name, and either its model input uint8 (64, 64, 3) or what is wrong with it."""

    name: str
    image: np.ndarray | None = None
    problem: str = ""


def read_photo(path: str | Path, mode: str = "crop", background: str = "keep") -> np.ndarray:
    """The model input uint8 (64, 64, 3) of the picture in `path`.

    Raises:
        PhotoError: the file is no picture that can be used.
    """
    return to_model_input(decode_photo(path), mode=mode, background=background)


def read_photos(
    sources: Sequence[str | int], mode: str = "crop", background: str = "keep"
) -> list[Photo]:
    """Each of `sources`, a path or the number of an example; what cannot be read says why."""
    return [_read(source, mode, background) for source in sources[:MAX_PHOTOS]]


def _read(source: str | int, mode: str, background: str) -> Photo:
    if isinstance(source, int):
        name, image = examples()[source]
        return Photo(name, to_model_input(image, mode=mode, background=background))
    name = Path(source).name
    try:
        return Photo(name, read_photo(source, mode, background))
    except PhotoError as error:
        return Photo(name, problem=str(error))


@cache
def examples() -> list[tuple[str, np.ndarray]]:
    """Example photos by name, uint8 (H, W, 3)."""
    return list(example_photos())
