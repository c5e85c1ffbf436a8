import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from dviz.data import load_dataset
from dviz.data.arm3d import OBJECT_COLOURS, SCALES, draw
from dviz.data.isaac3d import SIZES

SHAPE, X, Y, HEIGHT, SCALE, INTENSITY, LAMP, COLOUR, WALL = range(9)


@pytest.fixture(scope="module")
def arm():
    return load_dataset("arm3d")


def vary(arm, factor, start=(0, 5, 3, 1, 3, 2, 1, 3, 0)):
    """Images (size, 64, 64, 3) that differ in one factor alone."""
    size = arm.space.sizes[factor]
    classes = np.tile(np.array(start), (size, 1))
    classes[:, factor] = np.arange(size)
    return arm.render(classes).astype(float)


def object_pixels(images):
    """Where images show the object in its last colour, a blue that nothing else has."""
    return (images[..., 2] > 2.5 * images[..., 0]) & (images[..., 2] > 40)


def test_factors_are_those_of_isaac3d_and_it_says_what_it_is(arm):
    assert dict(zip(arm.space.names, arm.space.sizes.tolist(), strict=True)) == SIZES
    assert arm.num_images == 737_280
    assert arm.origin == "procedural stand-in"


def test_the_kept_scene_with_the_object_put_in_equals_drawing_in_full(arm):
    classes = arm.space.sample(40, np.random.default_rng(0))
    assert (arm.render(classes) == draw(classes)).all()


def test_batches_equal_singles_and_repeat(arm):
    indices = np.array([737_279, 0, 4321, 0])
    images = arm.images(indices)
    assert images.shape == (4, 64, 64, 3)
    assert images.dtype == np.uint8
    assert (images == np.concatenate([arm.images(indices[i : i + 1]) for i in range(4)])).all()


@pytest.mark.parametrize("factor", range(9))
def test_every_factor_can_be_seen(arm, factor):
    first, second = arm.sample_pairs_of(16, factor, np.random.default_rng(factor))
    differ = np.abs(first.astype(int) - second).max(axis=-1) > 8
    # No fewer pixels than the smallest object has.
    assert differ.sum((1, 2)).min() >= 8


def test_the_hand_carries_the_object_along(arm):
    for factor, axis, sign in ((X, 2, 1), (Y, 1, -1)):
        shown = object_pixels(vary(arm, factor))
        places = np.array([np.nonzero(image)[axis - 1].mean() for image in shown])
        assert (np.diff(sign * places) > 2).all()


def test_scale_grows_the_object_in_place(arm):
    for shape in range(3):
        shown = object_pixels(vary(arm, SCALE, (shape, 5, 3, 1, 3, 2, 1, 3, 0)))
        assert (np.diff(shown.sum((1, 2))) > 0).all()
        assert shown.any((1, 2)).sum() == len(SCALES)


def test_intensity_brightens_and_height_lowers_the_scene(arm):
    assert (np.diff(vary(arm, INTENSITY).mean((1, 2, 3))) > 5).all()
    shown = object_pixels(vary(arm, HEIGHT))
    assert (np.diff([np.nonzero(image)[0].mean() for image in shown]) > 1).all()


def test_the_lamp_moves_brightness_from_one_side_to_the_other(arm):
    images = vary(arm, LAMP).mean(-1)
    balance = images[:, :, :32].mean((1, 2)) - images[:, :, 32:].mean((1, 2))
    assert (balance[:3] > balance[:2:-1] + 3).all()


def test_colours_of_wall_and_object_change_nothing_else(arm):
    images = vary(arm, COLOUR)
    shown = object_pixels(images)[3]
    changed = np.abs(images - images[3]).max((0, 3)) > 8
    assert not (changed & ~binary_dilation(shown, iterations=3)).any()
    assert len(np.unique(images[:, shown].mean(1).round(), axis=0)) == len(OBJECT_COLOURS)
    walls = vary(arm, WALL)
    changed = np.abs(walls - walls[0]).max((0, 3)) > 8
    assert 0.2 < changed.mean() < 0.6
    assert not changed[-10:].any()
