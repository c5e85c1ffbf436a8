"""Distances between two unlabelled samples."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from dviz.metrics.distance import frechet_distance, kernel_mmd, outside_range


def gaussian(n, shift=0.0, scale=1.0, seed=0, dimensions=4):
    return shift + scale * np.random.default_rng(seed).normal(size=(n, dimensions))


def rotation(dimensions=4):
    return np.linalg.qr(np.random.default_rng(9).normal(size=(dimensions, dimensions)))[0]


@pytest.mark.parametrize("distance", [frechet_distance, lambda x, y: kernel_mmd(x, y).squared])
def test_distances_look_at_geometry_alone(distance):
    x, y, turn = gaussian(400), gaussian(300, 0.7, 1.5, seed=1), rotation()
    expected = distance(x, y)
    assert expected > 0.05
    assert distance(x @ turn + 5, y @ turn + 5) == pytest.approx(expected, rel=1e-6)


def test_frechet_is_symmetric_and_zero_from_itself():
    x, y = gaussian(500), gaussian(400, 1.0, 2.0, seed=1)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x))


def test_frechet_agrees_with_the_matrix_square_root():
    x, y = gaussian(200) @ np.diag([1, 2, 3, 0.1]), gaussian(300, 0.5, seed=2) @ rotation()
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    shift = x.mean(0) - y.mean(0)
    expected = shift @ shift + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet_distance(x, y) == pytest.approx(expected)


def test_frechet_of_constant_codes_is_the_distance_of_the_means():
    assert frechet_distance(np.zeros((5, 2)), np.full((5, 2), 3.0)) == pytest.approx(18)


def test_mmd_of_equal_distributions_is_about_zero_and_rarely_called_different():
    found = [kernel_mmd(gaussian(150, seed=s), gaussian(150, seed=s + 100), permutations=99, seed=s)
             for s in range(20)]  # fmt: skip
    assert abs(np.mean([mmd.squared for mmd in found])) < 0.002
    assert sum(mmd.p_value <= 0.05 for mmd in found) <= 4  # binomial(20, .05) exceeds it 1 in 400


def test_mmd_sees_a_shift_and_a_spread():
    for other in (gaussian(300, 0.5, seed=3), gaussian(300, 0, 1.6, seed=3)):
        assert kernel_mmd(gaussian(300), other, permutations=199).p_value == pytest.approx(1 / 200)


def test_mmd_tells_constant_codes_apart():
    """More than half of the distances are 0, and the median of all would be no scale."""
    found = kernel_mmd(np.zeros((100, 3)), np.ones((40, 3)))
    assert found.squared > 0.5
    assert found.p_value < 0.01
    assert kernel_mmd(np.ones((50, 3)), np.ones((40, 3))).p_value == 1


def test_mmd_agrees_with_its_definition():
    x, y = gaussian(30), gaussian(20, 0.5, seed=1)
    found = kernel_mmd(x, y)

    def k(a, b):
        return np.exp(-(((a[:, None] - b[None]) ** 2).sum(-1)) / (2 * found.bandwidth**2))

    xx, yy, xy = k(x, x), k(y, y), k(x, y)
    expected = (xx.sum() - 30) / (30 * 29) + (yy.sum() - 20) / (20 * 19) - 2 * xy.mean()
    assert found.squared == pytest.approx(expected)


def test_mmd_is_seeded_and_bounded_in_rows():
    x, y = gaussian(500), gaussian(500, 0.1, seed=1)
    first, again = (kernel_mmd(x, y, max_rows=100, seed=5) for _ in range(2))
    assert first == again
    assert kernel_mmd(np.ones((5, 2)), np.ones((6, 2))).p_value == 1


def test_the_source_itself_lies_inside_its_range():
    x = gaussian(10_000)
    share, each = outside_range(x, x)
    np.testing.assert_allclose(each, 0.01, atol=1e-3)
    assert 0.03 < share < 0.041
    share, each = outside_range(x, x + np.array([0, 100, 0, 0]))
    assert share == 1
    assert each[1] == 1


@pytest.mark.parametrize("function", [frechet_distance, kernel_mmd, outside_range])
def test_what_does_not_fit_is_refused(function):
    with pytest.raises(ValueError, match="equally many dimensions"):
        function(np.zeros((5, 2)), np.zeros((5, 3)))
    with pytest.raises(ValueError, match="at least 2 rows"):
        function(np.zeros((1, 2)), np.zeros((5, 2)))
    with pytest.raises(ValueError, match="target"):
        function(np.zeros((5, 2)), np.full((5, 2), np.nan))
