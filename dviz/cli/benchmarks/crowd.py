"""People who do what people do: drag, drop in a photo, look at the association, measure codes."""

from __future__ import annotations

import http.client
import json
import math
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dviz.cli.benchmarks.hostile import archive, npy, saved
from dviz.cli.benchmarks.visitor import Visitor, as_file
from dviz.cli.benchmarks.watch import Watch

DRAGS, TICK, THINK = 10, 0.2, 5.0  # pictures a drag, seconds between two, seconds between acts
ROWS = 1_500
GONE = 45.0  # seconds until what people left behind has to be gone
PATIENCE = 900.0  # seconds until each answer has to be whole: a measurement waits for others


@dataclass
class Person:
    """Seconds that each kind of request took, and what went wrong."""

    waits: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)

    def time(self, kind: str, act: Callable[[], str]) -> str:
        began = time.perf_counter()
        try:
            answer = act()
        except (OSError, http.client.HTTPException, ValueError) as error:
            answer = f"lost: {type(error).__name__}"
        self.waits.setdefault(kind, []).append(time.perf_counter() - began)
        if not answer.startswith("served") and "busy" not in answer.lower():
            self.errors.append(f"{kind}: {answer}")
        return answer


def crowd(url: str, people: int, measuring: int, seconds: float, folder: Path) -> dict[str, Any]:
    """`people` at once for so many seconds, `measuring` of them with codes of their own."""
    with Watch(url) as watch:
        first = Visitor(url, PATIENCE)
        first.call("association", first.checkpoint, 0.5, "avg")
        _all_be(first, url, 2, 1, min(8.0, seconds))  # what is loaded once is no growth
        time.sleep(GONE)
        idle, files = watch.memory(), _files(folder)
        watch.begin()
        began = time.perf_counter()
        persons = _all_be(first, url, people, measuring, seconds)
        took, peak, slowest = time.perf_counter() - began, watch.peak, watch.health_slowest
        time.sleep(GONE)
        left = _left(folder, files)
        return _result(persons, seconds) | {
            "until_all_answered": round(took, 1),
            "peak_mb": round((peak - idle) / 1e6),
            "after_mb": round((watch.memory() - idle) / 1e6),
            "files_left": len(left),
            "first_left": left[:3],
            "health_ms": round(1000 * slowest),
            "busy": round(watch.busy, 2),
        }


def _all_be(first: Visitor, url: str, people: int, measuring: int, seconds: float) -> list[Person]:
    """So many people at once; whoever is still waiting when all patience is at an end counts as
    lost."""
    persons = [Person() for _ in range(people)]
    began = time.perf_counter()
    threads = [
        threading.Thread(
            target=_be, args=(first, url, n, measuring, began + seconds, person), daemon=True
        )
        for n, person in enumerate(persons)
    ]
    for thread in threads:
        thread.start()
    deadline = began + seconds + PATIENCE
    for thread, person in zip(threads, persons, strict=True):
        thread.join(max(0.0, deadline - time.perf_counter()))
        if thread.is_alive():
            person.errors.append("lost: no answer")
    return persons


def _be(first: Visitor, url: str, n: int, measuring: int, end: float, person: Person) -> None:
    try:
        visitor = Visitor(url, PATIENCE).like(first)
        page = visitor.stay()
    except (OSError, http.client.HTTPException) as error:
        person.errors.append(f"opening: {type(error).__name__}")
        return
    try:
        if n < measuring:
            _measure(visitor, person, n)
        else:
            _look_around(visitor, person, n, end)
    except Exception as error:  # a table is printed whatever happens
        person.errors.append(f"{type(error).__name__}: {error}")
    finally:
        page.close()


