"""Whether 95% intervals of OMES hold the true score 95 times in 100: docs/intervals.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dviz.cli import common
from dviz.files import write_text
from dviz.metrics.intervals import DESIGNS, KINDS, coverage
from dviz.metrics.omes import POOLINGS
from dviz.results.markdown import table

WORDS = {"pairs": "drawn pairs, delta method", "labels": "labels only, jackknife over groups"}
HEADER = ("design", "interval", "pooling", "held, %", "lowest", "highest")
PAGE = """\
# Do the intervals hold what they say?

Written by `dviz benchmark intervals`. Each design is simulated with {codes} codes of its own (mixed
and noisy dimensions, one of noise alone) and {trials:,} samples of each. Held: the share of the
{total:,} nominal 95% intervals of OMES that hold the score of infinitely many pairs, known to
± {error:.1f}; lowest and highest: of the codes one by one, known to ± {own:.1f}.

{narrow}

From labels alone no interval is given where a factor has fewer than 10 groups (of rows that share
the other labels), since leaving these out one by one tells little, nor where the rows are a whole
grid and nothing else could have been drawn.

{table}

{designs}"""


def main(argv: list[str]) -> None:
    parser = common.parser(
        "benchmark intervals",
        __doc__ or "",
        "dviz benchmark intervals --trials 100 --output intervals.md",
    )
    add = parser.add_argument
    add("--trials", type=int, default=400, help="samples a design and code (default 400)")
    add("--codes", type=int, default=5, help="codes a design (default 5)")
    add("--seed", type=int, default=0, help="of the first code")
    add("--output", type=Path, default=common.ROOT / "docs" / "intervals.md")
    args = parser.parse_args(argv)
    write_text(args.output, page(args.trials, range(args.seed, args.seed + args.codes)))
    print(args.output.name)


def page(trials: int, seeds: range) -> str:
    """The whole page as Markdown."""
    total = trials * len(seeds)
    lines = [
        line for design in DESIGNS for kind in KINDS for line in _lines(design, kind, trials, seeds)
    ]
    designs = "\n".join(f"- {name}: {design}" for name, design in DESIGNS.items())
    return PAGE.format(
        codes=len(seeds), trials=trials, total=total, error=_error(total), own=_error(trials),
        narrow=too_narrow(lines, total), table=table(HEADER, lines), designs=designs,
    )  # fmt: skip


def _lines(design: str, kind: str, trials: int, seeds: range) -> list[list[str]]:
    """A line a pooling."""
    found = [coverage(design, kind, trials, seed) for seed in seeds]
    lines = []
    for pooling in POOLINGS:
        held = 100 * np.array([share[pooling] for share in found])
        figures = (held.mean(), held.min(), held.max())
        lines.append([design, WORDS[kind], pooling, *(f"{figure:.1f}" for figure in figures)])
    return lines


def too_narrow(lines: list[list[str]], trials: int) -> str:
    """Which intervals hold the score less often than they say, beyond the error, in a sentence."""
    least = 95 - 2 * _error(trials)
    found = [
        f"{design}, {kind}, {pooling} ({held})"
        for design, kind, pooling, held, *_ in lines
        if float(held) < least
    ]
    told = "; ".join(found) or "none"
    return f"Too narrow, below 95 by more than twice that error: {told}."


def _error(trials: int) -> float:
    """Standard error of a share of 95%, in points."""
    return float(100 * np.sqrt(0.95 * 0.05 / trials))
