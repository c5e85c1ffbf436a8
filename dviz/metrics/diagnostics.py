"""What codes tell without labels: which dimensions are in use, how much they carry and share."""

from __future__ import annotations

from typing import Any

import numpy as np

from dviz.metrics.arrays import check_codes
from dviz.metrics.metric import Entry, Metric, Table

ACTIVE_THRESHOLD = 0.05
"""Below this standard deviation a dimension is inactive (the study's rule)."""


def active_dimensions(codes: Any, threshold: float = ACTIVE_THRESHOLD) -> np.ndarray:
    """Which dimensions vary over the sample: standard deviation ≥ `threshold`, bool (D,).

    A VAE switches off what it does not need: such a dimension has a posterior mean near 0 whatever
    the image. `codes` are posterior means (N, D).
    """
    codes = check_codes(codes)
    if len(codes) < 2:
        raise ValueError("codes must have at least 2 rows to tell which dimensions vary, got 1")
    return codes.std(axis=0, ddof=1) >= threshold


def gaussian_total_correlation(codes: Any) -> float:
    """KL of a Gaussian with the codes' covariance from the product of its marginals, in nats.

    -½ log det of the correlation matrix of codes (N, D): 0 for uncorrelated dimensions, infinite
    where one is a linear function of others. Constant dimensions are left out (Locatello et al.
    2019 use it as an unsupervised score).
    """
    codes = check_codes(codes)
    varies = codes.std(axis=0) > 1e-12 * np.abs(codes).max(axis=0)
    if varies.sum() < 2:
        return 0.0
    correlation = np.corrcoef(codes[:, varies], rowvar=False)
    eigenvalues = np.linalg.eigvalsh(correlation)
    if eigenvalues[0] <= 1e-12 * len(eigenvalues):
        return float("inf")
    return float(max(0.0, -0.5 * np.log(eigenvalues).sum()))


def _run(t: Table) -> Entry:
    correlation = gaussian_total_correlation(t.codes[:, t.active]) if t.active.any() else 0.0
    return {
        "active_dimensions": int(t.active.sum()),
        "standard_deviation": t.codes.std(axis=0, ddof=1),
        "gaussian_total_correlation": correlation,
    }


def _notes(entry: Entry) -> list[str]:
    found = entry["gaussian_total_correlation"]
    words = "infinite, some are sums of others" if found is None else f"{found:.3f} nats"
    return [f"Gaussian total correlation of the active dimensions: {words}"]


METRIC = Metric("diagnostics", "Diagnostics", _run, notes=_notes)
