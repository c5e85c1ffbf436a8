"""OMES of more codes than memory holds: Parquet shards in one process, and on Ray.

Writes shards of codes × 10 with the six factors of 3D Shapes (480,000 label rows), once, and runs
`dviz evaluate omes` on them with both engines. For each: seconds, the most memory that all of its
processes held together, and what Ray took beyond the work itself. Then the growth with the number
of codes, whether the numbers are the same, and whether they still are when a worker is killed in
the middle. Exits with 1 where something does not hold.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dviz.cli import common
from dviz.cli.benchmarks.watch import cpu_of, family, share_of_memory
from dviz.measuring.shards import ROWS, write_shard

DIMENSIONS = 10
VALUES = {"floor": 10, "wall": 10, "object": 10, "scale": 8, "shape": 4, "orientation": 15}
MAX_MEMORY, SAME, MAX_GROWTH = 2_000_000_000, 1e-9, 1.15
TICK = 0.2  # seconds between two looks at the processes
EVALUATE = "from dviz.cli.evaluate import main; import sys; main(sys.argv[1:])"


@dataclass(frozen=True)
class Run:
    """One run of `dviz evaluate omes`: seconds of wall clock and of cores, bytes at its peak."""

    rows: int
    engine: str
    omes: float
    wall: float
    cpu: float
    memory: int
    killed: bool = False


def main(argv: list[str]) -> None:
    parser = common.parser(
        "benchmark shards",
        __doc__ or "",
        "dviz benchmark shards --rows 1000000 10000000 --folder shards",
    )
    add = parser.add_argument
    add("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000], help="codes, a run each")
    add("--engines", nargs="+", choices=("here", "ray"), default=["here", "ray"])
    add("--workers", type=int, default=2, help="of Ray (default 2)")
    add("--folder", type=Path, help="where shards are written and kept (default: nowhere)")
    add("--json", action="store_true", help="one JSON object")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        result = run(args.folder or Path(name), sorted(args.rows), args.engines, args.workers)
    print(json.dumps(result) if args.json else in_words(result))
    if result["failures"]:
        sys.exit(1)


def run(folder: Path, rows: list[int], engines: list[str], workers: int) -> dict[str, Any]:
    """Every number of codes with every engine; with Ray also with a worker that is killed."""
    runs = []
    for count in rows:
        pattern = write(folder, count)
        for engine in engines:
            runs.append(_evaluate(pattern, count, engine, workers))
            print(_row(runs[-1]), file=sys.stderr)
    if "ray" in engines:
        count = rows[len(rows) // 2]
        whole = next(each for each in runs if (each.rows, each.engine) == (count, "ray"))
        runs.append(_evaluate(write(folder, count), count, "ray", workers, whole.cpu / 2))
    return {
        "runs": [asdict(each) for each in runs],
        "exponents": {engine: _exponent(runs, engine) for engine in engines},
        "overhead": _overhead(runs),
        "workers": workers,
        "cores": os.cpu_count(),
        "failures": _failures(runs, engines),
    }


def _evaluate(
    pattern: str, rows: int, engine: str, workers: int, kill_after: float | None = None
) -> Run:
    """Run the command as anybody would and watch its processes."""
    command = ["omes", "--representations", pattern, "--engine", engine, "--json"]
    command += ["--workers", str(workers)]
    began = time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", EVALUATE, *command], stdout=subprocess.PIPE, env=environment
    ) as process:
        cpu, peak, killed = 0.0, 0, False
        while process.poll() is None:
            pids = [process.pid, *family(process.pid)]
            peak = max(peak, sum(map(share_of_memory, pids)))
            cpu = max(cpu, sum(map(cpu_of, pids)))
            if kill_after is not None and not killed and cpu > kill_after:  # halfway through
                killed = _kill_a_worker(pids)
            time.sleep(TICK)
        wall = time.perf_counter() - began
        assert process.stdout is not None
        answer = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"dviz evaluate omes on {rows} codes ended with {process.returncode}")
    omes = json.loads(answer.splitlines()[-1])["omes"]  # Ray says first who died
    return Run(rows, engine, omes, round(wall, 1), round(cpu, 1), peak, killed)


def _kill_a_worker(pids: list[int]) -> bool:
    """Kill one of Ray's workers in the middle of a shard or a merge."""
    for pid in pids:
        try:
            title = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::") and (b"cells_of_shard" in title or b"merge_cells" in title):
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def _exponent(runs: list[Run], engine: str) -> float | None:
    """b of time = a × codes^b between the two largest; of seconds of cores, which a busy machine
    changes little."""
    pairs = list({e.rows: e.cpu for e in reversed(runs) if e.engine == engine}.items())[::-1]
    if len(pairs) < 2:
        return None
    (few, before), (many, after) = pairs[-2:]
    return round(math.log(after / before) / math.log(many / few), 2)


