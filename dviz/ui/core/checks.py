"""Whether what came with a checkpoint fits it; a file of a stranger's may hold anything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dviz.errors import CheckpointError
from dviz.factors import Factor
from dviz.limits import LIMITS
from dviz.measuring.report import DatasetReport

MAX_FACTORS = LIMITS.factors


def check_result(result: DatasetReport, key: str, latent_size: int | None = None) -> None:
    try:
        fits = _fits(result, latent_size or len(result.active))
    except (TypeError, ValueError, AttributeError):
        fits = False
    if not fits:
        raise CheckpointError(f"report.json of {key} does not fit its model")


def _fits(result: DatasetReport, latent_size: int) -> bool:
    kl = result.mean if result.kl is None else result.kl
    rows = [result.active, result.mean, result.std, result.low, result.high, kl]
    numbers = np.array(rows, dtype=np.float64)
    S, factors = result.association_matrix, result.factors
    words = [result.dataset, *factors]
    for probe in result.probes:
        words += [probe.factor, probe.model, probe.dimensions]
    return bool(
        numbers.shape == (6, latent_size)
        and np.isfinite(numbers).all()
        and all(isinstance(active, bool) for active in result.active)
        and S.shape == (latent_size, len(factors))
        and not ((S < 0) | (S > 1)).any()
        and _are_words(words)
        and (result.evidence is None or result.evidence.fits(latent_size, len(factors)))
        and len(factors) == len(set(factors)) <= MAX_FACTORS
        and all(type(n) is int for n in (result.seed, result.num_images, result.num_pairs))
        and all(np.isfinite([p.accuracy, p.standard_error, p.chance]).all() for p in result.probes)
    )


def _are_words(values: list) -> bool:
    return all(isinstance(value, str) for value in values)


def check_sample(
    codes: np.ndarray, classes: np.ndarray, factors: Sequence[Factor], latent_size: int, key: str
) -> None:
    expected = (len(codes), latent_size), (len(codes), len(factors))
    if (codes.shape, classes.shape) != expected or not len(codes) or not np.isfinite(codes).all():
        raise CheckpointError(
            f"the codes of {key} do not fit it: {codes.shape} codes and {classes.shape} "
            f"classes, expected {expected[0]} and {expected[1]}"
        )
    if not all(
        within(column, factor.size) for column, factor in zip(classes.T, factors, strict=True)
    ):
        raise CheckpointError(f"the codes of {key} have classes that its factors do not")


def within(classes: np.ndarray, size: int) -> bool:
    return bool(((classes >= 0) & (classes < size)).all())
