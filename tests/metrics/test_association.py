from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dviz.metrics import association, pairs
from tests.metrics.tables import codes_of, grid, uniform

PAIRINGS = 200
# What holds exactly holds for any number of pairs.
associate = partial(association.associate, min_pairs=2)
association_matrix = partial(association.association_matrix, min_pairs=2)
associate_pairs = partial(pairs.associate_pairs, min_pairs=2)
AssociationAccumulator = partial(association.AssociationAccumulator, min_pairs=2)


def irregular_table(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A grid with missing cells, unequal groups and duplicate label rows; noisy mixed codes."""
    rng = np.random.default_rng(seed)
    factors = grid(rng.integers(2, 6, size=rng.integers(2, 4)))
    factors = factors[rng.random(len(factors)) < rng.uniform(0.6, 1)]
    factors = np.repeat(factors, rng.integers(1, 4, size=len(factors)), axis=0)
    factors = factors[rng.permutation(len(factors))]
    codes = factors @ rng.normal(size=(factors.shape[1], 3))
    return codes + rng.normal(size=codes.shape) + rng.normal(size=3) * 10, factors


def pairing_moments(codes, factors, j, rng) -> np.ndarray:
    """Sums over the pairs of `PAIRINGS` independent random pairings of factor j.

    The study's procedure in the plainest terms: for each distinct label row, the distinct rows
    that agree on all other factors, each stood for by one of its duplicates, shuffled and split
    into two halves. Returns pairs, Σ(x+y)/2, Σ(x²+y²)/2, Σxy per pairing, (4, PAIRINGS, D).
    """
    sums = np.zeros((4, PAIRINGS, codes.shape[1]))
    for label in np.unique(factors, axis=0):
        rest = np.delete(factors, j, axis=1)
        agree = (rest == np.delete(label, j)).all(axis=1)
        cells = [np.flatnonzero(agree & (factors[:, j] == v)) for v in np.unique(factors[agree, j])]
        half = len(cells) // 2
        if half == 0:
            continue
        drawn = np.stack([rng.choice(cell, PAIRINGS) for cell in cells], axis=1)
        drawn = rng.permuted(drawn, axis=1)
        x, y = codes[drawn[:, :half]], codes[drawn[:, half : 2 * half]]
        parts = [np.ones_like(x), (x + y) / 2, (x**2 + y**2) / 2, x * y]
        sums += [part.sum(axis=1) for part in parts]
    return sums


def association_of(sums: np.ndarray) -> np.ndarray:
    """S from summed moments (4, ..., D)."""
    mean, square, cross = sums[1:] / sums[0]
    return 1 - np.abs((cross - mean**2) / (square - mean**2))


def pairing_errors(seed: int) -> np.ndarray:
    """(closed form - random pairing) / standard error, for every dimension and factor."""
    codes, factors = irregular_table(seed)
    closed, rng = association_matrix(codes, factors), np.random.default_rng(seed + 1)
    errors = []
    for j in np.flatnonzero(~np.isnan(closed[0])):
        sums = pairing_moments(codes - codes.mean(axis=0), factors, j, rng)
        total = sums.sum(axis=1)
        without_one = association_of(total[:, None] - sums)
        spread = (PAIRINGS - 1) * without_one.var(axis=0)  # jackknife variance of the pooled S
        errors.append((closed[:, j] - association_of(total)) / np.sqrt(spread + 1e-18))
    return np.concatenate(errors) if errors else np.zeros(0)


# --- invariants -----------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_closed_form_is_the_mean_of_random_pairings(seed):
    errors = pairing_errors(seed)
    # 2 standard errors hold 95% of the time; a dozen entries a table need room for the tail.
    assert (np.abs(errors) <= 5).all()


def test_closed_form_is_within_two_standard_errors_of_random_pairings():
    errors = np.concatenate([pairing_errors(seed) for seed in range(50)])
    assert len(errors) > 300
    assert (np.abs(errors) <= 2).mean() > 0.93
    assert abs(errors.mean()) < 0.2


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_invariances(seed):
    codes, factors = irregular_table(seed)
    rng = np.random.default_rng(seed)
    S = association_matrix(codes, factors)
    rows, dims = rng.permutation(len(codes)), rng.permutation(codes.shape[1])
    columns = rng.permutation(factors.shape[1])
    np.testing.assert_allclose(association_matrix(codes[rows], factors[rows]), S, atol=1e-9)
    np.testing.assert_allclose(association_matrix(codes[:, dims], factors), S[dims], atol=1e-9)
    np.testing.assert_allclose(
        association_matrix(codes, factors[:, columns]), S[:, columns], atol=1e-9
    )
    np.testing.assert_allclose(association_matrix(1000 - 3 * codes, factors), S, atol=1e-9)
    relabelled = rng.permutation(10**6)[factors] - 500_000
    np.testing.assert_allclose(association_matrix(codes, relabelled), S, atol=1e-9)
    assert ((np.isnan(S)) | ((S >= 0) & (S <= 1))).all()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 7))
def test_shards_in_any_order_give_the_whole(seed, shards):
    codes, factors = irregular_table(seed)
    rng = np.random.default_rng(seed)
    whole = associate(codes, factors)
    parts = [AssociationAccumulator() for _ in range(shards)]
    owner = rng.integers(shards, size=len(codes))
    for row in range(0, len(codes), 3):
        for k in range(shards):
            mine = np.arange(row, min(row + 3, len(codes)))[owner[row : row + 3] == k]
            if len(mine):
                parts[k].update(codes[mine], factors[mine])
    total = AssociationAccumulator()
    for k in rng.permutation(shards):
        total.merge(parts[k])
    merged = total.summary()
    np.testing.assert_allclose(merged.matrix, whole.matrix, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(merged.pairs, whole.pairs)
    np.testing.assert_array_equal(merged.groups, whole.groups)
    assert merged.reasons == whole.reasons


def test_shards_without_duplicates_agree_bit_for_bit():
    factors = grid((5, 4, 3, 6))
    codes = np.random.default_rng(0).normal(size=(len(factors), 4))
    whole = association_matrix(codes, factors)
    for seed in range(5):
        shards = np.array_split(np.random.default_rng(seed).permutation(len(codes)), 4)
        total = AssociationAccumulator()
        for rows in shards:
            total.merge(AssociationAccumulator().update(codes[rows], factors[rows]))
        np.testing.assert_array_equal(total.compute(), whole)


def test_merging_leaves_the_other_as_it_was():
    codes, factors = irregular_table(3)
    left = AssociationAccumulator().update(codes[::2], factors[::2])
    right = AssociationAccumulator().update(codes[1::2], factors[1::2])
    before = right.compute()
    left.merge(right)
    np.testing.assert_array_equal(right.compute(), before)


def test_an_offset_costs_no_digits():
    codes, factors = irregular_table(5)
    S = association_matrix(codes, factors)
    shifted = AssociationAccumulator()
    for rows in np.array_split(np.arange(len(codes)), 5):
        shifted.update(codes[rows] + 1e6, factors[rows])
    np.testing.assert_allclose(shifted.compute(), S, atol=1e-6)


# --- known answers --------------------------------------------------------------------------------


def test_a_code_of_one_factor_reacts_to_it_alone():
    factors = grid((6, 5, 4))
    S = association_matrix(factors, factors)
    # Partners differ in the factor by construction: the correlation is -1 / (g - 1).
    np.testing.assert_allclose(np.diag(S), 1 - 1 / (np.array([6, 5, 4]) - 1))
    assert S[~np.eye(3, dtype=bool)] == pytest.approx(0, abs=1e-12)


def test_noise_reacts_to_everything():
    factors = grid((10, 10, 10))
    noise = np.random.default_rng(0).normal(size=(len(factors), 2))
    assert (association_matrix(noise, factors) > 0.85).all()


def test_duplicates_with_equal_codes_change_nothing():
    factors = grid((4, 3, 5))
    codes = np.random.default_rng(0).normal(size=(len(factors), 3))
    rows = np.r_[np.arange(len(factors)), np.random.default_rng(1).integers(len(factors), size=99)]
    np.testing.assert_allclose(
        association_matrix(codes[rows], factors[rows]), association_matrix(codes, factors)
    )


def test_a_constant_dimension_reacts_to_nothing():
    factors = grid()
    codes = np.stack([factors[:, 0], np.full(len(factors), 0.1)], axis=1)
    np.testing.assert_array_equal(association_matrix(codes, factors)[1], 0)


def test_pairs_and_table_agree_where_both_are_to_be_had():
    factors = grid((8, 7, 9))
    codes = codes_of("tangled", factors)
    rng = np.random.default_rng(0)
    first, second = [], []
    for j, size in enumerate((8, 7, 9)):
        rows = rng.integers(len(factors), size=20_000)
        other = factors[rows].copy()
        other[:, j] = (other[:, j] + rng.integers(1, size, size=len(rows))) % size
        first.append(codes[rows])
        second.append(codes[np.ravel_multi_index(other.T, (8, 7, 9))])
    S = associate_pairs(first, second).matrix
    np.testing.assert_allclose(S, association_matrix(codes, factors), atol=0.03)


def test_pairs_where_a_dimension_never_or_always_moves():
    steady, flipped = np.zeros((5, 1)), np.ones((5, 1))
    S = associate_pairs([steady, steady, steady[:1]], [steady, flipped, flipped[:1]])
    np.testing.assert_array_equal(S.matrix, [[0, 1, np.nan]])


def test_a_single_factor_has_no_association_not_even_of_noise():
    rng = np.random.default_rng(0)
    found = associate(rng.normal(size=(500, 3)), rng.integers(0, 10, (500, 1)))
    assert np.isnan(found.matrix).all()
    assert "only factor" in found.reasons[0]


def test_a_column_of_identifiers_is_named_as_what_leaves_no_pairs():
    factors = np.argwhere(np.ones((8, 9, 10)))
    numbered = np.column_stack([factors, np.arange(len(factors))])
    *others, own = associate(factors * 1.0, numbered).reasons
    assert all(
        "factor 3 (counted from 0) has 720 values in 720 rows of labels" in why for why in others
    )
    assert "it has 720 values in 720 rows of labels; leave it out or bin it" in own


def test_too_few_pairs_are_nan_with_a_reason():
    factors = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [2, 2, 0], [3, 3, 0]])
    found = associate(np.random.default_rng(0).normal(size=(6, 2)), factors)
    assert found.pairs.tolist() == [2, 2, 0]
    assert np.isnan(found.matrix).all(axis=0).tolist() == [False, False, True]
    assert found.reasons[:2] == (None, None)
    assert "one value" in found.reasons[2]
    one_pair = associate(np.zeros((3, 1)), [[0, 0], [1, 0], [2, 1]])
    assert "only one pair" in one_pair.reasons[0]
    assert "denser sample" in one_pair.reasons[0]
    assert "no two rows" in one_pair.reasons[1]


def test_below_a_hundred_pairs_nothing_is_said():
    factors = grid((10, 4, 5))
    found = association.associate(factors, factors)
    assert found.pairs.tolist() == [100, 100, 80]
    assert np.isnan(found.matrix).any(axis=0).tolist() == [False, False, True]
    assert "only 80 pairs" in found.reasons[2]
    few = pairs.associate_pairs([np.eye(99)], [np.eye(99)])
    assert np.isnan(few.matrix).all()


def test_labels_may_be_far_apart():
    factors = grid((4, 3, 5))
    codes = codes_of("tangled", factors)
    wide = factors * (2**60) - 2**61
    np.testing.assert_array_equal(
        association_matrix(codes, wide), association_matrix(codes, factors)
    )


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        ([[np.nan], [0.0]], [[0], [1]], "finite, got nan at row 0, dimension 0"),
        ([[0.0], [np.inf]], [[0], [1]], "finite, got inf at row 1"),
        ([[0.0], [1.0]], [[0]], "a row for each of the 2 codes, got 1"),
        ([0.0, 1.0], [[0], [1]], r"\(N, D\)"),
        ([[0.0], [1.0]], [0, 1], r"\(N, F\)"),
        (np.zeros((0, 2)), np.zeros((0, 1), int), r"N, D >= 1"),
        ([[0.0], [1.0]], [[0.5], [1.0]], "whole class indices, got 0.5"),
        ([[0.0], [1.0]], [["cube"], ["ball"]], "class indices, got dtype"),
        ([["a"], ["b"]], [[0], [1]], "must hold numbers"),
    ],
)
def test_bad_arrays(codes, factors, message):
    with pytest.raises(ValueError, match=message):
        association_matrix(codes, factors)


def test_whole_floats_are_labels():
    factors = uniform(200)
    codes = codes_of("tangled", factors)
    np.testing.assert_array_equal(
        association_matrix(codes, factors.astype(np.float32)), association_matrix(codes, factors)
    )


def test_an_accumulator_without_rows_or_with_another_shape():
    with pytest.raises(ValueError, match="never called"):
        AssociationAccumulator().compute()
    total = AssociationAccumulator().update([[0.0]], [[0, 1]])
    with pytest.raises(ValueError, match=r"\(1, 2\), got \(2, 2\)"):
        total.update([[0.0, 1.0]], [[0, 1]])


def test_pairs_that_do_not_match():
    with pytest.raises(ValueError, match="one array per factor"):
        associate_pairs([np.zeros((3, 2))], [])
    with pytest.raises(ValueError, match="pairs of factor 0"):
        associate_pairs([np.zeros((3, 2))], [np.zeros((4, 2))])
