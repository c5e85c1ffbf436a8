"""Copy a checkpoint to a Target dataset and, if asked, fine-tune it there without labels."""

from __future__ import annotations

import argparse
from pathlib import Path

import common


def arguments() -> argparse.Namespace:
    parser = common.parser(
        "Copy a checkpoint to a Target; with --steps > 0 fine-tune it on unlabelled images.",
        "python scripts/transfer.py --checkpoint checkpoints/color-dsprites "
        "--target coil100-augmented --output checkpoints/mine --steps 3000",
    )
    add = parser.add_argument
    add("--checkpoint", required=True, type=Path, help="checkpoint folder to start from")
    add("--target", required=True, help="name of the Target dataset, e.g. coil100-augmented")
    add("--output", required=True, type=Path, help="checkpoint folder to write")
    common.add_training_flags(
        parser, steps=0, batch_size=64, learning_rate=1.5e-3, beta=1.0, warmup=0.0
    )
    add("--decoder-first", type=float, default=0.1, help="share of steps that leave the encoder")
    add("--freeze-statistics", action=argparse.BooleanOptionalAction, default=True)
    common.add_data_flag(parser)
    common.add_device_flags(parser)
    return parser.parse_args()


def main() -> None:
    args = arguments()
    device = common.pick_device(args.device, args.threads)
    from dviz.checkpoint import (
        DIRECT,
        FINE_TUNED,
        CheckpointConfig,
        load_checkpoint,
        save_checkpoint,
    )
    from dviz.data import load_dataset

    parent = load_checkpoint(args.checkpoint, device)
    dataset = load_dataset(args.target, args.data_root)
    identity = CheckpointConfig(
        args.output.name,
        FINE_TUNED if args.steps else DIRECT,
        dataset.name,
        dataset.space.factors,
        parent.model.config,
        parent=parent.config.name,
        source=parent.config.source,
    )
    if args.steps:
        config = common.training_config(
            args,
            supervision="none",
            untied_beta=args.beta,
            decoder_first=args.decoder_first,
            freeze_statistics=args.freeze_statistics,
        )
        common.train_into(args, parent.model, dataset, config, identity, device)
    else:
        save_checkpoint(args.output, parent.model, identity)


if __name__ == "__main__":
    common.run(main)
