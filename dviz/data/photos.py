"""Any file a person hands over → a picture a model can read, or one clear line why not.

Nothing is decoded before its size, kind and dimensions are known to be harmless.
"""

from __future__ import annotations

import io
import warnings
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps
from scipy import ndimage

from dviz.errors import PhotoError

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
MAX_BYTES = 25_000_000
MAX_PIXELS = 50_000_000
MIN_SIDE = 8
BLACK = (0, 0, 0)


def decode_photo(
    source: str | Path | bytes,
    *,
    transparent: tuple[int, int, int] = BLACK,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Read a picture: the first frame, upright, in sRGB.

    Args:
        source: a path, or the file's content.
        transparent: colour put behind transparent pixels; the study's Targets lie on black.
        max_bytes, max_pixels: larger files are refused before they are decoded.

    Returns:
        uint8 (H, W, 3).

    Raises:
        PhotoError: the file is too large, too small, damaged, or no picture of a known kind.
    """
    content = _read(source, max_bytes)
    try:
        # Pillow's own limit on pixels is a global and warns; ours is checked right here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                _check_size(image.size, max_pixels)
                image.load()
                return _to_rgb(ImageOps.exif_transpose(image), transparent)
    except Image.DecompressionBombError as error:
        raise PhotoError(_too_many_pixels(max_pixels)) from error
    except Image.UnidentifiedImageError as error:
        raise PhotoError(_what_it_is(content)) from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise PhotoError(
            "the picture is damaged or cut off and cannot be read to its end; save it anew"
        ) from error


def _read(source: str | Path | bytes, max_bytes: int) -> bytes:
    if isinstance(source, bytes):
        content = source
    else:
        try:
            with open(source, "rb") as file:
                content = file.read(max_bytes + 1)
        except OSError as error:
            raise PhotoError("the file cannot be opened; upload it again") from error
    if not content:
        raise PhotoError("the file is empty; choose a picture")
    if len(content) > max_bytes:
        raise PhotoError(
            f"the file is larger than {max_bytes // 1_000_000} MB; save a smaller picture"
        )
    return content


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PhotoError(f"{width}×{height}: {_too_many_pixels(max_pixels)}")
    if min(width, height) < MIN_SIDE:
        raise PhotoError(
            f"the picture is {width}×{height} pixels; each side needs at least {MIN_SIDE}"
        )


def _too_many_pixels(max_pixels: int) -> str:
    return f"the picture has more than {max_pixels // 1_000_000} million pixels; make it smaller"


def _what_it_is(content: bytes) -> str:
    """Why a file no decoder knows is none of ours."""
    head = content[:512].lstrip().lower()
    known = "use JPEG, PNG, WebP, GIF, BMP or TIFF"
    if content[4:8] == b"ftyp" and content[8:12] in (
        b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif",
    ):  # fmt: skip
        return "HEIC and AVIF pictures are not read; export the photo as JPEG or PNG"
    if head.startswith(b"<svg") or b"<svg" in head:
        return f"SVG drawings are not read; {known}"
    if head.startswith(b"%pdf"):
        return f"this is a PDF, not a picture; {known}"
    return f"this is not a picture of a known kind, whatever its name says; {known}"


def _to_rgb(image: Image.Image, transparent: tuple[int, int, int]) -> np.ndarray:
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        return _from_numbers(np.asarray(image))
    image = _to_srgb(image)
    if image.has_transparency_data:
        behind = Image.new("RGBA", image.size, (*transparent, 255))
        image = Image.alpha_composite(behind, image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def _from_numbers(values: np.ndarray) -> np.ndarray:
    """Grey of more than 8 bits: 16-bit by its full range, other numbers from least to most."""
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        raise PhotoError("the picture holds no finite numbers; save it with 8 or 16 bits")
    low, high = values[finite].min(), values[finite].max()
    if low >= 0 and 255 < high <= 65535:
        low, high = 0.0, 65535.0 if high > 4095 else 4095.0  # 12 bits are common in microscopy
    scaled = (np.where(finite, values, low) - low) / max(high - low, 1e-12)
    grey = np.rint(255 * scaled).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def _to_srgb(image: Image.Image) -> Image.Image:
    """Follow an embedded colour profile; a broken or odd one is ignored."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK", "L"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image


def square(image: np.ndarray, mode: str = "crop", fill: tuple[int, int, int] = BLACK) -> np.ndarray:
    """Make a picture uint8 (H, W, 3) square: its centre ("crop"), or all of it in a frame ("pad").

    Raises:
        ValueError: `mode` is neither "crop" nor "pad".
    """
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


def remove_background(image: np.ndarray, tolerance: float = 40.0) -> tuple[np.ndarray, np.ndarray]:
    """Make black what looks like the border and hangs together with it.

    The background's colour is the border's median; a pixel belongs to it if its colour lies within
    `tolerance` (Euclidean, 0 … 441) and a path of such pixels leads to the border.

    Returns:
        The picture uint8 (H, W, 3), and the foreground as bool (H, W).
    """
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).astype(np.float64)
    colour = np.median(border, axis=0)
    near = np.linalg.norm(image.astype(np.float64) - colour, axis=-1) <= tolerance
    regions, _ = ndimage.label(near)
    edge = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    foreground = ~np.isin(regions, np.unique(edge[edge > 0]))
    return np.where(foreground[..., None], image, 0).astype(np.uint8), foreground


