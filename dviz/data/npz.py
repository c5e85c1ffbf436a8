"""An array inside a .npz without reading all of it."""

from __future__ import annotations

import shutil
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from dviz.errors import DatasetError
from dviz.files import atomic_path

LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip's member, up to the lengths of what follows


def map_member(path: Path, key: str) -> np.ndarray:
    """The array called `key` in a .npz, mapped into memory: rows are read when they are asked for.

    An array that is compressed is unpacked once, beside the archive, into `<name>-<key>.npy`.

    Raises:
        DatasetError: it is no such archive, has no such array, or there is no room to unpack it.
    """
    unpacked = path.with_name(f"{path.stem}-{key}.npy")
    try:
        if unpacked.is_file():
            return np.load(unpacked, mmap_mode="r", allow_pickle=False)
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(f"{key}.npy")
            if member.compress_type == zipfile.ZIP_STORED:
                return _map_stored(path, member)
            _check_room(path, member)
            with (
                archive.open(member) as packed,
                atomic_path(unpacked) as temporary,
                temporary.open("wb") as file,
            ):
                shutil.copyfileobj(packed, file, 1 << 22)
        return np.load(unpacked, mmap_mode="r", allow_pickle=False)
    except KeyError as error:
        raise DatasetError(f"{path} holds no array {key!r}; fetch it again") from error
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, struct.error) as error:
        raise DatasetError(
            f"{path} is broken or only partly downloaded ({error}); fetch it again"
        ) from error


def _map_stored(path: Path, member: zipfile.ZipInfo) -> np.ndarray:
    """An array that lies in the archive as it is."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        name, extra = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
        file.seek(member.header_offset + LOCAL_HEADER.size + name + extra)
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
        if fortran or dtype.hasobject:
            raise ValueError(f"its array is {dtype}, and not in C order")
        return np.memmap(path, dtype, "r", file.tell(), shape)


def _check_room(path: Path, member: zipfile.ZipInfo) -> None:
    free = shutil.disk_usage(path.parent).free
    if member.file_size > free:
        raise DatasetError(
            f"{path.name} is unpacked once, into {member.file_size / 1e9:.1f} GB; there are "
            f"{free / 1e9:.1f} GB free in {path.parent}: make room"
        )
