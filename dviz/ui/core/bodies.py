"""What a request may hold, looked at before anything is made of it. Pure functions, no server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

import numpy as np

from dviz.errors import DvizError
from dviz.limits import LIMITS, Limits

BOUNDARY = re.compile(r"boundary[\s*\d]*=", re.IGNORECASE)
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class BodyError(DvizError):
    """A request that is refused as it stands."""


@dataclass(frozen=True)
class Body:
    """What matters of a request's JSON: its session, and the files that it names."""

    session: str | None = None
    paths: list[str] = field(default_factory=list)


def read_body(content: bytes, limits: Limits = LIMITS) -> Body:
    """Look through a request's JSON.

    >>> read_body(b'{"session_hash": "abc", "data": [{"path": "/tmp/a.png"}]}')
    Body(session='abc', paths=['/tmp/a.png'])

    Raises:
        BodyError: it is no JSON, too long or too deep, or asks to fetch an address.
    """
    _check_marks(content, limits)
    try:
        value = json.loads(content)
    except RecursionError:
        raise BodyError(
            f"the JSON nests deeper than {limits.json_depth} levels, the limit"
        ) from None
    except ValueError:
        raise BodyError("the request is not JSON") from None
    paths = [path for path in _paths(value, limits) if isinstance(path, str)]
    if any(path.lower().startswith(("http:", "https:", "//")) for path in paths):
        raise BodyError("addresses are not fetched here; upload the file")
    session = value.get("session_hash") if isinstance(value, dict) else None
    return Body(session if isinstance(session, str) else None, paths)


class PartCounter:
    """Counts the files of an upload as it comes, before anything is made of them.

    >>> counter = PartCounter("multipart/form-data; boundary=x")
    >>> counter.add(b"--x\\r\\n\\r\\na\\r\\n-"), counter.add(b"-x\\r\\n\\r\\nb\\r\\n--x--")
    (0, 2)

    Args:
        content_type: the request's; one without a boundary has no parts.

    Raises:
        BodyError: it has two boundaries, of which others may take the other one.
    """

    def __init__(self, content_type: str) -> None:
        if len(BOUNDARY.findall(content_type)) > 1:
            raise BodyError("an upload has one boundary")
        header = Message()
        header["content-type"] = content_type
        boundary = header.get_boundary("")
        self._end = f"\r\n--{boundary}".encode("latin-1", "replace") if boundary else b""
        self._ended, self._tail = 0, b""

    def add(self, chunk: bytes) -> int:
        """Parts that have ended by now."""
        if not self._end:
            return 0
        *parts, rest = (self._tail + chunk).split(self._end)
        self._ended += len(parts)
        self._tail = rest[max(0, len(rest) - len(self._end) + 1) :]
        return self._ended


def _check_marks(content: bytes, limits: Limits) -> None:
    """Refuse by commas and brackets outside of words, which takes a hundredth of parsing."""
    plain = content.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(plain.split(b'"')[::2])
    if outside.count(b",") > limits.json_values:
        raise BodyError(_too_many(limits))
    brackets = np.frombuffer(outside.translate(None, NO_BRACKETS), dtype=np.uint8)
    steps = np.where((brackets == ord("[")) | (brackets == ord("{")), 1, -1)
    if len(steps) and steps.cumsum().max() > limits.json_depth + 1:
        raise BodyError(_too_deep(limits))


def _paths(value: Any, limits: Limits) -> Iterator[Any]:
    """Everything that is called "path"; level after level, so that depth costs no stack."""
    level, count, depth = [value], 0, 0
    while level:
        below = []
        for part in level:
            if isinstance(part, dict):
                if "path" in part:
                    yield part["path"]
                below += part.values()
            elif isinstance(part, list):
                below += part
        count += len(below)
        depth += 1
        if count > limits.json_values:
            raise BodyError(_too_many(limits))
        if below and depth > limits.json_depth:
            raise BodyError(_too_deep(limits))
        level = below


def _too_many(limits: Limits) -> str:
    return f"the JSON holds more than {limits.json_values:,} values, the limit"


def _too_deep(limits: Limits) -> str:
    return f"the JSON nests deeper than {limits.json_depth} levels, the limit"
