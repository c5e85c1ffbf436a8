import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dviz.factors import Factor, FactorSpace

SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=5)


def space_of(sizes):
    return FactorSpace([Factor(f"factor {i}", size) for i, size in enumerate(sizes)])


@given(SIZES)
def test_index_and_classes_are_inverse(sizes):
    space = space_of(sizes)
    indices = np.arange(space.num_combinations)
    classes = space.classes(indices)
    assert (space.index(classes) == indices).all()
    assert (classes >= 0).all()
    assert (classes < space.sizes).all()
    assert len(np.unique(classes, axis=0)) == len(indices)


@given(SIZES.filter(lambda sizes: max(sizes) > 1), st.integers(0, 99))
def test_pairs_differ_exactly_where_they_say(sizes, seed):
    space = space_of(sizes)
    for k in ["uniform", *range(1, len(space.varying) + 1)]:
        first, second, changed = space.sample_pairs(20, np.random.default_rng(seed), k)
        assert ((first != second) == changed).all()
        counts = changed.sum(1)
        assert (counts >= 1).all() if k == "uniform" else (counts == k).all()
        assert (second < space.sizes).all()


def test_changed_values_are_uniform_over_the_others():
    space = space_of([4])
    first, second, _ = space.sample_pairs(30_000, np.random.default_rng(0))
    counts = np.bincount((second - first)[:, 0] % 4, minlength=4)
    assert counts[0] == 0
    assert np.abs(counts[1:] / 10_000 - 1).max() < 0.05


def test_uniform_k_draws_every_number_of_factors_and_every_factor_equally():
    _, _, changed = space_of([3] * 5).sample_pairs(20_000, np.random.default_rng(0), "uniform")
    assert np.abs(np.bincount(changed.sum(1), minlength=6)[1:] / 4_000 - 1).max() < 0.1
    assert np.ptp(changed.mean(0)) < 0.02


def test_same_seed_same_pairs():
    space = space_of([3, 5, 2])
    first, second = (space.sample_pairs(50, np.random.default_rng(7), "uniform") for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("k", [0, 4, -1, "some", 1.5])
def test_impossible_k_is_refused(k):
    with pytest.raises(ValueError, match="allowed are 'uniform' and 1 to 3"):
        space_of([2, 2, 2, 1]).sample_pairs(5, np.random.default_rng(0), k)


def test_odd_factors_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Factor("shape", 0)
    with pytest.raises(ValueError, match="size 3 but 1 values"):
        Factor("shape", 3, ("square",))
    with pytest.raises(ValueError, match="unique"):
        FactorSpace([Factor("a", 2), Factor("a", 3)])


def test_labels():
    assert Factor("shape", 2, ("square", "heart")).label(1) == "heart"
    assert Factor("position", 32).label(5) == "5"


def test_a_cyclic_factor_may_own_two_dimensions():
    space = FactorSpace([Factor("shape", 3), Factor("angle", 8, cyclic=True), Factor("scale", 6)])
    assert space.ties() == (0, 1, 2)
    assert space.ties(2) == (0, 1, 1, 2)
