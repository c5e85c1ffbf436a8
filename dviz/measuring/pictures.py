"""Measure anew what a report says of pictures, after its decoder has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dviz.checkpoint import PROBES, REPORT, Checkpoint
from dviz.data.base import FactorDataset
from dviz.data.table import UNKNOWN
from dviz.errors import CheckpointError
from dviz.measuring.cycle import with_moves
from dviz.measuring.encoder import EncodedSample, encode_sample, known_or_none
from dviz.measuring.labels import has_other_labels
from dviz.measuring.probe_files import load_probes
from dviz.measuring.report import DatasetReport, Report, read_report
from dviz.measuring.updates import update_report, with_differences

PICTURES = ("reconstruction", "mse", "overlap", "colour_error", "painted")
"""What a result says of a decoder."""
UNMEASURED: dict[str, Any] = {told: None for told in PICTURES} | {"painted": 0}


def measure_pictures(checkpoint: Checkpoint, dataset: FactorDataset) -> DatasetReport:
    """Write fidelity and moves of `dataset` into the checkpoint's report, and nothing else.

    The images are those the report was made from; what is said of codes stays. On the checkpoint's
    own dataset its fitted probes tell what moves.

    Raises:
        CheckpointError: there is no report on `dataset`, or one on other labels; or another
            measurement of it was written meanwhile.
        DataFileError: the probes are missing or broken.
    """
    path = checkpoint.folder / REPORT
    report, config = read_report(path), checkpoint.config
    if dataset.name not in report.results or has_other_labels(config, dataset):
        lacking = "on these labels of" if dataset.name in report.results else "on"
        raise CheckpointError(
            f"{config.name} has no report {lacking} {dataset.name}; measure it first with "
            f"dviz evaluate checkpoint {checkpoint.folder}"
        )
    stored = report.results[dataset.name]
    sample = encode_sample(checkpoint.representation, dataset, stored.num_images, stored.seed)
    result = with_fidelity(stored, sample, config.painted_on(dataset.name))
    complete = (sample.classes != UNKNOWN).all(axis=1)
    if dataset.name == config.dataset and result.factors and complete.any():
        probes = load_probes(checkpoint.folder / PROBES)
        rows = sample.mean[complete], sample.classes[complete]
        result = with_moves(result, checkpoint, *rows, probes)
    report = update_report(path, lambda report: with_differences(report, stored, result))
    return report.results[dataset.name]


def drop_pictures(checkpoint: Checkpoint) -> list[str]:
    """Take what was measured of an earlier decoder out of the checkpoint's report, but for its own
    dataset, which `measure_pictures` is for; names of the datasets of which there was something.
    """
    path, own = checkpoint.folder / REPORT, checkpoint.config.dataset

    def bare(report: Report) -> dict[str, DatasetReport]:
        others = {name: result for name, result in report.results.items() if name != own}
        return {name: replace(result, **UNMEASURED) for name, result in others.items()}

    report = read_report(path)
    dropped = [name for name, result in bare(report).items() if result != report.results[name]]
    if dropped:
        update_report(path, lambda now: replace(now, results=now.results | bare(now)))
    return dropped


def with_fidelity(result: DatasetReport, sample: EncodedSample, painted: int) -> DatasetReport:
    """A result with the errors of a sample's pictures, in place of those it had.

    Args:
        painted: images from whose codes alone the decoder learnt, 0 if it learnt with them.
    """
    return replace(
        result,
        reconstruction=known_or_none(sample.reconstruction, 3),
        mse=known_or_none(sample.mse, 6),
        overlap=known_or_none(sample.overlap),
        colour_error=known_or_none(sample.colour_error),
        painted=painted,
    )
