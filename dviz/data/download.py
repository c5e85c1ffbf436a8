"""Fetch files over HTTP: resumed where they were left off, checked, whole or not at all."""

from __future__ import annotations

import hashlib
import http.client
import os
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from dviz.data.info import RemoteFile
from dviz.errors import DatasetError

PART = ".part"
CHUNK = 1 << 20
TIMEOUT = 60

Progress = Callable[[int, int | None], None]


def fetch(file: RemoteFile, folder: Path, progress: Progress = lambda done, total: None) -> Path:
    """Bring `file` into `folder`, unless it is there.

    What has arrived is kept in a `.part` file beside it, and a later call goes on from there.

    Args:
        progress: called with the bytes that are there and the bytes in all, where known.

    Returns:
        Where the file lies.

    Raises:
        DatasetError: the server cannot be reached or refuses, the connection breaks, the disk is
            full, or size or checksum are not as published.
    """
    target = folder / file.path
    if target.exists():
        return target
    part = target.with_name(target.name + PART)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _receive(file, part, progress)
        _check(file, part)
        os.replace(part, target)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as e:
        raise DatasetError(_what_happened(file, part, e)) from e
    except OSError as error:
        raise DatasetError(
            f"{target} cannot be written ({error.strerror or error}); make room, or name another "
            "place with --data-root or DVIZ_DATA"
        ) from error
    return target


def unpack(archive: Path) -> None:
    """Unpack a tar archive into the folder it lies in; nothing is let outside of it.

    Raises:
        DatasetError: the archive is broken, or would write elsewhere.
    """
    try:
        with tarfile.open(archive) as file:
            # Pythons before 3.10.12 and 3.11.4 have no filters, hence `_within`.
            file.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
            file.extractall(archive.parent, _within(archive.parent, file))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DatasetError(f"{archive} cannot be unpacked ({error}); fetch it again") from error


def _within(folder: Path, file: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members one after the other; raise TarError at one that is no file below `folder`."""
    for member in file:
        inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
        if not inside or not (member.isfile() or member.isdir()):
            raise tarfile.TarError(f"{member.name} is no plain file inside the archive")
        yield member


def _receive(file: RemoteFile, part: Path, progress: Progress) -> None:
    """Append to `part` what it lacks."""
    have = part.stat().st_size if part.exists() else 0
    if file.size is not None and have >= file.size:
        return
    headers = {"User-Agent": "dviz"} | ({"Range": f"bytes={have}-"} if have else {})
    request = urllib.request.Request(file.url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            part.unlink()  # longer than the file, or it was whole: begin again
            _receive(file, part, progress)
            return
        raise
    with response:
        resumed = response.status == http.client.PARTIAL_CONTENT
        done = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = file.size if length is None else done + int(length)
        with open(part, "ab" if resumed else "wb") as output:
            progress(done, total)
            while some := response.read(CHUNK):
                output.write(some)
                done += len(some)
                progress(done, total)
    if total is not None and done < total:
        raise http.client.IncompleteRead(b"", total - done)


def _check(file: RemoteFile, part: Path) -> None:
    """Raise DatasetError, and take `part` away, unless it is as published."""
    size = part.stat().st_size
    if file.size is not None and size != file.size:
        part.unlink()
        raise DatasetError(
            f"{file.url} gave {size:,} bytes; {file.size:,} were published; run this again, or "
            f"fetch the file by hand to {part.with_suffix('')}"
        )
    if file.checksum is None:
        return
    kind, _, published = file.checksum.partition(":")
    with open(part, "rb") as content:
        found = hashlib.new(kind)
        while some := content.read(CHUNK):
            found.update(some)
    if found.hexdigest() != published:
        part.unlink()
        raise DatasetError(
            f"{file.url} has {kind} {found.hexdigest()}; {published} was published; what came was "
            "thrown away, run this again"
        )


def _what_happened(file: RemoteFile, part: Path, error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return (
            f"{file.url} answered {error.code} {error.reason}; see whether it has moved, and put "
            f"the file by hand to {part.with_suffix('')}"
        )
    have = part.stat().st_size if part.exists() else 0
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    kept = f"{have:,} bytes are kept, run this again to go on" if have else "run this again later"
    return f"{file.url} cannot be reached ({reason or type(error).__name__}); {kept}"
