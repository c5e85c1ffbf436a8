"""Any file a person hands over → a picture a model can read, or one clear line why not.

Nothing is decoded before its size, kind and dimensions are known to be harmless.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from dviz.data.background import check_image, cut_out, remove_background
from dviz.data.numbers import Span, holds_numbers, loses_bits, span_of, to_grey
from dviz.errors import PhotoError, PhotoLimitError
from dviz.limits import LIMITS

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
MAX_BYTES = LIMITS.photo_bytes
MAX_PIXELS = LIMITS.photo_pixels
MIN_SIDE = 8
ENOUGH = 512
BLACK = (0, 0, 0)
BACKGROUNDS = ("keep", "border", "object")

TILE_WIDTH, TILE_LENGTH = 322, 323  # tags of TIFF
JPEG_START = b"\xff\xd8"
JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # none of those within a scan's data
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
MAX_SEGMENTS = 1_000  # of a JPEG, beside its scans
USE = "use JPEG, PNG, WebP, GIF, BMP or TIFF"
DAMAGED = "the picture is damaged or cut off and cannot be read to its end; save it anew"
HEIC = "HEIC and AVIF pictures are not read; export the photo as JPEG or PNG"
DARK = 64  # of 255: below, as of 12 bits stored in 16, at most a quarter of the levels is used
DEEP = (
    "the picture is in colour with 16 bits a channel, and all dark in the upper 8, which alone are "
    "read; export it with 8"
)
TIFF = "this TIFF is damaged or of a rare kind; save it with 8 bits a channel, or as PNG"


def decode_photo(
    source: str | Path | bytes,
    *,
    transparent: tuple[int, int, int] = BLACK,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    enough: int | None = ENOUGH,
    span: Span | None = None,
) -> np.ndarray:
    """Read a picture: the first frame, upright, in sRGB.

    Args:
        source: a path, or the file's content.
        transparent: colour put behind transparent pixels; the study's Targets lie on black.
        max_bytes, max_pixels: larger files are refused before they are decoded.
        enough: a picture at least twice this on its shorter side is averaged over blocks of
            pixels, so that the shorter side keeps at least this many; None keeps every pixel.
        span: of all pictures that are to be comparable, where pixels have more than 8 bits; None:
            the picture's own.

    Returns:
        uint8 (H, W, 3).

    Raises:
        PhotoError: the file is too large, too small, damaged, or no picture of a known kind.
    """
    content = _read(source, max_bytes)
    with _opened(content, max_pixels) as image:
        if enough:
            scale = enough / min(image.size)
            width, height = (int(np.ceil(scale * side)) for side in image.size)
            image.draft(None, (width, height))
        deep = loses_bits(image)
        image.load()
        picture = to_rgb(_upright(image), transparent, enough, span)
        if deep and picture.max() < DARK:
            raise PhotoError(DEEP)
        return picture


def span_of_photo(source: str | Path | bytes) -> Span | None:
    """The span of a picture of more than 8 bits, see `decode_photo`; None of any other.

    Raises:
        PhotoError: as `decode_photo`.
    """
    with _opened(_read(source, MAX_BYTES), MAX_PIXELS) as image:
        return span_of(image) if holds_numbers(image) else None


@contextmanager
def _opened(content: bytes, max_pixels: int) -> Iterator[Image.Image]:
    """A picture that may be decoded; what goes wrong with it is told as a PhotoError."""
    try:
        if content.startswith(JPEG_START):  # before Pillow goes through every segment
            count_scans(content, LIMITS.photo_scans)
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_size(image, max_pixels)
            _check_scans(image, content)
            yield image
    except PhotoError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoLimitError(_too_many(max_pixels), "photo_pixels") from error
    except MemoryError as error:
        raise PhotoError("the picture takes too much memory; make it smaller") from error
    except UnidentifiedImageError as error:
        raise PhotoError(_what_it_is(content)) from error
    except Exception as error:  # on broken files decoders raise nearly anything
        raise PhotoError(DAMAGED) from error


def _read(source: str | Path | bytes, max_bytes: int) -> bytes:
    if isinstance(source, bytes):
        content = source
    else:
        try:
            with open(source, "rb") as file:
                content = file.read(max_bytes + 1)
        except (OSError, ValueError) as error:
            raise PhotoError("the file cannot be opened; upload it again") from error
    if not content:
        raise PhotoError("the file is empty; choose a picture")
    if len(content) > max_bytes:
        raise PhotoLimitError(
            f"the file is larger than {max_bytes // 1_000_000} MB; save a smaller picture",
            "photo_bytes",
        )
    return content


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    # Tiles of a TIFF are decoded whole, also where they reach beyond the picture.
    tags = getattr(image, "tag_v2", {})
    if tags.get(TILE_WIDTH, 0) * tags.get(TILE_LENGTH, 0) > max_pixels:
        raise PhotoError(TIFF)
    limit = "photo_pixels"
    if image.format == "WEBP" and max_pixels > LIMITS.photo_webp_pixels:
        max_pixels, limit = LIMITS.photo_webp_pixels, "photo_webp_pixels"
    if width * height > max_pixels:
        raise PhotoLimitError(f"{width}×{height}: {_too_many(max_pixels)}", limit)
    if min(width, height) < MIN_SIDE:
        raise PhotoError(
            f"the picture is {width}×{height} pixels; each side needs at least {MIN_SIDE}"
        )


def _check_scans(image: Image.Image, content: bytes) -> None:
    """Refuse a JPEG that goes over its pixels so often that it keeps a core busy for seconds."""
    if not content.startswith(JPEG_START):  # whatever Pillow calls it: some are MPO to it
        return
    width, height = image.size
    most = min(LIMITS.photo_scans, LIMITS.photo_scan_pixels // max(width * height, 1))
    if count_scans(content, most) > most:
        raise PhotoError(
            f"the JPEG is made of more than {most} scans, the limit at {width}×{height}; save it "
            "anew, not as progressive"
        )


def count_scans(content: bytes, most: int) -> int:
    """Scans of a JPEG, told from its markers; counting ends after `most` + 1."""
    position = scans = segments = 0
    while scans <= most and (found := JPEG_MARKER.search(content, position)):
        start, marker = found.start(), content[found.start() + 1]
        if marker == END_OF_IMAGE:
            break
        segments += 1
        if segments > MAX_SEGMENTS + scans:
            raise PhotoError(DAMAGED)
        scans += marker == START_OF_SCAN
        position = start + 2
        if marker != 0xD8:  # all but the start of the image say how long they are
            position += int.from_bytes(content[start + 2 : start + 4], "big")
    return scans


def check_segments(path: str | Path) -> None:
    """Refuse a JPEG of so many segments that only to open it takes seconds.

    Raises:
        PhotoError: it is one.
        OSError: the file cannot be opened.
    """
    with open(path, "rb") as file:
        if (start := file.read(len(JPEG_START))) == JPEG_START:
            count_scans(start + file.read(MAX_BYTES), LIMITS.photo_scans)


def _too_many(max_pixels: int) -> str:
    return f"the picture has more than {max_pixels // 1_000_000} million pixels; make it smaller"


def _what_it_is(content: bytes) -> str:
    """Why a file that no decoder recognises is refused."""
    if content[4:8] == b"ftyp" and content[8:12] in (
        b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif",
    ):  # fmt: skip
        return HEIC
    if content.startswith((b"II*\0", b"MM\0*")):
        return TIFF
    if content.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8")):
        return DAMAGED
    head = content[:512].lstrip().lower()
    if b"<svg" in head:
        return f"SVG drawings are not read; {USE}"
    if head.startswith(b"%pdf"):
        return f"this is a PDF, not a picture; {USE}"
    return f"this is not a picture of a known kind, whatever its name says; {USE}"


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # broken notes about a picture are no reason to refuse the picture
        return image


def to_rgb(
    image: Image.Image,
    transparent: tuple[int, int, int] = BLACK,
    enough: int | None = None,
    span: Span | None = None,
) -> np.ndarray:
    """Any mode of Pillow's → uint8 (H, W, 3), made smaller before the costly steps; see
    `decode_photo`."""
    profile = image.info.get("icc_profile")
    if holds_numbers(image):
        if image.mode in ("F", "I"):  # Pillow does not average the others
            image = _reduced(image, enough)
        image, profile = to_grey(image, span or span_of(image)), None
    elif image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode in ("1", "P"):
        image = image.convert("RGB")
    image = _to_srgb(_reduced(image, enough), profile)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*transparent, 255)), image)
    return np.array(image.convert("RGB"))


def _reduced(image: Image.Image, enough: int | None) -> Image.Image:
    if enough and min(image.size) >= 2 * enough:
        return image.reduce(min(image.size) // enough)
    return image


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Follow an embedded colour profile; a broken or unfitting one is ignored."""
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return image
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        target = ImageCms.createProfile("sRGB")
        moved = ImageCms.profileToProfile(image, io.BytesIO(profile), target, outputMode=mode)
    except ImageCms.PyCMSError:
        return image
    return moved or image


