"""What the commands share: flags, the device, training with a progress bar."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]

if TYPE_CHECKING:
    from dviz.checkpoint import CheckpointConfig
    from dviz.data import FactorDataset
    from dviz.models.vae import VAE
    from dviz.training.config import TrainingConfig
    from dviz.training.loop import Progress


def parser(command: str, description: str, example: str) -> argparse.ArgumentParser:
    """The argument parser of `dviz COMMAND`, whose help ends with an example."""
    return argparse.ArgumentParser(
        prog=f"dviz {command}",
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_device_flags(arguments: argparse.ArgumentParser) -> None:
    arguments.add_argument("--device", default="auto", help="auto (default), cpu, cuda, mps")
    arguments.add_argument("--threads", type=int, help="CPU threads (default: all cores)")


def add_data_flag(arguments: argparse.ArgumentParser) -> None:
    arguments.add_argument(
        "--data-root", help="folder with the datasets' files (default: DVIZ_DATA, else the cache)"
    )


def add_training_flags(
    arguments: argparse.ArgumentParser,
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    beta: float,
    warmup: float,
) -> None:
    """Flags of TrainingConfig that every training has, with a script's own defaults."""
    from dviz.training import config

    add = arguments.add_argument
    add("--steps", type=int, default=steps, help=f"optimiser steps (default {steps})")
    add("--batch-size", type=int, default=batch_size, help=f"pairs or images ({batch_size})")
    add("--learning-rate", type=float, default=learning_rate, help=f"default {learning_rate}")
    add("--schedule", choices=config.SCHEDULES, default="one-cycle")
    add("--beta", type=float, default=beta, help=f"weight of the KL divergence (default {beta})")
    add("--beta-warmup", type=float, default=warmup, help="share of the steps over which β rises")
    add("--clip", type=float, default=1.0, help="largest norm of the gradient (default 1)")
    add("--seed", type=int, default=0)
    add("--save-every", type=int, default=500, help="steps between saved states (0: none)")
    add("--resume", action="store_true", help="go on where a stopped run in --output left off")
    _add_objective_flags(arguments.add_argument_group("objective"))
    _add_stopping_flags(arguments.add_argument_group("when to stop, what to keep, what to show"))
    _add_speed_flags(arguments.add_argument_group("speed"))


def _add_objective_flags(group: argparse._ArgumentGroup) -> None:
    from dviz.training import config

    add = group.add_argument
    add("--objective", choices=config.OBJECTIVES, default="beta-vae")
    add("--reconstruction", choices=config.RECONSTRUCTIONS, default="bernoulli")
    add("--capacity", type=float, default=0.0, help="nats the KL may grow to (default 0: no limit)")
    add("--capacity-rise", type=float, default=0.5, help="share of the steps until it may")
    add("--discriminator-units", type=int, default=1000, help="width, for factor-vae")
    add("--discriminator-rate", type=float, default=1e-4, help="learning rate, for factor-vae")
    add("--labelled-images", type=int, default=0, help="images with known factors (default 0)")
    add("--regression-weight", type=float, default=10.0, help="weight of reading their factors")


def _add_stopping_flags(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--patience", type=int, default=0, help="held-out checks in vain before stopping (0: off)")
    add("--held-out", type=int, default=512, help="images of that check (default 512)")
    add("--check-every", type=int, default=500, help="steps between checks (default 500)")
    add("--ema", type=float, default=0.0, help="decay of averaged weights, e.g. 0.999 (0: off)")
    add("--sheet-every", type=int, default=0, help="steps between sample sheets (0: none)")
    add("--tensorboard", action="store_true", help="write event files too")


def _add_speed_flags(group: argparse._ArgumentGroup) -> None:
    from dviz.training import config

    add = group.add_argument
    add("--precision", choices=config.PRECISIONS, default="float32")
    add("--channels-last", action="store_true", help="memory layout, often faster on GPUs")
    add("--prefetch", action="store_true", help="draw the next batch in a thread of its own")
    add("--compile", action="store_true", help="torch.compile; pays in long runs")


def training_config(args: argparse.Namespace, **more: object) -> TrainingConfig:
    """The TrainingConfig that the flags ask for."""
    from dataclasses import fields

    from dviz.training.config import TrainingConfig

    names = [field.name for field in fields(TrainingConfig) if hasattr(args, field.name)]
    return TrainingConfig(**{name: getattr(args, name) for name in names} | more)


def train_into(
    args: argparse.Namespace,
    model: VAE,
    dataset: FactorDataset,
    config: TrainingConfig,
    identity: CheckpointConfig,
    device: str,
    source: FactorDataset | None = None,
) -> None:
    """Train with a progress bar and write the checkpoint into `args.output`."""
    from dataclasses import replace

    from safetensors import SafetensorError

    from dviz.checkpoint import save_checkpoint
    from dviz.errors import TrainingError
    from dviz.machine import describe_machine
    from dviz.training.loop import train
    from dviz.training.processes import join_processes

    processes = join_processes(device)
    with _progress_bar(identity.name, config.steps, hidden=not processes.main) as show:
        outcome = train(
            model,
            dataset,
            config,
            args.output / "training",
            device=device,
            save_every=args.save_every,
            sheet_every=args.sheet_every,
            tensorboard=args.tensorboard,
            resume=args.resume,
            prefetch=args.prefetch,
            processes=processes,
            source=source,
            on_step=show,
        )
    training = config.to_dict()
    if outcome.steps < config.steps:
        training["stopped_at"] = outcome.steps
    training |= {"seconds": round(outcome.seconds, 2), "machine": describe_machine(device)}
    if processes.main:
        try:
            save_checkpoint(args.output, model, replace(identity, training=training))
        except (OSError, SafetensorError) as error:
            raise TrainingError(
                f"{args.output} cannot be written to ({error}); what was learnt is kept in its "
                "folder training: make room and run again with --resume"
            ) from error


@contextmanager
def _progress_bar(name: str, steps: int, *, hidden: bool) -> Iterator[Callable[[Progress], None]]:
    """A bar on standard error; what is yielded moves it on."""
    from tqdm import tqdm

    with tqdm(total=steps, unit="step", desc=name, dynamic_ncols=True, disable=hidden) as bar:

        def show(progress: Progress) -> None:
            bar.update(progress.step - bar.n)
            bar.set_postfix_str(
                f"loss {progress.loss:.1f}, reconstruction {progress.reconstruction:.1f}, "
                f"KL {progress.kl:.1f}, {progress.images_per_second:.0f} images/s"
            )

        yield show


def pick_device(name: str, threads: int | None) -> str:
    """Set the number of CPU threads and turn "auto" into the best device there is."""
    import torch

    if threads is not None:
        if threads < 1:
            raise ValueError(f"--threads is {threads}; allowed are numbers from 1")
        torch.set_num_threads(threads)
    if name != "auto":
        try:
            torch.empty(0, device=name)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"--device {name} cannot be used here ({reason})") from error
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
