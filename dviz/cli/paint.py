"""Learn a checkpoint's decoder anew, from codes that stay as they are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dviz.cli import common
from dviz.models.objectives import RECONSTRUCTIONS

if TYPE_CHECKING:
    import torch

    from dviz.checkpoint import CheckpointConfig
    from dviz.data import FactorDataset
    from dviz.models.vae import VAE
    from dviz.training.config import TrainingConfig

OBJECTIVES = {"means": "autoencoder", "samples": "beta-vae"}
LOOKED_AT = 2000  # images, to see which dimensions none of them moves
SWITCHES = ("channels_last", "compile")
KEPT = ("report.json", "probes.npz", "representations.npz", "classes.csv")


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    from dviz.models.decoders import DECODERS
    from dviz.training.config import SPEED, TrainingConfig

    parser = common.parser(
        "paint",
        "Learn a checkpoint's decoder from images of its dataset and the codes its encoder gives\n"
        "them. The encoder rests, so that every code, score and probe stays as it is; of a direct\n"
        "transfer the pictures then show what its codes still hold of the Target.",
        "dviz paint checkpoints/color-dsprites --output checkpoints/sharper --steps 16000",
    )
    add = parser.add_argument
    add("checkpoint", type=Path, help="checkpoint folder")
    common.add_output_flags(add)
    add("--decoder", choices=DECODERS, default="modulated", help="default: %(default)s")
    told = "n of a decoder that starts anew (0: the encoder's; default: as it is)"
    add("--filters", type=int, metavar="N", help=told)
    add("--fresh", action="store_true", help="start anew even where it is of that kind already")
    add(
        "--codes",
        choices=OBJECTIVES,
        default="means",
        help="learn from posterior means, or from samples, which blur (default: %(default)s)",
    )
    told = "the loss (default: bernoulli)"
    add("--reconstruction", choices=RECONSTRUCTIONS, default="bernoulli", help=told)
    add("--steps", type=int, default=16_000, help="optimiser steps (default: %(default)s)")
    add("--batch-size", type=int, default=16, help="images a step (default: %(default)s)")
    add("--learning-rate", type=float, default=0.012, help="peak (default: %(default)s)")
    add("--seed", type=int, default=0, help="of weights, images and noise (default: 0)")
    add("--save-every", type=int, default=500, help="steps between saved states (default: 500)")
    add("--resume", action="store_true", help="go on where a stopped run in --output left off")
    parser.set_defaults(sheet_every=0, tensorboard=False, prefetch=False)
    speed = {SPEED: parser.add_argument_group(SPEED)}
    common.add_settings(TrainingConfig, speed, defaults={})
    common.add_data_flag(parser)
    common.add_device_flags(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    config = config_of(args)
    if args.output.resolve() == args.checkpoint.resolve():
        args.overwrite = False  # its codes stay, and what was measured of them
    else:
        common.check_output(args, "painting")
    device = common.pick_device(args.device, args.threads)
    from dviz.checkpoint import load_checkpoint
    from dviz.data import load_dataset

    checkpoint = load_checkpoint(args.checkpoint, device)
    model = checkpoint.model  # refused where it is somebody's own, before there is a look at images
    dataset = load_dataset(checkpoint.config.dataset, args.data_root)
    learn(args, config, model, checkpoint.config, dataset, device)
    _measure(args.checkpoint, args.output, dataset)


def config_of(args: argparse.Namespace) -> TrainingConfig:
    """Settings under which nothing but the decoder learns."""
    return common.training_config(
        args,
        supervision="none",
        update="decoder",
        objective=OBJECTIVES[args.codes],
        beta=0.0,
        beta_warmup=0.0,
        freeze_statistics=True,
    )


def asked_again(like: CheckpointConfig, checkpoint: Path, output: Path) -> argparse.Namespace:
    """The arguments with which a decoder starts anew and learns as that of `like` did."""
    told, architecture = like.painting, like.architecture
    codes = {objective: codes for codes, objective in OBJECTIVES.items()}
    flags = {
        "--output": output,
        "--decoder": architecture.decoder,
        "--filters": architecture.decoder_filters,
        "--codes": codes.get(told.get("objective"), "samples"),
    }
    named = "steps", "batch_size", "learning_rate", "precision", "seed", "reconstruction"
    for name in named:
        if name in told:
            flags["--" + name.replace("_", "-")] = told[name]
    values = [str(part) for flag in flags.items() for part in flag]
    switches = [f"--{name.replace('_', '-')}" for name in SWITCHES if told.get(name)]
    return arguments([str(checkpoint), "--fresh", *switches, *values])


def learn(
    args: argparse.Namespace,
    config: TrainingConfig,
    model: VAE,
    identity: CheckpointConfig,
    dataset: FactorDataset,
    device: str,
) -> None:
    """Write a model with a decoder that learnt from its codes into `args.output`.

    `identity` is what it was so far.
    """
    from dviz.models.repaint import ignore_dimensions, with_new_decoder

    filters = model.config.decoder_filters if args.filters is None else args.filters
    kind = model.config.decoder, model.config.decoder_filters
    if args.fresh or kind != (args.decoder, filters):
        model = with_new_decoder(model, args.decoder, args.seed, filters)
    ignore_dimensions(model, _collapsed(model, dataset))
    identity = replace(
        identity,
        name=args.output.resolve().name,
        architecture=model.config,
        painting={"dataset": dataset.name, "before": _decoder_before(identity)},
    )
    common.train_into(args, model, dataset, config, identity, device, part="painting")


def _decoder_before(config: CheckpointConfig) -> dict[str, Any]:
    """Which decoder learnt along with the encoder, however often it was painted anew."""
    learnt = config.learnt_architecture()
    named = ("decoder", "decoder_hidden", "decoder_filters")
    return {name: getattr(learnt, name) for name in named}


def _collapsed(model: VAE, dataset: FactorDataset) -> torch.Tensor:
    """Dimensions that no image moves, bool (D,)."""
    import torch

    from dviz.measuring.encoder import encode_sample

    return torch.from_numpy(~encode_sample(model, dataset, LOOKED_AT).active)


def _measure(before: Path, after: Path, dataset: object) -> None:
    """Bring along what was measured of the codes, and measure the pictures anew; on other datasets
    than the checkpoint's own nothing is said of them."""
    import shutil

    from dviz.checkpoint import REPORT, load_checkpoint
    from dviz.files import atomic_path
    from dviz.measuring.pictures import drop_pictures, measure_pictures
    from dviz.measuring.report import read_report
    from dviz.publish.card import write_card
    from dviz.publish.traversal import write_traversal

    for name in KEPT:
        if (before / name).exists() and not (after / name).exists():
            with atomic_path(after / name) as temporary:
                shutil.copyfile(before / name, temporary)
    checkpoint = load_checkpoint(after)
    if dropped := drop_pictures(checkpoint):
        print(
            f"{', '.join(dropped)}: what the report said of pictures was of the decoder before and "
            f"is gone; dviz evaluate checkpoint {after} --pictures --datasets measures it anew"
        )
    measured = dataset.name in read_report(after / REPORT).results
    if measured:
        result = measure_pictures(checkpoint, dataset)
        print(f"{dataset.name}: {result.fidelity}")
        write_traversal(after)
    if measured or dropped:
        write_card(after)
