"""Train and measure what a transfer is compared with, into its report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dviz.api.places import SHIPPED
from dviz.cli import common

if TYPE_CHECKING:
    from dviz.checkpoint import Checkpoint, CheckpointConfig
    from dviz.data import FactorDataset
    from dviz.measuring.report import Baseline, DatasetReport
    from dviz.training.baselines import Recipe
    from dviz.training.config import TrainingConfig

_CHECKOUT = common.ROOT / "docs" / "baselines.yaml"
RECIPES = _CHECKOUT if _CHECKOUT.exists() else SHIPPED / "baselines.yaml"  # in a wheel
FOLDER = "baselines"
"""Where in a checkpoint's folder the encoders of its baselines are kept."""
PAINTED = "-painted"  # ends the folder of one whose decoder learnt from its codes
COMPONENT_IMAGES = 2000  # that principal components are found on


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = common.parser(
        "baseline",
        "Train and measure the baselines of a transferred checkpoint, as docs/baselines.yaml says, "
        "and put\nthem into its report. What is trained already is only measured.",
        "dviz baseline --checkpoint checkpoints/color-dsprites-to-coil100-finetuned --only random",
    )
    add = parser.add_argument
    add("--checkpoint", required=True, type=Path, help="a transferred one, its Source beside it")
    add("--only", nargs="+", metavar="NAME", help="some baselines (default: all)")
    add("--recipes", type=Path, default=RECIPES, help="YAML file (default docs/baselines.yaml)")
    add("--images", type=int, default=15_000, help="random images for the probes (default 15000)")
    add("--pairs", type=int, default=10_000, help="pairs a factor for S (default 10000)")
    add("--seed", type=int, default=0, help="of what is measured; training has the transfer's")
    add("--jobs", type=int, default=2, help="processes for the probes (default 2)")
    add(
        "--paint",
        action="store_true",
        help="measure only pictures, of a decoder that learns from each one's frozen codes as the "
        "checkpoint's own did (see dviz paint); they go beside what was measured before",
    )
    add("--resume", action="store_true", help="accepted for sweeps: it always does")
    common.add_data_flag(parser)
    common.add_device_flags(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    device = common.pick_device(args.device, args.threads)
    from dviz.checkpoint import load_checkpoint
    from dviz.measuring.encoder import add_baseline
    from dviz.models.efficientnet import find_weights
    from dviz.publish.card import write_card
    from dviz.results.markdown import decimal, percent
    from dviz.training.baselines import choose_recipes

    asked = choose_recipes(args.recipes, args.only)
    checkpoint = load_checkpoint(args.checkpoint, device)
    dataset = common.load_and_tell(checkpoint.config.dataset, args.data_root)
    if not dataset.space.factors:
        raise ValueError(f"{dataset.name} has no labels, so baselines have no scores")
    if any(recipe.start not in ("untrained", "features") for recipe in asked):
        _check_pictures(checkpoint.config, dataset)
    if any(recipe.start == "features" for recipe in asked):
        find_weights()
    for recipe in asked:
        name = recipe.name
        stored = _measured_before(checkpoint, name) if args.paint else None
        encoder = encoder_of(recipe, checkpoint, dataset, args.data_root, device, train=True)
        if encoder is None:
            print(f"{name}: skipped, a direct transfer learnt nothing on the Target")
            continue
        if stored is not None:
            result = _with_pictures(stored, encoder, checkpoint, dataset, device)
            told = result.fidelity
        else:
            pairs = recipe.pairs or args.pairs
            sizes = args.images, pairs, args.seed
            result = measure_baseline(recipe, encoder, dataset, *sizes, args.jobs)
            accuracy = percent(result.mean_accuracy("mlp", "all"))
            told = f"OMES {decimal(result.omes().omes)}, mean accuracy of MLPs in %: {accuracy}"
        description = _described(recipe, checkpoint) if stored is None else stored.description
        add_baseline(args.checkpoint, name, description, result)
        write_card(args.checkpoint)
        print(f"{name}: {told}")


def _check_pictures(config: CheckpointConfig, dataset: FactorDataset) -> None:
    """Raise ValueError where baselines would learn from other pictures than the checkpoint did."""
    learnt = config.training.get("pictures", dataset.pictures)
    if learnt != dataset.pictures:
        raise ValueError(
            f"{config.name} learnt from other pictures of {dataset.name}: {learnt} then, "
            f"{dataset.pictures} now, so baselines could not be compared with it. Bring them back "
            "(those without a line in labels.csv are left out: give every picture one, its cells "
            "empty where nothing is known), or transfer anew"
        )


def measure_baseline(
    recipe: Recipe,
    encoder: Any,
    dataset: FactorDataset,
    images: int,
    pairs: int,
    seed: int,
    jobs: int,
) -> DatasetReport:
    """A baseline measured as checkpoints are, with the probes its recipe names."""
    from dviz.measuring.encoder import measure

    sizes = {"num_images": images, "num_pairs": pairs, "seed": seed, "jobs": jobs}
    return measure(encoder, dataset, **sizes, models=recipe.models or None)[0]


def _measured_before(checkpoint: Checkpoint, name: str) -> Baseline:
    """What the report says of a baseline already; asked before anything is trained for it."""
    from dviz.checkpoint import REPORT
    from dviz.measuring.report import read_report

    config = checkpoint.config
    if not config.painted_on(config.dataset):
        raise ValueError(
            f"--paint: the decoder of {config.name} did not learn from its codes, so there is "
            f"nothing to compare with; run dviz paint {checkpoint.folder} first"
        )
    for baseline in read_report(checkpoint.folder / REPORT).baselines_on(config.dataset):
        if baseline.name == name:
            return baseline
    raise ValueError(f"{name} is not in the report; measure it first, without --paint")


def _with_pictures(
    stored: Baseline,
    encoder: Any,
    checkpoint: Checkpoint,
    dataset: FactorDataset,
    device: str,
) -> DatasetReport:
    """A baseline's result with the errors of a decoder that learnt from its codes."""
    from dviz.cli import paint
    from dviz.measuring.encoder import encode_sample
    from dviz.measuring.pictures import with_fidelity
    from dviz.models.vae import VAE

    ours, name = checkpoint.config, stored.name
    if not isinstance(encoder, VAE):
        raise ValueError(f"--paint: {name} is no VAE; choose others with --only")
    folder = checkpoint.folder / FOLDER / f"{name}{PAINTED}"
    asked = paint.asked_again(ours, checkpoint.folder, folder)
    config = paint.config_of(asked)
    kept = _painted(checkpoint.folder, name, device)
    if kept is None or not _painted_alike(kept.config, ours, config, dataset):
        asked.resume = kept is None
        identity = replace(ours, architecture=encoder.config, training={}, painting={})
        paint.learn(asked, config, encoder, identity, dataset, device)
        kept = _painted(checkpoint.folder, name, device)
    sample = encode_sample(kept.model, dataset, stored.result.num_images, stored.result.seed)
    return with_fidelity(stored.result, sample, ours.painted_on(ours.dataset))


def _painted_alike(
    kept: CheckpointConfig, ours: CheckpointConfig, config: TrainingConfig, dataset: FactorDataset
) -> bool:
    """Whether a baseline's decoder is of our kind and width and learnt this with these settings."""
    one, other = kept.architecture, ours.architecture
    same = one.decoder == other.decoder and one.decoder_filters == other.decoder_filters
    return same and _learnt_with(kept.painting, config, dataset)


def _learnt_with(
    told: dict[str, Any], config: TrainingConfig, dataset: FactorDataset | None
) -> bool:
    """Whether a checkpoint's record of a training tells of these settings, said or at rest, and of
    the pictures that a dataset has now."""
    from dviz.training.config import DEFAULTS

    if dataset is not None and told.get("pictures", "") != dataset.pictures:
        return False
    every = DEFAULTS | told
    return all(every[name] == value for name, value in config.every_setting().items())


def _painted(folder: Path, name: str, device: str) -> Checkpoint | None:
    """The baseline with the decoder that `--paint` taught, if it is kept."""
    from dviz.checkpoint import CONFIG, load_checkpoint

    folder = folder / FOLDER / f"{name}{PAINTED}"
    return load_checkpoint(folder, device) if (folder / CONFIG).exists() else None


def measured_again(
    baseline: Baseline, checkpoint: Checkpoint, data_root: str | None, device: str, jobs: int
) -> DatasetReport | None:
    """A baseline of a report measured once more; None where its encoder cannot be had.

    Pictures of a decoder that `--paint` taught are taken as they are where it is not kept.
    """
    from dviz.data import load_dataset
    from dviz.errors import DvizError
    from dviz.measuring.pictures import PICTURES
    from dviz.training.baselines import read_recipes

    stored, recipe = baseline.result, read_recipes(RECIPES).get(baseline.name)
    try:
        dataset = load_dataset(stored.dataset, data_root)
        encoder = recipe and encoder_of(recipe, checkpoint, dataset, data_root, device, train=False)
    except DvizError:
        return None
    if recipe is None or encoder is None:
        return None
    kept = _painted(checkpoint.folder, baseline.name, device) if stored.painted else None
    if kept and kept.config.painted_on(stored.dataset) != stored.painted:
        kept = None
    sizes = stored.num_images, stored.num_pairs, stored.seed
    again = measure_baseline(recipe, kept.model if kept else encoder, dataset, *sizes, jobs)
    if stored.painted and kept is None:
        return replace(again, **{told: getattr(stored, told) for told in PICTURES})
    return replace(again, painted=stored.painted)


def encoder_of(
    recipe: Recipe,
    checkpoint: Checkpoint,
    dataset: FactorDataset,
    data_root: str | None,
    device: str,
    *,
    train: bool,
) -> Any:
    """The encoder of a baseline, trained if need be; None where there is none."""
    import torch

    from dviz.models.vae import VAE
    from dviz.training.baselines import target_config

    if recipe.start == "features":
        return _features(recipe, dataset)
    seed = int(checkpoint.config.training.get("seed", 0))
    torch.manual_seed(seed)
    if recipe.start == "untrained":
        return VAE(_plain(checkpoint.config)).to(device).eval()
    start = None
    if recipe.start == "source":
        start = _learnt_on_source(recipe, checkpoint, data_root, device, train)
        if start is None or checkpoint.config.kind == "direct":
            return start
    elif checkpoint.config.kind == "direct":
        return None
    config = target_config(checkpoint.config.training, recipe, seed)
    folder = checkpoint.folder / FOLDER / recipe.name
    return _trained(folder, start, checkpoint.config, dataset, config, device, train)


def _learnt_on_source(
    recipe: Recipe, checkpoint: Checkpoint, data_root: str | None, device: str, train: bool
) -> Any:
    """A model that learnt the Source's images; kept beside the Source, for all its transfers."""
    from filelock import FileLock

    from dviz.data import load_dataset
    from dviz.measuring.shift import source_of
    from dviz.training.baselines import source_config

    source = source_of(checkpoint)
    config = source_config(recipe, source.config.training, int(source.config.training["seed"]))
    folder = source.folder / FOLDER / recipe.name
    if not train:  # nothing is written, not even a lock: the place may be read-only
        return _trained(folder, None, source.config, None, config, device, train)
    dataset = load_dataset(source.config.dataset, data_root)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # two transfers of a sweep may want it at once
        return _trained(folder, None, source.config, dataset, config, device, train)


def _trained(
    folder: Path,
    start: Any,
    like: CheckpointConfig,
    dataset: FactorDataset | None,
    config: TrainingConfig,
    device: str,
    train: bool,
) -> Any:
    """The model in `folder` if it learnt `dataset` as it is now with `config`; else it is trained,
    if that is asked for, from `start` or from random weights of the architecture of `like`."""
    import torch

    from dviz.checkpoint import CONFIG, CheckpointConfig, load_checkpoint
    from dviz.models.vae import VAE

    there = (folder / CONFIG).exists()
    if there:
        kept = load_checkpoint(folder, device)
        if _learnt_with(kept.config.training, config, dataset):
            return kept.model
    if not train or dataset is None:
        return None
    torch.manual_seed(config.seed)
    model = VAE(_plain(like)) if start is None else start
    identity = CheckpointConfig(
        folder.name, like.kind, dataset.name, dataset.space.factors, model.config,
        parent=like.parent, source=like.source,
    )  # fmt: skip
    going = argparse.Namespace(
        output=folder, overwrite=False, save_every=500, sheet_every=0, tensorboard=False,
        resume=not there, prefetch=False,
    )  # fmt: skip
    common.train_into(going, model, dataset, config, identity, device)
    # As it was written, in half precision: what goes on from it is the same when it is resumed.
    return load_checkpoint(folder, device).model


def _described(recipe: Recipe, checkpoint: Checkpoint) -> str:
    """What a baseline is, with what it shares with ours without having learnt it."""
    network = checkpoint.config.architecture.looks_through
    if recipe.start == "features" or not network:
        return recipe.description
    return f"{recipe.description} Behind the same {network}, trained on ImageNet."


def _plain(config: CheckpointConfig) -> Any:
    """The architecture ours learnt with, without the map of colours that some fine-tunings add."""
    return replace(config.learnt_architecture(), recolour=False)


def _features(recipe: Recipe, dataset: FactorDataset) -> Any:
    import numpy as np

    from dviz.representations.efficientnet import FrozenFeatures

    images = None
    if recipe.components:
        rng = np.random.default_rng([0, 8])
        images = dataset.images(dataset.sample_indices(COMPONENT_IMAGES, rng), rng)
    return FrozenFeatures(images, recipe.components)
