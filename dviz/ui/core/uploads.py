"""Photos a person hands over, as the model sees them; what is no photo becomes one clear line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from dviz.data.photos import FORMATS, decode_photo, example_photos, to_model_input
from dviz.errors import DvizError, PhotoError
from dviz.limits import LIMITS
from dviz.ui.core.fair import BusyError, Lane
from dviz.ui.core.pictures import data_uri
from dviz.ui.core.workers import OverrunError, run_bounded

MODES = {"Crop to a square": "crop", "Pad to a square": "pad"}
BACKGROUNDS = {"Keep": "keep", "Black by border colour": "border", "Black around object": "object"}
TOLERANCE = 40.0
MAX_PHOTOS = 12
THUMBNAIL = 160  # pixels on the longer side
SIDE = 64
INPUT_BYTES = SIDE * SIDE * 3
SMALL = Lane("small pictures", at_once=2, waiting=LIMITS.photos_waiting, seconds=0.1)
LARGE = Lane(
    "large pictures",
    at_once=LIMITS.photos_at_once,
    waiting=LIMITS.photos_waiting,
    seconds=1.0,
)


@dataclass(frozen=True)
class Preparation:
    """How a photo becomes a model input; see `dviz.data.photos.to_model_input`."""

    mode: str = "crop"
    background: str = "keep"
    tolerance: float = TOLERANCE


PLAIN = Preparation()


@dataclass(frozen=True)
class Photo:
    """A file's name, and either its model input uint8 (64, 64, 3) or what is wrong with it.

    Attributes:
        thumbnail: the whole picture, small, as a data URI.
    """

    name: str
    image: np.ndarray | None = None
    problem: str = ""
    thumbnail: str = ""


@dataclass(frozen=True)
class Prepared:
    """Photos with what they were made from, so that nothing is decoded twice."""

    sources: tuple[str | int, ...] = ()
    how: Preparation = PLAIN
    photos: list[Photo] = field(default_factory=list)

    @property
    def good(self) -> list[Photo]:
        return [photo for photo in self.photos if photo.image is not None]


def prepare(
    sources: Sequence[str | int], how: Preparation, before: Prepared | None = None
) -> Prepared:
    """Read `sources`, unless `before` is just that already."""
    sources = tuple(sources)
    if before is not None and (before.sources, before.how) == (sources, how):
        return before
    return Prepared(sources, how, read_photos(sources, how))


def read_photo(path: str | Path, how: Preparation = PLAIN) -> np.ndarray:
    """The model input uint8 (64, 64, 3) of the picture in `path`.

    Raises:
        PhotoError: the file is no picture that can be used.
        BusyError: others' pictures keep the machine busy.
    """
    return _read_file(path, how)[0]


def read_photos(sources: Sequence[str | int], how: Preparation = PLAIN) -> list[Photo]:
    """Each of `sources`, a path or the number of an example; what cannot be read says why."""
    return [_read(source, how) for source in sources[:MAX_PHOTOS]]


def _read(source: str | int, how: Preparation) -> Photo:
    if isinstance(source, int):
        name, image = examples()[source]
        return Photo(name, _input(image, how), thumbnail=_thumbnail(image))
    name = Path(source).name
    try:
        image, thumbnail = _read_file(source, how)
    except (PhotoError, BusyError) as error:
        return Photo(name, problem=str(error))
    return Photo(name, image, thumbnail=thumbnail)


def _read_file(path: str | Path, how: Preparation) -> tuple[np.ndarray, str]:
    """Model input and thumbnail. Large or odd pictures are read in a process with limits."""
    if not is_heavy(path):
        with SMALL.turn():
            content = read_bytes(str(path), how)
    else:
        with LARGE.turn():
            try:
                content = run_bounded(
                    read_bytes,
                    str(path),
                    how,
                    memory=LIMITS.photo_memory_bytes,
                    seconds=LIMITS.photo_cpu_seconds,
                )
            except OverrunError as error:
                raise PhotoError(f"{error}; make the picture smaller, or save it as JPEG") from None
            except DvizError as error:
                raise PhotoError(str(error)) from None
    image = np.frombuffer(content[:INPUT_BYTES], dtype=np.uint8).reshape(SIDE, SIDE, 3).copy()
    return image, content[INPUT_BYTES:].decode("ascii")


def read_bytes(path: str, how: Preparation) -> bytes:
    """The model input's pixels and then the thumbnail, as another process hands them back."""
    image = decode_photo(path)
    return _input(image, how).tobytes() + _thumbnail(image).encode("ascii")


def is_heavy(path: str | Path) -> bool:
    """Whether a picture takes more than a moment; told from its first bytes."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return image.format == "TIFF" or np.prod(image.size) > LIMITS.photo_inside_pixels
    except Exception:  # decode_photo says what is wrong with it
        return False


def _input(image: np.ndarray, how: Preparation) -> np.ndarray:
    return to_model_input(image, mode=how.mode, background=how.background, tolerance=how.tolerance)


def _thumbnail(image: np.ndarray) -> str:
    picture = Image.fromarray(image)
    picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return data_uri(np.asarray(picture), "JPEG")


@cache
def examples() -> list[tuple[str, np.ndarray]]:
    """Example photos by name, uint8 (H, W, 3)."""
    return list(example_photos())
