"""COIL-100 Augmented: real photographs of 100 objects, turned and zoomed on the fly.

COIL-100 (Nene, Nayar and Murase 1996) holds 100 objects on a turntable, photographed every 5°. The
study augments each of the 7,200 photographs by rotation in the image plane and by zoom:
1,166,400 images. Nothing is written to disk.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from dviz.data.base import FactorDataset
from dviz.data.root import data_root
from dviz.errors import DatasetError
from dviz.factors import Factor, FactorSpace

OBJECTS, POSES = 100, 72
PHOTO_SIDE, SIDE = 128, 64
ROTATIONS = np.arange(18) * 20  # degrees
ZOOMS = np.round(np.linspace(1.0, 0.5, 9), 2)

HOW_TO_GET = (
    "put coil-100.zip or the unpacked folder coil-100/ there "
    "(Columbia University, CAVE laboratory, COIL-100; for research), or name another place "
    "with --data-root or DVIZ_DATA"
)


class Coil100Augmented(FactorDataset):
    """Factors object 100, pose 72, rotation 18 (0° … 340°), scale 9 (zoom 1 … 0.5); 64×64 RGB.

    Args:
        root: where `coil-100.zip` or `coil-100/obj{1..100}__{0..355}.png` lies;
            see `dviz.data.root.data_root` for the default.

    Raises:
        DatasetError: the photographs are missing, incomplete or unreadable.
    """

    name = "coil100-augmented"

    def __init__(self, root: str | Path | None = None) -> None:
        self.space = FactorSpace(
            [
                Factor("object", OBJECTS, tuple(str(i + 1) for i in range(OBJECTS))),
                Factor("pose", POSES, tuple(f"{5 * i}°" for i in range(POSES))),
                Factor("rotation", len(ROTATIONS), tuple(f"{r}°" for r in ROTATIONS)),
                Factor("scale", len(ZOOMS), tuple(f"{z:g}" for z in ZOOMS)),
            ]
        )
        self.photos = read_photos(data_root(root))  # (7200, 128, 128, 3)

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        images = np.empty((len(classes), SIDE, SIDE, 3), dtype=np.uint8)
        for image, (number, pose, rotation, zoom) in zip(images, classes, strict=True):
            photo = self.photos[number * POSES + pose]
            image[:] = turn_and_zoom(photo, ROTATIONS[rotation], ZOOMS[zoom])
        return images


def turn_and_zoom(photo: np.ndarray, degrees: float, zoom: float) -> np.ndarray:
    """Turn a photo counter-clockwise about its centre and shrink it; the canvas stays, in black.

    Args:
        photo: uint8 (128, 128, 3).
        zoom: 1 keeps the size, 0.5 halves it.

    Returns:
        uint8 (64, 64, 3): bilinear at full size, then averaged over 2 × 2 pixels.
    """
    angle, centre = np.deg2rad(degrees), PHOTO_SIDE / 2
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    # From a place on the canvas back to the photo, y pointing down.
    inverse = (cos, -sin, centre * (1 - cos + sin), sin, cos, centre * (1 - sin - cos))
    turned = Image.fromarray(photo).transform(
        (PHOTO_SIDE, PHOTO_SIDE), Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR
    )
    return np.asarray(turned.reduce(PHOTO_SIDE // SIDE))


def read_photos(root: Path) -> np.ndarray:
    """All photographs below `root` in order of object and pose: uint8 (7200, 128, 128, 3)."""
    names = [f"coil-100/obj{o}__{5 * p}.png" for o in range(1, OBJECTS + 1) for p in range(POSES)]
    archive, folder = root / "coil-100.zip", root / "coil-100"
    if archive.exists():
        try:
            with zipfile.ZipFile(archive) as file:
                return _decode_all(names, file.read, archive.name)
        except zipfile.BadZipFile as error:
            raise DatasetError(
                f"{archive} is broken or only partly downloaded ({error}); fetch it again"
            ) from error
    if folder.is_dir():
        return _decode_all(names, lambda name: (root / name).read_bytes(), folder.name)
    raise DatasetError(f"COIL-100 was looked for in {archive} and {folder}; {HOW_TO_GET}")


def _decode_all(names: list[str], read: Callable[[str], bytes], source: str) -> np.ndarray:
    photos = np.empty((len(names), PHOTO_SIDE, PHOTO_SIDE, 3), dtype=np.uint8)
    for row, name in enumerate(names):
        try:
            with Image.open(io.BytesIO(read(name)), formats=["PNG"]) as image:
                pixels = np.asarray(image.convert("RGB"))
        except (KeyError, FileNotFoundError) as error:
            raise DatasetError(
                f"{name} is missing in {source}; COIL-100 has {len(names)} photographs"
            ) from error
        except (OSError, zipfile.BadZipFile) as error:
            raise DatasetError(f"{name} in {source} cannot be read ({error})") from error
        if pixels.shape != (PHOTO_SIDE, PHOTO_SIDE, 3):
            raise DatasetError(
                f"{name} in {source} is {pixels.shape[1]}×{pixels.shape[0]}; "
                f"{PHOTO_SIDE}×{PHOTO_SIDE} is expected"
            )
        photos[row] = pixels
    return photos
