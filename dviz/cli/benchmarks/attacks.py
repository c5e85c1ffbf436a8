"""What strangers send who mean harm: by name, one function each that says what it was answered."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dviz.cli.benchmarks import hostile
from dviz.cli.benchmarks.visitor import API, JSON, Visitor, as_file, multipart, said

SECRET = "geheim"  # part of every file's name; no log may hold it
CROWD = 100

Attacks = Iterator[tuple[str, Callable[[], Any]]]


def attacks(url: str, broken: list[str]) -> Attacks:
    """All of them by name, against the app at `url` with checkpoints of these names broken."""
    visitor = Visitor(url)
    yield from _bodies(visitor)
    yield from _requests(visitor)
    yield from _files(visitor, Visitor(url))
    for name, content in hostile.pictures().items():
        yield f"picture: {name}", lambda c=content: visitor.picture(c, f"{SECRET}.png")
    for name, files in hostile.tables().items():
        named = [(SECRET + file, content) for file, content in files]
        yield f"table: {name}", lambda n=named: visitor.table(n)
    for name in broken:
        yield f"checkpoint: {name}", lambda n=name: visitor.call("association", n, 0.5, "avg")
    yield from _crowds(url)


def _bodies(visitor: Visitor) -> Attacks:
    """Requests whose JSON is too large, too deep, or none."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for name, body, headers in (
        ("9 MB of empty lists", b'{"data": [' + b"[]," * 3_000_000 + b"1]}", JSON),
        ("1 MB of empty lists", b'{"data": [' + b"[]," * 330_000 + b"1]}", JSON),
        ("900 kB of nested lists", b"[" * 900_000, JSON),
        ("nested objects", b'{"data":' * 60_000, JSON),
        ("a number of a million digits", b'{"data": [' + b"9" * 950_000 + b"]}", JSON),
        ("no JSON", b"\xff" * 900_000, JSON),
        ("an empty body", b"", JSON),
        ("200 MB announced, 1 kB sent", b"x" * 1000, JSON | {"Content-Length": "200000000"}),
        ("a form instead of JSON", b"a=1&" * 200_000, form),
        ("files instead of JSON", *multipart([("a", bytes(900_000))])),
    ):
        if "announced" in name:
            yield f"body: {name}", lambda b=body: _hang_up(visitor, b)
        else:
            yield f"body: {name}", lambda b=body, h=headers: visitor.post("call/decode", b, h)
    yield (
        "body: 3 MB without a length",
        lambda: visitor.post("call/decode", iter([b"[" * 100_000] * 30)),
    )


def _hang_up(visitor: Visitor, body: bytes) -> str:
    """Announce much, send little, go."""
    with socket.create_connection(visitor.address, timeout=10) as line:
        line.sendall(
            b"POST /gradio_api/call/decode HTTP/1.1\r\nHost: a\r\n"
            b"Content-Type: application/json\r\nContent-Length: 200000000\r\n\r\n" + body
        )
        line.settimeout(10)
        return "refused " + line.recv(4000).decode("latin-1").split("\r\n")[0]


def _requests(visitor: Visitor) -> Attacks:
    """Well-formed requests that make no sense."""
    key, zeros = visitor.checkpoint, [0.0] * visitor.latent_size

    def decode(*data: Any) -> Callable[[], str]:
        return lambda: visitor.call("decode", *data)

    yield "request: a code of 40 000 numbers", decode(key, [0.5] * 40_000)
    yield "request: a code of words", decode(key, ["a"] * len(zeros))
    yield "request: a code beyond float", decode(key, [1e308] * len(zeros))
    yield "request: a code of lists", decode(key, [[[]]] * len(zeros))
    yield "request: an unknown checkpoint", decode(SECRET, zeros)
    yield "request: a checkpoint's name of 500 kB", decode("x" * 500_000, zeros)
    yield "request: a checkpoint called ../../etc", decode("../../etc/passwd", zeros)
    yield "request: a checkpoint of another kind", decode({"a": [1]}, zeros)
    yield "request: alpha beyond float", lambda: visitor.call("association", key, 1e308, "avg")
    yield "request: an unknown pooling", lambda: visitor.call("association", key, 0.5, SECRET)
    yield (
        "request: codes of an unknown checkpoint",
        lambda: visitor.trigger("own-borrow", "click", [SECRET, 9e99, SECRET]),
    )
    yield "request: an unknown endpoint", lambda: visitor.post("call/nothing", b'{"data": []}')
    yield (
        "request: an unknown function",
        lambda: visitor.post(
            "queue/join", b'{"data": [], "fn_index": 1000000, "session_hash": "a"}'
        ),
    )
    panel = {"component_id": visitor.component("panel")["id"], "session_hash": "b"}
    for name, function, data in (
        ("129 codes to paint", "pictures", {"checkpoint": key, "codes": [zeros] * 129}),
        ("128 codes to paint", "pictures", {"checkpoint": key, "codes": [zeros] * 128}),
        ("an animation of dimension 10⁹", "animation",
         {"checkpoint": key, "code": zeros, "low": -1, "high": 1, "dimension": 10**9}),
        ("a function that is none", "__class__", {}),
    ):  # fmt: skip
        body = json.dumps(panel | {"fn_name": function, "data": data}).encode()
        yield f"request: {name}", lambda b=body: visitor.post("component_server", b)


