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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from dviz.errors import DvizError
from dviz.limits import LIMITS, Limits

MAX_KNOWN = 50_000  # sessions and events that are remembered
COOKIE_BYTES = 16
CLOCK = 3600  # seconds that nothing is ahead of the clock, unless that was put back


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


@dataclass
class _Upload:
    """One file: its bytes, and who has sent it."""

    size: int = 0
    owners: set[str] = field(default_factory=set)


class Visitors:
    """Uploads, sessions and open pages of everybody.

    Args:
        folder: where uploads lie, one folder a content, in which it may have many names.
    """

    def __init__(self, folder: str | Path, limits: Limits = LIMITS) -> None:
        self.folder = Path(folder).resolve()
        self._limits = limits
        self._lock = threading.RLock()
        self._uploads: dict[str, dict[str, _Upload]] = {}  # by folder, and by path below ours
        self._remains: dict[int, tuple[int, int]] = {}  # bytes and files, by the minute they go
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
            uploads = [one for files in self._uploads.values() for one in files.values()]
            sizes = [one.size for one in uploads if visitor in one.owners]
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
            remains = list(self._remains.values())
            taken = sum(one.size for one in uploads) + sum(size for size, _ in remains)
            taken += self._expected.total()
            many = len(uploads) + sum(files for _, files in remains) >= self._limits.uploads_files
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

    def add_uploads(self, paths: Iterable[str], visitor: str) -> list[int]:
        """Files that `visitor` has just uploaded; their bytes."""
        sizes = []
        with self._lock:
            for path in paths:
                parts = self._parts_of(path)
                if not parts:
                    continue
                try:
                    size = os.path.getsize(path)
                except OSError:
                    size = 0
                files = self._uploads.setdefault(parts[0], {})
                upload = files.setdefault("/".join(parts), _Upload())
                upload.size = size
                upload.owners.add(visitor)
                sizes.append(size)
        return sizes

    def add_remains(self, size: int, files: int, *, whole: bool) -> None:
        """Count what an upload may have left that is nobody's, until a sweep has deleted it.

        Args:
            size, files: what came of it, less what `add_uploads` counts.
            whole: whether it came to its end; what was cut off goes sooner.
        """
        minute = int(time.time() + self._age_limit(whole)) // 60 + 1
        with self._lock:
            sizes, number = self._remains.get(minute, (0, 0))
            self._remains[minute] = sizes + max(0, size), number + max(0, files)

    def check_file(self, path: str, visitor: str) -> None:
        """Refuse a file that another has uploaded.

        Raises:
            NotYoursError: it is another's, or gone.
        """
        parts = self._parts_of(path)
        if not parts:
            return  # Gradio says what lies elsewhere and may be read
        with self._lock:
            files = self._uploads.get(parts[0])
            others = files and not any(visitor in one.owners for one in files.values())
        if others:
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
            for folder, files in list(self._uploads.items()):
                for path, upload in list(files.items()):
                    upload.owners.discard(visitor)
                    if not upload.owners:
                        del files[path]
                        gone.append(path)
                if not files:
                    del self._uploads[folder]
                    gone.append(folder)
            ended = [name for name, owner in self._known.items() if owner == visitor]
            for name in ended:
                del self._known[name]
            self._ended.update(dict.fromkeys(ended))
            while len(self._ended) > MAX_KNOWN:
                self._ended.popitem(last=False)
        for path in gone:
            _delete(self.folder / path)
        return ended

    def sweep(self) -> None:
        """Delete what has lain here for too long, whoever's it is; sooner what is half an upload,
        whose sender has gone."""
        now = time.time()
        for name in self._folders():
            path = self.folder / name
            if name not in self._kept:
                _delete_old(path, now, self._age_limit(whole=path.is_dir()))
                self._forget_lost(name)
        with self._lock:
            latest = now + self._age_limit(whole=True) + CLOCK
            for minute in [m for m in self._remains if not now < 60 * m <= latest]:
                del self._remains[minute]

    def _forget_lost(self, folder: str) -> None:
        """Count no upload in `folder` that is not there any more."""
        with self._lock:
            files = self._uploads.get(folder, {})
            for path in [path for path in files if not os.path.lexists(self.folder / path)]:
                del files[path]
            if not files:
                self._uploads.pop(folder, None)

    def _age_limit(self, whole: bool) -> int:
        """Seconds that an upload stays at the most, or the half of one."""
        age = self._limits.upload_age_seconds
        return age if whole else min(age, 20 * self._limits.body_seconds)

    def _folders(self) -> list[str]:
        return os.listdir(self.folder) if self.folder.is_dir() else []

    def _parts_of(self, path: str) -> tuple[str, ...]:
        """Where a path leads, below the folder of uploads; () where it leads elsewhere."""
        try:
            return Path(os.path.realpath(path)).relative_to(self.folder).parts
        except (ValueError, OSError):
            return ()


def _delete_old(path: Path, now: float, limit: int) -> None:
    """Delete what came here more than `limit` seconds ago; a folder with the last of its files.

    Each file has an age of its own: a folder to which names are added would else stay for ever.
    """
    inside = [Path(at, name) for at, _, names in os.walk(path) for name in names] or [path]
    old = [one for one in inside if _age(one, now) > limit]
    for one in [path] if len(old) == len(inside) else old:
        _delete(one)


def _age(path: Path, now: float) -> float:
    """Seconds since a file came here. A clock put back makes that a future, which counts as old
    once it is further away than any delay."""
    try:
        came = path.lstat().st_ctime  # a copy keeps the other time of what it is a copy of
    except OSError:  # just gone
        return 0.0
    return now - came if came <= now + CLOCK else now


def _delete(path: Path) -> None:
    """Delete a file or a folder; who deletes it too has done no harm."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
