"""COIL-100: real photographs of 100 objects, as they are or turned and zoomed on the fly.

COIL-100 (Nene, Nayar and Murase 1996) holds 100 objects on a turntable, photographed every 5°. The
study augments each of the 7,200 photographs by rotation in the image plane and by zoom:
1,166,400 images. Nothing is written to disk.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from dviz.data.base import FactorDataset
from dviz.data.info import PHOTOGRAPHS, DatasetInfo, RemoteFile, Split
from dviz.data.root import data_root
from dviz.errors import DatasetError
from dviz.factors import Factor, FactorSpace

OBJECTS, POSES = 100, 72
PHOTO_SIDE, SIDE = 128, 64
ROTATIONS = np.arange(18) * 20  # degrees
ZOOMS = np.round(np.linspace(1.0, 0.5, 9), 2)
ARCHIVE, FOLDER = "coil-100.zip", "coil-100"

HOW_TO_GET = (
    "put coil-100.zip or the unpacked folder coil-100/ there "
    "(Columbia University, CAVE laboratory, COIL-100; for research), or name another place "
    "with --data-root or DVIZ_DATA"
)


class Coil100(FactorDataset):
    """COIL-100 as it is: factors object 100, pose 72; 64×64 RGB.

    Args:
        root: where `coil-100.zip` or `coil-100/obj{1..100}__{0..355}.png` lies;
            see `dviz.data.root.data_root` for the default.

    Raises:
        DatasetError: the photographs are missing, incomplete or unreadable.
    """

    name = "coil100"
    info = DatasetInfo(
        name=name,
        title="COIL-100",
        description="Photographs of 100 objects on a turntable, every 5°, on black.",
        needs_files=True,
        photographs=True,
        origin=PHOTOGRAPHS,
        split=Split(("object", "pose"), "pose"),
        on_black=True,
        licence="for research, not to be redistributed",
        citation="Nene, Nayar and Murase, Columbia Object Image Library, CUCS-006-96, 1996",
        url="https://www.cs.columbia.edu/CAVE/software/softlib/coil-100.php",
        looked_for=(ARCHIVE, FOLDER),
        files=(
            RemoteFile(
                "http://www.cs.columbia.edu/CAVE/databases/SLAM_coil-20_coil-100/coil-100/coil-100.zip",
                ARCHIVE,
            ),
        ),
    )
    augmented = False

    def __init__(self, root: str | Path | None = None) -> None:
        turned = (
            Factor("rotation", len(ROTATIONS), tuple(f"{r}°" for r in ROTATIONS), True),
            Factor("scale", len(ZOOMS), tuple(f"{z:g}" for z in ZOOMS)),
        )
        self.space = FactorSpace(
            [
                Factor("object", OBJECTS, tuple(str(i + 1) for i in range(OBJECTS))),
                Factor("pose", POSES, tuple(f"{5 * i}°" for i in range(POSES)), True),
                *(turned if self.augmented else ()),
            ]
        )
        self.photos = read_photos(data_root(root))  # (7200, 128, 128, 3)

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        images = np.empty((len(classes), SIDE, SIDE, 3), dtype=np.uint8)
        for image, (number, pose) in zip(images, classes, strict=True):
            photo = Image.fromarray(self.photos[number * POSES + pose])
            image[:] = np.asarray(photo.reduce(PHOTO_SIDE // SIDE))
        return images


class Coil100Augmented(Coil100):
    """Factors object 100, pose 72, rotation 18 (0° … 340°), scale 9 (zoom 1 … 0.5); 64×64 RGB."""

    name = "coil100-augmented"
    info = replace(
        Coil100.info,
        name=name,
        title="COIL-100 Augmented",
        description="COIL-100, every photograph turned by 18 angles and zoomed by 9 factors.",
    )
    augmented = True

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        images = np.empty((len(classes), SIDE, SIDE, 3), dtype=np.uint8)
        for image, (number, pose, rotation, zoom) in zip(images, classes, strict=True):
            photo = self.photos[number * POSES + pose]
            image[:] = turn_and_zoom(photo, ROTATIONS[rotation], ZOOMS[zoom])
        return images


class Coil100AugmentedBinary(Coil100Augmented):
    """The same as white silhouettes on black. They are taken when a photograph is first seen."""

    name = "coil100-augmented-binary"
    info = replace(
        Coil100.info,
        name=name,
        title="COIL-100 Augmented, silhouettes",
        description="White silhouettes of COIL-100's objects, turned and zoomed.",
    )

    def __init__(self, root: str | Path | None = None) -> None:
        super().__init__(root)
        self._masks = np.empty((len(self.photos), SIDE, SIDE), dtype=np.uint8)
        self._known = np.zeros(len(self.photos), dtype=bool)

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        classes = np.asarray(classes)
        photo = classes[:, 0] * POSES + classes[:, 1]
        for row in np.unique(photo[~self._known[photo]]):
            self._masks[row] = silhouette(self.photos[row])
            self._known[row] = True
        images = np.empty((len(classes), SIDE, SIDE), dtype=np.uint8)
        for image, row, (rotation, zoom) in zip(images, photo, classes[:, 2:], strict=True):
            image[:] = np.asarray(_transform(self._masks[row], ROTATIONS[rotation], ZOOMS[zoom]))
        white = np.where(images > 127, np.uint8(255), np.uint8(0))
        return np.repeat(white[..., None], 3, axis=-1)


def silhouette(photo: np.ndarray) -> np.ndarray:
    """Where the object is: 0 or 255, uint8 (64, 64), of a photo uint8 (128, 128, 3).

    Grey, 5 × 5 median, Otsu's threshold, 5 × 5 closing, areas averaged to 64 × 64, Otsu's again.
    """
    grey = Image.fromarray(photo).convert("L").filter(ImageFilter.MedianFilter(5))
    values = np.asarray(grey)
    mask = values > otsu(values)
    closed = ndimage.minimum_filter(ndimage.maximum_filter(mask, 5), 5)
    small = np.asarray(Image.fromarray(closed.astype(np.uint8) * 255).reduce(PHOTO_SIDE // SIDE))
    return np.where(small > otsu(small), np.uint8(255), np.uint8(0))


def otsu(values: np.ndarray) -> int:
    """The threshold t for which `values <= t` and `values > t` differ most (Otsu 1979).

    Args:
        values: uint8, of any shape.
    """
    share = np.bincount(values.ravel(), minlength=256) / values.size
    below, moment = np.cumsum(share), np.cumsum(share * np.arange(256))
    spread = below * (1 - below)
    between = np.divide(
        (moment[-1] * below - moment) ** 2, spread, out=np.zeros(256), where=spread > 1e-12
    )
    return int(between.argmax())


def turn_and_zoom(photo: np.ndarray, degrees: float, zoom: float) -> np.ndarray:
    """Turn a photo counter-clockwise about its centre and shrink it; the canvas stays, in black.

    Args:
        photo: uint8 (128, 128, 3).
        zoom: 1 keeps the size, 0.5 halves it.

    Returns:
        uint8 (64, 64, 3): bilinear at full size, then averaged over 2 × 2 pixels.
    """
    return np.asarray(_transform(photo, degrees, zoom).reduce(PHOTO_SIDE // SIDE))


def _transform(image: np.ndarray, degrees: float, zoom: float) -> Image.Image:
    """Turn counter-clockwise about the centre and shrink; the canvas stays, in black."""
    side = len(image)
    angle, centre = np.deg2rad(degrees), side / 2
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    # From a place on the canvas back to the image, y pointing down.
    inverse = (cos, -sin, centre * (1 - cos + sin), sin, cos, centre * (1 - sin - cos))
    return Image.fromarray(image).transform(
        (side, side), Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR
    )


def read_photos(root: Path) -> np.ndarray:
    """All photographs below `root` in order of object and pose: uint8 (7200, 128, 128, 3).

    Several datasets share one copy.
    """
    archive = root / ARCHIVE
    return _read_photos(root, archive.stat().st_mtime_ns if archive.exists() else None)


@lru_cache(maxsize=1)
def _read_photos(root: Path, changed: int | None) -> np.ndarray:
    names = [f"coil-100/obj{o}__{5 * p}.png" for o in range(1, OBJECTS + 1) for p in range(POSES)]
    archive, folder = root / ARCHIVE, root / FOLDER
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
        except (OSError, zipfile.BadZipFile, zlib.error) as error:
            raise DatasetError(f"{name} in {source} cannot be read ({error})") from error
        if pixels.shape != (PHOTO_SIDE, PHOTO_SIDE, 3):
            raise DatasetError(
                f"{name} in {source} is {pixels.shape[1]}×{pixels.shape[0]}; "
                f"{PHOTO_SIDE}×{PHOTO_SIDE} is expected"
            )
        photos[row] = pixels
    photos.flags.writeable = False
    return photos
