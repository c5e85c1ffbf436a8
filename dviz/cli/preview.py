"""Draw a contact sheet of a dataset, or of a checkpoint."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dviz.cli import common

if TYPE_CHECKING:
    import numpy as np

COLOURS = 192  # of a checkpoint's sheet, which is to be small


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = common.parser(
        "preview",
        "Write a contact sheet. Of a dataset: random samples, then one row for each factor varied\n"
        "alone. Of a checkpoint: samples, their reconstructions, then one row a dimension.",
        "dviz preview shapes3d --output sheet.png\n"
        "  dviz preview --checkpoint checkpoints/shapes3d --output sheet.png",
    )
    add = parser.add_argument
    add("name", nargs="?", help="name of a dataset, e.g. shapes3d")
    add("--checkpoint", type=Path, help="folder of a checkpoint, in place of a dataset's name")
    add("--output", required=True, type=Path, help="PNG file to write")
    add("--columns", type=int, default=10, help="a dataset's pictures in a row (default 10)")
    add(
        "--samples",
        action=argparse.BooleanOptionalAction,
        help="with --checkpoint: show the images themselves (default: where they are drawn; "
        "photographs may not be passed on)",
    )
    add("--seed", type=int, default=0)
    common.add_data_flag(parser)
    args = parser.parse_args(argv)
    if args.columns < 1:
        parser.error(f"--columns is {args.columns}; at least 1 is needed")
    if (args.name is None) == (args.checkpoint is None):
        parser.error("give the name of a dataset, or --checkpoint")
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    if args.checkpoint is not None:
        _checkpoint(args)
    else:
        _dataset(args)


def _dataset(args: argparse.Namespace) -> None:
    import numpy as np

    from dviz.data.preview import contact_sheet

    dataset = common.load_and_tell(args.name, args.data_root)
    _write(args.output, contact_sheet(dataset, np.random.default_rng(args.seed), args.columns))
    factors = ", ".join(f"{f.name} {f.size}" for f in dataset.space.factors) or "no labels"
    print(f"{dataset.name} ({dataset.origin}): {dataset.num_images:,} images; {factors}")


def _checkpoint(args: argparse.Namespace) -> None:
    from dviz.checkpoint import REPORT, load_checkpoint
    from dviz.data import load_dataset
    from dviz.measuring.report import read_report
    from dviz.publish.contact_sheet import checkpoint_sheet

    checkpoint = load_checkpoint(args.checkpoint)
    dataset = load_dataset(checkpoint.config.dataset, args.data_root)
    drawn = not dataset.info.needs_files
    images = drawn if args.samples is None else args.samples
    _write(args.output, checkpoint_sheet(checkpoint, dataset, args.seed, images), COLOURS)
    result = read_report(checkpoint.folder / REPORT).results[dataset.name]
    print(f"{checkpoint.config.name} on {result.title}: {result.fidelity}")


def _write(path: Path, sheet: np.ndarray, colours: int | None = None) -> None:
    from PIL import Image

    from dviz.files import atomic_path

    image = Image.fromarray(sheet)
    if colours:
        image = image.quantize(colours)
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG", optimize=True)
