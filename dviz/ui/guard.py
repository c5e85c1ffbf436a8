"""The gate before the page: bounds on requests, whose file is whose, and headers for browsers.

It stands in front of Gradio as ASGI middleware, so what it refuses costs nothing behind it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import anyio
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from dviz.limits import LIMITS, Limits
from dviz.ui.core.bodies import Body, BodyError, PartCounter, read_body
from dviz.ui.core.defects import place_of
from dviz.ui.core.scratch import give_memory_back
from dviz.ui.core.visitors import (
    NotYoursError,
    UploadsFullError,
    Visitors,
)
from dviz.ui.exchange import Asgi, Exchange, Message, Receive, Refusal, Scope, Send
from dviz.ui.sessions import Present, keep_present

AWAY = "this page was away for too long and its session has ended; reload it"
GRACE = 20.0  # seconds in which a page that was closed may be opened again
SWEEP = 30.0  # seconds between two looks for what is too old
DRAINED = 16_000_000  # bytes of a refused body that are read, so that its sender hears why
# Parts of Gradio that the page does not use: they fetch addresses, keep files, or run programs.
CLOSED = re.compile(
    r"/(gradio_api/(proxy=|stream/|process_recording|vibe|dev/|deep_link|run-history|profiling)"
    r"|monitoring)"
)
FILE = re.compile(r"/gradio_api/file[=/](.*)", re.DOTALL)
UPLOAD = re.compile(r"/gradio_api/upload/?$")
SESSION = re.compile(r"/gradio_api/heartbeat/([^/]+)$")
EVENT = re.compile(r"/gradio_api/call/(?:v2/)?[^/]+/([^/]+)$")
JOIN = re.compile(r"/gradio_api/(queue/join|call/)")
log = logging.getLogger("dviz.guard")


class Guard:
    """ASGI middleware; for what it does see the module.

    Args:
        app: what it stands in front of.
        folder: where uploads lie.
        grace: seconds after its last page was closed until a visitor's files go.
    """

    def __init__(
        self,
        app: Asgi,
        folder: str | Path,
        limits: Limits = LIMITS,
        grace: float = GRACE,
    ) -> None:
        self.app, self.limits, self.grace = app, limits, grace
        self.visitors = Visitors(folder, limits)
        self._uploading = 0
        self._turns: asyncio.Semaphore | None = None
        self._readers: anyio.CapacityLimiter | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._present: Present | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self._begin_sweeping()
        exchange = Exchange(scope, send)
        try:
            await self._serve(scope, receive, exchange)
        except Refusal as refusal:
            await exchange.refuse(refusal)
        except ClientDisconnect:
            pass
        except Exception as error:
            log.error("unexpected %s", place_of(error))
            await exchange.refuse(Refusal(500, "this request cannot be served; reload the page"))

    async def _serve(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        path, visitor = scope["path"], exchange.visitor
        if CLOSED.search(path):
            raise Refusal(404, "there is nothing here")
        if (found := FILE.search(path)) is not None:
            self._check_paths([unquote(found[1]), found[1]], visitor)
        named = self._claim_what_is_named(scope, visitor)
        if UPLOAD.search(path) and scope["method"] == "POST":
            await self._upload(scope, receive, exchange)
            return
        if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            receive = await self._read(scope, receive, visitor)
        if JOIN.search(path):
            exchange.on_json = lambda value: self._claim_event(value, visitor)
        with self._present_in(scope).at(named):
            if SESSION.search(path):
                self.visitors.begin(named[-1])
                await self._stay(scope, receive, exchange)
            else:
                await self.app(scope, receive, exchange.send)

    # --- bodies

    async def _read(self, scope: Scope, receive: Receive, visitor: str) -> Receive:
        """Take the whole body in, look through it, and hand it on."""
        content = await self._collect(scope, receive)
        if content:
            kind = Headers(scope=scope).get("content-type", "").lower()
            if kind.startswith(("multipart/", "application/x-www-form-urlencoded")):
                raise Refusal(415, "files are uploaded, everything else is JSON")
            await self._check_body(content, visitor)
        handed = False

        async def again() -> Message:
            nonlocal handed
            if handed:
                return await receive()
            handed = True
            return {"type": "http.request", "body": content, "more_body": False}

        return again

    async def _collect(self, scope: Scope, receive: Receive) -> bytes:
        most = self.limits.body_bytes
        announced = _length(scope)
        parts: list[bytes] = []
        size, more = 0, True
        try:
            with anyio.fail_after(self.limits.body_seconds):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    chunk, more = message.get("body", b""), message.get("more_body", False)
                    size += len(chunk)
                    if max(size, announced) <= most:
                        parts.append(chunk)
                    elif size > DRAINED or announced > DRAINED:
                        break
        except TimeoutError:
            raise Refusal(408, "the request took too long to arrive") from None
        if max(size, announced) > most:
            raise Refusal(413, f"the request is larger than {most:,} bytes, the limit")
        return b"".join(parts)

    async def _check_body(self, content: bytes, visitor: str) -> None:
        try:
            if len(content) < 50_000:
                body = read_body(content, self.limits)
            else:  # a few at a time and beside the loop, so that nobody else waits
                self._readers = self._readers or anyio.CapacityLimiter(2)
                body = await anyio.to_thread.run_sync(
                    read_body, content, self.limits, limiter=self._readers
                )
        except BodyError as error:
            raise Refusal(400, str(error)) from None
        self._check_claims(body, visitor)

    def _check_claims(self, body: Body, visitor: str) -> None:
        self._check_paths(body.paths, visitor)
        if body.session:
            if self.visitors.has_ended(body.session):  # its state is gone, whatever the page shows
                raise Refusal(410, AWAY)
            self._claim(body.session, visitor)

    # --- whose is what

    def _check_paths(self, paths: Iterable[str], visitor: str) -> None:
        for path in paths:
            if path.lower().startswith(("http:", "https:", "//")):
                raise Refusal(400, "addresses are not fetched here; upload the file")
            if "\0" in path:
                raise Refusal(400, "this is no path")
            try:
                self.visitors.check_file(path, visitor)
            except NotYoursError as error:
                raise Refusal(404, str(error)) from None

    def _claim_what_is_named(self, scope: Scope, visitor: str) -> list[str]:
        """Sessions and events in the address, which are given back."""
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=50)
        names = query.get("session_hash", [])
        for pattern in (SESSION, EVENT):
            names += [found[1]] if (found := pattern.search(scope["path"])) else []
        for name in names:
            self._claim(name, visitor)
        return names

    def _claim(self, name: str, visitor: str) -> None:
        if len(name) > 200:
            raise Refusal(400, "this is no session")
        try:
            self.visitors.claim(name, visitor)
        except NotYoursError as error:
            raise Refusal(404, str(error)) from None

    def _claim_event(self, value: Any, visitor: str) -> None:
        if isinstance(value, dict) and isinstance(value.get("event_id"), str):
            self._claim(value["event_id"], visitor)

    # --- uploads

    async def _upload(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        """Take an upload in, a few at a time; its size is counted as it comes."""
        limits, announced = self.limits, _length(scope)
        too_large = Refusal(
            413, f"uploads of more than {limits.upload_request_bytes // 1_000_000} MB are refused"
        )
        if announced > limits.upload_request_bytes:
            raise too_large
        if self._uploading >= limits.uploads_at_once + limits.uploads_waiting:
            raise Refusal(429, f"busy: {self._uploading} uploads are under way; try again in 30 s")
        self._check_room(exchange.visitor, announced)
        # Whoever does not say how much comes may send as much as is allowed.
        size, room = 0, announced or limits.upload_request_bytes
        files, whole = 0, False
        kept: list[int] = []
        try:
            parts = PartCounter(Headers(scope=scope).get("content-type", ""))
        except BodyError as error:
            raise Refusal(400, str(error)) from None

        async def counted() -> Message:
            nonlocal size, files, whole
            message = await receive()
            chunk = message.get("body", b"")
            size += len(chunk)
            files = parts.add(chunk)
            whole |= message["type"] == "http.request" and not message.get("more_body", False)
            if size > limits.upload_request_bytes:
                raise too_large
            if files > limits.upload_files:
                raise Refusal(413, f"more than {limits.upload_files} files at once, the limit")
            return message

        exchange.on_json = lambda value: kept.extend(self._add_uploads(value, exchange.visitor))
        self._turns = self._turns or asyncio.Semaphore(limits.uploads_at_once)
        self._uploading += 1
        try:
            with anyio.fail_after(10 * limits.body_seconds):
                async with self._turns:
                    self._check_room(exchange.visitor, room)
                    with self.visitors.expecting(exchange.visitor, room):
                        try:
                            await self.app(scope, counted, exchange.send)
                        finally:  # Gradio leaves its temporary files where it fails
                            begun = files + (size > 0 and not whole)
                            left = size - sum(kept), begun - len(kept)
                            self.visitors.add_remains(*left, whole=whole)
        except TimeoutError:
            raise Refusal(408, "the upload took too long to arrive") from None
        finally:
            self._uploading -= 1

    def _check_room(self, visitor: str, size: int) -> None:
        try:
            self.visitors.check_room(visitor, size)
        except UploadsFullError as error:
            raise Refusal(429, str(error)) from None

    def _add_uploads(self, value: Any, visitor: str) -> list[int]:
        """Bytes of the files that Gradio says it has kept."""
        paths = value if isinstance(value, list) else []
        return self.visitors.add_uploads([p for p in paths if isinstance(p, str)], visitor)

    # --- coming and going

    async def _stay(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        """A page is open as long as its heartbeat is listened to."""
        visitor = exchange.visitor
        self.visitors.open_page(visitor)
        try:
            await self.app(scope, receive, exchange.send)
        finally:
            self.visitors.close_page(visitor)
            state = getattr(scope.get("app"), "state_holder", None)
            loop = asyncio.get_running_loop()
            # Beside the loop: it may be thousands of files.
            loop.call_later(
                self.grace, lambda: loop.run_in_executor(None, self._forget, visitor, state)
            )

    def _forget(self, visitor: str, state: Any) -> None:
        if self.visitors.has_page(visitor):
            return
        for session in self.visitors.forget(visitor):
            if state is not None:  # what Gradio would keep of it for another hour
                state.session_data.pop(session, None)
                state.time_last_used.pop(session, None)

    def _present_in(self, scope: Scope) -> Present:
        """Who is connected; from the first request on, Gradio keeps their sessions."""
        if self._present is None:
            self._present = Present()
            if hasattr(scope.get("app"), "state_holder"):
                keep_present(scope["app"], self._present)
        return self._present

    def _begin_sweeping(self) -> None:
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            await anyio.to_thread.run_sync(self.visitors.sweep)
            await anyio.to_thread.run_sync(give_memory_back)


def _length(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isdecimal() and len(text) < 16 else 0
