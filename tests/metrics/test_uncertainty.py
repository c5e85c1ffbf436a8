"""Intervals cover, gradients are exact, and calibration tells noise from encoding."""

import itertools

import numpy as np
import pytest

from dviz.metrics.association import associate, group_covariance
from dviz.metrics.calibration import calibrate, pair_signal, table_signal
from dviz.metrics.intervals import coverage
from dviz.metrics.omes import multiple_encoding_scores, omes, overlap_scores
from dviz.metrics.pairs import associate_pairs
from dviz.metrics.suite import evaluate_all
from dviz.metrics.uncertainty import Uncertain, cell_intervals, pooled_gradients
from tests.metrics.tables import codes_of, grid, uniform

POOLINGS = ("avg", "max")


@pytest.mark.parametrize("pooling", POOLINGS)
def test_gradients_are_those_of_the_scores(pooling):
    S = np.random.default_rng(0).uniform(0.1, 0.9, (5, 3))
    found = pooled_gradients(S, overlap_scores(S), multiple_encoding_scores(S), pooling)
    step = 1e-6
    for gradient, part in zip(found, ("modularity", "compactness"), strict=True):
        for d, k in itertools.product(range(5), range(3)):
            moved = [S.copy(), S.copy()]
            moved[0][d, k] += step
            moved[1][d, k] -= step
            up, down = (omes(m, pooling=pooling).per_factor for m in moved)
            for j in range(3):
                slope = (up[str(j)][part] - down[str(j)][part]) / (2 * step)
                assert gradient[j, d, k] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("design", ["many pairs", "few pairs", "grouped photographs"])
@pytest.mark.parametrize("kind", ["pairs", "labels"])
def test_intervals_cover_the_score_of_infinitely_many_pairs(design, kind):
    for pooling, share in coverage(design, kind, trials=100, seed=1).items():
        assert 0.88 <= share <= 1.0, pooling  # of 100, a true 95% gives 89 to 100


def test_errors_are_as_wide_as_what_repeats_scatter():
    factors = grid((6, 8, 10))
    codes = codes_of("tangled", factors)
    codes += np.random.default_rng(1).normal(size=codes.shape)
    rng = np.random.default_rng(2)
    scores, errors = [], []
    for _ in range(150):
        first, second = zip(*(pair_rows(factors, codes, j, rng) for j in range(3)), strict=True)
        found = associate_pairs(first, second)
        result = omes(found.matrix)
        scores.append(result.omes)
        errors.append(result.uncertainty(found.covariance).omes.error)
    assert np.mean(errors) == pytest.approx(np.std(scores, ddof=1), rel=0.25)


def pair_rows(factors, codes, j, rng, count=400):
    """Codes of `count` pairs that differ in factor j of a grid alone."""
    sizes = factors.max(axis=0) + 1
    rows = rng.integers(len(factors), size=count)
    other = factors[rows].copy()
    other[:, j] = (other[:, j] + rng.integers(1, sizes[j], size=count)) % sizes[j]
    return codes[rows], codes[np.ravel_multi_index(tuple(other.T), sizes)]


def test_an_interval_stays_in_range_and_moves_against_the_bias():
    assert Uncertain(0.5, 0.1).interval == pytest.approx((0.304, 0.696), abs=1e-3)
    low, high = Uncertain(0.5, 0.1, bias=-0.1).interval
    assert (low + high) / 2 == pytest.approx(0.55)
    assert high - low > 0.392
    assert Uncertain(0.99, 0.1).interval[1] == 1


def test_a_score_without_covariance_has_no_interval():
    factors = grid((10, 10, 10))
    codes = codes_of("tangled", factors)
    result = omes(associate(codes, factors).matrix)
    covariance = group_covariance(codes, factors)
    assert result.uncertainty(covariance).omes.error > 0
    covariance[1] = np.nan
    assert result.uncertainty(covariance) is None
    with pytest.raises(ValueError, match="covariance must be"):
        result.uncertainty(covariance[:1])


def test_pairs_that_never_differ_have_no_error():
    rng = np.random.default_rng(0)
    same = rng.normal(size=(200, 2))
    found = associate_pairs([same, same], [same, rng.normal(size=(200, 2))])
    np.testing.assert_allclose(found.covariance[0], 0, atol=1e-20)
    low, high = cell_intervals(found.matrix, found.covariance)
    np.testing.assert_allclose((low[:, 0], high[:, 0]), 0, atol=1e-9)
    assert (low[:, 1] > 0.7).all()


