import numpy as np
import pytest

from dviz.metrics.diagnostics import (
    active_dimensions,
    gaussian_total_correlation,
)


def test_active_dimensions_by_standard_deviation():
    codes = np.random.default_rng(0).normal(size=(5000, 3)) * [1, 0.06, 0.04]
    assert active_dimensions(codes).tolist() == [True, True, False]
    assert active_dimensions(codes, threshold=0.1).tolist() == [True, False, False]
    assert active_dimensions(codes + 100).tolist() == [True, True, False]


def test_total_correlation_of_known_gaussians():
    rng = np.random.default_rng(0)
    independent = rng.normal(size=(20_000, 4))
    assert gaussian_total_correlation(independent) == pytest.approx(0, abs=0.002)
    r = 0.8
    pair = np.stack([independent[:, 0], r * independent[:, 0] + 0.6 * independent[:, 1]], axis=1)
    assert gaussian_total_correlation(pair) == pytest.approx(-0.5 * np.log(1 - r**2), abs=0.02)
    assert gaussian_total_correlation(pair * [1e-6, 1e6] + 3) == pytest.approx(
        gaussian_total_correlation(pair)
    )
    assert gaussian_total_correlation(pair[:, [0, 0]]) == float("inf")
    assert gaussian_total_correlation(np.c_[pair[:, 0], np.full(len(pair), 0.1)]) == 0


def test_one_row_does_not_vary():
    with pytest.raises(ValueError, match="at least 2 rows"):
        active_dimensions([[1.0, 2.0]])