def _files(visitor: Visitor, other: Visitor) -> Attacks:
    """Files that are not the visitor's, and uploads that are no uploads."""

    def read(path: str) -> Callable[[], str]:
        return lambda: said(*visitor.ask("GET", f"{API}/file={path}")[::2])

    yield "file: /etc/passwd", read("/etc/passwd")
    yield "file: up and out of the folder", read("/tmp/..%2f..%2fetc/passwd")
    yield "file: an address to fetch", read("http://127.0.0.1:1/a")
    yield "file: with a NUL", read("/tmp/a%00.png")
    path = other.upload(b"another's", f"{SECRET}.png")
    yield "file: another visitor's upload", read(path)
    yield (
        "file: /etc/passwd as a picture",
        lambda: visitor.call("encode", visitor.checkpoint, as_file("/etc/passwd"), "crop", "keep"),
    )
    yield (
        "file: another's upload as a picture",
        lambda: visitor.call("encode", visitor.checkpoint, as_file(path), "crop", "keep"),
    )
    yield (
        "file: an address as a picture",
        lambda: visitor.call(
            "encode", visitor.checkpoint, as_file("http://127.0.0.1:1/a.png"), "crop", "keep"
        ),
    )
    for name, files in (
        ("a name that leads out of the folder", [("../../../tmp/evil.png", b"x")]),
        ("a name of 100 kB", [("x" * 100_000 + ".png", b"x")]),
        ("a name of HTML", [("<img src=x onerror=alert(1)>.png", b"x")]),
        ("100 MB", [("a.png", bytes(100_000_000))]),
        ("900 files", [(f"{n}.png", b"x") for n in range(900)]),
    ):
        body, headers = multipart(files)
        yield f"upload: {name}", lambda b=body, h=headers: visitor.post("upload", b, h)
    bad = {"Content-Type": "multipart/form-data"}
    yield "upload: without a boundary", lambda: visitor.post("upload", b"x" * 1000, bad)


def _crowds(url: str) -> Attacks:
    """A hundred at once, each a visitor of its own."""
    pictures = hostile.pictures()
    clear, deep = pictures["WebP with alpha, 25 Mpx"], pictures["TIFF, 49 Mpx, LZW"]
    lists = b'{"data": [' + b"[]," * 330_000 + b"1]}"
    yield f"crowd: {CROWD} WebP with alpha, 25 Mpx", lambda: _crowd(url, lambda v: v.picture(clear))
    yield f"crowd: {CROWD} TIFF, 49 Mpx", lambda: _crowd(url, lambda v: v.picture(deep))
    yield (
        f"crowd: {CROWD} bodies of 1 MB",
        lambda: _crowd(url, lambda v: v.post("call/decode", lists)),
    )
    yield f"crowd: {CROWD} uploads cut off", lambda: _crowd(url, _cut_off)


def _crowd(url: str, attack: Callable[[Visitor], str]) -> list[str]:
    visitor = Visitor(url)
    visitor.config  # noqa: B018  (fetched once, for all)

    def one(_: int) -> str:
        try:
            return attack(visitor)
        except OSError as error:
            return f"lost: {type(error).__name__}"

    with ThreadPoolExecutor(CROWD) as crowd:
        return list(crowd.map(one, range(CROWD)))


def _cut_off(visitor: Visitor) -> str:
    """Begin an upload and go."""
    body, headers = multipart([(f"{SECRET}.png", bytes(300_000))])
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {API}/upload HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(visitor.address, timeout=30) as line:
        line.sendall(head.encode() + body[:100_000])
    return "refused: hung up"
