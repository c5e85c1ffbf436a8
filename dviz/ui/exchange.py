"""One request and its answer: who asks, and what the answer is given on its way out."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from dviz.ui.core.visitors import is_visitor, new_visitor, without_cookie

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "dviz_visitor"


class Refusal(Exception):  # noqa: N818  (an answer, not a defect)
    """An answer that ends a request: status and one line."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class Exchange:
    """One request and its answer: who asks, and what the answer is given on its way."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._headers = Headers(scope=scope)
        self._started = False
        self._held: Message | None = None
        self.on_json: Callable[[Any], None] | None = None
        cookie = self._cookie()
        self.visitor = cookie or without_cookie(
            (scope.get("client") or ("",))[0],
            self._headers.get("x-forwarded-for", ""),
            self._headers.get("user-agent", ""),
            self._headers.get("origin", "") if self._elsewhere else "",
        )
        self._new = None if cookie or self._elsewhere or not self._page else new_visitor()

    @property
    def _elsewhere(self) -> bool:
        """Whether a page of another site asks: a visitor's cookie is none of its business."""
        return self._headers.get("sec-fetch-site") == "cross-site" and not self._page

    @property
    def _page(self) -> bool:
        wants = "text/html" in self._headers.get("accept", "")
        return (
            wants and self._scope["method"] == "GET" and "/gradio_api/" not in self._scope["path"]
        )

    def _cookie(self) -> str | None:
        if self._elsewhere:
            return None
        try:
            found = SimpleCookie(self._headers.get("cookie", "")).get(COOKIE)
        except CookieError:  # of another app on this host
            return None
        return found.value if found is not None and is_visitor(found.value) else None

    async def send(self, message: Message) -> None:
        """Hand an answer on, with headers; what has to be read first is held until it is whole."""
        if message["type"] == "http.response.start":
            message = self._dressed(message)
            if self.on_json is not None:
                self._held = message
                return
        elif self._held is not None and message["type"] == "http.response.body":
            if message.get("more_body"):  # a stream is nothing that has to be read first
                await self._release(self._held)
            else:
                start, message = self._looked_at(self._held, message)
                await self._release(start)
        if message["type"] == "http.response.start":
            self._started = True
        await self._send(message)

    async def _release(self, start: Message) -> None:
        self._held, self._started = None, True
        await self._send(start)

    def _looked_at(self, start: Message, body: Message) -> tuple[Message, Message]:
        if start["status"] == 503:  # the page would show words of its own instead of ours
            text = "busy: as many requests as fit are waiting; try again in about 20 s"
            return _answer(429, text, self._dressed)
        if start["status"] == 200 and self.on_json is not None:
            with suppress(ValueError):
                self.on_json(json.loads(body.get("body", b"")))
        return start, body

    def _dressed(self, message: Message) -> Message:
        message = {**message, "headers": list(message.get("headers", []))}
        headers = MutableHeaders(raw=message["headers"])
        for name, value in security_headers().items():
            headers.setdefault(name, value)
        if self._new is not None and message["status"] == 200:
            headers.append("set-cookie", f"{COOKIE}={self._new}; {self._terms()}")
        return message

    def _terms(self) -> str:
        """Within the frame of a Space only a cookie of its own partition is kept."""
        scheme = self._headers.get("x-forwarded-proto", self._scope.get("scheme", "http"))
        if scheme.split(",")[0].strip() == "https":
            return "Path=/; HttpOnly; Secure; SameSite=None; Partitioned"
        return "Path=/; HttpOnly; SameSite=Lax"

    async def refuse(self, refusal: Refusal) -> None:
        """Say no, in one line; where an answer is under way already, nothing more can be said."""
        if self._started:
            return
        for message in _answer(refusal.status, refusal.text, self._dressed):
            await self._send(message)


def _answer(
    status: int, text: str, dressed: Callable[[Message], Message]
) -> tuple[Message, Message]:
    content = json.dumps({"detail": text, "error": text}, ensure_ascii=False).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
    ]
    start = {"type": "http.response.start", "status": status, "headers": headers}
    return dressed(start), {"type": "http.response.body", "body": content}


def security_headers() -> dict[str, str]:
    """What a browser may do with the page. Gradio builds scripts and styles as it runs; what it
    may not do is load any from elsewhere, or be framed by others than the Hub."""
    space = bool(os.environ.get("SPACE_ID"))
    script = " https://cdnjs.cloudflare.com" if space else ""  # the Hub's frame asks for its size
    connect = " https://huggingface.co" if space else ""
    ancestors = "'self' https://huggingface.co https://*.hf.space"
    if not space:  # a notebook shows the page in a frame
        ancestors += " http://localhost:* http://127.0.0.1:*"
    policy = {
        "default-src": "'self'",
        "script-src": f"'self' 'unsafe-inline' 'unsafe-eval' blob:{script}",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self' data: blob:{connect}",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": os.environ.get("DVIZ_FRAME_ANCESTORS", ancestors),
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin-allow-popups",
        "permissions-policy": "geolocation=(), microphone=(), payment=(), usb=()",
    }