def to_model_input(
    image: np.ndarray, size: int = 64, mode: str = "crop", background: str = "keep"
) -> np.ndarray:
    """A picture uint8 (H, W, 3) as models see it: square, `size` × `size`, uint8.

    Args:
        mode: "crop" or "pad", see `square`.
        background: "keep", or "border" to make it black, see `remove_background`.

    Raises:
        ValueError: an unknown `mode` or `background`.
    """
    if background not in ("keep", "border"):
        raise ValueError(f"background is {background!r}; allowed are 'keep' and 'border'")
    if mode == "pad" and max(image.shape[:2]) ** 2 > MAX_PIXELS:
        # A long strip padded to a square could outgrow every limit: shrink it first.
        side = int(MAX_PIXELS**0.5)
        picture = Image.fromarray(image)
        picture.thumbnail((side, side), Image.Resampling.BOX)
        image = np.asarray(picture)
    squared = Image.fromarray(np.ascontiguousarray(square(image, mode)))
    if background == "border":
        # Segmented at a few times the final size: fine enough, and quick for large photos.
        middle = min(squared.width, 4 * size)
        coarse = squared.resize((middle, middle), Image.Resampling.BOX)
        squared = Image.fromarray(remove_background(np.asarray(coarse))[0])
    if squared.width == size:
        return np.asarray(squared)
    smaller = squared.width > size
    method = Image.Resampling.BOX if smaller else Image.Resampling.BILINEAR
    return np.asarray(squared.resize((size, size), method, reducing_gap=3.0 if smaller else None))


def example_photos() -> list[tuple[str, np.ndarray]]:
    """Photographs that come inside installed packages: (name, uint8 (H, W, 3)); never fails."""
    pictures = "media_assets/images"
    sources = [
        ("flower", "sklearn", "datasets/images/flower.jpg"),
        ("tower", "gradio", f"{pictures}/tower.jpg"),
        ("running cheetah", "gradio", f"{pictures}/cheetah.jpg"),
        ("lion", "gradio", f"{pictures}/lion.jpg"),
        ("cheetah", "gradio", f"{pictures}/cheetah1.jpg"),
        ("temple", "sklearn", "datasets/images/china.jpg"),
    ]
    photos = []
    for name, package, path in sources:
        try:
            photos.append((name, decode_photo(Path(str(files(package) / path)))))
        except (PhotoError, ImportError, OSError):
            continue
    return photos
