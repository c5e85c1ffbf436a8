"""How far two datasets lie apart, as the model of one of them sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

from dviz.checkpoint import REPORT, SOURCE, Checkpoint, load_checkpoint
from dviz.data.base import FactorDataset
from dviz.errors import CheckpointError
from dviz.lineage import source_folder
from dviz.measuring.draws import check_counts, draws
from dviz.measuring.report import DistanceReport
from dviz.measuring.updates import update_report
from dviz.metrics.diagnostics import active_dimensions
from dviz.metrics.distance import frechet_distance, kernel_mmd, outside_range
from dviz.models.objectives.losses import kl_divergence, reconstruction_loss
from dviz.models.vae import VAE, sample_posterior, to_tensor

PIXEL_SIDE = 8


@dataclass(frozen=True)
class _Seen:
    """Codes (N, D) and small pictures (N, 192) of a sample, and its mean ELBO in nats an image."""

    codes: np.ndarray
    pixels: np.ndarray
    elbo: float


def measure_distance(
    encoder: Checkpoint,
    source: FactorDataset,
    target: FactorDataset,
    *,
    num_images: int = 5_000,
    seed: int = 0,
) -> DistanceReport:
    """Distances of `target` from `source` in the eyes of `encoder`; nobody looks at a label.

    Of each `num_images`, or as many as there are where one of the two is no grid: repeats would
    make equal distributions differ.
    """
    model = encoder.model.eval()
    check_counts(images=(num_images, 2))
    tables = [data.num_images for data in (source, target) if not data.is_grid]
    num_images = min([num_images, *tables])
    first, second = (_look(model, data, num_images, seed) for data in (source, target))
    mmd = kernel_mmd(first.codes, second.codes, seed=seed)
    active = active_dimensions(first.codes)
    outside, _ = outside_range(first.codes[:, active], second.codes[:, active])
    _, per_dimension = outside_range(first.codes, second.codes)
    return DistanceReport(
        source=source.name,
        target=target.name,
        encoder=encoder.config.name,
        seed=seed,
        num_images=num_images,
        frechet=round(frechet_distance(first.codes, second.codes), 5),
        mmd=round(mmd.squared, 6),
        mmd_p_value=round(mmd.p_value, 5),
        outside=round(outside, 5),
        outside_per_dimension=[round(float(share), 5) for share in per_dimension],
        elbo_source=round(first.elbo, 3),
        elbo_target=round(second.elbo, 3),
        pixel_frechet=round(frechet_distance(first.pixels, second.pixels), 5),
    )


def add_distance(checkpoint: Checkpoint, distance: DistanceReport) -> None:
    """Put `distance` into a transferred checkpoint's `report.json`."""
    update_report(checkpoint.folder / REPORT, lambda report: replace(report, distance=distance))


def source_of(checkpoint: Checkpoint) -> Checkpoint:
    """The Source at the root of a checkpoint's lineage, from the folders beside its own.

    Raises:
        CheckpointError: the checkpoint is a Source itself, or an ancestor is not there.
    """
    if checkpoint.config.kind == SOURCE:
        raise CheckpointError(f"{checkpoint.config.name} is a Source; it has no distance to itself")
    return load_checkpoint(source_folder(checkpoint.folder))


@torch.inference_mode()
def _look(model: VAE, dataset: FactorDataset, num_images: int, seed: int) -> _Seen:
    rng = np.random.default_rng(seed)
    noise = torch.Generator().manual_seed(seed)
    device = next(model.parameters()).device
    codes, pixels, elbo = [], [], 0.0
    for images, *_ in draws(dataset, num_images, rng):
        x = to_tensor(images, device)
        mean, log_variance = model.encode(x)
        logits = model.decoder(sample_posterior(mean, log_variance, noise))
        lost = reconstruction_loss(logits, x) + kl_divergence(mean, log_variance).sum(1).mean()
        elbo -= lost.item() * len(x) / num_images
        codes.append(mean.cpu().numpy())
        pixels.append(F.adaptive_avg_pool2d(x, PIXEL_SIDE).flatten(1).cpu().numpy())
    return _Seen(np.concatenate(codes), np.concatenate(pixels), elbo)
