"""What the commands share: flags, the device, training with a progress bar."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def load_and_tell(name: str, root: str | None) -> FactorDataset:
    """`load_dataset`; what should be known of how its files were read goes to standard error."""
    from dviz.data import load_dataset

    dataset = load_dataset(name, root)
    for remark in dataset.remarks:
        print(f"{dataset.name}: {remark}", file=sys.stderr)
    return dataset


def add_training_flags(
    arguments: argparse.ArgumentParser, *groups: str, defaults: dict[str, Any]
) -> None:
    """Flags of the settings of a TrainingConfig, and of how a run is gone about.

    Args:
        groups: headings, beside those of every training, whose settings the command offers.
        defaults: the command's own, where it has others than TrainingConfig.
    """
    from dviz.training import config

    basics = arguments.add_argument_group(config.BASICS)
    stopping = arguments.add_argument_group(config.STOPPING)
    places = {config.BASICS: basics, config.STOPPING: stopping}
    for title in (*groups, config.OBJECTIVE, config.SPEED):
        places[title] = arguments.add_argument_group(title)
    add_settings(config.TrainingConfig, places, defaults)
    add = basics.add_argument
    add(
        "--save-every",
        type=int,
        default=500,
        help="steps between saved states (default 500)",
    )
    add("--resume", action="store_true", help="go on where a stopped run in --output left off")
    add = stopping.add_argument
    add(
        "--sheet-every",
        type=int,
        default=0,
        help="steps between sample sheets (default 0: none)",
    )
    add("--tensorboard", action="store_true", help="write event files too")
    help = "draw the next batch in a thread of its own"
    places[config.SPEED].add_argument("--prefetch", action="store_true", help=help)


def add_settings(
    kind: type, places: dict[str, argparse._ArgumentGroup], defaults: dict[str, Any]
) -> None:
    """A flag for every setting of a dataclass whose group is among `places`."""
    from dataclasses import MISSING
    from typing import get_type_hints

    from dviz.models.settings import settings_of

    types = get_type_hints(kind)
    for known, about in settings_of(kind):
        if about.group not in places:
            continue
        default = defaults.get(known.name, known.default)
        options: dict[str, Any] = {"default": default, "required": default is MISSING}
        options["help"] = about.help.replace("%", "%%") + " (default %(default)s)"
        if types[known.name] is bool:
            options["action"] = argparse.BooleanOptionalAction
        else:
            options["type"] = about.parse or types[known.name]
            options["choices"] = about.choices or None
        places[about.group].add_argument(f"--{known.name.replace('_', '-')}", **options)


def training_config(args: argparse.Namespace, **more: object) -> TrainingConfig:
    """The TrainingConfig that the flags ask for."""
    from dataclasses import fields

    from dviz.training.config import TrainingConfig

    names = [field.name for field in fields(TrainingConfig) if hasattr(args, field.name)]
    return TrainingConfig(**{name: getattr(args, name) for name in names} | more)


def add_output_flags(add: Callable[..., Any]) -> None:
    """Where a command writes a checkpoint to, and what it may do to one that lies there."""
    add("--output", required=True, type=Path, help="checkpoint folder to write")
    told = "replace a checkpoint that lies in --output, and what was measured of it"
    add("--overwrite", action="store_true", help=told)


def check_output(args: argparse.Namespace, part: str = "training", *, copies: bool = False) -> None:
    """Refuse to write where something would be lost unasked.

    `part` is the folder of the run's state; what merely `copies` `args.checkpoint` may be done
    again with --resume, from the same one.

    Raises:
        ValueError: there is a checkpoint or a stopped run in `args.output`, and not --overwrite was
            given, nor --resume where there is something to go on with.
    """
    from dviz.checkpoint import CONFIG, DIRECT, read_config
    from dviz.training.loop import STATE

    folder, state = args.output, args.output / part / STATE
    there = (folder / CONFIG).exists()
    if args.overwrite or (args.resume and not there):
        return
    old = read_config(folder) if there and args.resume else None
    again = (
        copies
        and old is not None
        and ((old.kind, old.parent) == (DIRECT, read_config(args.checkpoint).name))
    )
    if args.resume and (state.exists() or again):
        if old is not None and old.painting and part == "training":
            raise ValueError(
                f"the decoder of {folder} was painted anew since, and --resume would bring the old "
                "one back; choose another --output, or train anew with --overwrite"
            )
        return
    if there:
        resumed = " and no run to resume" if args.resume else ""
        raise ValueError(
            f"{folder} holds a checkpoint already{resumed}; choose another --output, or replace it "
            "and what was measured of it with --overwrite"
        )
    if state.exists():
        raise ValueError(
            f"{folder} holds a run that was stopped; go on with --resume, or start anew with "
            "--overwrite"
        )


def save_into(
    args: argparse.Namespace, model: VAE, config: CheckpointConfig, part: str = ""
) -> None:
    """Write a checkpoint; nothing that was said of another one in its place stays beside it.

    `part` is the folder that holds the state of the run behind it, if there was one. Where that is
    "painting", the code is that of the one before, and what was measured of it stays.

    Raises:
        TrainingError: it cannot be written.
    """
    from safetensors import SafetensorError

    from dviz.checkpoint import DERIVED, clear_checkpoint, save_checkpoint
    from dviz.cli.baseline import FOLDER
    from dviz.errors import TrainingError

    try:
        if args.overwrite or (part != "painting" and _is_another(args.output, model)):
            clear_checkpoint(args.output)
            shutil.rmtree(args.output / FOLDER, ignore_errors=True)
        save_checkpoint(args.output, model, config)
        for name in DERIVED:  # made of the weights before
            (args.output / name).unlink(missing_ok=True)
    except (OSError, SafetensorError) as error:
        kept = f"what was learnt is kept in its folder {part}: " if part else ""
        again = "run again with --resume" if part else "run again"
        raise TrainingError(
            f"{args.output} cannot be written to ({error}); {kept}make room and {again}"
        ) from error


def _is_another(folder: Path, model: VAE) -> bool:
    """Whether other weights than the model's lie in a folder, as after a stopped --overwrite.

    They are compared as they are written, in half precision.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from dviz.checkpoint import WEIGHTS

    if not (folder / WEIGHTS).exists():
        return False
    try:
        old, new = load_file(folder / WEIGHTS), model.state_dict()
    except (OSError, SafetensorError):
        return True
    if old.keys() != new.keys():
        return True
    return any(not torch.equal(new[name].cpu().to(old[name].dtype), old[name]) for name in old)


