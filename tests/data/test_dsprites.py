import numpy as np
import pytest

from dviz.data import load_dataset
from dviz.data.dsprites import PALETTE, draw_sprites


def inside_polygon(points, vertices):
    """Even-odd rule, edge by edge: an independent, slow answer."""
    inside = np.zeros(len(points), dtype=bool)
    x, y = points.T
    for (ax, ay), (bx, by) in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
        crosses = (ay > y) != (by > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return inside


def draw_slowly(shape, scale, orientation, pos_x, pos_y):
    """One frame by the definition, every pixel of the canvas."""
    rows, columns = np.mgrid[:64, :64] + 0.5
    dx, dy = columns - 16 - 32 * pos_x / 31, rows - 16 - 32 * pos_y / 31
    angle, size = 2 * np.pi * orientation / 39, 0.5 + 0.1 * scale
    u = (np.cos(angle) * dx - np.sin(angle) * dy) / size
    v = (np.sin(angle) * dx + np.cos(angle) * dy) / size
    if shape == 0:
        return np.maximum(abs(u), abs(v)) < 9.6
    if shape == 1:
        return (u / 12.768) ** 2 + (v / 7.216) ** 2 < 1
    t = np.linspace(-np.pi, np.pi, 128, endpoint=False)
    heart = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    outline = np.stack([9.6 * np.sin(t) ** 3, -1.4381 - 0.66226 * heart], axis=1)
    return inside_polygon(np.stack([u.ravel(), v.ravel()], 1), outline).reshape(64, 64)


def test_frames_equal_the_definition():
    rng = np.random.default_rng(0)
    latents = rng.integers([3, 6, 40, 32, 32], size=(120, 5))
    latents[:12, 3:] = np.array([(0, 0), (0, 31), (31, 0), (31, 31)] * 3)
    expected = np.stack([draw_slowly(*row) for row in latents])
    # A pixel centre may lie on an outline within rounding.
    assert (draw_sprites(latents) != expected).sum() <= 2


def test_a_sprite_is_whole_and_moves_without_changing_size():
    latents = np.array([[s, 5, 7, x, y] for s in range(3) for x in (0, 31) for y in (0, 31)])
    areas = draw_sprites(latents).sum((1, 2)).reshape(3, 4)
    assert (areas > 200).all()
    assert np.ptp(areas, axis=1).max() == 0


def test_orientation_wraps_and_scale_grows():
    first, last = draw_sprites(np.array([[2, 3, 0, 10, 10], [2, 3, 39, 10, 10]]))
    assert (first == last).all()
    areas = draw_sprites(np.array([[1, s, 0, 16, 16] for s in range(6)])).sum((1, 2))
    assert (np.diff(areas) > 0).all()


def test_colour_changes_colour_alone():
    dataset = load_dataset("color-dsprites")
    assert dataset.num_images == 5_160_960
    classes = np.array([[c, 2, 5, 20, 8, 24] for c in range(7)])
    images = dataset.render(classes)
    assert images.shape == (7, 64, 64, 3)
    assert images.dtype == np.uint8
    masks = images.any(-1)
    assert (masks == masks[0]).all()
    for image, colour in zip(images, PALETTE, strict=True):
        assert (image[masks[0]] == np.rint(255 * colour)).all()


def test_images_by_index_agree_with_their_factors():
    dataset = load_dataset("color-dsprites")
    indices = np.array([0, 17, 5_160_959])
    assert (dataset.images(indices) == dataset.render(dataset.factors(indices))).all()
    with pytest.raises(ValueError, match="out of bounds"):
        dataset.images(np.array([5_160_960]))


def test_pairs_of_one_factor_differ_in_it_alone():
    dataset = load_dataset("color-dsprites")
    first, second = dataset.sample_pairs_of(50, 0, np.random.default_rng(0))
    assert (first.any(-1) == second.any(-1)).all()
    assert (first != second).any((1, 2, 3)).all()


def test_what_has_nearly_one_angle_looks_nearly_alike():
    dataset, orientations = load_dataset("dsprites"), np.arange(39)
    for shape in range(3):
        classes = np.stack([np.array([shape, 5, turn, 16, 16]) for turn in orientations])
        frames = dataset.render(classes)[..., 0] > 0
        angles = dataset.angles(classes)[:, 2]
        apart = np.abs(np.angle(np.exp(1j * (angles[:, None] - angles))))
        both = (frames[:, None] & frames).sum((2, 3)) / (frames[:, None] | frames).sum((2, 3))
        assert both[apart < 0.2].min() > 0.8
        assert both[apart < 0.2].min() > both[apart > 3].max()
    assert np.isnan(dataset.angles(classes)[:, [0, 1, 3, 4]]).all()
