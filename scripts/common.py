"""What every script shares: the way to the package, common flags, errors as one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from dviz.errors import DvizError  # noqa: E402

if TYPE_CHECKING:
    from dviz.checkpoint import CheckpointConfig
    from dviz.data import FactorDataset
    from dviz.models.vae import VAE
    from dviz.training.loop import TrainingConfig


def parser(description: str, example: str) -> argparse.ArgumentParser:
    """An argument parser whose help ends with an example."""
    return argparse.ArgumentParser(
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
    """Flags of dviz.training.loop.TrainingConfig, with a script's own defaults."""
    add = arguments.add_argument
    add("--steps", type=int, default=steps, help=f"optimiser steps (default {steps})")
    add("--batch-size", type=int, default=batch_size, help=f"pairs or images ({batch_size})")
    add("--learning-rate", type=float, default=learning_rate, help=f"default {learning_rate}")
    add("--schedule", choices=("one-cycle", "constant"), default="one-cycle")
    add("--beta", type=float, default=beta, help=f"weight of the KL divergence (default {beta})")
    add("--beta-warmup", type=float, default=warmup, help="share of the steps over which β rises")
    add("--seed", type=int, default=0)
    add("--save-every", type=int, default=500, help="steps between two saved states")
    add("--resume", action="store_true", help="go on where a stopped run in --output left off")


def training_config(args: argparse.Namespace, **more: object) -> TrainingConfig:
    """The TrainingConfig that the flags of `add_training_flags` ask for."""
    from dviz.training.loop import TrainingConfig

    names = ("steps", "batch_size", "learning_rate", "schedule", "beta", "beta_warmup", "seed")
    return TrainingConfig(**{name: getattr(args, name) for name in names}, **more)


def train_into(
    args: argparse.Namespace,
    model: VAE,
    dataset: FactorDataset,
    config: TrainingConfig,
    identity: CheckpointConfig,
    device: str,
) -> None:
    """Train with a progress bar and write the checkpoint into `args.output`."""
    from dataclasses import asdict, replace

    from tqdm import tqdm

    from dviz.checkpoint import save_checkpoint
    from dviz.training.loop import Progress, train

    with tqdm(total=config.steps, unit="step", desc=identity.name, dynamic_ncols=True) as bar:

        def show(progress: Progress) -> None:
            bar.update(progress.step - bar.n)
            bar.set_postfix_str(
                f"loss {progress.loss:.1f}, reconstruction {progress.reconstruction:.1f}, "
                f"KL {progress.kl:.1f}, {progress.images_per_second:.0f} images/s"
            )

        train(
            model,
            dataset,
            config,
            args.output / "training",
            device=device,
            save_every=args.save_every,
            resume=args.resume,
            on_step=show,
        )
    save_checkpoint(args.output, model, replace(identity, training=asdict(config)))


def pick_device(name: str, threads: int | None) -> str:
    """Set the number of CPU threads and turn "auto" into the best device there is."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def run(main: Callable[[], None]) -> None:
    """Call `main`; what a user can mend becomes one line on stderr and exit code 2."""
    try:
        main()
    except (DvizError, ValueError, FloatingPointError) as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nstopped; what was saved so far is kept", file=sys.stderr)
        sys.exit(130)
