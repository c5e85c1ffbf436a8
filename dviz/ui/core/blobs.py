"""Runs of bytes that a page fetches once and keeps: behind addresses that hold their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dviz.errors import DvizError

if TYPE_CHECKING:
    from dviz.ui.core.library import Library

FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True)
class Blob:
    """Bytes and what they are told by."""

    data: bytes

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()[:16]


def address(path: str, digest: str, key: str) -> str:
    """Where the page finds what belongs to a checkpoint, relative to the root of the app.

    It holds the digest of what is behind it, so that a browser never has to ask twice.
    """
    return f"{path}/{digest}?checkpoint={quote(key, safe='')}"


def route(path: str, library: Library, find: Callable[[str], Blob | None], missing: str) -> Route:
    """The route behind these addresses; it answers for what is shipped or loaded, and no other.

    Args:
        find: the bytes that belong to a checkpoint by its key; None where there are none.
        missing: what is said where nothing is behind an address.
    """

    async def serve(request: Request) -> Response:
        digest, key = request.path_params["digest"], request.query_params.get("checkpoint", "")
        headers = {"ETag": f'"{digest}"', **FOREVER}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=FOREVER)
        if not library.has(key):  # nobody's address makes this machine fetch anything
            return Response(missing, 404, media_type="text/plain")
        try:
            blob = await run_in_threadpool(find, key)
        except DvizError as error:
            return Response(str(error), 404, media_type="text/plain")
        if blob is None or blob.digest != digest:
            return Response(missing, 404, media_type="text/plain")
        return Response(blob.data, headers=headers, media_type="application/octet-stream")

    return Route(f"/{path}/{{digest}}", serve)
