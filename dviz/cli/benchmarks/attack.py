"""Hostile requests, pictures, tables and checkpoints against a running app, over loopback.

For each: what it was answered, seconds of a core that it took (of a hundred at once: each), and the
slowest answer of /health meanwhile. At the end: the most memory above idle, whether an ordinary
visitor is served as before, what is left on disk, and whether the log holds anything of what was
sent. Exits with 1 where something does not hold.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dviz.api.places import checkpoints_folder
from dviz.cli import common
from dviz.cli.benchmarks import hostile
from dviz.cli.benchmarks.attacks import SECRET, attacks
from dviz.cli.benchmarks.broken import prepare
from dviz.cli.benchmarks.page import running_app
from dviz.cli.benchmarks.visitor import Visitor
from dviz.cli.benchmarks.watch import Watch

MAX_CPU, MAX_MEMORY, MAX_HEALTH = 2.0, 2_000_000_000, 0.3
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
    parser = common.parser(
        "benchmark attack", __doc__ or "", "dviz benchmark attack --only picture"
    )
    parser.add_argument("--checkpoints", type=Path, help="folder (default: the app's own)")
    parser.add_argument("--only", default="", help="those with this word in their name")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    args = parser.parse_args(argv)
    sys.setswitchinterval(0.001)  # a hundred people are threads here: none shall wait for another
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
            _measure(name, attack, watch) for name, attack in attacks(url, broken) if only in name
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
    left = _left(uploads)
    result["files_left"], result["first_left"] = len(left), left[:3]
    result["failures"] = _failures(result, found)
    return result


def _left(folder: Path) -> list[str]:
    """Files that are still there when all patience is at an end."""
    deadline = time.monotonic() + PATIENCE
    while True:
        left = [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.5)


def _failures(result: dict[str, Any], found: list[Found]) -> list[str]:
    weak = [each for each in found if not each.holds]
    failures = [f"{each.attack}: {each.cpu:.1f} s, {each.answer}" for each in weak]
    for what, wrong in (
        ("memory", result["memory_peak_above_idle"] > MAX_MEMORY),
        ("/health", result["health_slowest"] > MAX_HEALTH),
        ("an ordinary visitor", not result["ordinary"]),
        ("tracebacks in the log", result["tracebacks"] > 0),
        ("names of files in the log", result["secrets"] > 0),
        (f"files left: {result['first_left']}", result["files_left"] > 0),
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