def train_into(
    args: argparse.Namespace,
    model: VAE,
    dataset: FactorDataset,
    config: TrainingConfig,
    identity: CheckpointConfig,
    device: str,
    source: FactorDataset | None = None,
    part: str = "training",
) -> None:
    """Train with a progress bar and write the checkpoint into `args.output`.

    `part` names the field of the config that tells of this run, and the folder of its state.
    """
    from dataclasses import replace

    from dviz.measuring.machine import describe_machine
    from dviz.training.loop import train
    from dviz.training.processes import join_processes
    from dviz.training.state import fingerprint

    _check_readable(identity)
    # A decoder that learns in its own folder starts from another one when it is resumed.
    parent = model if identity.parent else None
    start = model.encoder if part == "painting" else parent
    processes = join_processes(device)
    with _progress_bar(identity.name, config.steps, hidden=not processes.main) as show:
        outcome = train(
            model,
            dataset,
            config,
            args.output / part,
            device=device,
            save_every=args.save_every,
            sheet_every=args.sheet_every,
            tensorboard=args.tensorboard,
            resume=args.resume,
            prefetch=args.prefetch,
            processes=processes,
            source=source,
            start=fingerprint(start) if start is not None else "",
            on_step=show,
        )
    told = getattr(identity, part) | config.to_dict()
    if outcome.steps < config.steps:
        told["stopped_at"] = outcome.steps
    if dataset.origin:
        told["images"] = dataset.origin
    if dataset.pictures:
        told["pictures"] = dataset.pictures
    told |= {"seconds": round(outcome.seconds, 2), "machine": describe_machine(device)}
    if processes.main:
        save_into(args, model, replace(identity, **{part: told}), part)


def tell_left_out(folder: Path) -> None:
    """Say what of a checkpoint's report stays here when it is sent elsewhere."""
    from dviz.checkpoint import REPORT, read_config
    from dviz.measuring.report import read_report
    from dviz.publish.own import own_results

    if own := own_results(read_config(folder), read_report(folder / REPORT)):
        what = ", ".join(own)
        print(
            f"{folder.name}: without what was measured on pictures that do not come with dviz "
            f"({what})"
        )


def _check_readable(identity: CheckpointConfig) -> None:
    """Raise TrainingError, before anything is learnt, where the result could not be loaded."""
    from dviz.checkpoint import CheckpointConfig
    from dviz.errors import CheckpointError, TrainingError

    try:
        CheckpointConfig.from_dict(json.loads(json.dumps(identity.to_dict())))
    except CheckpointError as error:
        raise TrainingError(
            f"what is learnt on {identity.dataset} could not be loaded again: {error}. Leave out "
            "labels beyond the limits, or raise these (docs/limits.md)"
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
