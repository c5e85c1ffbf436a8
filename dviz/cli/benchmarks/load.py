"""Many people at once: simulated users drag a slider through the server path, over loopback.

Each user is a page of its own that cannot decode by itself: five times a second it asks for the
picture of another code, and like the page it skips a tick while an answer is still under way.
Counted are the waits, errors, skipped ticks, the memory the app gains, and files it leaves on disk.
"""

from __future__ import annotations

import http.client
import json
import math
import os
import secrets
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dviz.cli import common
from dviz.cli.benchmarks import crowd
from dviz.cli.benchmarks.page import running_app
from dviz.cli.benchmarks.visitor import Visitor

TICKS = 5  # a second
WARM_UP = 3.0  # seconds of dragging before memory is looked at
TIMEOUT = 30.0
HEADERS = {"Content-Type": "application/json"}


@dataclass
class User:
    """What one user saw: seconds of each wait, errors in words, ticks that were skipped."""

    waits: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    skipped: int = 0


def main(argv: list[str]) -> None:
    parser = common.parser(
        "benchmark load", __doc__ or "", "dviz benchmark load --users 30 --seconds 60"
    )
    parser.add_argument("--checkpoints", help="folder of checkpoints (default: the app's own)")
    parser.add_argument("--users", type=int, default=30, help="at the same time (default 30)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of dragging (default 60)")
    parser.add_argument(
        "--measuring",
        type=int,
        help="instead of dragging only, people drag, drop in photos, look at the association, and "
        "so many of them measure codes of their own",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    args = parser.parse_args(argv)
    sys.setswitchinterval(0.001)  # a hundred people are threads here: none shall wait for another
    with tempfile.TemporaryDirectory() as folder:
        settings = {"GRADIO_TEMP_DIR": folder, "TMPDIR": folder}
        with running_app(args.checkpoints, **settings) as url:
            if args.measuring is None:
                result, words = measure(url, args.users, args.seconds, Path(folder)), in_words
            else:
                result, words = (
                    crowd.crowd(url, args.users, args.measuring, args.seconds, Path(folder)),
                    crowd.in_words,
                )
    print(json.dumps(result) if args.json else words(result))


def measure(url: str, users: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Let `users` drag for `seconds`; `folder` is where the app would leave its files."""
    component, requests = _find_panel(url)
    _drag_all(url, component, requests, users, min(WARM_UP, seconds))
    memory, files = app_memory(), _files(folder)
    seen = _drag_all(url, component, requests, users, seconds)
    waits = [1000 * wait for user in seen for wait in user.waits]
    errors = [error for user in seen for error in user.errors]
    after = app_memory()
    quantiles = statistics.quantiles(waits, n=20) if len(waits) > 1 else [math.nan] * 19
    return {
        "users": users,
        "seconds": seconds,
        "pictures": len(waits),
        "median_ms": round(statistics.median(waits), 1) if waits else None,
        "p95_ms": round(quantiles[-1], 1),
        "max_ms": round(max(waits, default=math.nan), 1),
        "errors": len(errors),
        "first_error": errors[0] if errors else None,
        "skipped_ticks": sum(user.skipped for user in seen),
        "memory_mb": None if after is None else round(after / 1e6),
        "memory_growth_mb": None if after is None else round((after - memory) / 1e6, 1),
        "files_left": _files(folder) - files,
        "load_average": round(os.getloadavg()[0], 2),
        "cores": os.cpu_count(),
    }


def in_words(result: dict[str, Any]) -> str:
    return (
        "{users} users for {seconds:.0f} s: {pictures} pictures, median {median_ms} ms, p95 "
        "{p95_ms} ms, max {max_ms} ms\n{errors} errors, {skipped_ticks} ticks skipped while an "
        "answer was under way\nmemory {memory_mb} MB, grown by {memory_growth_mb} MB; {files_left} "
        "more files on disk\nload average {load_average} on {cores} cores".format(**result)
    )


def _find_panel(url: str) -> tuple[int, list[dict[str, Any]]]:
    """The panel's number in the app, and what a user asks it for in turn."""
    with urllib.request.urlopen(f"{url}config", timeout=TIMEOUT) as answer:
        components = json.load(answer)["components"]
    panel = next(c for c in components if c["props"].get("elem_id") == "panel")
    visitor = Visitor(url)
    key, size = visitor.checkpoint, visitor.latent_size
    codes = [[math.sin(tick / 7 + d) for d in range(size)] for tick in range(100)]
    return panel["id"], [{"checkpoint": key, "codes": [code]} for code in codes]


def _drag_all(
    url: str, component: int, requests: list[dict[str, Any]], count: int, seconds: float
) -> list[User]:
    users = [User() for _ in range(count)]
    began = time.perf_counter()
    threads = [
        threading.Thread(
            target=_drag,
            # Users do not move in step.
            args=(user, url, component, requests, began + number / count / TICKS, seconds),
        )
        for number, user in enumerate(users)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return users


def _drag(
    user: User,
    url: str,
    component: int,
    requests: list[dict[str, Any]],
    began: float,
    seconds: float,
) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
    session = secrets.token_hex(6)
    tick, last = 0, int(seconds * TICKS)
    while tick < last:
        time.sleep(max(0.0, began + tick / TICKS - time.perf_counter()))
        body = {"component_id": component, "fn_name": "pictures", "session_hash": session}
        body["data"] = requests[tick % len(requests)]
        sent = time.perf_counter()
        problem = _ask(connection, body)
        user.waits.append(time.perf_counter() - sent)
        if problem:
            user.errors.append(problem)
        due = math.ceil((time.perf_counter() - began) * TICKS)
        user.skipped += max(0, min(due, last) - tick - 1)
        tick = max(tick + 1, due)
    connection.close()


def _ask(connection: http.client.HTTPConnection, body: dict[str, Any]) -> str:
    """Ask for one picture; what went wrong, or ""."""
    try:
        connection.request("POST", "/gradio_api/component_server", json.dumps(body), HEADERS)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            return f"status {answer.status}"
        reply = json.loads(content)
        return reply.get("error", "") if "pictures" in reply or "error" in reply else "no picture"
    except (OSError, http.client.HTTPException, ValueError) as error:
        connection.close()
        return f"{type(error).__name__}: {error}"


def app_memory() -> int | None:
    """Bytes of memory that the app this process started holds; None where that cannot be told."""
    try:
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in children]
    except (OSError, ValueError):
        return None
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") or None


def _files(folder: Path) -> int:
    return sum(1 for path in folder.rglob("*") if path.is_file())
