"""The images and the noise of a step.

Every step draws from a seed made of the run's seed and the step's number. So a resumed run is the
same run, and nothing about randomness has to be saved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dviz.data.base import FactorDataset
from dviz.errors import DatasetError
from dviz.factors import UNIFORM
from dviz.models.vae import to_tensor
from dviz.models.weak import standardised
from dviz.training.config import TrainingConfig
from dviz.training.processes import Processes

# Steps seed with [seed, step]; what is drawn once for a run has a third number.
_LABELLED, _HELD_OUT = 1, 2
MOST_REDRAWS = 50  # of pairs that share nothing; a table may hold no others


class Batch(NamedTuple):
    """What one step learns from; N is 2B for B pairs, else B."""

    x: Tensor  # (N, 3, 64, 64)
    noise: Tensor  # (N, D), standard normal
    generator: torch.Generator  # for what else is random in the step
    changed: Tensor | None = None  # bool (B, F), factors in which a pair differs
    known: Tensor | None = None  # bool (B,), pairs whose `changed` may be looked at
    labelled: tuple[Tensor, Tensor] | None = None  # images (n, 3, 64, 64), targets (n, F)
    source: Tensor | None = None  # (N, 3, 64, 64), images of the Source to replay


@dataclass(frozen=True)
class Images:
    """A few fixed images: their numbers in the dataset (n,), and uint8 (n, 64, 64, 3)."""

    indices: np.ndarray
    images: np.ndarray


def labelled_images(dataset: FactorDataset, config: TrainingConfig) -> Images | None:
    """The run's labelled images."""
    return _fixed_images(dataset, config.labelled_images, config.seed, _LABELLED)


