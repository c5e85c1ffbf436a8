"""Measure speed, and what limits a picture: a module each in dviz/cli/benchmarks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module

from dviz.cli import common

BENCHMARKS = {
    "metrics": "metrics and probes: time, growth, memory, accuracy against scikit-learn",
    "intervals": "whether 95% intervals of OMES hold the truth 95 times in 100: docs/intervals.md",
    "agreement": "metrics beside references on scikit-learn: docs/agreement.md",
    "split": "what metrics gain on photographs whose images both train and test",
    "data": "images per second of the procedural datasets",
    "decoders": "what each kind of decoder can paint, given the true factors",
    "training": "images per second of the training loop, its arithmetic, a per-image loop",
    "latency": "from a slider to the new picture, in a browser",
    "map": "frames a second of the map of codes, and how soon it shows a picture",
    "shards": "OMES of more codes than memory holds, in one process and on Ray",
    "load": "many people at once",
    "attack": "hostile requests, pictures, tables and checkpoints against a running app",
}


def main(argv: Sequence[str] | None = None) -> None:
    parser = common.parser(
        "benchmark",
        "Measure speed, agreement with references, what limits a picture, what attacks do.\n\n"
        + "\n".join(f"  {name:10}{what}" for name, what in BENCHMARKS.items()),
        "dviz benchmark metrics",
    )
    parser.add_argument("benchmark", choices=BENCHMARKS, help="which one")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="its own flags (try --help)")
    args = parser.parse_args(argv)
    import_module(f"dviz.cli.benchmarks.{args.benchmark}").main(args.rest)
