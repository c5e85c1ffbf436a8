"""Association and OMES at growing sizes; every metric; probes against scikit-learn's own."""

from __future__ import annotations

import json
import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dviz.cli import common
from dviz.cli.benchmarks.hostile import archive, npy
from dviz.cli.benchmarks.page import running_app
from dviz.cli.benchmarks.visitor import Visitor, as_file
from dviz.cli.benchmarks.watch import family, share_of_memory

SIZES = (10, 10, 10, 8, 4, 15)
"""Sizes of the factors of Shapes3D."""
DIMENSIONS, ROWS = 10, 15_008
GROWTH = (10_000, 31_623, 100_000, 316_228, 1_000_000)


def main(argv: list[str]) -> None:
    parser = common.parser(
        "benchmark metrics", __doc__ or "", "dviz benchmark metrics --skip-scikit-learn"
    )
    add = parser.add_argument
    add("--skip-scikit-learn", action="store_true", help="leave out the slow comparison")
    add("--jobs", type=int, default=2, help="processes (default 2)")
    add("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    _print_load()
    association_speed(args.seed)
    growth(args.seed)
    everything(args.seed, args.jobs)
    on_the_page(args.seed)
    if not args.skip_scikit_learn:
        against_scikit_learn(args.seed, args.jobs)
    _print_load()


def mixed_codes(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes float32 (rows, 10) that mix the factors non-linearly, and the factors."""
    rng = np.random.default_rng(seed)
    factors = np.stack([rng.integers(size, size=rows) for size in SIZES], axis=1)
    angle = 2 * np.pi * factors / SIZES
    features = np.concatenate([np.sin(angle), np.cos(angle), factors / np.array(SIZES)], axis=1)
    shape = (features.shape[1], DIMENSIONS)
    linear = rng.normal(size=shape) * (rng.random(shape) < 0.4)
    squared = (features @ rng.normal(size=shape)) ** 2
    noise = rng.normal(size=(rows, DIMENSIONS))
    codes = np.tanh(0.7 * features @ linear) + 0.05 * squared + 0.09 * noise
    return codes.astype(np.float32), factors


def association_speed(seed: int) -> None:
    codes, factors = mixed_codes(ROWS, seed)
    seconds = sorted(_timed(lambda: _association_and_omes(codes, factors))[0] for _ in range(15))
    print(
        f"association + OMES, {ROWS} x {DIMENSIONS} x {len(SIZES)}: median "
        f"{1e3 * seconds[len(seconds) // 2]:.1f} ms, best {1e3 * seconds[0]:.1f} ms (at most 40)"
    )


def growth(seed: int) -> None:
    times = []
    for rows in GROWTH:
        codes, factors = mixed_codes(rows, seed)
        runs = 5 if rows < 200_000 else 2
        times.append(
            min(
                _timed(lambda c=codes, f=factors: _association_and_omes(c, f))[0]
                for _ in range(runs)
            )
        )
        print(f"association + OMES, {rows:>9,} rows: {times[-1]:.3f} s")
    exponent = np.polyfit(np.log(GROWTH), np.log(times), 1)[0]
    print(f"growth: time ~ rows^{exponent:.2f}; at 1,000,000 rows at most 5 s")
    extra = _peak_memory(lambda: _association_and_omes(codes, factors))
    print(f"memory beyond the input at 1,000,000 rows: {extra / 2**20:.0f} MiB (at most 1024)")


def everything(seed: int, jobs: int) -> None:
    from dviz.metrics.suite import evaluate_all

    codes, factors = mixed_codes(ROWS, seed)
    with _Peak() as peak:
        wall, cpu, result = _timed_with_children(
            lambda: evaluate_all(codes, factors, n_jobs=jobs, seed=seed)
        )
    parts = ", ".join(f"{name} {s:.1f}" for name, s in result["seconds"].items())
    print(
        f"every metric, {ROWS} rows, {jobs} processes: {wall:.1f} s (at most 60), CPU {cpu:.1f} s, "
        f"all processes {peak.bytes / 1e6:.0f} MB (at most 2000)"
    )
    print(f"  seconds each: {parts}")


def on_the_page(seed: int) -> None:
    """The same table dropped into the page: how soon it shows what."""
    codes, factors = mixed_codes(ROWS, seed)
    labels = "\n".join(["a,b,c,d,e,f", *(",".join(map(str, row)) for row in factors.tolist())])
    content = archive({"mean.npy": npy(str(codes.shape), data=codes.tobytes())})
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(None, GRADIO_TEMP_DIR=folder, TMPDIR=folder) as url,
    ):
        visitor = Visitor(url)
        page, began = visitor.stay(), time.perf_counter()
        paths = [
            as_file(visitor.upload(each, name))
            for name, each in (("mine.npz", content), ("mine.csv", labels.encode()))
        ]
        answer = visitor.trigger("own-files", "upload", [paths, 0.5, "avg"], visitor.session)
        scored, began = time.perf_counter() - began, time.perf_counter()
        asked = visitor.messages("own-measure", "click", [None, 0.5, "avg"], visitor.session)
        shown = [time.perf_counter() - began for m in asked if "<table" in json.dumps(m)]
        page.close()
    print(
        f"on the page, {ROWS} rows: OMES and its matrix {scored:.1f} s after the drop ({answer}); "
        f"measured, the first metrics after {shown[0]:.1f} s (at most 2), then {len(shown)} times "
        f"more of them until {shown[-1]:.1f} s"
    )


class _Peak:
    """Most memory that this process and all that it started hold, in `bytes`."""

    def __enter__(self) -> _Peak:
        self.bytes, self._done = 0, threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watcher.join()

    def _watch(self) -> None:
        own = os.getpid()
        # Asking walks every page of every process: more often than this, it slows them.
        while not self._done.wait(1.0):
            self.bytes = max(self.bytes, sum(map(share_of_memory, [own, *family(own)])))


def against_scikit_learn(seed: int, jobs: int) -> None:
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.neural_network import MLPClassifier

    from dviz.metrics.probes import probe_factors
    from dviz.metrics.split import run_parallel

    codes, factors = mixed_codes(ROWS, seed)
    ours = probe_factors(codes, factors, dimensions="all", n_jobs=jobs, seed=seed)
    theirs = {
        "gbt": GradientBoostingClassifier(random_state=seed),
        "mlp": MLPClassifier((256, 256), random_state=seed),
    }
    for model, classifier in theirs.items():
        arguments = [(classifier, codes, labels) for labels in factors.T]
        wall, cpu, scores = _timed_with_children(
            lambda a=arguments: run_parallel(_accuracy, a, jobs)
        )
        own = [part["probes"][model]["all"]["accuracy"] for part in ours.per_factor.values()]
        print(
            f"{model}: mean accuracy {np.mean(own):.4f}; {type(classifier).__name__} "
            f"{np.mean(scores):.4f} in {wall:.0f} s (CPU {cpu:.0f} s)"
        )
        print(f"  ours   {np.round(own, 3)}\n  theirs {np.round(scores, 3)}")


def _accuracy(classifier: Any, codes: np.ndarray, labels: np.ndarray) -> float:
    import warnings

    from dviz.metrics.split import train_rows

    train = train_rows(len(codes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's perceptron stops before it converges
        classifier.fit(codes[:train], labels[:train])
    return float((classifier.predict(codes[train:]) == labels[train:]).mean())


def _association_and_omes(codes: np.ndarray, factors: np.ndarray) -> None:
    from dviz.metrics.association import associate
    from dviz.metrics.diagnostics import active_dimensions
    from dviz.metrics.omes import omes

    omes(associate(codes, factors).matrix, active=active_dimensions(codes))


def _timed(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def _timed_with_children(function: Callable[[], Any]) -> tuple[float, float, Any]:
    """Wall seconds, CPU seconds of this process and its workers, and the result."""
    before = _cpu_seconds()
    wall, result = _timed(function)
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)  # only then do the workers' seconds count
    return wall, _cpu_seconds() - before, result


def _cpu_seconds() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in usage)


def _peak_memory(function: Callable[[], Any]) -> int:
    """Largest growth of the resident memory, in bytes, sampled while `function` runs."""
    base, peak, done = _resident(), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.002):
            peak = max(peak, _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    function()
    done.set()
    watcher.join()
    return max(0, peak - base)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _print_load() -> None:
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
