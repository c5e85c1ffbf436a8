"""Files that are either wholly written or not at all."""

from __future__ import annotations

import json
import os
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LAST_RECORD = 22  # bytes of a zip file's last record, which says where its directory lies
# What numpy writes; of others Python unpacks more than it was asked for, whatever the size told.
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
DIRECTORY_ENTRY = 512  # bytes, more than an entry with a name of ours takes


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path`, on any error it goes.

    A reader sees the old file or the new one, never a half of either.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix
    )
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files private; a published file gets the permissions open() would give.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` (UTF-8) to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `json_text` of `value` to `path` atomically."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """`value` as strict JSON. Raises ValueError where there is a NaN or Infinity."""
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def check_archive(path: str | os.PathLike[str], *, members: int, unpacked: int) -> None:
    """Look into a zip file's directory, before anything of it is unpacked.

    Raises:
        ValueError: it holds more than so many `members`, they unpack to more bytes than that, or
            are packed in another way than numpy's.
        OSError, zipfile.BadZipFile: it cannot be read.
    """
    if _directory_bytes(path) > members * DIRECTORY_ENTRY:
        raise ValueError(f"holds more than {members:,} arrays, the limit")
    with zipfile.ZipFile(path) as archive:
        found = archive.infolist()
    size = sum(member.file_size for member in found)
    if len(found) > members:
        raise ValueError(f"holds {len(found):,} arrays, the limit is {members:,}")
    if any(member.compress_type not in PACKED for member in found):
        raise ValueError("is packed in a way that is not read; save it with numpy.savez_compressed")
    if size > unpacked:
        raise ValueError(
            f"unpacks to {size / 1e6:,.0f} MB; at most {unpacked / 1e6:,.0f} MB are read"
        )


def _directory_bytes(path: str | os.PathLike[str]) -> int:
    """How long the directory of a zip file says it is; each entry takes memory when it is read."""
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - LAST_RECORD - 65_535))  # a comment may follow
        tail = file.read()
    place = tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) < place + LAST_RECORD:
        raise zipfile.BadZipFile("File is not a zip file")
    return struct.unpack_from("<I", tail, place + 12)[0]
