"""Who may see what: each visitor's uploads and sessions, until the visitor has left.

A visitor is whoever carries the same cookie, or, of a program without cookies, the same address
and name. Nothing of theirs outlives them by long: uploads go when the last page is closed, and
after an hour whatever happens.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dviz.errors import DvizError
from dviz.limits import LIMITS, Limits

MAX_KNOWN = 50_000  # sessions and events that are remembered
COOKIE_BYTES = 16


class NotYoursError(DvizError):
    """Somebody asks for what is another's, or for what is gone."""


class UploadsFullError(DvizError):
    """Uploads take all the room that they may."""


def new_visitor() -> str:
    """What a cookie holds: nobody can guess it."""
    return secrets.token_hex(COOKIE_BYTES)


def is_visitor(cookie: str) -> bool:
    """Whether a cookie is one of ours by its form."""
    return len(cookie) == 2 * COOKIE_BYTES and all(c in "0123456789abcdef" for c in cookie)


def without_cookie(*signs: str) -> str:
    """A visitor that is known by its address and the like."""
    return hashlib.sha256("\n".join(signs).encode("utf-8", "replace")).hexdigest()


class Visitors:
    """Uploads, sessions and open pages of everybody.

    Args:
        folder: where uploads lie, one folder a content.
    """

    def __init__(self, folder: str | Path, limits: Limits = LIMITS) -> None:
        self.folder = Path(folder).resolve()
        self._limits = limits
        self._lock = threading.RLock()
        self._owners: dict[str, set[str]] = {}  # of each folder of an upload
        self._sizes: dict[str, int] = {}
        self._expected: Counter[str] = Counter()  # bytes on their way, by visitor
        self._known: OrderedDict[str, str] = OrderedDict()  # whose a session or an event is
        self._ended: OrderedDict[str, None] = OrderedDict()  # sessions forgotten with their visitor
        self._pages: dict[str, int] = {}
        self._kept = set(self._folders())  # the app's own pictures, put here as it was built

    def claim(self, name: str, visitor: str) -> None:
        """Say that a session or an event is `visitor`'s.

        Raises:
            NotYoursError: it is another's.
        """
        with self._lock:
            if self._known.setdefault(name, visitor) != visitor:
                raise NotYoursError("this session is another visitor's; reload the page")
            self._known.move_to_end(name)
            while len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)

    def has_ended(self, session: str) -> bool:
        """Whether a session was forgotten, and with it what its page had chosen."""
        with self._lock:
            return session in self._ended

    def begin(self, session: str) -> None:
        """A session is listened to: whatever it was before, it is there."""
        with self._lock:
            self._ended.pop(session, None)

    def check_room(self, visitor: str, size: int) -> None:
        """Refuse an upload of `size` bytes where a visitor or all together have too much.

        Raises:
            UploadsFullError: says the limit.
        """
        with self._lock:
            sizes = [self._sizes[f] for f, owners in self._owners.items() if visitor in owners]
            if len(sizes) >= self._limits.uploads_visitor_files:
                raise UploadsFullError(
                    f"you have {len(sizes):,} uploads here, the limit of a visitor; they go an "
                    "hour after they came"
                )
            mine = sum(sizes) + self._expected[visitor]
            if mine + size > self._limits.uploads_visitor_bytes:
                raise UploadsFullError(
                    f"your uploads would take more than "
                    f"{self._limits.uploads_visitor_bytes // 1_000_000} MB, the limit of a visitor"
                )
            taken = sum(self._sizes.values()) + self._expected.total()
            many = len(self._sizes) >= self._limits.uploads_files
            if many or taken + size > self._limits.uploads_bytes:
                raise UploadsFullError("busy: others' uploads fill the disk; try again in an hour")

    @contextmanager
    def expecting(self, visitor: str, size: int) -> Iterator[None]:
        """While an upload of up to `size` bytes arrives, nobody else gets their room."""
        with self._lock:
            self._expected[visitor] += size
        try:
            yield
        finally:
            with self._lock:
                self._expected[visitor] -= size
                self._expected += Counter()  # drops those that expect nothing

    def add_uploads(self, paths: Iterable[str], visitor: str) -> None:
        """Files that `visitor` has just uploaded."""
        with self._lock:
            for path in paths:
                folder = self._folder_of(path)
                if folder is None:
                    continue
                self._owners.setdefault(folder, set()).add(visitor)
                try:
                    self._sizes[folder] = os.path.getsize(path)
                except OSError:
                    self._sizes[folder] = 0

    def check_file(self, path: str, visitor: str) -> None:
        """Refuse a file that another has uploaded.

        Raises:
            NotYoursError: it is another's, or gone.
        """
        folder = self._folder_of(path)
        if folder is None:
            return  # Gradio says what lies elsewhere and may be read
        with self._lock:
            owners = self._owners.get(folder)
        if owners is not None and visitor not in owners:
            raise NotYoursError("there is no such file in this session; upload it again")

    def open_page(self, visitor: str) -> None:
        with self._lock:
            self._pages[visitor] = self._pages.get(visitor, 0) + 1

    def close_page(self, visitor: str) -> None:
        with self._lock:
            self._pages[visitor] = max(0, self._pages.get(visitor, 0) - 1)

    def has_page(self, visitor: str) -> bool:
        with self._lock:
            return self._pages.get(visitor, 0) > 0

    def forget(self, visitor: str) -> list[str]:
        """Delete all that is `visitor`'s alone; names of the sessions that ended so."""
        with self._lock:
            self._pages.pop(visitor, None)
            gone = []
            for folder, owners in list(self._owners.items()):
                owners.discard(visitor)
                if not owners:
                    del self._owners[folder], self._sizes[folder]
                    gone.append(folder)
            ended = [name for name, owner in self._known.items() if owner == visitor]
            for name in ended:
                del self._known[name]
            self._ended.update(dict.fromkeys(ended))
            while len(self._ended) > MAX_KNOWN:
                self._ended.popitem(last=False)
        for folder in gone:
            shutil.rmtree(self.folder / folder, ignore_errors=True)
        return ended

    def sweep(self) -> None:
        """Delete what has lain here for too long, whoever's it is; sooner what is half an upload,
        whose sender has gone."""
        now, whole = time.time(), self._limits.upload_age_seconds
        half = min(whole, 20 * self._limits.body_seconds)
        for name in self._folders():
            path = self.folder / name
            try:
                age = now - _newest(path)
                old = name not in self._kept and age > (whole if path.is_dir() else half)
            except OSError:  # just gone
                continue
            if not old:
                continue
            with self._lock:
                self._owners.pop(name, None)
                self._sizes.pop(name, None)
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _folders(self) -> list[str]:
        return os.listdir(self.folder) if self.folder.is_dir() else []

    def _folder_of(self, path: str) -> str | None:
        """The folder of an upload that a path leads into; None where it leads elsewhere."""
        try:
            inside = Path(os.path.realpath(path)).relative_to(self.folder)
        except (ValueError, OSError):
            return None
        return inside.parts[0] if inside.parts else None


def _newest(path: Path) -> float:
    """When something in it last changed. A clock put back makes that a future, so it counts as old
    once it is further away than any delay."""
    times = [path.lstat().st_mtime, *(p.lstat().st_mtime for p in path.rglob("*"))]
    now = time.time()
    return max(t if t <= now + 3600 else 0.0 for t in times)
