"""Write the study's tables and the verdicts on its claims from the shipped checkpoints' files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dviz.cli import common


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = common.parser(
        "reproduce",
        "Write docs/results.md and docs/figures/*.svg from report.json and config.json of every\n"
        "checkpoint, checkpoints/seeds/*.csv and checkpoints/remarks.json, beside the study's own\n"
        "figures (dviz/results/published.py): the same files give the same text, byte for byte.",
        "dviz reproduce\n  dviz reproduce --check",
    )
    add = parser.add_argument
    add("--checkpoints", type=Path, default=common.ROOT / "checkpoints", help="their folder")
    add("--output", type=Path, default=common.ROOT / "docs" / "results.md", help="page to write")
    add("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    from dviz.errors import CheckpointError
    from dviz.files import write_text
    from dviz.results.figures import results_figures
    from dviz.results.page import read_seeds, results_page
    from dviz.results.pictures import read_remarks
    from dviz.results.zoo import read_zoo

    zoo = read_zoo(args.checkpoints)
    if not zoo:
        raise CheckpointError(f"{args.checkpoints} holds no checkpoint that was measured")
    folder = args.output.parent
    files = {folder / name: figure for name, figure in results_figures(zoo).items()}
    files[args.output] = results_page(
        zoo, read_seeds(args.checkpoints), read_remarks(args.checkpoints)
    )
    if args.check:
        _stop_if_any([path for path, text in files.items() if _read(path) != text])
        return
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    print(f"{args.output.name} and {len(files) - 1} figures")


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _stop_if_any(old: list[Path]) -> None:
    if old:
        names = ", ".join(path.name for path in old)
        print(f"out of date: {names}; run dviz reproduce", file=sys.stderr)
        sys.exit(1)
