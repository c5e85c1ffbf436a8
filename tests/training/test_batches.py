"""What a step learns from."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dviz.data import load_dataset
from dviz.training.batches import draw_batch, labelled_images, targets_of
from dviz.training.config import TrainingConfig
from dviz.training.processes import Processes

CONFIG = TrainingConfig(steps=1, batch_size=64, labelled_images=32, cyclic_dimensions=2)


@pytest.fixture(scope="module")
def sprites():
    return load_dataset("color-dsprites")


def test_every_tied_dimension_has_a_target_of_mean_0_and_variance_1(sprites):
    classes = sprites.space.sample(20_000, np.random.default_rng(0))
    for dimensions, count in ((1, 6), (2, 7)):
        found = targets_of(sprites, classes, replace(CONFIG, cyclic_dimensions=dimensions))
        assert found.shape == (20_000, count)
        torch.testing.assert_close(found.mean(0), torch.zeros(count), atol=0.05, rtol=0)
        torch.testing.assert_close(found.var(0), torch.ones(count), atol=0.05, rtol=0)
    circle = found[:, 3:5].square().sum(1)
    torch.testing.assert_close(circle, torch.full_like(circle, 2.0))


def test_an_unknown_label_has_no_target(sprites):
    found = targets_of(sprites, np.array([[2, -1, 3, 0, 5, 6]]), CONFIG)
    assert torch.isnan(found).tolist() == [[False, True, False, False, False, False, False]]


def test_with_labels_an_orientation_changes_with_the_shape(sprites):
    def changed(**settings):
        config = replace(CONFIG, k=1, **settings)
        labelled = labelled_images(sprites, config)
        batch = draw_batch(sprites, config, 0, 10, "cpu", Processes(), labelled)
        return batch.changed[batch.changed[:, 1]]

    assert changed().float().mean(0)[3] > 0.8
    assert not changed(labelled_images=0)[:, 3].any()


def test_pairs_whose_changes_are_told_from_posteriors_share_something(sprites):
    def shared(**settings):
        config = replace(CONFIG, batch_size=200, labelled_images=0, **settings)
        batch = draw_batch(sprites, config, 0, 10, "cpu", Processes(), None)
        return (~batch.changed).sum(1)

    assert (shared(supervision="adaptive") > 0).all()
    assert (shared(supervision="labels", labelled=0.1) > 0).all()
    assert (shared(supervision="labels") == 0).any()
