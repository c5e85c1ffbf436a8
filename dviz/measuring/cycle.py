"""What a dimension does in the picture: paint it from end to end, look again, read what moved.

The association of a dimension with a factor tells what changes the code. Whether moving the code
changes the picture in that factor, and in no other, is another question, and the decoder's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from dviz.checkpoint import Checkpoint
from dviz.factors import Factor
from dviz.measuring.report import DatasetReport
from dviz.metrics.probes import Probe
from dviz.models.vae import VAE
from dviz.representations.base import Representation
from dviz.representations.build import as_representation

NUM_CODES = 100
PLACES = 5  # both ends alone would miss a hue that goes once around its circle
CHUNK = 256


def moves(
    model: VAE | Representation,
    codes: np.ndarray,
    classes: np.ndarray,
    factors: Sequence[Factor],
    probes: Mapping[str, Probe],
    result: DatasetReport,
) -> np.ndarray:
    """How far moving each dimension moves what is read of each factor in the picture.

    Each of `codes` is painted with one active dimension at five places from its 1st to its 99th
    percentile, the pictures are encoded, and the probes read every factor from these codes. Two
    readings lie as far apart as it is work to turn one into the other (Wasserstein-1, between class
    indices, which for a cyclic factor lie on a circle). The mean distance of two places is a share
    of that of two random images: at 0 the factor stands still, at 1 it goes through its values.

    Args:
        codes: real posterior means, (N, D).
        classes: int64 (M, F), of many images; tell how far two random ones lie apart.
        probes: fitted ones by factor; a factor without one has no reading.
        result: says which dimensions are active, and where their ends are.

    Returns:
        float64 (D, F), NaN in inactive dimensions and for factors without a reading.
    """
    encoder = as_representation(model)
    found = np.full((codes.shape[1], len(factors)), np.nan)
    read = [j for j, f in enumerate(factors) if f.name in probes and np.ptp(classes[:, j]) > 0]
    for d in np.flatnonzero(result.active):
        values = np.linspace(result.low[d], result.high[d], PLACES)
        seen = [_seen(encoder, codes, d, value) for value in values]
        for j in read:
            readings = [_reading(probes[factors[j].name], place, factors[j]) for place in seen]
            pairs = combinations(readings, 2)
            apart = np.mean([distance(*pair, factors[j]).mean() for pair in pairs])
            found[d, j] = apart / random_distance(classes[:, j], factors[j])
    return found


def with_moves(
    result: DatasetReport,
    checkpoint: Checkpoint,
    codes: np.ndarray,
    classes: np.ndarray,
    probes: Mapping[str, Probe],
) -> DatasetReport:
    """`result`, of a checkpoint on its own dataset, with the `moves` of the first 100 codes."""
    factors = checkpoint.config.factors
    if not checkpoint.representation.has_decoder:
        return result
    found = moves(checkpoint.representation, codes[:NUM_CODES], classes, factors, probes, result)
    rows = [[None if np.isnan(far) else round(float(far), 4) for far in row] for row in found]
    return replace(result, moves=rows)


def distance(first: np.ndarray, second: np.ndarray, factor: Factor) -> np.ndarray:
    """Wasserstein-1 distance, in class steps, of two distributions over a factor's classes.

    Args:
        first, second: (N, C), rows that sum to 1.

    Returns:
        (N,). On a circle the difference of the cumulative sums counts from its median, which is
        where cutting the circle open costs least (Werman, Peleg and Rosenfeld 1985).
    """
    ahead = np.cumsum(first - second, axis=1)
    if factor.cyclic:
        ahead = ahead - np.median(ahead, axis=1, keepdims=True)
    return np.abs(ahead).sum(axis=1)


def random_distance(classes: np.ndarray, factor: Factor) -> float:
    """Mean distance of two of the class indices `classes` (M,), drawn independently."""
    shares = np.bincount(classes, minlength=factor.size) / len(classes)
    apart = np.abs(np.arange(factor.size)[:, None] - np.arange(factor.size))
    if factor.cyclic:
        apart = np.minimum(apart, factor.size - apart)
    return float(shares @ apart @ shares)


def _reading(probe: Probe, codes: np.ndarray, factor: Factor) -> np.ndarray:
    """Probability of every class of a factor, (N, C); 0 for those no probe has ever seen."""
    probabilities = np.zeros((len(codes), factor.size))
    probabilities[:, probe.classes] = probe.predict_proba(codes)
    return probabilities


def _seen(encoder: Representation, codes: np.ndarray, dimension: int, value: float) -> np.ndarray:
    """Codes (N, D) of the pictures of `codes` with one dimension at `value`."""
    moved = codes.astype(np.float32)
    moved[:, dimension] = value
    parts = np.array_split(moved, -(-len(moved) // CHUNK))
    return np.concatenate([encoder.look_again(part) for part in parts])
