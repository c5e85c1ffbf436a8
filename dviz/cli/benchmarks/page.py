"""The real page in a real browser: start the app as anybody would, find a Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

SERVE = "from dviz.cli.app import main; main([])"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
NO_BROWSER = f"no browser found: install {BROWSERS[0]} or name one in DVIZ_CHROMIUM"
PATIENCE = 180.0  # seconds until the app has to answer
TO_END = 20.0  # seconds that it may take to end when it is asked to


def find_chromium() -> str | None:
    """The browser in DVIZ_CHROMIUM, or the first one installed."""
    return os.environ.get("DVIZ_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def running_app(
    checkpoints: str | Path | None = None, *, log: Path | None = None, **settings: str
) -> Iterator[str]:
    """Run `dviz app` on a free port, wait until it answers, and yield its address.

    Args:
        checkpoints: folder to show; by default the app's own.
        log: a file for what it prints.
        settings: further environment variables.

    Raises:
        RuntimeError: it ended or did not answer in time; the message holds what it printed.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings |= {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    if checkpoints is not None:
        settings["DVIZ_CHECKPOINTS"] = str(checkpoints)
    with tempfile.TemporaryFile() if log is None else log.open("w+b") as printed:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            env={**os.environ, **settings},
            stdout=printed,  # a pipe that nobody reads would stop it once it is full
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that whatever it started ends with it
        )
        url = f"http://127.0.0.1:{port}/"
        try:
            _wait_for(url, process, printed)
            yield url
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(TO_END)
            return


def _wait_for(url: str, process: subprocess.Popen[bytes], printed: IO[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            printed.seek(0)
            said = printed.read().decode("utf-8", "replace")
            raise RuntimeError(f"dviz app ended at once:\n{said}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"dviz app did not answer within {PATIENCE:.0f} s")
