import numpy as np
import pytest
import torch

from dviz.data import load_dataset
from dviz.measuring.encoder import encode_sample
from dviz.measuring.fidelity import colour_error, overlap
from dviz.models.vae import to_tensor
from dviz.representations.base import Codes, Representation, Shape


def sprites(n=8):
    return to_tensor(load_dataset("color-dsprites").sample(n, np.random.default_rng(0))[0])


def test_a_perfect_picture_overlaps_wholly_in_the_right_colour():
    x = sprites()
    assert overlap(x, x).tolist() == [1] * 8
    assert colour_error(x, x).tolist() == [0] * 8


def test_an_empty_picture_overlaps_nowhere_and_an_empty_image_says_nothing():
    x = sprites()
    assert overlap(x, torch.zeros_like(x)).tolist() == [0] * 8
    assert overlap(torch.zeros_like(x), x).isnan().all()
    assert colour_error(torch.zeros_like(x), x).isnan().all()


def test_a_square_moved_by_half_its_side_overlaps_by_a_third():
    x = torch.zeros(1, 3, 64, 64)
    x[:, 1, 10:20, 10:20] = 0.5
    moved = x.roll(5, dims=3)
    assert overlap(x, moved).item() == pytest.approx(1 / 3)
    # Half of its foreground lost half of one channel of three.
    assert colour_error(x, moved).item() == pytest.approx(0.5 / 2 / 3)


def test_the_background_counts_for_the_shape_but_not_for_the_colour():
    x = sprites()
    brighter = torch.where(x.amax(1, keepdim=True) > 0, x, 0.4)
    assert (overlap(x, brighter) < 0.2).all()
    assert colour_error(x, brighter).tolist() == [0] * 8


class Copier(Representation):
    """Paints what it has just seen, a fifth darker."""

    shape, has_decoder = Shape(2), True

    def _encode(self, images):
        self.seen = images
        return Codes(np.zeros((len(images), 2), np.float32), np.ones((len(images), 2), np.float32))

    def _decode(self, codes):
        return 0.8 * self.seen / 255


def test_a_sample_tells_both_where_images_stand_on_black():
    sample = encode_sample(Copier(), load_dataset("dsprites"), 20)
    assert sample.overlap == 1
    assert sample.colour_error == pytest.approx(0.2, abs=1e-6)


@pytest.mark.parametrize("name", ["noisy-dsprites", "shapes3d"])
def test_and_says_nothing_elsewhere(name):
    sample = encode_sample(Copier(), load_dataset(name), 4)
    assert np.isnan([sample.overlap, sample.colour_error]).all()
