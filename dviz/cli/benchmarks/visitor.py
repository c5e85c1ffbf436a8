"""A visitor of the running page over plain HTTP: what a browser sends, and what it never would."""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 600.0
JSON = {"Content-Type": "application/json"}
API = "/gradio_api"


class Visitor:
    """Opens the page as a browser does and keeps its cookie.

    Args:
        url: of the page, on this machine.
        timeout: seconds until an answer has to be whole.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self._address, self._timeout = urlsplit(url).netloc, timeout
        self.session = secrets.token_hex(6)
        self.cookie = ""
        _, headers, _ = self.ask("GET", "/", headers={"Accept": "text/html"})
        self.cookie = headers.get("set-cookie", "").split(";")[0]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self._address.partition(":")
        return host, int(port)

    @property
    def latent_size(self) -> int:
        """Dimensions of the checkpoint that the page opens with."""
        return self._first["latent_size"]

    @cached_property
    def _first(self) -> dict[str, Any]:
        status, _, content = self.ask("POST", f"{API}/run/checkpoints", {"data": []})
        if status != 200:
            raise LookupError(f"the page does not list its checkpoints: {said(status, content)}")
        return json.loads(content)["data"][0][0]

    @cached_property
    def config(self) -> dict[str, Any]:
        """What the page is built of."""
        return json.loads(self.ask("GET", "/config")[2])

    def like(self, other: Visitor) -> Visitor:
        """This one, who knows what another has looked up of the same page. Returns self."""
        self.config, self._first = other.config, other._first
        return self

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content of an answer; a dict is sent as JSON."""
        deadline = time.monotonic() + self._timeout
        connection = http.client.HTTPConnection(self._address, timeout=self._timeout)
        headers = dict(headers or {})
        if self.cookie:
            headers["Cookie"] = self.cookie
        if isinstance(body, dict):
            body, headers = json.dumps(body), headers | JSON
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = b"".join(_parts(answer, deadline))
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, content
        finally:
            connection.close()

    def post(self, path: str, body: Any, headers: dict[str, str] = JSON) -> str:
        """What an answer to JSON says, in one line."""
        status, _, content = self.ask("POST", f"{API}/{path}", body, headers)
        return said(status, content)

    def upload(self, content: bytes, name: str) -> str:
        """The path of an uploaded file. Raises RefusedError where it is refused."""
        status, _, answer = self.ask("POST", f"{API}/upload", *multipart([(name, content)]))
        if status != 200:
            raise RefusedError(said(status, answer))
        return json.loads(answer)[0]

    def call(self, name: str, *data: Any) -> str:
        """What a named endpoint answers, in one line."""
        body = {"data": list(data), "session_hash": secrets.token_hex(6)}
        status, _, content = self.ask("POST", f"{API}/call/{name}", body)
        if status != 200:
            return said(status, content)
        event = json.loads(content)["event_id"]
        status, _, content = self.ask("GET", f"{API}/call/{name}/{event}")
        text = content.decode("utf-8", "replace")
        if "event: complete" in text:
            return "served"
        problem = text.rpartition("data: ")[2]
        with suppress(ValueError, AttributeError):
            problem = json.loads(problem).get("error") or problem
        return f"refused: {_short(problem)}"

    def stay(self) -> http.client.HTTPConnection:
        """Keep the page open, until the connection is closed."""
        page = http.client.HTTPConnection(self._address, timeout=self._timeout)
        page.request("GET", f"{API}/heartbeat/{self.session}", headers={"Cookie": self.cookie})
        page.getresponse().readline()
        return page

    def trigger(self, element: str, event: str, data: list[Any], session: str | None = None) -> str:
        """What an event of the page's own answers, in one line; `data` fills its first inputs."""
        try:
            for message in self.messages(element, event, data, session):
                if message["msg"] == "process_completed":
                    problem = message["output"].get("error")
                    return "served" if message["success"] else f"refused: {_short(problem or '')}"
        except RefusedError as refusal:
            return str(refusal)
        return "no answer"

    def messages(
        self, element: str, event: str, data: list[Any], session: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """What an event of the page's own is told, as it comes. Raises RefusedError."""
        number, inputs = self._event(element, event)
        session = session or secrets.token_hex(6)
        filled = data + [None] * (inputs - len(data))
        body = {"fn_index": number, "session_hash": session, "data": filled}
        status, _, content = self.ask("POST", f"{API}/queue/join", body)
        if status != 200:
            raise RefusedError(said(status, content))
        deadline = time.monotonic() + self._timeout
        connection = http.client.HTTPConnection(self._address, timeout=self._timeout)
        path = f"{API}/queue/data?session_hash={session}"
        with closing(connection):
            connection.request("GET", path, headers={"Cookie": self.cookie} if self.cookie else {})
            answer, left = connection.getresponse(), b""
            for part in _parts(answer, deadline):
                *lines, left = (left + part).split(b"\n")
                yield from (json.loads(line[6:]) for line in lines if line.startswith(b"data: "))

    def picture(self, content: bytes, name: str = "a.png", checkpoint: str = "") -> str:
        """What /encode says about a picture."""
        try:
            path = self.upload(content, name)
        except RefusedError as refusal:
            return str(refusal)
        return self.call("encode", checkpoint or self.checkpoint, as_file(path), "crop", "keep")

    def table(self, files: list[tuple[str, bytes]]) -> str:
        """What the tab of one's own data says about files."""
        try:
            paths = [as_file(self.upload(content, name)) for name, content in files]
        except RefusedError as refusal:
            return str(refusal)
        return self.trigger("own-files", "upload", [paths, 0.5, "avg"])

    @property
    def checkpoint(self) -> str:
        """The one that the page opens with."""
        return self._first["name"]

    def component(self, element: str) -> dict[str, Any]:
        found = self.config["components"]
        return next(c for c in found if c["props"].get("elem_id") == element)

    def _event(self, element: str, event: str) -> tuple[int, int]:
        target = [self.component(element)["id"], event]
        for dependency in self.config["dependencies"]:
            if target in [list(each) for each in dependency["targets"]]:
                return dependency["id"], len(dependency["inputs"])
        raise LookupError(f"the page has no event {event} of {element}")


def _parts(answer: http.client.HTTPResponse, deadline: float) -> Iterator[bytes]:
    """A content as it comes; one that never ends is given up."""
    while part := answer.read1(1_000_000):
        yield part
        if time.monotonic() > deadline:
            raise TimeoutError("the answer took too long")


class RefusedError(Exception):
    """An upload that the page does not take."""


def as_file(path: str) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def multipart(files: list[tuple[str, bytes]]) -> tuple[bytes, dict[str, str]]:
    """Body and headers of an upload of files."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, content in files
    ]
    return b"".join(parts) + b"--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}


def said(status: int, content: bytes) -> str:
    if status == 200:
        return "served"
    try:
        detail = json.loads(content).get("detail", "")
    except (ValueError, AttributeError):
        detail = content.decode("utf-8", "replace")
    return f"refused {status}: {_short(str(detail))}"


def _short(text: str) -> str:
    return " ".join(text.split())[:160]
