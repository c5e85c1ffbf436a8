"""The FactorVAE score (Kim & Mnih 2018, "Disentangling by factorising")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_names, check_table
from dviz.metrics.diagnostics import ACTIVE_THRESHOLD, active_dimensions
from dviz.metrics.metric import single
from dviz.metrics.result import MetricResult
from dviz.metrics.sampling import SharedRows

_CHUNK = 256


def factor_vae(
    codes: Any,
    factors: Any,
    *,
    names: Sequence[str] | None = None,
    batch: int = 64,
    train: int = 10_000,
    test: int = 5_000,
    threshold: float = ACTIVE_THRESHOLD,
    seed: int = 0,
) -> MetricResult:
    """Which factor was held fixed? Accuracy of a majority vote, from about 1 / F (chance) to 1.

    One vote: a factor drawn at random and one value of it (that of a random row), `batch` rows
    with that value (see `dviz.metrics.sampling`), and the dimension whose variance over them is
    the smallest share of its variance over all rows. Each dimension is then given to the factor
    it was voted for most often in `train` votes; the score is the share of `test` other votes
    that agree (sizes of Locatello et al. 2019). Dimensions with a standard deviation below
    `threshold` are collapsed and take no part (the paper's pruning). Factors with one value are
    left out; with fewer than two left, or no dimension, there is nothing to tell (NaN).
    `per_factor`: agreement where that factor was fixed; `details`: `chance`, `votes` (D, F).
    """
    codes, factors = check_table(codes, factors)
    names = check_names(names, factors.shape[1])
    varying = np.flatnonzero((factors != factors[:1]).any(axis=0))
    parts = dict.fromkeys(names, float("nan"))
    several = len(codes) > 1
    active = np.flatnonzero(active_dimensions(codes, threshold)) if several else np.arange(0)
    if len(varying) < 2 or not len(active):
        return MetricResult(float("nan"), parts)
    rng = np.random.default_rng(seed)
    scaled = codes[:, active] / codes[:, active].std(axis=0)
    shared = [SharedRows(factors[:, j]) for j in varying]
    votes, held_out = (_votes(scaled, shared, batch, count, rng) for count in (train, test))
    winner = votes.argmax(axis=1)
    hits = np.zeros(len(varying))
    np.add.at(hits, winner, held_out[np.arange(len(winner)), winner])
    for k, j in enumerate(varying):
        cast = held_out[:, k].sum()
        parts[names[j]] = float(hits[k] / cast) if cast else float("nan")
    all_votes = np.zeros((codes.shape[1], len(names)), dtype=np.int64)
    all_votes[np.ix_(active, varying)] = votes
    details = {"chance": 1 / len(varying), "votes": all_votes}
    return MetricResult(float(hits.sum() / held_out.sum()), parts, details)


def _votes(
    codes: np.ndarray,
    shared: list[SharedRows],
    batch: int,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """How often each dimension varied least while each factor was fixed, int64 (D, F)."""
    votes = np.zeros((codes.shape[1], len(shared)), dtype=np.int64)
    fixed = np.bincount(rng.integers(len(shared), size=count), minlength=len(shared))
    for k, rows_of in enumerate(shared):
        for start in range(0, fixed[k], _CHUNK):
            points = min(_CHUNK, fixed[k] - start)
            first = rng.integers(len(codes), size=(points, 1))
            rows = rows_of.draw(np.repeat(first, batch, axis=1), rng)
            least = codes[rows].var(axis=1).argmin(axis=1)
            votes[:, k] += np.bincount(least, minlength=len(votes))
    return votes


METRIC = single(
    "factor_vae",
    "FactorVAE score",
    lambda t: factor_vae(t.codes, t.factors, names=t.names, seed=t.seed).to_dict(),
    cost=1,
)
