import numpy as np
import pytest

from dviz.representations.efficientnet import FrozenFeatures

pytestmark = pytest.mark.usefixtures("backbone")


def images(n, side=64):
    return np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def test_features_are_as_many_as_published():
    assert FrozenFeatures().encode(images(2)).mean.shape == (2, 1280)


def test_components_are_uncorrelated_and_in_order():
    seen = images(40, 32)
    codes = FrozenFeatures(seen, 3, image_size=32).encode(seen).mean
    covariance = np.cov(codes.T)
    assert covariance[0, 0] == pytest.approx(1, rel=1e-3)
    assert covariance[0, 0] >= covariance[1, 1] >= covariance[2, 2]
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-3
