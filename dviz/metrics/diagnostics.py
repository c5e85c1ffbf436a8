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


def kl_per_dimension(means: Any, logvars: Any) -> np.ndarray:
    """KL(q(z_d | x) || N(0, 1)) in nats, averaged over the sample: float64 (D,), ≥ 0.

    Args:
        means, logvars: posterior means and log-variances, (N, D).
    """
    means, logvars = check_codes(means, "means"), check_codes(logvars, "logvars")
    if means.shape != logvars.shape:
        raise ValueError(f"means and logvars must agree, got {means.shape} and {logvars.shape}")
    return 0.5 * (means**2 + np.exp(logvars) - 1 - logvars).mean(axis=0)


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


def reconstruction_error(images: Any, reconstructions: Any) -> dict[str, float]:
    """How far reconstructions are from their images, both (N, ...).

    uint8 arrays are read as 0..255, floats as [0, 1]. Returns `mse`, the mean squared error per
    value in [0, 1], and `cross_entropy`, -Σ x log y + (1 - x) log (1 - y) over an image's values,
    in nats, averaged over images: the reconstruction term of the study's loss.
    """
    x, y = _unit_interval(images, "images"), _unit_interval(reconstructions, "reconstructions")
    if x.shape != y.shape:
        raise ValueError(f"images and reconstructions must agree, got {x.shape} and {y.shape}")
    inside = np.clip(y, 1e-7, 1 - 1e-7)
    cross_entropy = -(x * np.log(inside) + (1 - x) * np.log1p(-inside)).sum() / len(x)
    return {"mse": float(((x - y) ** 2).mean()), "cross_entropy": float(cross_entropy)}


def _unit_interval(images: Any, name: str) -> np.ndarray:
    array = np.asarray(images)
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one image, got shape {array.shape}")
    array = array.astype(np.float64) / (255 if array.dtype == np.uint8 else 1)
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError(f"{name} must be uint8, or floats in [0, 1]")
    return array


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
