import os

import numpy as np
import pytest

from dviz.data import load_dataset, official_sprites
from dviz.data.official_sprites import FILE, PACKED, OfficialSprites
from dviz.errors import DatasetError
from tests.data.material import write_sprites

SIZES = (3, 2, 4, 3, 3)
COUNT = 216


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 2, (COUNT, 64, 64), dtype=np.uint8)


@pytest.fixture
def path(tmp_path, frames):
    write_sprites(tmp_path / FILE, frames, SIZES)
    return tmp_path / FILE


def test_every_frame_is_read_by_its_latents(path, frames):
    latents = np.stack(np.unravel_index(np.arange(COUNT)[::-1], SIZES), axis=1)
    for _ in range(2):  # unpacked, then from what was unpacked
        read = OfficialSprites(path, SIZES).read(latents)
        assert read.dtype == bool
        assert (read == frames[::-1]).all()
    assert path.with_name(FILE + PACKED).stat().st_size < COUNT * 512 + 200


def test_a_newer_file_is_unpacked_again(path, frames):
    OfficialSprites(path, SIZES)
    write_sprites(path, 1 - frames, SIZES)
    packed = path.with_name(FILE + PACKED)
    os.utime(packed, (1, 1))
    assert (OfficialSprites(path, SIZES).read(np.zeros((1, 5), int))[0] == 1 - frames[0]).all()
    packed.write_bytes(b"half a file")
    assert (OfficialSprites(path, SIZES).read(np.zeros((1, 5), int))[0] == 1 - frames[0]).all()


def test_where_nothing_can_be_written_frames_stay_in_memory(path, frames, monkeypatch):
    def refuse(*_):
        raise OSError("read-only")

    monkeypatch.setattr(official_sprites, "atomic_path", refuse)
    assert (OfficialSprites(path, SIZES).read(np.zeros((1, 5), int))[0] == frames[0]).all()
    assert not path.with_name(FILE + PACKED).exists()


FAMILY = (
    "dsprites", "noisy-dsprites", "white-color-dsprites", "color-dsprites",
    "noisy-color-dsprites", "texture-dsprites",
)  # fmt: skip


@pytest.mark.parametrize("name", FAMILY)
def test_the_whole_family_takes_the_official_frames(path, frames, monkeypatch, name):
    monkeypatch.setattr(official_sprites, "SIZES", SIZES)
    dataset = load_dataset(name, path.parent)
    assert dataset.origin.startswith("official file")
    assert load_dataset(name, path.parent / "elsewhere").origin.startswith("procedural twin")
    classes = np.zeros((1, len(dataset.space)), dtype=np.int64)
    classes[0, -5:] = (1, 1, 2, 0, 2)
    frame = frames[np.ravel_multi_index((1, 1, 2, 0, 2), SIZES)].astype(bool)
    image = dataset.render(classes)[0]
    assert (image[frame] > 0).all()
    if name != "texture-dsprites":
        assert (image[frame] == 255).all()
    if not dataset.info.noisy:
        assert (image[~frame] == 0).all()


def breaks(**changes):
    return lambda path, frames: write_sprites(path, frames, SIZES, **changes)


def truncate(path, frames):
    path.write_bytes(path.read_bytes()[:-2000])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "broken or only partly downloaded"),
        (lambda path, _: path.write_bytes(b""), "broken or only partly downloaded"),
        (breaks(imgs=None), "holds no array 'imgs'"),
        (breaks(latents_classes=None), "holds no array 'latents_classes'"),
        (breaks(imgs=np.zeros((COUNT, 32, 32), np.uint8)), r"\(216, 64, 64\) are expected"),
        (breaks(imgs=np.zeros((COUNT, 64, 64))), "whole numbers"),
        (breaks(imgs=np.zeros((COUNT, 64, 64), np.int64)), "not uint8"),
        (breaks(imgs=np.full((COUNT, 64, 64), 9, np.uint8)), "hold 9; 0 and 1 are expected"),
        (breaks(imgs=np.array([{}], dtype=object)), "whole numbers"),
        (breaks(latents_classes=np.zeros((COUNT, 6), int)), "not in factor order"),
    ],
)
def test_broken_files_are_named_in_one_line(path, frames, damage, message):
    damage(path, frames)
    with pytest.raises(DatasetError, match=message) as error:
        OfficialSprites(path, SIZES)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_only_what_lies_behind_the_sprite_is_noisy():
    dataset = load_dataset("noisy-color-dsprites")
    classes = dataset.space.sample(30, np.random.default_rng(0))
    plain = load_dataset("color-dsprites").render(classes)
    sprite = plain.any(-1)
    one, again, other = (dataset.render(classes, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one[sprite] == plain[sprite]).all()
    assert (other[sprite] == plain[sprite]).all()
    background = one[~sprite]
    assert (background != other[~sprite]).mean() > 0.99
    shares = np.bincount(background.ravel(), minlength=256) / background.size * 256
    assert np.abs(shares - 1).max() < 0.1
    # Channels of a pixel, and neighbours, are independent.
    assert np.abs(np.corrcoef(background.T) - np.eye(3)).max() < 0.02


def test_drawing_twice_from_one_generator_gives_other_noise():
    dataset, rng = load_dataset("noisy-dsprites"), np.random.default_rng(0)
    classes = np.zeros((1, 5), dtype=np.int64)
    assert (dataset.render(classes, rng) != dataset.render(classes, rng)).any()


def test_colour_images_never_change():
    """Training runs resume on them, so the pictures that a seed gives are fixed."""
    images, _ = load_dataset("color-dsprites").sample(64, np.random.default_rng(7))
    weights = np.arange(images.size, dtype=np.uint64).reshape(images.shape) % 65_521
    assert int((images * weights).sum()) == 222204282276
