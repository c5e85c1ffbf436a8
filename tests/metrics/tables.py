"""Small labelled tables with known structure."""

from __future__ import annotations

import itertools

import numpy as np

SIZES = (6, 5, 4)
DIMENSIONS = 5


def grid(sizes=SIZES, repeats=1) -> np.ndarray:
    """Every combination of factor values, `repeats` times, int64 (N, F)."""
    rows = list(itertools.product(*(range(size) for size in sizes)))
    return np.tile(np.array(rows), (repeats, 1))


def uniform(rows: int, sizes=SIZES, seed=0) -> np.ndarray:
    """Independent uniform factors, int64 (rows, F)."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(size, size=rows) for size in sizes], axis=1)


def unit(factors: np.ndarray) -> np.ndarray:
    """Each factor as a code with mean about 0 and standard deviation about 1."""
    top = factors.max(axis=0)
    return (factors - top / 2) / (top / 2 + 0.5) * 3**0.5


def rotation(dimensions: int, angle: float = 0.6) -> np.ndarray:
    """Turns the first two dimensions into each other."""
    turn = np.eye(dimensions)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn


def codes_of(kind: str, factors: np.ndarray, seed=0) -> np.ndarray:
    """Codes float64 (N, 5) of three factors; a dimension with nothing to say is 0.

    "identity": a dimension each. "duplicated": one factor on two dimensions. "mixed": a dimension
    with a value of its own for every combination of two factors. "rotated": two dimensions turned
    into each other. "tangled": non-linear mixtures with noise. "noise": nothing of the factors.
    """
    u, rng = unit(factors), np.random.default_rng(seed)
    noise = rng.normal(size=(len(factors), DIMENSIONS))
    z = np.zeros(noise.shape)
    z[:, :3] = u
    if kind == "mixed":
        z[:, 0], z[:, 1] = rng.permutation(100).reshape(10, 10)[factors[:, 0], factors[:, 1]], 0
    elif kind == "duplicated":
        z[:, 3] = u[:, 0]
    elif kind == "rotated":
        z = z @ rotation(DIMENSIONS)
    elif kind == "tangled":
        z = np.tanh(u @ np.random.default_rng(1).normal(size=(3, DIMENSIONS))) + 0.3 * noise
    elif kind == "noise":
        z = noise
    return z
