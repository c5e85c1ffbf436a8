"""Encode a dataset of any size into Parquet shards of codes and labels."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from dviz.cli import common


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = common.parser(
        "encode",
        "Encode a dataset into Parquet shards of codes and labels, for dviz evaluate. What is\n"
        "there already is kept, so that a stopped run goes on where it was.",
        "dviz encode --checkpoint checkpoints/color-dsprites --output codes",
    )
    add = parser.add_argument
    add("--checkpoint", required=True, type=Path, help="its folder")
    add("--dataset", help="name (default: the checkpoint's own)")
    add("--output", required=True, type=Path, help="folder for the shards")
    add("--images", type=int, default=0, help="so many drawn at random (default: all, in order)")
    add("--rows", type=int, default=100_000, help="images a shard (default 100000)")
    add("--seed", type=int, default=0)
    add("--engine", choices=("here", "ray"), default="here", help="who encodes (default: here)")
    add("--address", help="of a running Ray cluster (default: start one here)")
    add("--workers", type=int, default=2, help="shards at once on a Ray started here (default 2)")
    add("--json", action="store_true", help="print one JSON object")
    common.add_data_flag(parser)
    common.add_device_flags(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    from tqdm import tqdm

    from dviz.checkpoint import read_config
    from dviz.measuring.encode_shards import EncodeJob, encode_all
    from dviz.measuring.engines import Here, OnRay

    device = common.pick_device(args.device, args.threads)
    job = EncodeJob(
        checkpoint=str(args.checkpoint.resolve()),
        dataset=args.dataset or read_config(args.checkpoint).dataset,
        data_root=args.data_root,
        images=args.images,
        rows=args.rows,
        seed=args.seed,
        device=device,
    )
    gpus = 1.0 if device == "cuda" else 0.0
    engine = OnRay(args.address, args.workers, gpus=gpus) if args.engine == "ray" else Here()
    try:
        with tqdm(unit="shard", disable=None, leave=False) as bar:
            rows, left_out = encode_all(job, args.output, engine, bar.update)
    finally:
        engine.close()
    if args.json:
        print(json.dumps({"rows": rows, "left_out": left_out, "output": str(args.output)}))
    else:
        gaps = f"; {left_out:,} with gaps in their labels are left out" if left_out else ""
        print(f"{args.output}: codes of {rows:,} images of {job.dataset}{gaps}")