DESIGNS = {
    "dense": ((6, 8, 10, 12), 3000),
    "sparse": ((10, 10, 12, 5), 900),
    "photographs": ((20, 24, 9, 5), 4000),
    "repeated rows": ((5, 6, 7), 3000),
    "two values": ((2, 3, 25, 8), 900),
}


@pytest.mark.parametrize("design", DESIGNS)
def test_noise_scores_nothing_and_a_perfect_code_all(design):
    sizes, rows = DESIGNS[design]
    factors = uniform(rows, sizes)
    rng = np.random.default_rng(1)
    for pooling in POOLINGS:

        def calibrated(codes, pooling=pooling):
            found = evaluate_all(codes, factors, metrics="omes", pooling=pooling)["omes"]
            return found["calibrated"]["omes"]

        assert calibrated(rng.normal(size=(rows, 6))) <= 0.05
        assert calibrated(factors.astype(float)) >= 0.98
        spare = rng.normal(size=(rows, 3))
        assert calibrated(np.hstack([factors, spare])) >= 0.98


@pytest.mark.parametrize("count", [150, 5000])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_so_do_drawn_pairs(count, pooling):
    sizes, rng = (6, 8, 10, 12), np.random.default_rng(2)
    perfect, noise = ([], []), ([], [])
    for j, size in enumerate(sizes):
        first = rng.integers(0, sizes, size=(count, len(sizes)))
        second = first.copy()
        second[:, j] = (first[:, j] + rng.integers(1, size, count)) % size
        for side, labels in enumerate((first, second)):
            perfect[side].append(labels.astype(float))
            noise[side].append(rng.normal(size=(count, 6)))

    def calibrated(pairs):
        found = associate_pairs(*pairs)
        same = rng.normal(size=(2, 1000, found.matrix.shape[0])) if pairs is noise else None
        r = np.ones(len(sizes)) if same is None else (same[0] * same[1]).mean(axis=0)
        return omes(calibrate(found.correlation, pair_signal(r, 1000), sizes), 0.5, pooling).omes

    assert calibrated(noise) <= 0.05
    assert calibrated(perfect) >= 0.98


@pytest.mark.parametrize("apart", [9, 3, 1])
def test_labels_that_go_together_make_no_mixture_a_disentangled_code(apart):
    """Where two factors are nearly the same, pairs that differ in one alone are hardly apart."""
    rng = np.random.default_rng(0)
    a = rng.integers(10, size=4000)
    near = np.clip(a + rng.integers(-apart, apart + 1, size=4000), 0, 9)
    b = rng.integers(10, size=4000) if apart == 9 else near
    factors = np.column_stack([a, b, rng.integers(12, size=4000)])
    codes = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    mixed = np.column_stack(
        [codes[:, 0] + codes[:, 1], codes[:, 0] + 1.1 * codes[:, 1], codes[:, 2]]
    )

    def calibrated(codes):
        found = associate(codes, factors)
        signal = table_signal(codes, factors, found.correlation, found.pairs)
        return omes(calibrate(found.correlation, signal, [10, 10, 12])).omes

    assert calibrated(codes) > 0.97
    assert calibrated(mixed) == pytest.approx(0.555, abs=0.02)


def test_calibration_takes_off_noise_and_ceiling():
    # Half of the variance is noise; a factor of 3 values moves all of the signal, the other none.
    np.testing.assert_allclose(calibrate([[-0.25, 0.5]], [0.5], [3, 9]), [[1.0, 0.0]])
    assert np.isnan(calibrate([[np.nan, 0.5]], [0.5], [3, 9])[0, 0])


def test_signal_of_repeats_is_the_share_that_is_not_noise():
    factors = np.repeat(grid((5, 6, 7)), 3, axis=0)
    rng = np.random.default_rng(0)
    codes = np.stack([factors[:, 0] / 2**0.5, rng.normal(size=len(factors))], axis=1)
    codes[:, 0] += rng.normal(size=len(factors))
    found = associate(codes, factors)
    signal = table_signal(codes, factors, found.correlation, found.pairs)
    assert signal == pytest.approx([0.5, 0], abs=0.05)
    assert pair_signal([0.5, 0.01], 1000).tolist() == [0.5, 0]