def square(image: np.ndarray, mode: str = "crop", fill: tuple[int, int, int] = BLACK) -> np.ndarray:
    """Make a picture uint8 (H, W, 3) square: its centre ("crop"), or all of it in a frame ("pad").

    Raises:
        ValueError: `image` is no such array, or `mode` is neither "crop" nor "pad".
    """
    check_image(image)
    height, width = image.shape[:2]
    if mode == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return image[top : top + side, left : left + side]
    if mode != "pad":
        raise ValueError(f"mode is {mode!r}; allowed are 'crop' and 'pad'")
    side = max(height, width)
    framed = np.empty((side, side, 3), dtype=np.uint8)
    framed[:] = fill
    top, left = (side - height) // 2, (side - width) // 2
    framed[top : top + height, left : left + width] = image
    return framed


def to_model_input(
    image: np.ndarray,
    size: int = 64,
    mode: str = "crop",
    background: str = "keep",
    tolerance: float = 40.0,
) -> np.ndarray:
    """A picture uint8 (H, W, 3) as models see it: uint8 (size, size, 3), areas averaged.

    Args:
        mode: "crop" or "pad" (with black), see `square`.
        background: "keep"; or made black by the "border"'s colour, see `remove_background`, or
            around the "object" in the middle, see `cut_out`.
        tolerance: how far from the border's colour the background reaches.

    Raises:
        ValueError: `image` is no such array, or `mode` or `background` is unknown.
    """
    if background not in BACKGROUNDS:
        raise ValueError(f"background is {background!r}; allowed are {', '.join(BACKGROUNDS)}")
    if mode == "crop":
        image = square(image, mode)
    check_image(image)
    # At a few times the final size, outlines are fine enough and large photos quick.
    picture = Image.fromarray(np.ascontiguousarray(image))  # or Pillow takes five times as long
    picture.thumbnail((4 * size, 4 * size), Image.Resampling.BOX)
    image = np.asarray(picture)
    if background == "border":
        image, _ = remove_background(image, tolerance)
    elif background == "object":
        image, _ = cut_out(image)
    squared = Image.fromarray(square(image, mode))
    method = Image.Resampling.BOX if squared.width > size else Image.Resampling.BILINEAR
    return np.array(squared.resize((size, size), method))


def example_photos() -> list[tuple[str, np.ndarray]]:
    """Photographs that come inside installed packages: (name, uint8 (H, W, 3)); never fails."""
    sources = [
        ("flower", "sklearn", "datasets/images/flower.jpg"),
        ("tower", "gradio", "media_assets/images/tower.jpg"),
        ("running cheetah", "gradio", "media_assets/images/cheetah.jpg"),
        ("lion", "gradio", "media_assets/images/lion.jpg"),
        ("cheetah", "gradio", "media_assets/images/cheetah1.jpg"),
        ("temple", "sklearn", "datasets/images/china.jpg"),
        ("cheetah cub", "gradio", "test_data/cheetah2.jpg"),
    ]
    photos = []
    for name, package, path in sources:
        found = find_spec(package)  # finds the folder without importing the package
        for folder in (found and found.submodule_search_locations) or ():
            try:
                photos.append((name, decode_photo(Path(folder) / path)))
            except PhotoError:
                continue
    return photos
