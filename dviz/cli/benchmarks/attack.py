"""Hostile requests, pictures, tables and checkpoints against a running app, over loopback.

For each: what it was answered, seconds of a core that it took (of a hundred at once: each), and the
slowest answer of /health meanwhile. At the end: the most memory above idle, whether an ordinary
visitor is served as before, what is left on disk, and whether the log holds anything of what was
sent. Exits with 1 where something does not hold.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dviz.api.places import checkpoints_folder
from dviz.cli.benchmarks import hostile
from dviz.cli.benchmarks.broken import prepare
from dviz.cli.benchmarks.page import running_app
from dviz.cli.benchmarks.visitor import API, JSON, Visitor, as_file, multipart, said
from dviz.cli.benchmarks.watch import Watch

MAX_CPU, MAX_MEMORY, MAX_HEALTH = 2.0, 2_000_000_000, 0.3
SECRET = "geheim"  # part of every file's name; no log may hold it
CROWD = 100
PATIENCE = 30.0  # seconds after its end until nothing of the app is left


@dataclass(frozen=True)
class Found:
    """What came of one attack: seconds of a core, of wall clock, and of the slowest /health."""

    attack: str
    answer: str
    cpu: float
    wall: float
    health: float

    @property
    def holds(self) -> bool:
        return self.cpu <= MAX_CPU and self.answer.startswith(("served", "refused"))


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="dviz benchmark attack",
        description=__doc__,
        epilog="example: dviz benchmark attack --only picture",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--checkpoints", type=Path, help="folder (default: the app's own)")
    parser.add_argument("--only", default="", help="those with this word in their name")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        result = run(args.checkpoints or checkpoints_folder(), args.only, Path(name))
    print(json.dumps(result) if args.json else in_words(result))
    if result["failures"]:
        sys.exit(1)


def run(checkpoints: Path, only: str, folder: Path) -> dict[str, Any]:
    """Start an app on a copy of `checkpoints`, some of them broken, and attack it."""
    shown = folder / "checkpoints"
    broken = prepare(checkpoints, shown)
    uploads, log = folder / "uploads", folder / "log.txt"
    uploads.mkdir()
    settings = {"GRADIO_TEMP_DIR": str(uploads), "TMPDIR": str(uploads)}
    with running_app(shown, log=log, **settings) as url, Watch(url) as watch:
        ordinary = _ordinary(url)
        watch.rest()
        idle = watch.memory()
        watch.begin()
        found = [
            _measure(name, attack, watch) for name, attack in _attacks(url, broken) if only in name
        ]
        peak = watch.peak
        again = _ordinary(url)
        watch.rest()
        result = {
            "attacks": [asdict(each) for each in found],
            "memory_idle": idle,
            "memory_peak_above_idle": peak - idle,
            "memory_after_above_idle": watch.memory() - idle,
            "health_slowest": max((each.health for each in found), default=0.0),
            "ordinary": ordinary == again == ("served", "served"),
            "machine_busy": watch.busy,
        }
    text = log.read_text("utf-8", "replace")
    result["tracebacks"], result["secrets"] = text.count("Traceback"), text.count(SECRET)
    deadline = time.monotonic() + PATIENCE
    while (left := sum(path.is_file() for path in uploads.rglob("*"))) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.5)
    result["files_left"] = left
    result["failures"] = _failures(result, found)
    return result


def _failures(result: dict[str, Any], found: list[Found]) -> list[str]:
    weak = [each for each in found if not each.holds]
    failures = [f"{each.attack}: {each.cpu:.1f} s, {each.answer}" for each in weak]
    for what, wrong in (
        ("memory", result["memory_peak_above_idle"] > MAX_MEMORY),
        ("/health", result["health_slowest"] > MAX_HEALTH),
        ("an ordinary visitor", not result["ordinary"]),
        ("tracebacks in the log", result["tracebacks"] > 0),
        ("names of files in the log", result["secrets"] > 0),
        ("files left", result["files_left"] > 0),
    ):
        failures += [what] if wrong else []
    return failures


def _measure(name: str, attack: Callable[[], str | list[str]], watch: Watch) -> Found:
    watch.health_slowest = 0.0
    cpu, began = watch.cpu(), time.perf_counter()
    try:
        answers = attack()
    except OSError as error:  # cut off without a word
        answers = f"lost: {type(error).__name__}"
    wall = time.perf_counter() - began
    time.sleep(0.3)
    many = answers if isinstance(answers, list) else [answers]
    each = (watch.cpu() - cpu) / len(many)
    found = Found(name, _summary(many), round(each, 2), round(wall, 2), watch.health_slowest)
    print(f"{found.cpu:6.2f} s  {found.attack}: {found.answer}", file=sys.stderr)
    return found


def _summary(answers: list[str]) -> str:
    if len(answers) == 1:
        return answers[0]
    kinds: dict[str, int] = {}
    for answer in answers:
        kind = re.sub(r"\d+", "N", answer)
        kinds[kind] = kinds.get(kind, 0) + 1
    worst = min(kinds, key=lambda kind: kind.startswith(("served", "refused")))
    head = worst.split(":")[0]
    return f"{head}: " + "; ".join(f"{count} × {kind}" for kind, count in kinds.items())


def _ordinary(url: str) -> tuple[str, ...]:
    """What somebody hears who means no harm."""
    from PIL import Image

    visitor = Visitor(url)
    picture = hostile.saved(Image.new("RGB", (200, 100), (200, 0, 0)), "PNG")
    code = [0.0] * visitor.latent_size
    return visitor.picture(picture), visitor.call("decode", visitor.checkpoint, code)


Attacks = Iterator[tuple[str, Callable[[], Any]]]


def _attacks(url: str, broken: list[str]) -> Attacks:
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


def in_words(result: dict[str, Any]) -> str:
    lines = [f"{'core s':>7} {'wall s':>7} {'health ms':>9}  attack: answer"]
    lines += [
        f"{a['cpu']:7.2f} {a['wall']:7.2f} {1000 * a['health']:9.0f}  {a['attack']}: {a['answer']}"
        for a in result["attacks"]
    ]
    lines.append(
        f"\n{len(result['attacks'])} attacks; memory {result['memory_idle'] / 1e6:.0f} MB idle, at "
        f"most {result['memory_peak_above_idle'] / 1e6:.0f} MB more, afterwards "
        f"{result['memory_after_above_idle'] / 1e6:+.0f} MB; slowest /health "
        f"{1000 * result['health_slowest']:.0f} ms; {result['tracebacks']} tracebacks, "
        f"{result['secrets']} names of files in the log; {result['files_left']} files left; an "
        f"ordinary visitor is served {'as before' if result['ordinary'] else 'NO MORE'}; other "
        f"work kept the machine {100 * result['machine_busy']:.0f}% busy"
    )
    lines += ["does not hold: " + failure for failure in result["failures"]]
    return "\n".join(lines)
