"""Write a checkpoint's model as ONNX files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from dviz.cli import common


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = common.parser(
        "export",
        "Write a checkpoint's encoder and decoder as ONNX files, which run without torch, into\n"
        "its folder onnx; each is compared with the model (at most 1e-4 apart).",
        "dviz export checkpoints/color-dsprites --onnx",
    )
    add = parser.add_argument
    add("folders", nargs="+", type=Path, metavar="FOLDER", help="checkpoint folders")
    add("--onnx", action="store_true", required=True, help="the format; there is one")
    add("--output", type=Path, help="where to, for one checkpoint (default: FOLDER/onnx)")
    add("--json", action="store_true", help="print one JSON object a checkpoint")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    if args.output and len(args.folders) > 1:
        raise ValueError("--output is for one checkpoint; leave it out to write into each folder")
    from dviz.checkpoint import DECODER, ENCODER, ONNX, load_checkpoint
    from dviz.representations.export import export_onnx

    for folder in args.folders:
        checkpoint = load_checkpoint(folder)
        to = args.output or folder / ONNX
        found = export_onnx(checkpoint.representation, to / ENCODER, to / DECODER)
        row = {"checkpoint": checkpoint.config.name, "folder": str(to), "codes": found.codes}
        row["pixels"] = found.pixels
        if args.json:
            print(json.dumps(row), flush=True)
        else:
            pixels = "no decoder" if found.pixels is None else f"pixels {found.pixels:.1g}"
            print(f"{to}: largest difference from the model: codes {found.codes:.1g}, {pixels}")
