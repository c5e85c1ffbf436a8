"""Images and labels in an HDF5 file, as 3D Shapes comes, read at random."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dviz.data.grid import rows_of_grid
from dviz.errors import DatasetError
from dviz.factors import FactorSpace

SIDE = 64
GET_AGAIN = "fetch it again, or take it away to have the scenes drawn"


class H5Images:
    """A full grid of images, read from the file as they are asked for.

    The file is opened where it is first read from, once in each process, so that this can be
    handed to workers.

    Args:
        path: an HDF5 file with `images` uint8 (N, 64, 64, 3) and `labels` numbers (N, F).
        space: the grid of its factors.

    Raises:
        DatasetError: the file is broken, incomplete or of another shape.
    """

    def __init__(self, path: Path, space: FactorSpace) -> None:
        self.path = path
        self._size = path.stat().st_size if path.is_file() else 0
        self._owner: int | None = None
        with _open(path) as file:
            images = _dataset(file, "images", path)
            expected = (space.num_combinations, SIDE, SIDE, 3)
            if images.shape != expected or images.dtype != np.uint8:
                raise DatasetError(
                    f"images in {path} are {images.dtype} of shape {images.shape}; "
                    f"uint8 of shape {expected} are expected; {GET_AGAIN}"
                )
            labels = _read(_dataset(file, "labels", path), ..., path)
        self._rows = rows_of_grid(labels, space, str(path))

    def read(self, indices: np.ndarray) -> np.ndarray:
        """Images uint8 (N, 64, 64, 3) of flat indices (N,), in any order and repeatedly."""
        if self._owner != os.getpid():
            self._file, self._owner = _open(self.path), os.getpid()
        if self.path.stat().st_size < self._size:  # HDF5 would read zeros beyond the end
            raise DatasetError(f"{self.path} was cut off while it was read; {GET_AGAIN}")
        # h5py wants rising numbers, each once.
        rows, place = np.unique(self._rows[indices], return_inverse=True)
        return _read(self._file["images"], rows, self.path)[place]

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_size": self._size, "_rows": self._rows, "_owner": None}


def _open(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise DatasetError(
            f"{path} is broken or only partly downloaded ({_first_line(error)}); {GET_AGAIN}"
        ) from error


def _dataset(file: h5py.File, key: str, path: Path) -> h5py.Dataset:
    found = file.get(key)
    if not isinstance(found, h5py.Dataset):
        raise DatasetError(
            f"{path} holds no {key!r}, only {', '.join(file) or 'nothing'}; {GET_AGAIN}"
        )
    return found


def _read(array: h5py.Dataset, where: Any, path: Path) -> np.ndarray:
    try:
        return array[where]
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({_first_line(error)}); {GET_AGAIN}") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
