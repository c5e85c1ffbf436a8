"""Copy a checkpoint to a Target dataset and, if asked, fine-tune it there."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dviz.cli import common

DEFAULTS = {
    "steps": 0,
    "batch_size": 64,
    "learning_rate": 1.5e-3,
    "beta": 2.0,
    "beta_warmup": 0.0,
    "decoder_first": 0.1,
    "freeze_statistics": True,
}
"""Of a transfer: direct, or with steps fine-tuning as gently as it can be."""

if TYPE_CHECKING:
    from dviz.checkpoint import Checkpoint, CheckpointConfig
    from dviz.data import FactorDataset
    from dviz.factors import FactorSpace
    from dviz.training.config import TrainingConfig


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    from dviz.training.config import TARGET

    parser = common.parser(
        "transfer",
        "Copy a checkpoint to a Target; with --steps > 0 fine-tune it on unlabelled images.",
        "dviz transfer --checkpoint checkpoints/color-dsprites "
        "--target coil100-augmented --output checkpoints/mine --steps 3000",
    )
    add = parser.add_argument
    add("--checkpoint", required=True, type=Path, help="checkpoint folder to start from")
    add("--target", required=True, help="name of the Target dataset, e.g. coil100-augmented")
    common.add_output_flags(add)
    common.add_training_flags(parser, TARGET, defaults=DEFAULTS)
    add(
        "--untied-beta",
        type=float,
        help="β of dimensions that the Source tied to no factor (default: as --beta); high where "
        "the Target has no more factors than the Source",
    )
    common.add_data_flag(parser)
    common.add_device_flags(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    if args.output.resolve() == args.checkpoint.resolve():
        raise ValueError(f"--output is {args.output}, the checkpoint itself; use another folder")
    common.check_output(args, copies=not args.steps)
    if not args.steps:
        _check_unused(args)
    config = _config(args) if args.steps else None
    device = common.pick_device(args.device, args.threads)
    from dviz.checkpoint import DIRECT, FINE_TUNED, CheckpointConfig, load_checkpoint
    from dviz.data import load_dataset

    parent = load_checkpoint(args.checkpoint, device)
    dataset = common.load_and_tell(args.target, args.data_root)
    identity = CheckpointConfig(
        args.output.resolve().name,
        FINE_TUNED if args.steps else DIRECT,
        dataset.name,
        dataset.space.factors,
        parent.model.config,
        parent=parent.config.name,
        source=parent.config.source,
    )
    if config is None:
        _copy(args, parent, dataset, identity)
        return
    if args.labelled_images:
        config = replace(config, ties=_ties(parent, dataset.space))
    if args.untied_beta is not None:
        config = replace(config, untied_beta=args.untied_beta, tied=_tied(parent))
    model, source = parent.model, None
    if config.update == "encoder-and-colours":
        model = model.with_colours()
        identity = replace(identity, architecture=model.config)
    if config.replay:
        if parent.config.kind == FINE_TUNED:
            raise ValueError(
                f"--replay needs the Source's encoder, and {parent.config.name} is fine-tuned; "
                "start from its Source"
            )
        source = load_dataset(parent.config.source, args.data_root)
    common.train_into(args, model, dataset, config, identity, device, source)


def _check_unused(args: argparse.Namespace) -> None:
    """Raise ValueError where a copy would leave settings of a fine-tuning unheard."""
    from dviz.training.config import DEFAULTS as AT_REST

    resting = AT_REST | DEFAULTS | {"untied_beta": None}
    heard = ("steps", "seed", "reestimate_statistics")
    for name, rest in resting.items():
        if name not in heard and getattr(args, name, rest) != rest:
            raise ValueError(
                f"--{name.replace('_', '-')} is of a fine-tuning, and without --steps nothing is "
                "learnt; add --steps, or leave it out"
            )


def _config(args: argparse.Namespace) -> TrainingConfig:
    if args.update == "decoder":
        raise ValueError(
            "--update decoder: copy with --steps 0, then learn its decoder: dviz paint"
        )
    # With the decoder at rest for good, there is nothing for it to do first.
    decoder_first = args.decoder_first if args.update != "encoder" else 0.0
    return common.training_config(
        args, supervision="none", untied_beta=args.beta, decoder_first=decoder_first
    )


def _copy(
    args: argparse.Namespace, parent: Checkpoint, dataset: FactorDataset, identity: CheckpointConfig
) -> None:
    """Direct transfer: the same weights, at most other BatchNorm statistics."""
    from dviz.training.statistics import reestimate_statistics

    if args.reestimate_statistics < 0:
        raise ValueError(
            f"--reestimate-statistics is {args.reestimate_statistics}; allowed are numbers from 0"
        )
    if args.reestimate_statistics:
        reestimate_statistics(parent.model, dataset, args.reestimate_statistics, args.seed)
        settings = {"reestimate_statistics": args.reestimate_statistics, "seed": args.seed}
        identity = replace(identity, training=settings)
    common.save_into(args, parent.model, identity)


def _tied(parent: Checkpoint) -> int:
    """How many dimensions the Source at the root of a lineage tied to its factors."""
    from dviz.checkpoint import SOURCE

    config = parent.config
    if config.kind == SOURCE and config.training.get("supervision", "labels") == "labels":
        return len(config.space.ties(config.training.get("cyclic_dimensions", 1)))
    tied = int(config.training.get("tied", 0))
    if not tied:
        raise ValueError(
            f"--untied-beta needs to know which dimensions {config.name} ties to factors; start "
            "from a Source trained with labels"
        )
    return tied


def _ties(parent: Checkpoint, target: FactorSpace) -> tuple[int, ...]:
    """The dimension of each factor of the Target: its parent's where the name is the same.

    The other factors take dimensions that are tied to none there, then whatever is left. A parent
    that was transferred without labels does not know which is whose.
    """
    from dviz.checkpoint import SOURCE

    config = parent.config
    told, owners = config.training.get("ties") or [], ()
    if config.kind == SOURCE:
        # A circle's factor owns two dimensions; it is read off the first.
        owners = config.space.ties(config.training.get("cyclic_dimensions", 1))
        told = told or [owners.index(j) for j in range(len(config.factors))]
    ties = dict(zip(config.space.names, told, strict=False))
    shared = {name: ties[name] for name in target.names if name in ties}
    every = range(config.architecture.latent_size)
    taken = {*ties.values(), *range(len(owners))}
    free = [d for d in every if d not in taken]
    free += [d for d in every if d in taken and d not in shared.values()]
    others = [name for name in target.names if name not in shared]
    if len(free) < len(others):
        raise ValueError(
            f"--labelled-images needs a dimension for each of the {len(target)} factors of the "
            f"Target; the checkpoint has latent_size {len(every)}"
        )
    shared |= dict(zip(others, free, strict=False))
    return tuple(shared[name] for name in target.names)
