"""Measure speed. One module per benchmark in scripts/benchmarks, each with `main(argv)`."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

import common

BENCHMARKS = {
    "metrics": "metrics and probes: time, growth, memory, accuracy against scikit-learn",
    "data": "images per second of the procedural datasets",
    "training": "images per second of the training loop, its arithmetic, a per-image loop",
    "latency": "from a slider to the new picture, in a browser",
    "load": "many people at once",
}


def main() -> None:
    parser = common.parser(
        "Measure speed.\n\n" + "\n".join(f"  {name:10}{what}" for name, what in BENCHMARKS.items()),
        "python scripts/benchmark.py metrics",
    )
    parser.add_argument("benchmark", choices=BENCHMARKS, help="which one")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="its own flags (try --help)")
    args = parser.parse_args()
    module = f"benchmarks.{args.benchmark}"
    try:
        benchmark = import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise ValueError(f"there is no benchmark {args.benchmark!r} yet") from None
    sys.argv[0] = f"{sys.argv[0]} {args.benchmark}"
    benchmark.main(args.rest)


if __name__ == "__main__":
    common.run(main)
