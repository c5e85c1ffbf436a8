import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dviz.data.table import UNKNOWN, TableDataset
from dviz.errors import DatasetError
from dviz.factors import Factor, FactorSpace


class Table(TableDataset):
    """Images that show the number of their row."""

    name = "table"

    def images(self, indices, rng=None):
        rows = np.asarray(indices, dtype=np.uint8)
        return np.broadcast_to(rows[:, None, None, None], (len(rows), 64, 64, 3))


def table_of(rows, sizes=(3, 3, 2)):
    space = FactorSpace([Factor(f"factor {j}", size) for j, size in enumerate(sizes)])
    return Table(space, np.array(rows, dtype=np.int64).reshape(-1, len(sizes)))


ROWS = st.lists(
    st.tuples(st.integers(-1, 2), st.integers(-1, 2), st.integers(-1, 1)), min_size=2, max_size=30
)


@given(ROWS, st.sampled_from([1, 2, 3, "uniform"]), st.integers(0, 9))
def test_pairs_differ_in_exactly_k_known_factors_or_there_are_none(rows, k, seed):
    dataset = table_of(rows)
    known = dataset.table[(dataset.table >= 0).all(1)]
    counts = (known[:, None] != known).sum(-1)
    possible = (counts > 0).any() if k == "uniform" else (counts == k).any()
    if not possible:
        with pytest.raises(DatasetError, match="no two fully labelled images that differ in"):
            dataset.sample_pairs(5, np.random.default_rng(seed), k)
        return
    first, second, changed = dataset.sample_pairs(40, np.random.default_rng(seed), k)
    a, b = (dataset.table[images[:, 0, 0, 0]] for images in (first, second))
    assert ((a != b) == changed).all()
    assert (a >= 0).all()
    assert (b >= 0).all()
    assert (changed.sum(1) >= 1).all() if k == "uniform" else (changed.sum(1) == k).all()


@given(ROWS, st.integers(0, 2))
def test_pairs_of_one_factor_differ_in_it_alone_or_there_are_none(rows, factor):
    dataset, rng = table_of(rows), np.random.default_rng(0)
    known = dataset.table[(dataset.table >= 0).all(1)]
    alone = (known[:, None] != known) == (np.arange(3) == factor)
    if not alone.all(-1).any():
        with pytest.raises(DatasetError, match=f"'factor {factor}' alone"):
            dataset.sample_pairs_of(5, factor, rng)
        return
    first, second = (x[:, 0, 0, 0] for x in dataset.sample_pairs_of(20, factor, rng))
    differ = dataset.table[first] != dataset.table[second]
    assert (differ == (np.arange(3) == factor)).all()


def test_a_rare_partner_is_found():
    rows = [(0, 0, 0)] * 250 + [(1, 0, 0), (2, 2, 1)]
    first, second, changed = table_of(rows).sample_pairs(3, np.random.default_rng(0), 3)
    assert {*first[:, 0, 0, 0], *second[:, 0, 0, 0]} > {251}
    assert changed.all()


def test_images_are_drawn_uniformly_and_know_their_labels():
    dataset = table_of([(0, 0, 0), (0, 0, 0), (1, -1, 1), (2, 2, -1)])
    images, classes = dataset.sample(8_000, np.random.default_rng(0))
    rows = images[:, 0, 0, 0]
    assert np.abs(np.bincount(rows) / 2_000 - 1).max() < 0.1
    assert (classes == dataset.table[rows]).all()
    assert (rows == dataset.sample_indices(8_000, np.random.default_rng(0))).all()
    assert not dataset.is_grid
    assert dataset.num_images == 4


def test_images_are_found_by_their_labels():
    dataset = table_of([(0, 1, 0), (2, 2, 1), (2, 2, 1)])
    assert dataset.render(np.array([(2, 2, 1), (0, 1, 0)]))[:, 0, 0, 0].tolist() == [1, 0]
    found = dataset.render(np.array([(2, 2, 1)] * 50), np.random.default_rng(0))[:, 0, 0, 0]
    assert set(found.tolist()) == {1, 2}
    with pytest.raises(DatasetError, match="table has no image with factor 0 1, factor 1 1"):
        dataset.render(np.array([(1, 1, 1)]))


def test_without_factors_there_are_images_but_no_pairs():
    dataset = Table(FactorSpace([]), np.empty((5, 0), dtype=np.int64))
    assert dataset.sample(3, np.random.default_rng(0))[1].shape == (3, 0)
    with pytest.raises(DatasetError, match="--supervision none"):
        dataset.sample_pairs(2, np.random.default_rng(0), "uniform")


def test_tables_that_do_not_fit_and_odd_k_are_refused():
    with pytest.raises(ValueError, match="outside of the factors' sizes"):
        table_of([(3, 0, 0)])
    with pytest.raises(ValueError, match=r"expected \(N, 1\)"):
        Table(FactorSpace([Factor("a", 2)]), np.zeros((4, 2), dtype=np.int64))
    with pytest.raises(ValueError, match="allowed are 'uniform' and 1 to 3"):
        table_of([(0, 0, 0), (1, 0, 0)]).sample_pairs(1, np.random.default_rng(0), 4)
    assert UNKNOWN == -1
