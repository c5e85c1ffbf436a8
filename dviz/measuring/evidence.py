"""What stands behind an association matrix: its errors, its noise, and a second opinion."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dviz.metrics.calibration import calibrate

MOST_COVARIANCES = 60_000
"""Numbers, some 10 bytes each: 6 factors of 140 dimensions. A report is at most 2 MB."""


@dataclass(frozen=True)
class Evidence:
    """Of S on one dataset, D dimensions and F factors; rounded for JSON.

    Attributes:
        correlation: r over pairs that differ in one factor, (D, F), in [-1, 1]; None as in S.
        covariance: of each column of S, its lower triangle row by row, (F, D (D + 1) / 2); [] for
            a factor without pairs, or of wide codes.
        signal: correlation over pairs of equal labels, (D,), in [0, 1]: 1 where images are
            determined by their labels, 0 for pure noise.
        measured: whether `signal` was measured on such pairs; a bound from below where not (see
            `dviz.metrics.calibration.table_signal`).
        information: normalised mutual information of dimension and factor, (D, F), in [0, 1].
    """

    correlation: list[list[float | None]]
    covariance: list[list[float]]
    signal: list[float]
    measured: bool = True
    information: list[list[float | None]] = field(default_factory=list)

    def covariances(self) -> np.ndarray:
        """float64 (F, D, D), NaN for a factor without pairs."""
        width = len(self.signal)
        found = np.full((len(self.covariance), width, width), np.nan)
        lower = np.tril_indices(width)
        for j, values in enumerate(self.covariance):
            if values:
                found[j][lower] = values
                found[j].T[lower] = values
        return found

    def calibrated(self, sizes: list[int]) -> np.ndarray:
        """The calibrated association, float64 (D, F); `sizes` as in the report."""
        return calibrate(np.array(self.correlation, dtype=np.float64), self.signal, sizes)

    def information_matrix(self) -> np.ndarray | None:
        """float64 (D, F), NaN for a factor of one value; None where it was not measured."""
        return np.array(self.information, dtype=np.float64) if self.information else None

    def fits(self, dimensions: int, factors: int) -> bool:
        """Whether the arrays have the shapes of a report with so many dimensions and factors."""
        try:
            shapes = [np.shape(np.array(self.correlation, dtype=np.float64))]
            if self.information:
                shapes.append(np.shape(np.array(self.information, dtype=np.float64)))
            finite = np.isfinite(np.array(self.signal, dtype=np.float64)).all()
            self.covariances()
        except (TypeError, ValueError, IndexError):
            return False
        expected = (dimensions, factors)
        lengths = len(self.signal) == dimensions and len(self.covariance) == factors
        return bool(finite and lengths and all(shape == expected for shape in shapes))


def pack_covariance(covariance: np.ndarray) -> list[list[float]]:
    """Covariances (F, D, D) as `Evidence` holds them, to three digits each.

    Those of codes too wide for a report to hold (`MOST_COVARIANCES`) are left out, as if unknown.
    """
    lower = np.tril_indices(covariance.shape[1])
    if len(covariance) * len(lower[0]) > MOST_COVARIANCES:
        return [[] for _ in covariance]
    return [
        [] if np.isnan(C).any() else [float(f"{value:.3g}") for value in C[lower]]
        for C in covariance
    ]
