"""Checkpoints that visitors name on the Hub: few, small, and gone from disk when unused."""

from __future__ import annotations

import hashlib
import shutil
import threading
import zipfile
from pathlib import Path

from dviz.checkpoint import CODES, PROBES, REPORT, Checkpoint
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
        """Download and load; nothing stays behind where that fails.

        Raises:
            CheckpointError: see `dviz.publish.hub.load`; or too many others are at it.
        """
        hub.check_names(repo_id)
        if not self._slots.acquire(timeout=self._patience):
            raise CheckpointError(BUSY)
        try:
            # Strangers name the repository, so nobody's token goes along.
            checkpoint = hub.load(repo_id, token=False, cache_dir=self._place(repo_id))
            check_sizes(checkpoint.folder, repo_id)
            return checkpoint
        except BaseException:
            self.forget(repo_id)
            raise
        finally:
            self._slots.release()

    def forget(self, repo_id: str) -> None:
        """Delete what was downloaded of it."""
        shutil.rmtree(self._place(repo_id), ignore_errors=True)

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
    for file, members in ((CODES, LIMITS.npz_members), (PROBES, LIMITS.probe_members)):
        try:
            check_archive(folder / file, members=members, unpacked=LIMITS.npz_bytes)
        except FileNotFoundError:
            continue
        except ValueError as error:
            raise CheckpointError(f"{file} of {name} {error}") from error
        except (OSError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"{file} of {name} cannot be read") from error
