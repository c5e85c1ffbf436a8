import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dviz.metrics.omes import (
    POOLINGS,
    associated_dimensions,
    multiple_encoding_scores,
    omes,
    overlap_scores,
)

WEAK = """.98 .09 .92 .04 .09  .76 .03 .92 .01 .01  .24 .73 0 0 0  .76 .02 .94 .01 .01
.01 0 .01 .93 0  .01 0 .01 0 .93  1 .11 .93 .04 .07  .98 .09 .89 .04 .11  .65 .49 .74 .50 .77
.97 .06 .94 .03 .07"""
UNSUPERVISED = """.14 .12 .13 .62 .63  .25 .23 .22 .52 .77  .09 .12 .05 .66 .43  .22 .16 .22 .76 .44
.22 .10 .25 .81 .52  .07 .11 .02 .65 .41  .25 .19 .21 .60 .70  .28 .13 .26 .78 .66
.22 .11 .26 .57 .70  .45 .10 .60 .72 .64"""


def matrix(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=float).reshape(10, 5)


def matrices():
    return st.integers(0, 10**6).map(
        lambda seed: np.random.default_rng(seed).random((seed % 6 + 1, seed % 4 + 1))
    )


# --- invariants -----------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(matrices(), st.floats(0, 1), st.sampled_from(POOLINGS))
def test_alpha_blends_modularity_and_compactness(S, alpha, pooling):
    result = omes(S, alpha, pooling)
    blend = alpha * result.modularity + (1 - alpha) * result.compactness
    assert result.omes == pytest.approx(blend)
    assert 0 <= result.omes <= 1
    parts = result.per_factor.values()
    assert np.mean([part["omes"] for part in parts]) == pytest.approx(result.omes)
    assert omes(S, 1, pooling).omes == pytest.approx(result.modularity)
    assert omes(S, 0, pooling).omes == pytest.approx(result.compactness)


@settings(max_examples=30, deadline=None)
@given(matrices(), st.integers(0, 10**6))
def test_order_is_of_no_matter(S, seed):
    rng = np.random.default_rng(seed)
    shuffled = S[rng.permutation(len(S))][:, rng.permutation(S.shape[1])]
    for pooling in POOLINGS:
        assert omes(shuffled, 0.3, pooling).omes == pytest.approx(omes(S, 0.3, pooling).omes)


@settings(max_examples=30, deadline=None)
@given(matrices())
def test_scores_are_what_the_formulas_say(S):
    D, F = S.shape
    os, mes = overlap_scores(S), multiple_encoding_scores(S)
    for d in range(D):
        for j in range(F):
            own_factor, own_dimension = np.arange(F) == j, np.arange(D) == d
            assert os[d, j] == pytest.approx(1 - np.abs(own_factor - S[d]).mean())
            assert mes[d, j] == pytest.approx(1 - np.abs(own_dimension - S[:, j]).mean())


def test_an_inactive_dimension_counts_for_nothing():
    S = np.random.default_rng(0).random((4, 3))
    active = np.array([True, False, True, True])
    with_it, without = omes(S, active=active), omes(S[active])
    assert with_it.omes == pytest.approx(without.omes)
    assert with_it.active == (0, 2, 3)
    numbering = [0, 2, 3]
    for name, part in with_it.per_factor.items():
        dimension = numbering[without.per_factor[name]["associated_dimension"]]
        assert part["associated_dimension"] == dimension


# --- the published matrices and plain cases -------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pooling", "published"),
    [
        (WEAK, "avg", 0.529),
        (WEAK, "max", 0.725),
        (UNSUPERVISED, "avg", 0.235),
        (UNSUPERVISED, "max", 0.349),
    ],
)
def test_published_matrices(text, pooling, published):
    assert omes(matrix(text), pooling=pooling).omes == pytest.approx(published, abs=0.001)


def test_perfect_and_uninformative_matrices():
    for pooling in POOLINGS:
        assert omes(np.eye(4), pooling=pooling).omes == 1
        assert omes(np.zeros((4, 3)), pooling=pooling).omes == 0
        all_ones = omes(np.ones((4, 3)), pooling=pooling)
        assert all_ones.modularity == pytest.approx(1 / 3)
        assert all_ones.compactness == pytest.approx(1 / 4)


def test_duplicating_costs_compactness_and_mixing_costs_modularity():
    perfect = np.eye(4, 3)
    duplicated, mixed = perfect.copy(), perfect.copy()
    duplicated[3, 0] = 1
    mixed[0, 1], mixed[1, 1] = 1, 0
    for pooling in POOLINGS:
        whole, twice, both = (omes(S, pooling=pooling) for S in (perfect, duplicated, mixed))
        assert twice.modularity == pytest.approx(whole.modularity)
        assert twice.compactness < whole.compactness - 0.05
        assert both.modularity < whole.modularity - 0.05
        assert both.compactness == pytest.approx(whole.compactness)


def test_associated_dimensions():
    assert associated_dimensions(matrix(WEAK))[1:] == [2, 3, 4, 5]
    assert associated_dimensions(np.eye(2), np.array([True, False])) == [0, 0]
    assert associated_dimensions([[np.nan, 0.5]]) == [None, 0]


def test_an_unknown_factor_is_left_out_and_says_why():
    S = np.array([[0.9, np.nan, 0.1], [0.0, np.nan, 0.8]])
    result = omes(S, names=["shape", "scale", "colour"], reasons=[None, "too few", None])
    assert result.omes == pytest.approx(omes(S[:, [0, 2]]).omes)
    part = result.per_factor["scale"]
    assert np.isnan(part["omes"])
    assert part["associated_dimension"] is None
    assert part["reason"] == "too few"
    plain = result.to_dict()
    assert plain["per_factor"]["scale"]["omes"] is None
    assert plain["association"][0] == [0.9, None, 0.1]
    json.dumps(plain, allow_nan=False)


def test_nothing_active_is_nan_with_a_reason():
    result = omes(np.eye(2), active=np.array([False, False]))
    assert np.isnan(result.omes)
    assert result.per_factor["0"]["reason"].startswith("no dimension is active")
    assert result.to_dict()["omes"] is None


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 1.5}, "alpha must be between 0 and 1, got 1.5"),
        ({"alpha": float("nan")}, "alpha"),
        ({"pooling": "mean"}, "pooling must be one of"),
        ({"names": ["a"]}, "names must be 2 different names"),
        ({"names": ["a", "a"]}, "names must be 2 different names"),
        ({"active": np.array([1, 0])}, "active must be bool"),
        ({"active": np.array([True])}, "active must be bool of shape"),
        ({"association": [[1.2, 0.0]]}, r"in \[0, 1\]"),
        ({"association": [1.0, 0.0]}, r"\(D, F\)"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        omes(**{"association": np.eye(2)} | arguments)
