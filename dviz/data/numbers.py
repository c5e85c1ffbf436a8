"""Pictures whose pixels are numbers of more than 8 bits, as microscopes and scanners write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image

from dviz.errors import PhotoError

TWELVE_BITS, SIXTEEN_BITS = 4095, 65535


class Span(NamedTuple):
    """The least and the greatest finite number of pictures, and whether all are integers."""

    low: float
    high: float
    integers: bool


def holds_numbers(image: Image.Image) -> bool:
    """Whether a picture's pixels are more than 8 bits; told from its header."""
    return image.mode in ("F", "I") or image.mode.startswith("I;16")


def loses_bits(image: Image.Image) -> bool:
    """Whether a picture in colour has 16 bits a channel, of which Pillow keeps the upper 8; told
    from its header."""
    if image.format not in ("PNG", "TIFF") or holds_numbers(image):
        return False
    codings = (tile[3] for tile in getattr(image, "tile", ()))  # or tuples that begin with them
    return any(";16" in (coding if isinstance(coding, str) else coding[0]) for coding in codings)


def span_of(image: Image.Image) -> Span:
    """The span of one picture.

    Raises:
        PhotoError: it holds no finite number.
    """
    values = np.array(image, dtype=np.float32)
    usable = np.abs(values) < 1e38  # finite, and differences stay so
    if not usable.any():
        raise PhotoError("the picture holds no finite numbers; save it with 8 or 16 bits")
    low = float(values.min(where=usable, initial=np.inf))
    high = float(values.max(where=usable, initial=-np.inf))
    return Span(low, high, image.mode != "F")


def widest(spans: Iterable[Span]) -> Span:
    """The span of all of some pictures together."""
    low, high, integers = zip(*spans, strict=True)
    return Span(min(low), max(high), all(integers))


def to_grey(image: Image.Image, span: Span) -> Image.Image:
    """Numbers → mode L. Unsigned 12 and 16 bits keep their whole range; anything else is stretched
    from the least to the greatest of `span`. What is above is white, as infinity; NaN is black.
    """
    low, high, integers = span
    if integers and low >= 0 and 255 < high <= SIXTEEN_BITS:
        # 12 bits are common in microscopy
        low, high = 0.0, float(SIXTEEN_BITS if high > TWELVE_BITS else TWELVE_BITS)
    values = np.array(image, dtype=np.float32)
    np.clip(values, low, high, out=values)
    values[np.isnan(values)] = low
    values -= low
    values *= 255 / max(high - low, 1e-30)
    return Image.fromarray(np.rint(values, out=values).astype(np.uint8))
