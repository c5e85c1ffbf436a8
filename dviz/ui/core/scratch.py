"""What visitors send takes room for a while only: a folder that ends with this process, however
that ends, and memory that is given back."""

from __future__ import annotations

import atexit
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

# It waits until the pipe to the app breaks, which it does even when the app is killed.
JANITOR = "import shutil, sys; sys.stdin.read(); shutil.rmtree(sys.argv[1], ignore_errors=True)"


def scratch_folder(parent: str | Path | None = None) -> Path:
    """A new private folder; deleted when this process ends, by another one if need be."""
    folder = Path(tempfile.mkdtemp(prefix="dviz-", dir=parent))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with suppress(OSError):  # without the janitor, a restart of the machine empties the folder
        janitor = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", JANITOR, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _janitors.append(janitor)  # its pipe is open as long as this list is
    return folder


@cache
def use_scratch_folder() -> Path:
    """Have Gradio put uploads and pictures into such a folder, within the one it was told to use
    (GRADIO_TEMP_DIR); one a process."""
    parent = os.environ.get("GRADIO_TEMP_DIR")
    if parent:
        Path(parent).mkdir(parents=True, exist_ok=True)
    folder = scratch_folder(parent)
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    return folder


def give_memory_back() -> None:
    """Return to the system what freed objects leave in this process; glibc would keep it."""
    with suppress(AttributeError, OSError, TypeError):  # another system's C library
        ctypes.CDLL(None).malloc_trim(0)


_janitors: list[subprocess.Popen[bytes]] = []
