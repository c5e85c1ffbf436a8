"""Standard errors and bias of OMES: the delta method, exact at every α and pooling.

The columns of S rest on pairs drawn for each factor apart, so one D × D covariance a factor is all
there is to know (`dviz.metrics.pairs` for drawn pairs, `dviz.metrics.association` for codes with
labels only). OMES is a differentiable function of S; with its gradient g, Var = Σ_j g_j' C_j g_j.

S = 1 - |r| is biased where r is near 0: there |r| exceeds its limit by up to √(2 / π) standard
errors, and the more cells have no correlation, the more of such bias a score adds up. The score is
left as the study has it. What this is estimated to do to it may be there in full or not at all; its
interval takes anything between for equally likely, so it moves by half of the bias and has its
uniform standard deviation, bias / √12, as a further error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

Z95 = 1.959964
UNIFORM = 12**-0.5  # standard deviation of what is equally likely between 0 and 1
# Of a correlation r with standard error s, |r| is too large by about A s exp(-(r / s)² / 2 T²);
# averaged over what r may come out as, at most a fifth of s of its bias is left for any true r.
_A, _T = 1.08, 0.7


@dataclass(frozen=True)
class Uncertain:
    """A score with what it may be off by.

    Attributes:
        score: in [0, 1].
        error: its standard error, ≥ 0.
        bias: how much it is expected to lie above the score of infinitely many pairs.
    """

    score: float
    error: float
    bias: float = 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval, within [0, 1]."""
        middle = self.score - self.bias / 2
        reach = Z95 * float(np.hypot(self.error, UNIFORM * self.bias))
        low, high = np.clip([middle - reach, middle + reach], 0, 1)
        return float(low), float(high)


@dataclass(frozen=True)
class OmesUncertainty:
    """Of OMES and its halves, in all and factor by factor (by name)."""

    omes: Uncertain
    modularity: Uncertain
    compactness: Uncertain
    per_factor: dict[str, dict[str, Uncertain]]


def matrix_bias(S: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """How much each cell of S is expected to lie above its limit, ≤ 0; both (D, F)."""
    distance = np.divide(1 - S, errors, out=np.full_like(S, np.inf), where=errors > 0)
    return -_A * errors * np.exp(-(distance**2) / (2 * _T**2))


def folding(S: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Share of each cell's error that is left of it where r is near 0, in (0, 1]; both (D, F).

    |r| varies less there than r: by .6 of it at 0. Which r is near 0 is not known for certain, so
    the mean of this and of no folding is taken.
    """
    distance = np.divide(1 - S, errors, out=np.full_like(S, np.inf), where=errors > 0)
    x = np.sqrt(np.maximum(np.minimum(distance, 40) ** 2 - 1, 0))
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    mean = 2 * density + x * (1 - 2 * ndtr(-x))
    return np.asarray(0.5 + 0.5 * np.sqrt(np.maximum(1 + x**2 - mean**2, 0)))


def cell_errors(covariance: np.ndarray) -> np.ndarray:
    """Standard error of each cell of S, float64 (D, F), of covariances (F, D, D)."""
    return np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0)).T


def cell_intervals(S: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95% intervals (low, high) of the cells of S, each (D, F)."""
    errors = cell_errors(covariance)
    bias = matrix_bias(S, errors)
    middle, reach = S - bias / 2, Z95 * np.hypot(errors, UNIFORM * bias)
    return np.clip(middle - reach, 0, 1), np.clip(middle + reach, 0, 1)


def omes_uncertainty(
    S: np.ndarray,
    covariance: np.ndarray,
    scores: dict[str, np.ndarray],
    gradients: dict[str, np.ndarray],
    names: Sequence[str],
) -> OmesUncertainty:
    """Put together what `OmesResult.uncertainty` answers.

    Args:
        S: (D, F), the scored dimensions and factors only; covariance: of its columns, (F, D, D).
        scores: "omes", "modularity" and "compactness" of each factor, (F,).
        gradients: of each of those with respect to S, (F, D, F).
    """
    errors = cell_errors(covariance)
    bias, folded = matrix_bias(S, errors), folding(S, errors)

    def of(score: float, gradient: np.ndarray) -> Uncertain:
        moved = gradient * folded
        variance = np.einsum("dk,kde,ek->", moved, covariance, moved)
        return Uncertain(
            float(score), float(np.sqrt(max(variance, 0))), float((gradient * bias).sum())
        )

    whole = {key: of(scores[key].mean(), gradients[key].mean(axis=0)) for key in scores}
    per_factor = {
        name: {key: of(scores[key][j], gradients[key][j]) for key in scores}
        for j, name in enumerate(names)
    }
    return OmesUncertainty(**whole, per_factor=per_factor)


def pooled_gradients(
    S: np.ndarray, overlap: np.ndarray, encoding: np.ndarray, pooling: str
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of every factor's pooled os and mes with respect to S, each float64 (F, D, F).

    Args:
        S: (D, F); overlap, encoding: os and mes of it (see `dviz.metrics.omes`), (D, F).
    """
    D, F = S.shape
    j = np.arange(F)
    weight, own = _pooling(S, overlap, pooling)
    # os(d, j) falls by 1 / F with every entry of row d and rises by 2 / F with its own.
    modular = np.repeat(-weight[:, :, None] / F, F, axis=2)
    modular[j, :, j] += 2 * weight / F + own
    weight, own = _pooling(S, encoding, pooling)
    # mes(d, j) does likewise along column j.
    compact = np.zeros((F, D, F))
    compact[j, :, j] = (2 * weight - weight.sum(axis=1, keepdims=True)) / D + own
    return modular, compact


def _pooling(S: np.ndarray, scores: np.ndarray, pooling: str) -> tuple[np.ndarray, np.ndarray]:
    """How a factor's pooled `scores` (D, F) move with each score, and with S itself: (F, D) each.

    Summed over dimensions, `scores` times the former are the pooled ones.
    """
    if pooling == "max":
        best = ((scores * S).argmax(axis=0), np.arange(S.shape[1]))
        weight, own = np.zeros_like(S), np.zeros_like(S)
        weight[best], own[best] = S[best], scores[best]
        return weight.T, own.T
    total = S.sum(axis=0)
    known = np.where(total > 0, total, 1.0)
    weight = S**2 / known
    own = (2 * scores * S - (scores * weight).sum(axis=0)) / known
    return (weight * (total > 0)).T, (own * (total > 0)).T
