"""One run a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from dviz.errors import TrainingError


@contextmanager
def only_run_in(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process; the system lets go of it when the process dies, however.

    Raises:
        TrainingError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise TrainingError(
            f"another run is training into {folder}; wait for it or use another folder"
        ) from error
    try:
        yield
    finally:
        lock.release()
