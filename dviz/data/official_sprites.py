"""The official dSprites file, kept as one bit a pixel.

Its 737,280 images are 3 GB as bytes, compressed inside an `.npz`. They are unpacked once, 8 pixels
to a byte, into a file beside it (377 MB) that processes then share through memory-mapping. Its
`metadata` is a pickled object and never looked at.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from dviz.errors import DatasetError
from dviz.files import atomic_path

FILE = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
PACKED = ".packed.npy"
SIZES = (3, 6, 40, 32, 32)
SIDE = 64
AT_ONCE = 4096
GET_AGAIN = "fetch it again, or take it away to have sprites drawn"


class OfficialSprites:
    """dSprites frames from the official `.npz`.

    Args:
        path: an `.npz` of `imgs` uint8 (N, 64, 64), 0 or 1, and `latents_classes` int64 (N, 6).
        sizes: of the five factors, in whose order the images are.

    Raises:
        DatasetError: the file is broken, incomplete or of another shape.
    """

    def __init__(self, path: Path, sizes: tuple[int, ...] | None = None) -> None:
        self.path, self.sizes = path, SIZES if sizes is None else sizes
        shape = (int(np.prod(self.sizes)), SIDE * SIDE // 8)
        packed = path.with_name(path.name + PACKED)
        if not _fresh(packed, path, shape):
            bits = _packed(path, self.sizes)
            try:
                with atomic_path(packed) as temporary:
                    np.save(temporary, bits)
            except OSError:  # a folder that cannot be written to; keep them in memory
                self._bits = bits
                return
        self._bits = np.load(packed, mmap_mode="r", allow_pickle=False)

    def read(self, latents: np.ndarray) -> np.ndarray:
        """The frames bool (N, 64, 64) of int64 (N, 5): shape, scale, orientation, x, y."""
        rows = np.ravel_multi_index(tuple(np.asarray(latents).T), self.sizes)
        bits = np.unpackbits(self._bits[rows], axis=1)
        return bits.view(bool).reshape(-1, SIDE, SIDE)


def _fresh(packed: Path, path: Path, shape: tuple[int, int]) -> bool:
    """Whether `packed` holds such an array and is newer than `path`."""
    try:
        if packed.stat().st_mtime < path.stat().st_mtime:
            return False
        found = np.load(packed, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return found.shape == shape and found.dtype == np.uint8


def _packed(path: Path, sizes: tuple[int, ...]) -> np.ndarray:
    """The images as bits, uint8 (N, 512), after making sure that they are in factor order."""
    count = int(np.prod(sizes))
    try:
        with zipfile.ZipFile(path) as archive:
            with _member(archive, path, "latents_classes") as file:
                classes = _header(file, path, "latents_classes", (count, 6))
                found = np.frombuffer(file.read(), dtype=classes).reshape(count, 6)
            expected = np.stack(np.unravel_index(np.arange(count), sizes), axis=1)
            if (found[:, 1:] != expected).any():
                raise DatasetError(f"images in {path} are not in factor order; {GET_AGAIN}")
            with _member(archive, path, "imgs") as file:
                if _header(file, path, "imgs", (count, SIDE, SIDE)).itemsize != 1:
                    raise DatasetError(f"imgs in {path} are not uint8; {GET_AGAIN}")
                return _bits(file, path, count)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(
            f"{path} is broken or only partly downloaded ({error}); {GET_AGAIN}"
        ) from error


def _member(archive: zipfile.ZipFile, path: Path, name: str) -> IO[bytes]:
    try:
        return archive.open(f"{name}.npy")
    except KeyError as error:
        raise DatasetError(f"{path} holds no array {name!r}; {GET_AGAIN}") from error


def _header(file: IO[bytes], path: Path, name: str, shape: tuple[int, ...]) -> np.dtype:
    """Read an array's header, leaving `file` at its first number; its type."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        found, in_columns, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        found, in_columns, dtype = np.lib.format.read_array_header_2_0(file)
    if found != shape or in_columns or dtype.kind not in "iu":
        raise DatasetError(
            f"{name} in {path} is {dtype} {found}; whole numbers {shape} are expected; {GET_AGAIN}"
        )
    return dtype


def _bits(file: IO[bytes], path: Path, count: int) -> np.ndarray:
    bits = np.empty((count, SIDE * SIDE // 8), dtype=np.uint8)
    for start in range(0, count, AT_ONCE):
        some = bits[start : start + AT_ONCE]
        pixels = np.frombuffer(file.read(len(some) * SIDE * SIDE), dtype=np.uint8)
        if pixels.max(initial=0) > 1:
            raise DatasetError(f"imgs in {path} hold {pixels.max()}; 0 and 1 are expected")
        some[:] = np.packbits(pixels.reshape(-1, SIDE * SIDE), axis=1)
    return bits
