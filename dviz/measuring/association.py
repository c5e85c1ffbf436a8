"""The association of an encoder's dimensions with a dataset's factors, from images to S."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dviz.data.base import FactorDataset
from dviz.data.table import UNKNOWN
from dviz.measuring.evidence import Evidence, pack_covariance
from dviz.metrics.association import associate, group_covariance, is_whole
from dviz.metrics.calibration import pair_signal, table_signal
from dviz.metrics.information import information_matrix
from dviz.metrics.pairs import associate_pairs
from dviz.models.vae import VAE
from dviz.representations.base import Representation
from dviz.representations.build import as_representation

CHUNK = 512
LOOKED_AT = 16  # images rendered twice to see whether their labels determine them


@dataclass(frozen=True)
class MeasuredAssociation:
    """S float64 (D, F), the fewest pairs behind a column, and what stands behind it."""

    matrix: np.ndarray
    pairs: int
    evidence: Evidence


def from_generator(
    model: VAE | Representation, dataset: FactorDataset, num_pairs: int, seed: int = 0
) -> MeasuredAssociation:
    """S from `num_pairs` fresh pairs for each factor; NaN where a factor never varies.

    Where images of equal labels differ, as many pairs of those tell how far dimensions change by
    themselves.
    """
    encoder, rng = as_representation(model), np.random.default_rng(seed)
    if sum(size > 1 for size in dataset.space.sizes) == 1:
        return _nothing(encoder.shape.latent_size, len(dataset.space))
    first, second = [], []
    for factor, size in enumerate(dataset.space.sizes):
        varies = size > 1
        a, b = _encoded_pairs(encoder, dataset, num_pairs if varies else 1, factor, rng)
        first.append(a if varies else a[:0])
        second.append(b if varies else b[:0])
    found = associate_pairs(first, second, min_pairs=2)
    signal = noise_signal(encoder, dataset, num_pairs, rng)
    evidence = Evidence(
        json_matrix(found.correlation), pack_covariance(found.covariance), rounded(signal)
    )
    return MeasuredAssociation(found.matrix, num_pairs, evidence)


def noise_signal(
    encoder: Representation, dataset: FactorDataset, num_pairs: int, rng: np.random.Generator
) -> np.ndarray:
    """Correlation of each dimension over images of equal labels, (D,): 1 where these are equal."""
    drawn = num_pairs if _differ_by_themselves(dataset, rng) else 1
    a, b = _encoded_pairs(encoder, dataset, drawn, None, rng)
    if drawn == 1:
        return np.ones(a.shape[1])
    return pair_signal(associate_pairs([a], [b], min_pairs=2).correlation[:, 0], num_pairs)


def from_labels(codes: np.ndarray, classes: np.ndarray) -> MeasuredAssociation:
    """S in closed form from the labels of a sample: codes (N, D), classes (N, F).

    Rows with an unknown label (−1) are left out. Of a whole grid no errors are told, as nothing
    else could have been drawn.
    """
    known = (classes != UNKNOWN).all(axis=1)
    if classes.shape[1] < 2 or not known.any():
        return _nothing(codes.shape[1], classes.shape[1])
    codes, classes = codes[known], classes[known]
    found, whole = associate(codes, classes), is_whole(classes)
    signal = table_signal(codes, classes, found.correlation, found.pairs)
    evidence = Evidence(
        json_matrix(found.correlation),
        [[]] * classes.shape[1] if whole else pack_covariance(group_covariance(codes, classes)),
        rounded(signal),
        measured=False,
    )
    told = [
        int(pairs) for pairs, why in zip(found.pairs, found.reasons, strict=True) if why is None
    ]
    return MeasuredAssociation(found.matrix, min(told, default=0), evidence)


def _nothing(dimensions: int, factors: int) -> MeasuredAssociation:
    """Where no association can be told, as of a single factor (see `associate`)."""
    matrix = np.full((dimensions, factors), np.nan)
    evidence = Evidence(json_matrix(matrix), [[]] * factors, [0.0] * dimensions, False)
    return MeasuredAssociation(matrix, 0, evidence)


def information_of(codes: np.ndarray, classes: np.ndarray) -> list[list[float | None]]:
    """Normalised mutual information as `Evidence` holds it; rows with unknown labels left out."""
    known = (classes != UNKNOWN).all(axis=1)
    if not classes.shape[1] or known.sum() < 2:
        return []
    return json_matrix(information_matrix(codes[known], classes[known]))


def _encoded_pairs(
    encoder: Representation,
    dataset: FactorDataset,
    count: int,
    factor: int | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Posterior means of pairs that differ in one factor, or in none: float32 (2, count, D)."""
    halves = []
    for n in [min(CHUNK, count - done) for done in range(0, count, CHUNK)]:
        if factor is None:
            rows = dataset.sample_indices(n, rng)
            images = np.concatenate([dataset.images(rows, rng) for _ in range(2)])
        else:
            images = np.concatenate(dataset.sample_pairs_of(n, factor, rng))
        mean = encoder.encode(images).mean
        halves.append(np.stack([mean[:n], mean[n:]]))
    return np.concatenate(halves, axis=1)


def _differ_by_themselves(dataset: FactorDataset, rng: np.random.Generator) -> bool:
    """Whether two images of equal labels may differ."""
    rows = dataset.sample_indices(LOOKED_AT, rng)
    return bool((dataset.images(rows, rng) != dataset.images(rows, rng)).any())


def rounded(values: np.ndarray) -> list[float]:
    """To five digits, for JSON."""
    return [round(float(value), 5) for value in values]


def json_matrix(matrix: np.ndarray) -> list[list[float | None]]:
    """To five digits, None for NaN."""
    return [
        [None if np.isnan(value) else round(float(value), 5) for value in row] for row in matrix
    ]
