import numpy as np
import pytest

from dviz.metrics.diagnostics import (
    active_dimensions,
    gaussian_total_correlation,
    kl_per_dimension,
    reconstruction_error,
)


def test_active_dimensions_by_standard_deviation():
    codes = np.random.default_rng(0).normal(size=(5000, 3)) * [1, 0.06, 0.04]
    assert active_dimensions(codes).tolist() == [True, True, False]
    assert active_dimensions(codes, threshold=0.1).tolist() == [True, False, False]
    assert active_dimensions(codes + 100).tolist() == [True, True, False]


def test_kl_is_zero_at_the_prior_and_matches_an_integral():
    assert kl_per_dimension(np.zeros((4, 2)), np.zeros((4, 2))) == pytest.approx([0, 0])
    mean, logvar = 0.7, -1.1
    z = np.linspace(-12, 12, 200_001)
    density = np.exp(-((z - mean) ** 2) / (2 * np.exp(logvar))) / np.sqrt(
        2 * np.pi * np.exp(logvar)
    )
    log_ratio = -((z - mean) ** 2) / (2 * np.exp(logvar)) - logvar / 2 + z**2 / 2
    integral = (density * log_ratio).sum() * (z[1] - z[0])
    assert kl_per_dimension([[mean]], [[logvar]])[0] == pytest.approx(integral, rel=1e-6)


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


def test_reconstruction_error():
    images = np.array([[[0, 255], [255, 0]]], dtype=np.uint8)
    perfect = reconstruction_error(images, images)
    assert perfect["mse"] == 0
    assert perfect["cross_entropy"] == pytest.approx(0, abs=1e-5)
    grey = reconstruction_error(images, np.full((1, 2, 2), 0.5))
    assert grey["mse"] == pytest.approx(0.25)
    assert grey["cross_entropy"] == pytest.approx(4 * np.log(2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: active_dimensions([[1.0, 2.0]]), "at least 2 rows"),
        (lambda: kl_per_dimension(np.zeros((2, 2)), np.zeros((2, 3))), "must agree"),
        (lambda: reconstruction_error(np.zeros((1, 2)), np.zeros((1, 3))), "must agree"),
        (lambda: reconstruction_error(np.full((1, 2), 7.0), np.zeros((1, 2))), r"in \[0, 1\]"),
        (lambda: reconstruction_error(np.zeros((0, 2)), np.zeros((0, 2))), "at least one image"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
