"""Simulations of whether 95% intervals of OMES hold the true score 95 times in 100.

Three designs, each a fixed code of a grid of factors with noise of its own in some dimensions:
many pairs; few pairs; and photographs, whose codes have something of their own for every object
and every view. `pairs` are drawn from the grid, as from a generator; `labels` are random rows of
it, of which each group of rows that agree on all but one factor is known by labels alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dviz.metrics.association import associate, group_covariance
from dviz.metrics.omes import POOLINGS, OmesResult, omes
from dviz.metrics.pairs import associate_pairs

KINDS = ("pairs", "labels")


@dataclass(frozen=True)
class Design:
    """Sizes of the factors; pairs a factor and rows that are drawn; whether of photographs."""

    sizes: tuple[int, ...]
    pairs: int
    rows: int
    photographs: bool = False

    def __str__(self) -> str:
        own = ", each object and view with something of its own" if self.photographs else ""
        return (
            f"factors of {', '.join(map(str, self.sizes))} values{own}; {self.pairs:,} drawn pairs "
            f"a factor, or {self.rows:,} random rows with labels only"
        )


DESIGNS = {
    "many pairs": Design((6, 8, 10, 12), pairs=5000, rows=1700),
    "few pairs": Design((8, 9, 10, 8), pairs=150, rows=520),
    "grouped photographs": Design((20, 24, 9, 5), pairs=1000, rows=4000, photographs=True),
}


def coverage(design: str, kind: str, trials: int, seed: int = 0) -> dict[str, float]:
    """Share of `trials` whose interval holds the true OMES, by pooling.

    Args:
        design: one of `DESIGNS`; kind: one of `KINDS`.
    """
    held = {pooling: 0 for pooling in POOLINGS}
    for truth, found, covariance in _trials(DESIGNS[design], kind, trials, seed):
        for pooling in POOLINGS:
            uncertainty = found[pooling].uncertainty(covariance)
            if uncertainty is not None:
                low, high = uncertainty.omes.interval
                held[pooling] += low <= truth[pooling].omes <= high
    return {pooling: count / trials for pooling, count in held.items()}


def _trials(
    design: Design, kind: str, trials: int, seed: int
) -> Iterator[tuple[dict[str, OmesResult], dict[str, OmesResult], np.ndarray]]:
    """The true scores, those of one sample, and the covariance found with them."""
    factors, codes = _world(design, seed)
    truth = _scores(associate(codes, factors).matrix)
    rng = np.random.default_rng(seed + 1)
    draw: Callable = _pairs if kind == "pairs" else _rows
    for _ in range(trials):
        S, covariance = draw(design, factors, codes, rng)
        yield truth, _scores(S), covariance


def _scores(S: np.ndarray) -> dict[str, OmesResult]:
    return {pooling: omes(S, pooling=pooling) for pooling in POOLINGS}


def _world(design: Design, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Every combination of factors (N, F) and its code (N, F + 3): mixed, noisy, one of noise."""
    rng = np.random.default_rng(seed)
    factors = np.indices(design.sizes).reshape(len(design.sizes), -1).T
    values = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    count, width = len(factors), len(design.sizes) + 3
    codes = 0.3 * (values @ rng.normal(size=(len(design.sizes), width)))
    codes += 0.3 * rng.normal(size=(count, width))
    codes[:, : len(design.sizes)] += 1.5 * values
    codes[:, -1] = rng.normal(size=count)
    if design.photographs:
        views = factors[:, 0] * design.sizes[1] + factors[:, 1]
        codes += 0.7 * rng.normal(size=(design.sizes[0], width))[factors[:, 0]]
        codes += 0.5 * rng.normal(size=(views.max() + 1, width))[views]
    return factors, codes


def _pairs(
    design: Design, factors: np.ndarray, codes: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    first, second = [], []
    for j, size in enumerate(design.sizes):
        rows = rng.integers(len(factors), size=design.pairs)
        other = factors[rows]
        other[:, j] = (other[:, j] + rng.integers(1, size, size=design.pairs)) % size
        first.append(codes[rows])
        second.append(codes[np.ravel_multi_index(tuple(other.T), design.sizes)])
    found = associate_pairs(first, second)
    return found.matrix, found.covariance


def _rows(
    design: Design, factors: np.ndarray, codes: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    rows = rng.permutation(len(factors))[: design.rows]
    table = codes[rows], factors[rows]
    return associate(*table, min_pairs=2).matrix, group_covariance(*table, min_pairs=2)
