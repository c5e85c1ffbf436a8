"""Measure an encoder on a dataset: the study's protocol, from images to a DatasetReport."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dviz.checkpoint import (
    CLASSES,
    CODES,
    CONFIG,
    EXTERNAL,
    PROBES,
    REPORT,
    THUMBNAILS,
    Checkpoint,
    save_codes,
    save_thumbnails,
)
from dviz.data.base import FactorDataset
from dviz.data.photos import to_model_input
from dviz.data.table import UNKNOWN
from dviz.files import write_json
from dviz.measuring.association import (
    from_generator,
    from_labels,
    information_of,
    json_matrix,
    rounded,
)
from dviz.measuring.cycle import with_moves
from dviz.measuring.draws import check_sizes, draws, sample_images
from dviz.measuring.fidelity import colour_error, overlap
from dviz.measuring.labels import with_labels_of
from dviz.measuring.machine import describe_machine
from dviz.measuring.probe_files import save_probes
from dviz.measuring.probing import arc_scores, probe_scores
from dviz.measuring.report import Baseline, DatasetReport, Report
from dviz.measuring.splits import kind_of_split, training_rows
from dviz.measuring.updates import update_report, with_result
from dviz.metrics.confidence import fit_calibrated
from dviz.metrics.diagnostics import active_dimensions
from dviz.metrics.suite import METRICS, evaluate_all
from dviz.models.objectives.losses import kl_divergence
from dviz.models.vae import VAE
from dviz.representations.base import Codes, Reconstruction, Representation
from dviz.representations.build import as_representation

LEAST_LABELS = 2  # of a factor: one for a probe to learn from, one to ask it about
MAX_THUMBNAILS = 2_000


@dataclass(frozen=True)
class EncodedSample:
    """A random sample of a dataset as a model sees it.

    Attributes:
        mean, std, sampled: of q(z|x), and one draw from it, float32 (N, D); std None and sampled
            as mean where an encoder gives one code an image.
        classes: int64 (N, F).
        reconstruction: mean pixel cross-entropy, nats an image; mse: mean squared error a pixel;
            both NaN without a decoder.
        overlap, colour_error: see `dviz.measuring.fidelity`; NaN unless images stand on black.
        photographs: which of them each image belongs to, (N,); None where each stands for itself.
    """

    mean: np.ndarray
    std: np.ndarray | None
    sampled: np.ndarray
    classes: np.ndarray
    reconstruction: float
    mse: float
    overlap: float
    colour_error: float
    photographs: np.ndarray | None = None

    @property
    def active(self) -> np.ndarray:
        """Dimensions in use, bool (D,).

        A code without a posterior has no scale of its own: what counts there is the standard
        deviation beside that of the widest dimension.
        """
        return active_dimensions(self.scaled)

    @property
    def scaled(self) -> np.ndarray:
        """`mean`, (N, D); of a code without a posterior as multiples of its widest deviation."""
        scale = 1.0 if self.std is not None else float(self.mean.std(axis=0, ddof=1).max()) or 1.0
        return self.mean / scale

    def kl(self) -> np.ndarray:
        """Mean KL to the prior, nats, (D,); of encoders that have a posterior."""
        assert self.std is not None
        deviation = torch.from_numpy(self.std).clamp(min=1e-30)
        return kl_divergence(torch.from_numpy(self.mean), 2 * deviation.log()).mean(0).numpy()


def encode_sample(
    model: VAE | Representation, dataset: FactorDataset, num_images: int, seed: int = 0
) -> EncodedSample:
    """Encode and reconstruct `num_images` images drawn uniformly from `dataset`.

    Of a dataset that is no grid no image is drawn twice, so there are at most as many as it has.
    """
    encoder = as_representation(model)
    rng = np.random.default_rng(seed)
    noise = torch.Generator().manual_seed(seed)
    codes, sampled, classes, losses, objects = [], [], [], [], []
    photographs: list[np.ndarray] = []
    for images, labels, together in draws(dataset, num_images, rng):
        found = encoder.encode(images)
        codes.append(found)
        sampled.append(_draw(found, noise))
        classes.append(labels)
        photographs += [] if together is None else [together]
        seen = encoder.reconstruct(images, found.mean)
        if seen is not None:
            squares = ((seen.painted - seen.images) ** 2).mean(axis=(1, 2, 3))
            losses.append(np.stack([seen.cross_entropy, squares]))
            objects.append(_fidelity(seen) if dataset.info.on_black else np.full((2, 1), math.nan))
    unknown = (math.nan, math.nan)
    reconstruction, mse = np.concatenate(losses, 1).mean(1).tolist() if losses else unknown
    fidelity = _mean_of_known(np.concatenate(objects, 1)) if objects else unknown
    return EncodedSample(
        np.concatenate([part.mean for part in codes]),
        None if codes[0].std is None else np.concatenate([part.std for part in codes]),
        np.concatenate(sampled),
        np.concatenate(classes),
        reconstruction,
        mse,
        *fidelity,
        np.concatenate(photographs) if photographs else None,
    )


def _draw(codes: Codes, noise: torch.Generator) -> np.ndarray:
    """One draw from each posterior (N, D); the code itself where there is none."""
    if codes.std is None:
        return codes.mean
    return codes.mean + torch.randn(codes.mean.shape, generator=noise).numpy() * codes.std


def _fidelity(seen: Reconstruction) -> np.ndarray:
    """Overlap and colour error of objects on black, float32 (2, N)."""
    x, picture = torch.from_numpy(seen.images), torch.from_numpy(seen.painted)
    return torch.stack([overlap(x, picture), colour_error(x, picture)]).numpy()


def _mean_of_known(values: np.ndarray) -> tuple[float, float]:
    """Mean of each row (2, N) without its NaN; NaN where there is nothing else."""
    first, second = torch.from_numpy(values).nanmean(1).tolist()
    return first, second


def measure(
    model: VAE | Representation,
    dataset: FactorDataset,
    *,
    num_images: int = 15_000,
    num_pairs: int = 10_000,
    seed: int = 0,
    probes: bool = True,
    models: Sequence[str] | None = None,
    jobs: int = 2,
) -> tuple[DatasetReport, EncodedSample]:
    """Everything `report.json` says about `model` on `dataset`, and the codes it was read from.

    `model` may be anybody's; without a decoder or a posterior, what needs one is not measured.

    Probes and diagnostics use `num_images` random images (first two thirds to train, last third to
    test), the association matrix `num_pairs` other pairs a factor. Where pairs cannot be drawn, the
    association is the closed form on the sample's labels instead. A label that is not known keeps
    its image out of that factor's probes, and out of what needs all labels. Without any factor
    only codes and reconstruction are measured. With `models` only these probes are fitted, on all
    dimensions, and no other metric: for codes so wide that the rest would take hours.

    Raises:
        DvizError: fewer than two images or pairs are asked for, or there is only one image.
    """
    check_sizes(dataset, num_images, num_pairs)
    began = time.perf_counter()
    encoder = as_representation(model)
    sample = encode_sample(encoder, dataset, num_images, seed)
    if dataset.is_grid:
        found = from_generator(encoder, dataset, num_pairs, seed + 1)
    else:
        found = from_labels(sample.mean, sample.classes)
    names = list(dataset.space.names)
    scores = probe_scores(sample, found.matrix, names, seed, jobs, models) if probes else []
    information = [] if models else information_of(sample.mean, sample.classes)
    report = DatasetReport(
        dataset=dataset.name,
        factors=names,
        sizes=dataset.space.sizes.tolist(),
        seed=seed,
        num_images=len(sample.mean),
        num_pairs=found.pairs,
        association=json_matrix(found.matrix),
        active=sample.active.tolist(),
        **_spread(sample),
        reconstruction=known_or_none(sample.reconstruction, 3),
        mse=known_or_none(sample.mse, 6),
        probes=scores,
        scores=other_scores(sample, names, seed, jobs) if probes and not models else {},
        split=kind_of_split(sample.photographs, seed),
        arc=arc_scores(sample, dataset, seed, jobs, models) if probes else [],
        seconds=round(time.perf_counter() - began, 1),
        machine=describe_machine(encoder.device),
        origin=dataset.origin,
        overlap=known_or_none(sample.overlap),
        colour_error=known_or_none(sample.colour_error),
        evidence=None if models else replace(found.evidence, information=information),
    )
    return report, sample


def _spread(sample: EncodedSample) -> dict[str, Any]:
    """Where the codes lie, dimension by dimension, as fields of a report."""
    low, high = np.percentile(sample.mean, [1, 99], axis=0)
    return {
        "mean": rounded(sample.mean.mean(0)),
        "std": rounded(sample.mean.std(0)),
        "low": rounded(low),
        "high": rounded(high),
        "posterior_std": None if sample.std is None else rounded(sample.std.mean(0)),
        "kl": None if sample.std is None else rounded(sample.kl()),
    }


def evaluate_checkpoint(
    checkpoint: Checkpoint,
    dataset: FactorDataset,
    *,
    num_images: int = 15_000,
    num_pairs: int = 10_000,
    seed: int = 0,
    scores: bool = True,
    jobs: int = 2,
) -> DatasetReport:
    """Measure a checkpoint on `dataset` and write what the app needs into its folder.

    Adds to `report.json`. Where `dataset` is the checkpoint's own, also writes the codes, their
    labels and fitted MLP probes, so that scores can be recomputed without the dataset; codes only
    of images whose labels are all known; of an external model the first of these images, so that it
    can be looked at where the dataset is not. Factors that it has got since go into `config.json`.

    Raises:
        CheckpointError: the checkpoint learnt from other labels of `dataset`; told before anything
            is measured.
    """
    folder, before = checkpoint.folder, checkpoint.config
    checkpoint = with_labels_of(checkpoint, dataset)
    result, sample = measure(
        checkpoint.representation,
        dataset,
        num_images=num_images,
        num_pairs=num_pairs,
        seed=seed,
        probes=scores,
        jobs=jobs,
    )
    result = replace(result, painted=before.painted_on(dataset.name))
    if checkpoint.config != before:
        write_json(folder / CONFIG, checkpoint.config.to_dict())
    if dataset.name == before.dataset:
        result = _keep_codes(result, checkpoint, dataset, sample)
    update_report(folder / REPORT, lambda report: with_result(report, result))
    return result


def _keep_codes(
    result: DatasetReport, checkpoint: Checkpoint, dataset: FactorDataset, sample: EncodedSample
) -> DatasetReport:
    """Write codes, labels and probes of a checkpoint's own dataset; the result with its moves.

    Where there are too few labels none stay beside it, nor do images: they would be of an earlier
    measurement.
    """
    folder, names = checkpoint.folder, list(dataset.space.names)
    known = sample.classes != UNKNOWN
    complete = known.all(axis=1)
    if not names or not complete.any() or known.sum(axis=0).min() < LEAST_LABELS:
        for name in (CODES, CLASSES, PROBES, THUMBNAILS):
            (folder / name).unlink(missing_ok=True)
        return result
    codes = sample.mean[complete], sample.sampled[complete]
    save_codes(folder, *codes, sample.classes[complete], names)
    if checkpoint.config.kind == EXTERNAL or (folder / THUMBNAILS).exists():
        _keep_thumbnails(folder, dataset, result)
    probes, together = {}, sample.photographs
    for name, rows, labels in zip(names, known.T, sample.classes.T, strict=True):
        train = training_rows(None if together is None else together[rows], result.seed)
        probes[name] = fit_calibrated(sample.mean[rows], labels[rows], train, result.seed)
    save_probes(folder / PROBES, probes)
    return with_moves(result, checkpoint, codes[0], sample.classes[complete], probes)


def _keep_thumbnails(folder: Path, dataset: FactorDataset, result: DatasetReport) -> None:
    """Write the images behind the first stored codes, which a page shows beside them."""
    count = min(result.num_images, MAX_THUMBNAILS)
    images = sample_images(dataset, count, result.seed, result.num_images)
    if images.shape[1:3] != (64, 64):
        images = np.stack([to_model_input(image) for image in images])
    save_thumbnails(folder, images)


def add_baseline(folder: Path, name: str, description: str, result: DatasetReport) -> None:
    """Put a baseline into a checkpoint's `report.json`, in place of one of the same name."""

    def added(report: Report) -> Report:
        baselines = {baseline.name: baseline for baseline in report.baselines}
        baselines[name] = Baseline(name, description, result)
        return replace(report, baselines=list(baselines.values()))

    update_report(folder / REPORT, added)


def other_scores(sample: EncodedSample, names: list[str], seed: int, jobs: int) -> dict[str, float]:
    """What the other metrics say, by the names that reports keep them under."""
    known = (sample.classes != UNKNOWN).all(axis=1)
    if not names or known.sum() < 3:
        return {}
    codes, classes = sample.scaled[known], sample.classes[known]
    asked = [metric for metric in METRICS.values() if metric.scores]
    found = evaluate_all(
        codes, classes, names=names, metrics=[m.name for m in asked], seed=seed, n_jobs=jobs
    )
    values = {score.key: score.value(found[m.name]) for m in asked for score in m.scores}
    return {key: round(value, 5) for key, value in values.items() if value is not None}


def known_or_none(value: float, digits: int = 5) -> float | None:
    """A measured number as a report holds it; None for NaN."""
    return None if math.isnan(value) else round(value, digits)
