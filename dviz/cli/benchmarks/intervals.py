"""Whether 95% intervals of OMES hold the true score 95 times in 100, by simulation."""

from __future__ import annotations

import argparse

from dviz.metrics.intervals import DESIGNS, KINDS, coverage

WORDS = {"pairs": "drawn pairs, delta method", "labels": "labels only, jackknife over groups"}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="dviz benchmark intervals", description=__doc__)
    parser.add_argument("--trials", type=int, default=1000, help="samples a design (default 1000)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    print(f"share of {args.trials} intervals that hold the true OMES (avg, max pooling)")
    for design in DESIGNS:
        for kind in KINDS:
            found = coverage(design, kind, args.trials, args.seed)
            shares = ", ".join(f"{100 * share:.1f}%" for share in found.values())
            print(f"{design}, {WORDS[kind]}: {shares}", flush=True)
