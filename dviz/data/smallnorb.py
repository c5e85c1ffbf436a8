"""SmallNORB: grey photographs of fifty toys from many sides in many lights.

LeCun, Huang and Bottou 2004. The two official parts, training and testing, are read as one grid of
48,600 images: each category has five toys in each. Of the two cameras the first is taken.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from dviz.data.base import FactorDataset
from dviz.data.grid import rows_of_grid
from dviz.data.info import PHOTOGRAPHS, DatasetInfo, RemoteFile, Split
from dviz.data.root import data_root
from dviz.errors import DatasetError
from dviz.factors import Factor, FactorSpace

SIDE = 64
HOME = "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small"
PARTS = (
    "smallnorb-5x46789x9x18x6x2x96x96-training",
    "smallnorb-5x01235x9x18x6x2x96x96-testing",
)
CATEGORIES = ("animal", "human", "airplane", "truck", "car")
TYPES: dict[int, np.dtype] = {0x1E3D4C54: np.dtype("<i4"), 0x1E3D4C55: np.dtype("u1")}
MOST_DIMENSIONS, MOST_BYTES = 8, 1 << 31


class SmallNorb(FactorDataset):
    """Factors category 5, instance 10, elevation 9, azimuth 18, lighting 6; grey, 64×64.

    Args:
        root: where the six official files lie, `.mat.gz` or unpacked; see
            `dviz.data.root.data_root` for the default.

    Raises:
        DatasetError: a file is missing or broken.
    """

    name = "smallnorb"
    info = DatasetInfo(
        name=name,
        title="SmallNORB",
        description="Grey photographs of fifty toys from many sides in many lights; 263 MB.",
        needs_files=True,
        photographs=True,
        origin=PHOTOGRAPHS,
        split=Split(("category", "instance", "elevation", "azimuth", "lighting"), "azimuth"),
        licence="for research, not to be sold",
        citation="LeCun, Huang and Bottou, Learning Methods for Generic Object Recognition with "
        "Invariance to Pose and Lighting, CVPR 2004",
        url=f"{HOME}/",
        looked_for=(f"{PARTS[0]}-dat.mat.gz", f"{PARTS[0]}-dat.mat"),
        files=tuple(
            RemoteFile(f"{HOME}/{part}-{kind}.mat.gz", f"{part}-{kind}.mat.gz")
            for part in PARTS
            for kind in ("dat", "cat", "info")
        ),
    )

    def __init__(self, root: str | Path | None = None) -> None:
        self.space = FactorSpace(
            [
                Factor("category", 5, CATEGORIES),
                Factor("instance", 10),
                Factor("elevation", 9, tuple(f"{30 + 5 * i}°" for i in range(9))),
                Factor("azimuth", 18, tuple(f"{20 * i}°" for i in range(18)), cyclic=True),
                Factor("lighting", 6),
            ]
        )
        folder = data_root(root)
        parts = [_read_part(folder, part) for part in PARTS]
        labels = np.concatenate([labels for _, labels in parts])
        self._rows = rows_of_grid(labels, self.space, f"{PARTS[0]}-info.mat and its like")
        self._images = np.concatenate([images for images, _ in parts])  # (48600, 64, 64)

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        grey = self._images[self._rows[self.space.index(classes)]]
        return np.repeat(grey[..., None], 3, axis=-1)


def _read_part(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, 64, 64) of the first camera, and labels int32 (N, 5)."""
    with _open(folder, f"{part}-cat.mat") as file:
        category = read_matrix(file)
    with _open(folder, f"{part}-info.mat") as file:
        info = read_matrix(file)
    with _open(folder, f"{part}-dat.mat") as file:
        dtype, shape = read_header(file)
        fits = len(shape) == 4 and dtype == np.uint8 and len(category) == len(info) == shape[0]
        if not fits:
            raise DatasetError(f"{part}-dat.mat holds {dtype} {shape}, for {len(info)} labels")
        images = np.empty((shape[0], SIDE, SIDE), dtype=np.uint8)
        for image in images:
            pair = np.frombuffer(_take(file, int(np.prod(shape[1:]))), np.uint8)
            first = Image.fromarray(pair.reshape(shape[1:])[0])
            image[:] = np.asarray(first.resize((SIDE, SIDE), Image.Resampling.BOX))
    return images, np.column_stack([category, info])


def _open(folder: Path, name: str) -> BinaryIO:
    if (folder / f"{name}.gz").is_file():
        return gzip.open(folder / f"{name}.gz", "rb")  # type: ignore[return-value]
    if (folder / name).is_file():
        return (folder / name).open("rb")
    raise DatasetError(
        f"SmallNORB was looked for in {folder}, and {name}.gz is not there; dviz download "
        "smallnorb fetches it, or name another place with --data-root or DVIZ_DATA"
    )


def read_matrix(file: BinaryIO) -> np.ndarray:
    """A matrix in NORB's binary format (which is not MATLAB's, for all the files' names)."""
    dtype, shape = read_header(file)
    count = int(np.prod(shape))
    return np.frombuffer(_take(file, count * dtype.itemsize), dtype).reshape(shape)


def read_header(file: BinaryIO) -> tuple[np.dtype, tuple[int, ...]]:
    """Type and shape: a magic number, how many dimensions, and at least three of them."""
    magic, dimensions = struct.unpack("<Ii", _take(file, 8))
    if magic not in TYPES or not 1 <= dimensions <= MOST_DIMENSIONS:
        raise DatasetError(f"{_name(file)} is no NORB file (it begins with {magic:#x})")
    stored = max(3, dimensions)
    shape = struct.unpack(f"<{stored}i", _take(file, 4 * stored))[:dimensions]
    dtype = TYPES[magic]
    if min(shape) < 1 or np.prod(shape, dtype=np.float64) * dtype.itemsize > MOST_BYTES:
        raise DatasetError(f"{_name(file)} says that it holds {dtype} {shape}; fetch it again")
    return dtype, shape


def _take(file: BinaryIO, count: int) -> bytes:
    try:
        content = file.read(count)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{_name(file)} is broken ({error}); fetch it again") from error
    if len(content) < count:
        raise DatasetError(f"{_name(file)} ends too early; fetch it again")
    return content


def _name(file: BinaryIO) -> str:
    return Path(str(getattr(file, "name", "") or "")).name or "the file"
