"""Write the study's tables and the verdicts on its claims from the shipped reports."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import common


def arguments() -> argparse.Namespace:
    parser = common.parser(
        "Write docs/results.md from the report.json of every checkpoint and the tables in "
        "checkpoints/seeds/,\nand from nothing else: the same files give the same text, byte for "
        "byte.",
        "python scripts/reproduce.py\n  python scripts/reproduce.py --check",
    )
    add = parser.add_argument
    add("--checkpoints", type=Path, default=common.ROOT / "checkpoints", help="their folder")
    add("--output", type=Path, default=common.ROOT / "docs" / "results.md", help="file to write")
    add("--check", action="store_true", help="write nothing; exit 1 if the file is out of date")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    from dviz.files import write_text
    from dviz.results import read_seeds, read_zoo, results_page

    page = results_page(read_zoo(args.checkpoints), read_seeds(args.checkpoints))
    if not args.check:
        write_text(args.output, page)
        print(f"{args.output.name}: {len(page.splitlines())} lines")
    elif not args.output.exists() or args.output.read_text(encoding="utf-8") != page:
        print(f"{args.output.name} is out of date; run scripts/reproduce.py", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    common.run(main)
