"""Bring a report up to what is measured today, from what lies beside it.

S, the reconstruction and all else that needs images stay as they are. Pairs that differ in one
factor alone are found among the stored codes; they say what a correlation of one pair may be off
by, and so what the report's own number of pairs is. Probes and other scores are taken anew from the
stored codes, which are the images the report was measured on.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dviz.checkpoint import CLASSES, CODES, REPORT, Checkpoint
from dviz.data.base import FactorDataset
from dviz.data.table import UNKNOWN
from dviz.errors import CheckpointError
from dviz.measuring.association import (
    from_labels,
    information_of,
    json_matrix,
    noise_signal,
    rounded,
)
from dviz.measuring.draws import drawn_rows
from dviz.measuring.encoder import EncodedSample, other_scores
from dviz.measuring.evidence import Evidence, pack_covariance
from dviz.measuring.files import read_classes, read_representations
from dviz.measuring.probing import arc_scores, probe_scores
from dviz.measuring.report import DatasetReport, read_report
from dviz.measuring.splits import kind_of_split
from dviz.measuring.updates import update_report, with_differences
from dviz.metrics.arrays import row_keys
from dviz.metrics.pairs import associate_pairs
from dviz.metrics.suite import reported_scores

NOISE_PAIRS = 1000
LEAST_PAIRS = 20  # their variance is then known to a sixth


def refresh(checkpoint: Checkpoint, dataset: FactorDataset, *, probes: bool, jobs: int) -> bool:
    """Add to the checkpoint's own result what it lacks; whether anything was added.

    Args:
        dataset: the checkpoint's own; its images are drawn only where they are noisy.
        probes: whether probes and scores are taken anew too, which takes minutes.

    Raises:
        CheckpointError: no report, or no codes beside it; or another measurement of `dataset` was
            written meanwhile.
    """
    path = checkpoint.folder / REPORT
    result = read_report(path).results.get(dataset.name)
    if result is None or not result.factors or not (checkpoint.folder / CODES).exists():
        raise CheckpointError(f"{checkpoint.config.name} has no report with codes to go by")
    new = result
    codes = read_representations(checkpoint.folder / CODES).astype(np.float64)
    classes = read_classes(checkpoint.folder / CLASSES, rows=len(codes)).classes
    if result.evidence is None:
        new = replace(new, evidence=evidence_of(checkpoint, dataset, result, codes, classes))
    if probes:
        if not any(probe.dimensions == "union" for probe in result.probes):
            new = with_probes(new, dataset, codes, classes, jobs)
        if any(score.key not in result.scores for score in reported_scores()):
            scores = other_scores(_sample(new, codes, classes), result.factors, result.seed, jobs)
            new = replace(new, scores=scores)
    if new == result:
        return False
    update_report(path, lambda report: with_differences(report, result, new))
    return True


def evidence_of(
    checkpoint: Checkpoint,
    dataset: FactorDataset,
    result: DatasetReport,
    codes: np.ndarray,
    classes: np.ndarray,
) -> Evidence:
    """Errors of the report's S from pairs among its codes (N, D) with classes (N, F).

    Of a dataset that is no grid images of equal labels cannot be drawn, and what measuring has
    from its labels comes from the stored ones.
    """
    if not dataset.is_grid:
        information = information_of(codes, classes)
        return replace(from_labels(codes, classes).evidence, information=information)
    found = [pairs_among(classes, j, result.seed) for j in range(classes.shape[1])]
    first, second = ([codes[side] for side in sides] for sides in zip(*found, strict=True))
    seen = associate_pairs(first, second, min_pairs=LEAST_PAIRS)
    counts = np.array([len(side) for side in first], dtype=np.float64)
    covariance = seen.covariance * (counts / max(result.num_pairs, 1))[:, None, None]
    sign = np.where(seen.correlation < 0, -1.0, 1.0)
    correlation = sign * (1 - result.association_matrix)
    rng = np.random.default_rng(result.seed + 1)
    signal = noise_signal(checkpoint.representation, dataset, NOISE_PAIRS, rng)
    return Evidence(
        json_matrix(correlation),
        pack_covariance(covariance),
        rounded(signal),
        information=information_of(codes, classes),
    )


def pairs_among(classes: np.ndarray, factor: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Disjoint pairs of rows (P,), (P,) of classes (N, F) that differ in one factor alone."""
    order = np.random.default_rng(seed).permutation(len(classes))
    keys = row_keys(np.delete(classes, factor, axis=1))[order]
    rows = order[np.argsort(keys, kind="stable")]
    keys = np.sort(keys, kind="stable")
    start = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    place = np.arange(len(keys)) - np.repeat(start, np.diff(start, append=len(keys)))
    even = np.flatnonzero((place[:-1] % 2 == 0) & (keys[:-1] == keys[1:]))
    first, second = rows[even], rows[even + 1]
    differ = classes[first, factor] != classes[second, factor]
    return first[differ], second[differ]


def with_probes(
    result: DatasetReport, dataset: FactorDataset, codes: np.ndarray, classes: np.ndarray, jobs: int
) -> DatasetReport:
    """The result with probes taken anew from its codes."""
    together = _photographs(dataset, classes, result)
    sample = _sample(result, codes, classes, together)
    names, S = result.factors, result.association_matrix
    return replace(
        result,
        probes=probe_scores(sample, S, names, result.seed, jobs),
        split=kind_of_split(together, result.seed),
        arc=arc_scores(sample, dataset, result.seed, jobs),
    )


def _photographs(
    dataset: FactorDataset, classes: np.ndarray, result: DatasetReport
) -> np.ndarray | None:
    """Which photograph each image with stored classes (N, F) was made of.

    Raises:
        CheckpointError: only the dataset's images know, and their labels are others by now.
    """
    if dataset.photographs_of(np.arange(1)) is None or dataset.is_grid:
        return dataset.photographs(classes)
    rows = drawn_rows(dataset, result.num_images, np.random.default_rng(result.seed))
    complete = rows[(dataset.factors(rows) != UNKNOWN).all(axis=1)]
    if not np.array_equal(dataset.factors(complete), classes):
        raise CheckpointError(
            f"{dataset.name} has other labels than when it was measured; run `dviz evaluate "
            "checkpoint` instead"
        )
    return dataset.photographs_of(complete)


def _sample(
    result: DatasetReport,
    codes: np.ndarray,
    classes: np.ndarray,
    photographs: np.ndarray | None = None,
) -> EncodedSample:
    """Stored codes (N, D) and classes (N, F) as far as probes and scores need them."""
    mean, nothing = codes.astype(np.float32), float("nan")
    # Only whether there is one counts here: codes without are seen beside their widest deviation.
    spread = None if result.posterior_std is None else np.zeros_like(mean)
    errors = nothing, nothing, nothing, nothing
    return EncodedSample(mean, spread, mean, classes, *errors, photographs)
