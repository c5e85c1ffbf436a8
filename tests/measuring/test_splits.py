"""Probes must not profit from photographs seen in training."""

import numpy as np
import pytest

from dviz.data.base import FactorDataset
from dviz.data.info import DatasetInfo, Split
from dviz.data.registry import load_dataset
from dviz.factors import Factor, FactorSpace
from dviz.measuring.splits import outside_arc, training_rows
from dviz.metrics.probes import probe_factors
from tests.data.material import write_rgbd


class Turned(FactorDataset):
    """4 objects from 30 sides, every photograph turned by 10 angles."""

    name = "turned"
    info = DatasetInfo(name, split=Split(("object", "pose"), "pose"))

    def __init__(self):
        self.space = FactorSpace([Factor("object", 4), Factor("pose", 30), Factor("rotation", 10)])

    def render(self, classes, rng=None):
        raise NotImplementedError


def sample(n=1200):
    return Turned().space.sample(n, np.random.default_rng(0))


def test_all_images_of_a_photograph_are_on_one_side_and_two_thirds_train():
    classes = sample()
    photograph = Turned().photographs(classes)
    train = training_rows(photograph, seed=0)
    assert not np.intersect1d(photograph[train], photograph[~train]).size
    assert train.mean() == pytest.approx(2 / 3, abs=0.05)
    assert (train != training_rows(photograph, seed=1)).any()
    assert (train == training_rows(photograph, seed=0)).all()


def test_the_arc_is_a_third_of_the_circle_and_never_trained_on():
    classes = sample()
    train = outside_arc(Turned(), classes)
    assert set(classes[~train, 1]) == set(range(10))
    assert set(classes[train, 1]) == set(range(10, 30))


def test_where_rows_are_independent_nothing_is_split_anew():
    sprites = load_dataset("dsprites")
    classes = sprites.space.sample(50, np.random.default_rng(0))
    assert training_rows(sprites.photographs(classes), 0) is None
    assert outside_arc(sprites, classes) is None


def test_a_code_that_only_knows_photographs_again_tells_nothing_of_new_ones():
    classes = sample()
    photograph = Turned().photographs(classes)
    codes = np.random.default_rng(1).standard_normal((120, 3))[photograph]
    settings = {"names": ["object"], "dimensions": "all", "models": "mlp", "n_jobs": 1}

    def accuracy(train):
        found = probe_factors(codes, classes[:, :1], train=train, **settings)
        return found.per_factor["object"]["probes"]["mlp"]["all"]["accuracy"]

    assert accuracy(None) > 0.9
    assert accuracy(training_rows(photograph, 0)) < 0.45
    assert accuracy(outside_arc(Turned(), classes)) < 0.45


@pytest.mark.parametrize("count", range(1, 12))
def test_at_least_two_photographs_test_so_that_their_error_is_known(count):
    photographs = np.repeat(np.arange(count), 5)
    train = training_rows(photographs, 0)
    if count < 3:
        assert train is None
        return
    assert len(set(photographs[~train])) == max(2, count // 3)


def test_of_a_film_the_first_third_of_its_own_frames_is_held_out(tmp_path):
    write_rgbd(tmp_path, frames=6)
    for kind in ("crop", "maskcrop", "depthcrop"):  # a film of three frames
        for frame in (4, 5, 6):
            (tmp_path / f"rgbd-dataset/apple/apple_2/apple_2_1_{frame}_{kind}.png").unlink()
    dataset = load_dataset("rgbd-objects", tmp_path)
    held_out = dataset.table[~outside_arc(dataset, dataset.table)]
    short = (held_out[:, 0] == 0) & (held_out[:, 1] == 0)
    assert set(held_out[short, 2]) == {0}
    assert set(held_out[~short, 2]) == {0, 1}


@pytest.mark.parametrize("train", [np.ones(9, bool), np.zeros(9, bool), np.ones(5, bool)])
def test_a_split_that_leaves_nothing_is_refused(train):
    with pytest.raises(ValueError, match="train must say of each of 9 rows"):
        probe_factors(np.eye(9), np.arange(9)[:, None] % 2, train=train)
