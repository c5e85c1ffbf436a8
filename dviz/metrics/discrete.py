"""Mutual information between binned codes and factors."""

from __future__ import annotations

import numpy as np

BINS = 20
"""The usual number of equal-width bins per dimension (Locatello et al. 2019)."""


def binned(codes: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Bin each dimension of codes (N, D) between its extremes, int64 (N, D) in 0..bins-1."""
    if bins < 2:
        raise ValueError(f"bins must be at least 2, got {bins}")
    low, high = codes.min(axis=0), codes.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    return np.minimum((codes - low) / width * bins, bins - 1).astype(np.int64)


def mutual_information(bins: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """I(bin of z_d; factor j) in nats, float64 (D, F), from counts."""
    labels = [np.unique(column, return_inverse=True)[1] for column in factors.T]
    return np.array([[_information(b, label) for label in labels] for b in bins.T])


def entropy(factors: np.ndarray) -> np.ndarray:
    """Entropy of each factor in nats, float64 (F,)."""
    return np.array([_entropy(np.unique(column, return_counts=True)[1]) for column in factors.T])


def _information(a: np.ndarray, b: np.ndarray) -> float:
    joint = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(joint, (a, b), 1)
    parts = _entropy(joint.sum(axis=1)), _entropy(joint.sum(axis=0)), _entropy(joint.ravel())
    return max(0.0, parts[0] + parts[1] - parts[2])


def _entropy(counts: np.ndarray) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())
