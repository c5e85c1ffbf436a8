"""`dviz evaluate distance`: how far a Target lies from its Source."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from dviz.cli import common
from dviz.cli.evaluations.subcommand import subcommand


def add_distance(commands: argparse._SubParsersAction) -> None:
    parser = subcommand(
        commands,
        "distance",
        "How far a Target lies from its Source, without labels: into the report.json of a\n"
        "transferred checkpoint whose Source lies beside it.",
        "dviz evaluate distance checkpoints/color-dsprites-to-coil100",
    )
    add = parser.add_argument
    add("folder", type=Path, help="folder of a transferred checkpoint")
    add("--images", type=int, default=5_000, help="random images of each (default 5000)")
    add("--seed", type=int, default=0)
    add("--json", action="store_true", help="print one JSON object")
    common.add_data_flag(parser)
    common.add_device_flags(parser)
    parser.set_defaults(run=run_distance)


def run_distance(args: argparse.Namespace) -> None:
    device = common.pick_device(args.device, args.threads)
    from dataclasses import asdict

    from dviz.checkpoint import load_checkpoint
    from dviz.data import load_dataset
    from dviz.measuring.shift import add_distance, measure_distance, source_of

    checkpoint = load_checkpoint(args.folder, device)
    source = source_of(checkpoint)
    names = source.config.dataset, checkpoint.config.dataset
    found = measure_distance(
        source,
        *(load_dataset(name, args.data_root) for name in names),
        num_images=args.images,
        seed=args.seed,
    )
    add_distance(checkpoint, found)
    if args.json:
        print(json.dumps(asdict(found)))
    else:
        print(
            f"{found.source} → {found.target}, {found.num_images:,} images of each: "
            f"codes: Fréchet {found.frechet:.3f}, MMD² "
            f"{found.mmd:.4f} (p {found.mmd_p_value:.3f}), outside the Source's range "
            f"{100 * found.outside:.1f}%; ELBO falls by {found.elbo_drop_in_words}; "
            f"pixels: Fréchet {found.pixel_frechet:.3f}"
        )