def _look_around(visitor: Visitor, person: Person, n: int, end: float) -> None:
    key, size = visitor.checkpoint, visitor.latent_size
    panel = {"component_id": visitor.component("panel")["id"], "session_hash": visitor.session}
    rng = np.random.default_rng(n)
    picture = saved(_photo(rng), "JPEG")

    def paint() -> str:
        code = rng.standard_normal(size).round(3).tolist()
        body = panel | {"fn_name": "pictures", "data": {"checkpoint": key, "codes": [code]}}
        return visitor.post("component_server", json.dumps(body))

    time.sleep(rng.uniform(0, THINK))
    while time.perf_counter() < end:
        for _ in range(DRAGS):
            person.time("drag", paint)
            time.sleep(TICK)
        person.time("association", lambda: visitor.call("association", key, 0.5, "avg"))
        person.time("photo", lambda: visitor.picture(picture, "a.jpg", key))
        time.sleep(max(0.0, min(rng.uniform(0.5, 1.5) * THINK, end - time.perf_counter())))


def _measure(visitor: Visitor, person: Person, n: int) -> None:
    rng = np.random.default_rng(n)
    classes = rng.integers(0, [3, 4, 5], (ROWS, 3))
    codes = classes @ rng.standard_normal((3, 6)) + 0.5 * rng.standard_normal((ROWS, 6))
    labels = "a,b,c\n" + "\n".join(",".join(map(str, row)) for row in classes.tolist())
    content = archive({"mean.npy": npy(f"({ROWS}, 6)", data=codes.astype("<f4").tobytes())})

    def drop_in() -> str:
        paths = [
            as_file(visitor.upload(each, name))
            for name, each in (("mine.npz", content), ("mine.csv", labels.encode()))
        ]
        return visitor.trigger("own-files", "upload", [paths, 0.5, "avg"], visitor.session)

    person.time("table", drop_in)
    answer = person.time(
        "measurement",
        lambda: visitor.trigger("own-measure", "click", [None, 0.5, "avg"], visitor.session),
    )
    person.measured.append("answered" if answer == "served" else answer)


def _photo(rng: np.random.Generator) -> Any:
    from PIL import Image

    return Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)).resize((1200, 900))


def _result(persons: list[Person], seconds: float) -> dict[str, Any]:
    kinds: dict[str, dict[str, float]] = {}
    for kind in ("drag", "association", "photo", "table", "measurement"):
        waits = sorted(1000 * w for person in persons for w in person.waits.get(kind, []))
        if waits:
            p95 = waits[min(len(waits) - 1, math.ceil(0.95 * len(waits)) - 1)]
            kinds[kind] = {
                "n": len(waits),
                "median_ms": round(statistics.median(waits)),
                "p95_ms": round(p95),
                "max_ms": round(waits[-1]),
            }
    errors = [error for person in persons for error in person.errors]
    measured = [each for person in persons for each in person.measured]
    return {
        "people": len(persons),
        "seconds": seconds,
        "kinds": kinds,
        "errors": len(errors),
        "first_errors": errors[:3],
        "measured": measured.count("answered"),
        "told_busy": sum("busy" in each.lower() for each in measured),
    }


def in_words(result: dict[str, Any]) -> str:
    lines = ["{people} people for {seconds:.0f} s".format(**result)]
    for kind, found in result["kinds"].items():
        lines.append(
            f"  {kind:12} {found['n']:6} × median {found['median_ms']} ms, p95 {found['p95_ms']} "
            f"ms, max {found['max_ms']} ms"
        )
    lines += [
        "{errors} errors {first_errors}; {measured} measurements answered, {told_busy} told to",
        "come back, the last after {until_all_answered} s; slowest /health {health_ms} ms",
        "memory at most {peak_mb} MB above the start, {after_mb:+} MB afterwards; {files_left} "
        "files left {first_left}; other work kept the machine {busy:.0%} busy",
    ]
    lines[-3:] = [line.format(**result) for line in lines[-3:]]
    return "\n".join(lines)


def _left(folder: Path, before: set[str]) -> list[str]:
    """Files that are still there when a machine busy with other things has had time enough."""
    deadline = time.monotonic() + 3 * GONE
    while (left := sorted(_files(folder) - before)) and time.monotonic() < deadline:
        time.sleep(1.0)
    return left


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