def held_out_images(dataset: FactorDataset, config: TrainingConfig) -> Images | None:
    """The images that tell when to stop; at least one, never more than a tenth of the dataset.

    Raises:
        DatasetError: the dataset is a single image, so that none would be left to learn from.
    """
    if config.patience and dataset.num_images < 2:
        raise DatasetError(
            f"{dataset.name} has one image, and patience holds one out; "
            "add images, or train with --patience 0"
        )
    count = max(1, min(config.held_out, dataset.num_images // 10)) if config.patience else 0
    return _fixed_images(dataset, count, config.seed, _HELD_OUT)


def _fixed_images(dataset: FactorDataset, count: int, seed: int, purpose: int) -> Images | None:
    if not count:
        return None
    rng = np.random.default_rng([seed, 0, purpose])
    indices = dataset.sample_indices(count, rng)
    return Images(indices, dataset.images(indices, rng))


def draw_batch(
    dataset: FactorDataset,
    config: TrainingConfig,
    step: int,
    latent_size: int,
    device: str,
    processes: Processes,
    labelled: Images | None = None,
    held_out: Images | None = None,
    source: FactorDataset | None = None,
) -> Batch:
    """This process's part of the batch of `step`."""
    rng = np.random.default_rng([config.seed, step])
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    noise = torch.randn(config.images_a_step, latent_size, generator=generator)
    own = processes.slice(config.batch_size)
    if not config.pairs:
        images = _single_images(dataset, config, rng, own, held_out, processes)
        batch = Batch(to_tensor(images, device), noise[own], generator)
    else:
        first, second, differ = _pairs(dataset, config, rng, own, processes)
        x = torch.cat([to_tensor(first, device), to_tensor(second, device)])
        noise = torch.cat([half[own] for half in noise.chunk(2)])
        batch = Batch(x, noise, generator, torch.from_numpy(differ).to(device))
    if config.labelled < 1:
        known = torch.from_numpy(rng.random(config.batch_size) < config.labelled)
        batch = batch._replace(known=known[own].to(device))
    if labelled is not None:
        batch = batch._replace(labelled=_labelled_batch(dataset, config, rng, labelled, device))
    if source is not None:
        indices = source.sample_indices(config.images_a_step, rng)
        indices = indices[processes.slice(len(indices))]
        images = source.images(indices, _pixel_rng(rng, processes))
        batch = batch._replace(source=to_tensor(images, device))
    return batch


def _single_images(
    dataset: FactorDataset,
    config: TrainingConfig,
    rng: np.random.Generator,
    own: slice,
    held_out: Images | None,
    processes: Processes,
) -> np.ndarray:
    indices = dataset.sample_indices(config.batch_size, rng)
    while held_out is not None and (bad := np.isin(indices, held_out.indices)).any():
        indices[bad] = dataset.sample_indices(int(bad.sum()), rng)
    return dataset.images(indices[own], _pixel_rng(rng, processes))


def _pairs(
    dataset: FactorDataset,
    config: TrainingConfig,
    rng: np.random.Generator,
    own: slice,
    processes: Processes,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """This process's pairs: images uint8 (B, 64, 64, 3) twice, and bool (B, F)."""
    if not dataset.is_grid:
        first, second, differ = _drawn(dataset.sample_pairs, dataset, config, rng)
        return first[own], second[own], differ[own]
    first, second, differ = _drawn(dataset.space.sample_pairs, dataset, config, rng)
    if config.labelled_images and config.cyclic_dimensions == 2:
        # Labels say what an angle is: one that turns with another factor has changed too.
        differ |= np.abs(dataset.angles(first) - dataset.angles(second)) > 1e-6
    pixels = _pixel_rng(rng, processes)
    return dataset.render(first[own], pixels), dataset.render(second[own], pixels), differ[own]


def _drawn(
    sample: Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]],
    dataset: FactorDataset,
    config: TrainingConfig,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of a batch; where what they share is told from posteriors, all share something."""
    first, second, differ = sample(config.batch_size, rng, config.k)
    most = len(dataset.space.varying)
    # Locatello et al. 2020 draw k from 1 to one less than there are factors.
    told = config.supervision == "adaptive" or config.labelled < 1
    for _ in range(MOST_REDRAWS if told and config.k == UNIFORM else 0):
        bad = differ.sum(axis=1) == most
        if most < 2 or not bad.any():
            break
        first[bad], second[bad], differ[bad] = sample(int(bad.sum()), rng, config.k)
    return first, second, differ


def _pixel_rng(rng: np.random.Generator, processes: Processes) -> np.random.Generator:
    """What feeds the noise in pictures: of several processes, each needs noise of its own."""
    if processes.count == 1:
        return rng
    return np.random.default_rng([int(rng.integers(2**62)), processes.rank])


def _labelled_batch(
    dataset: FactorDataset,
    config: TrainingConfig,
    rng: np.random.Generator,
    labelled: Images,
    device: str,
) -> tuple[Tensor, Tensor]:
    """Images, and what the dimensions of their factors are to read."""
    chosen = rng.permutation(len(labelled.images))[: config.batch_size]
    targets = targets_of(dataset, dataset.factors(labelled.indices[chosen]), config)
    return to_tensor(labelled.images[chosen], device), targets.to(device)


def targets_of(dataset: FactorDataset, classes: np.ndarray, config: TrainingConfig) -> Tensor:
    """What the T tied dimensions of images of these classes (N, F) are to read, float32 (N, T).

    A factor with one dimension is standardised; one with two is √2 times the cosine and the sine of
    its angle: mean 0 and variance 1 too. NaN where a label is unknown.
    """
    known = torch.from_numpy(classes)
    plain = standardised(known, torch.from_numpy(dataset.space.sizes))
    plain[known < 0] = torch.nan
    angles = torch.from_numpy(dataset.angles(classes)).float()
    angles[known < 0] = torch.nan
    owners, columns = dataset.space.ties(config.cyclic_dimensions), []
    for factor in range(classes.shape[1]):
        if owners.count(factor) == 2:
            columns += [2**0.5 * angles[:, factor].cos(), 2**0.5 * angles[:, factor].sin()]
        else:
            columns.append(plain[:, factor])
    return torch.stack(columns, 1)
