"""Learn a representation of a Source dataset."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from dviz.cli import common

DEFAULTS = {
    "steps": 24_000,
    "batch_size": 32,
    "learning_rate": 6e-3,
    "beta": 4.0,
    "untied_beta": 32.0,
    "beta_warmup": 0.25,
}
"""Of a Source's training, chosen for CPUs (docs/training.md)."""


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    from dviz.models.decoders import DECODERS
    from dviz.models.encoders import ENCODERS
    from dviz.training.config import SOURCE

    parser = common.parser(
        "train",
        "Train a Source: a VAE with weak supervision by pairs (Ada-GVAE), or without.",
        "dviz train --dataset color-dsprites --output checkpoints/mine --steps 2000",
    )
    add = parser.add_argument
    add("--dataset", required=True, help="name of a dataset, e.g. color-dsprites")
    common.add_output_flags(add)
    add("--filters", type=int, default=32, help="n: channels n/4, n/2, n (default 32; study: 128)")
    add("--latent-size", type=int, default=10, help="latent dimensions (default 10; study: 10)")
    told = "one more layer of the study's decoder (default 256; 0: none)"
    add("--decoder-hidden", type=int, default=256, help=told)
    told = "see dviz.models.encoders (default study)"
    add("--encoder", choices=tuple(ENCODERS), default="study", help=told)
    told = "see dviz.models.decoders (default study)"
    add("--decoder", choices=DECODERS, default="study", help=told)
    common.add_training_flags(parser, SOURCE, defaults=DEFAULTS)
    common.add_data_flag(parser)
    common.add_device_flags(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    config = common.training_config(args)
    device = common.pick_device(args.device, args.threads)
    import torch

    from dviz.checkpoint import SOURCE, CheckpointConfig
    from dviz.models.vae import VAE, VAEConfig

    dataset = common.load_and_tell(args.dataset, args.data_root)
    torch.manual_seed(args.seed)
    hidden = args.decoder_hidden if args.decoder == "study" else 0
    model = VAE(
        VAEConfig(
            args.filters, args.latent_size, hidden, encoder=args.encoder, decoder=args.decoder
        )
    )
    identity = CheckpointConfig(
        args.output.resolve().name, SOURCE, dataset.name, dataset.space.factors, model.config,
        source=dataset.name,
    )  # fmt: skip
    common.check_output(args)
    common.train_into(args, model, dataset, config, identity, device)
