"""Draw a contact sheet of a dataset."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from dviz.cli import common


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = common.parser(
        "preview",
        "Write a contact sheet: random samples, then one row for each factor varied alone.",
        "dviz preview shapes3d --output sheet.png",
    )
    add = parser.add_argument
    add("name", help="name of a dataset, e.g. shapes3d")
    add("--output", required=True, type=Path, help="PNG file to write")
    add("--columns", type=int, default=10, help="pictures in a row (default 10)")
    add("--seed", type=int, default=0)
    common.add_data_flag(parser)
    args = parser.parse_args(argv)
    if args.columns < 1:
        parser.error(f"--columns is {args.columns}; at least 1 is needed")
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    import numpy as np
    from PIL import Image

    from dviz.data import load_dataset
    from dviz.data.preview import contact_sheet
    from dviz.files import atomic_path

    dataset = load_dataset(args.name, args.data_root)
    sheet = contact_sheet(dataset, np.random.default_rng(args.seed), args.columns)
    with atomic_path(args.output) as temporary:
        Image.fromarray(sheet).save(temporary, format="PNG")
    factors = ", ".join(f"{f.name} {f.size}" for f in dataset.space.factors) or "no labels"
    print(f"{dataset.name} ({dataset.origin}): {dataset.num_images:,} images; {factors}")
