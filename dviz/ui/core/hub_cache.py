"""Checkpoints that visitors name on the Hub: few, small, and gone from disk when unused."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import threading
import weakref
import zipfile
from pathlib import Path

from dviz.checkpoint import CODES, PROBES, REPORT, THUMBNAILS, Checkpoint
from dviz.errors import CheckpointError
from dviz.files import check_archive
from dviz.limits import LIMITS
from dviz.publish import hub
from dviz.ui.core.scratch import scratch_folder

BUSY = "others are loading checkpoints from the Hub just now; try again in a minute"


class HubCache:
    """Fetches checkpoints into a folder of its own, which ends with the process.

    Args:
        folder: where to keep them; by default a new temporary one.
        at_once: how many downloads may run at the same time.
        patience: seconds that one more waits before it is refused.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        at_once: int = LIMITS.hub_at_once,
        patience: float = LIMITS.hub_wait_seconds,
    ) -> None:
        self._folder = Path(folder) if folder is not None else None
        self._slots = threading.BoundedSemaphore(at_once)
        self._patience = patience
        self._lock = threading.Lock()

    def fetch(self, repo_id: str) -> Checkpoint:
        """Download and load, into a folder that goes when nobody uses the checkpoint any more.

        Raises:
            CheckpointError: see `dviz.publish.hub.load`; or too many others are at it.
        """
        hub.check_names(repo_id)
        if not self._slots.acquire(timeout=self._patience):
            raise CheckpointError(BUSY)
        # One of its own: whoever fetches it anew is not to lose it when an older one goes.
        folder = self._place(repo_id) / secrets.token_hex(4)
        try:
            # Strangers name the repository, so nobody's token goes along.
            checkpoint = hub.load(repo_id, token=False, cache_dir=folder)
            check_sizes(checkpoint.folder, repo_id)
            weakref.finalize(checkpoint, shutil.rmtree, folder, ignore_errors=True)
            return checkpoint
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            self._slots.release()

    def downloaded(self, repo_id: str) -> int:
        """Bytes of it that are here by now."""
        files = (path for path in self._place(repo_id).rglob("*") if not path.is_symlink())
        total = 0
        for path in files:
            try:
                total += path.stat().st_size if path.is_file() else 0
            except OSError:  # moved to its final place meanwhile
                continue
        return total

    def _place(self, repo_id: str) -> Path:
        return self._root() / hashlib.sha256(repo_id.encode()).hexdigest()[:32]

    def _root(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = scratch_folder()
            return self._folder


def check_sizes(folder: Path, name: str) -> None:
    """Refuse files that are small on disk and large in memory.

    Raises:
        CheckpointError: the report is too long, or an archive unpacks to too much.
    """
    report = folder / REPORT
    if report.exists() and report.stat().st_size > LIMITS.report_bytes:
        raise CheckpointError(
            f"{REPORT} of {name} is larger than {LIMITS.report_bytes / 1e6:.0f} MB"
        )
    for file, members, unpacked in (
        (CODES, LIMITS.npz_members, LIMITS.npz_bytes),
        (PROBES, LIMITS.probe_members, LIMITS.npz_bytes),
        (THUMBNAILS, LIMITS.npz_members, LIMITS.thumbnails_bytes),
    ):
        try:
            check_archive(folder / file, members=members, unpacked=unpacked)
        except FileNotFoundError:
            continue
        except ValueError as error:
            raise CheckpointError(f"{file} of {name} {error}") from error
        except (OSError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"{file} of {name} cannot be read") from error