def _overhead(runs: list[Run]) -> float | None:
    """Share of Ray's seconds of cores that one process does without, at the largest."""
    last = {each.engine: each for each in runs if not each.killed}
    if len(last) < 2:
        return None
    return round(1 - last["here"].cpu / last["ray"].cpu, 3)


def _failures(runs: list[Run], engines: list[str]) -> list[str]:
    failures = [
        f"{each.rows} on {each.engine}: memory" for each in runs if each.memory > MAX_MEMORY
    ]
    for rows in {each.rows for each in runs}:
        scores = [each.omes for each in runs if each.rows == rows]
        if max(scores) - min(scores) > SAME:
            failures.append(f"{rows}: different numbers, {scores}")
    for engine in engines:
        if (_exponent(runs, engine) or 0) > MAX_GROWTH:
            failures.append(f"{engine}: time grows faster than the codes")
    if "ray" in engines and not any(each.killed for each in runs):
        failures.append("no worker was killed: the run is too short")
    return failures


def _row(found: Run) -> str:
    engine = found.engine + (", one killed" if found.killed else "")
    return (
        f"{found.rows:13,}  {engine:16} {found.wall:8.1f} {found.cpu:8.1f} "
        f"{found.memory / 1e6:8.0f}  {found.omes:.12f}"
    )


def in_words(result: dict[str, Any]) -> str:
    lines = [f"{'codes':>13}  {'engine':16} {'wall s':>8} {'cores s':>8} {'MB':>8}  OMES"]
    lines += [_row(Run(**each)) for each in result["runs"]]
    for engine, exponent in result["exponents"].items():
        lines.append(f"{engine}: seconds of cores grow as codes^{exponent}")
    if result["overhead"] is not None:
        lines.append(
            f"of Ray's seconds of cores with {result['workers']} workers, {result['overhead']:.0%} "
            "are beyond those of one process"
        )
    lines += ["does not hold: " + failure for failure in result["failures"]]
    return "\n".join(lines)


def write(folder: Path, rows: int) -> str:
    """Write the shards that are not there yet; the pattern of their names."""
    for k in range(-(-rows // ROWS)):
        path = folder / f"part-{k:06}.parquet"
        if not path.exists():
            codes, classes = _table(k)
            write_shard(path, codes, classes, tuple(VALUES))
    some = folder / f"first-{rows}"
    some.mkdir(exist_ok=True)
    for k in range(-(-rows // ROWS)):
        link = some / f"part-{k:06}.parquet"
        if not link.exists():
            os.link(folder / link.name, link)
    return f"{some}/*.parquet"


def _table(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes (ROWS, D) that mix their factors differently, and noise; class indices (ROWS, F)."""
    rng = np.random.default_rng([19, k])
    sizes = np.array(list(VALUES.values()))
    classes = rng.integers(0, sizes, (ROWS, len(sizes)))
    mixing = np.random.default_rng(19).standard_normal((len(sizes), DIMENSIONS)) ** 3
    codes = (classes / sizes) @ mixing + 0.2 * rng.standard_normal((ROWS, DIMENSIONS))
    return codes.astype(np.float32), classes
