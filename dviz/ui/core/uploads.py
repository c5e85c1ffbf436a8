"""Photos a person hands over, as the model sees them; what is no photo becomes one clear line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from dviz.data.photos import FORMATS, check_segments, decode_photo, example_photos, to_model_input
from dviz.errors import DvizError, PhotoError
from dviz.limits import LIMITS
from dviz.ui.core.fair import BusyError, Lane
from dviz.ui.core.pictures import data_uri
from dviz.ui.core.workers import OverrunError, run_bounded

MODES = {"Crop to a square": "crop", "Pad to a square": "pad"}
BACKGROUNDS = {"Keep": "keep", "Black by border colour": "border", "Black around object": "object"}
TOLERANCE = 40.0
QUICK = ("BMP", "GIF", "JPEG", "PNG", "WEBP")  # to decode; others can take seconds a megabyte
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
CUT_OUT, SILHOUETTE = "cut out", "silhouette"
DARK = 12  # of 255, up to which a pixel belongs to the black around an object
VIEWS = {
    CUT_OUT: Preparation("pad", "object"),
    "cropped": PLAIN,
    "padded": Preparation("pad"),
    "border black": Preparation("crop", "border"),
}
"""How a photo can be prepared, the study's own way first; a silhouette is made of the cut out."""


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


@dataclass(frozen=True, eq=False)
class Shot:
    """One photo, prepared in every way of VIEWS: uint8 (64, 64, 3) by name; or what is wrong.

    Attributes:
        name: of the file; thumbnail: the whole picture, small, as a data URI.
    """

    name: str
    views: dict[str, np.ndarray] = field(default_factory=dict)
    thumbnail: str = ""
    problem: str = ""

    def photo(self, view: str) -> Photo:
        """The photo in one view."""
        return Photo(self.name, self.views[view], thumbnail=self.thumbnail)


@dataclass(frozen=True)
class Prepared:
    """A visitor's photos by where they came from, and the view that all tabs show of them."""

    shots: dict[str | int, Shot] = field(default_factory=dict)
    view: str = CUT_OUT

    def __hash__(self) -> int:
        """Of what they were made from; Gradio tells by it whether there are others."""
        return hash((tuple(self.shots), self.view))

    @property
    def good(self) -> list[Photo]:
        """Those that could be read, in the view."""
        return [shot.photo(self.view) for shot in self.shots.values() if shot.views]


def shoot(
    sources: Sequence[str | int], before: dict[str | int, Shot] | None = None
) -> dict[str | int, Shot]:
    """Every photo of `sources`, paths or numbers of examples; those read `before` as they are.

    What could not be read is tried again: the machine may have been busy, the file swept away.
    """
    known = {source: shot for source, shot in (before or {}).items() if shot.views}
    return {source: known.get(source) or _shot(source) for source in sources[:MAX_PHOTOS]}


def read_photo(path: str | Path, how: Preparation = PLAIN) -> np.ndarray:
    """The model input uint8 (64, 64, 3) of the picture in `path`.

    Raises:
        PhotoError: the file is no picture that can be used.
        BusyError: others' pictures keep the machine busy.
    """
    return _read_file(path, how, thumbnail=False)[0][0]


def _shot(source: str | int) -> Shot:
    """A photo in every view; what cannot be read says why."""
    hows = tuple(VIEWS.values())
    if isinstance(source, int):
        name, image = examples()[source]
        inputs, thumbnail = [_input(image, how) for how in hows], _thumbnail(image)
    else:
        name = Path(source).name
        try:
            inputs, thumbnail = _read_file(source, *hows)
        except (PhotoError, BusyError) as error:
            return Shot(name, problem=str(error))
    views = dict(zip(VIEWS, inputs, strict=True))
    return Shot(name, {**views, SILHOUETTE: silhouette(views[CUT_OUT])}, thumbnail)


def silhouette(cut: np.ndarray) -> np.ndarray:
    """An object on black as white on black, uint8 (64, 64, 3)."""
    lit = (cut > DARK).any(axis=-1, keepdims=True)
    return np.where(lit, 255, 0).repeat(3, axis=-1).astype(np.uint8)


def _read_file(
    path: str | Path, *hows: Preparation, thumbnail: bool = True
) -> tuple[list[np.ndarray], str]:
    """Model inputs and, if asked for, a thumbnail; what is large or odd, within limits."""
    if not is_heavy(path):
        with SMALL.turn():
            content = read_bytes(str(path), thumbnail, *hows)
    else:
        with LARGE.turn():
            try:
                content = run_bounded(
                    read_bytes,
                    str(path),
                    thumbnail,
                    *hows,
                    memory=LIMITS.photo_memory_bytes,
                    seconds=LIMITS.photo_cpu_seconds,
                )
            except OverrunError as error:
                raise PhotoError(f"{error}; make the picture smaller, or save it as JPEG") from None
            except DvizError as error:
                raise PhotoError(str(error)) from None
    pixels = INPUT_BYTES * len(hows)
    images = np.frombuffer(content[:pixels], dtype=np.uint8).reshape(-1, SIDE, SIDE, 3).copy()
    return list(images), content[pixels:].decode("ascii")


def read_bytes(path: str, thumbnail: bool, *hows: Preparation) -> bytes:
    """Pixels of the model inputs and then the thumbnail, as another process hands them back."""
    image = decode_photo(path)
    inputs = b"".join(_input(image, how).tobytes() for how in hows)
    return inputs + (_thumbnail(image).encode("ascii") if thumbnail else b"")


def is_heavy(path: str | Path) -> bool:
    """Whether a picture takes more than a moment; told from its kind and its size."""
    try:
        check_segments(path)  # before Pillow goes through them, several times
        with Image.open(path, formats=FORMATS) as image:
            return image.format not in QUICK or np.prod(image.size) > LIMITS.photo_inside_pixels
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
