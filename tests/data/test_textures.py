import numpy as np
import pytest
from PIL import Image

from dviz.data import load_dataset, textures
from dviz.data.textures import procedural_textures
from dviz.errors import DatasetError


def test_texture_and_colour_fill_the_sprite_and_nothing_else():
    dataset = load_dataset("texture-dsprites")
    assert dataset.space.names[:3] == ("texture", "colour", "shape")
    assert dataset.num_images == 5 * 5_160_960
    classes = np.array([[t, c, 0, 5, 0, 16, 16] for t in range(5) for c in range(7)])
    images = dataset.render(classes).reshape(5, 7, 64, 64, 3).astype(int)
    plain = load_dataset("color-dsprites").render(classes[:7, 1:]).astype(int)
    masks = images.any(-1)
    assert (masks == plain.any(-1)[0]).all()
    fills = dataset.textures.astype(int)
    for t, texture in enumerate(fills):
        assert np.abs(images[t] - plain * texture[..., None] / 255).max() <= 1


def test_the_five_patterns_are_seeded_and_far_apart():
    patterns = procedural_textures()
    assert patterns.shape == (5, 64, 64)
    assert (patterns == procedural_textures()).all()
    correlation = np.corrcoef(patterns.reshape(5, -1)) - np.eye(5)
    assert np.abs(correlation).max() < 0.3
    assert (np.ptp(patterns, axis=(1, 2)) == 185).all()


def test_brodatz_photographs_are_used_where_they_are(tmp_path):
    folder = tmp_path / "brodatz"
    folder.mkdir()
    for i in range(6):
        Image.fromarray(np.full((640, 640), 40 * i + 20, np.uint8)).save(folder / f"D{i}.tif")
    dataset = load_dataset("texture-dsprites", tmp_path)
    assert dataset.origin == "procedural twin, Brodatz textures"
    assert dataset.space.factors[0].values == ("D0", "D1", "D2", "D3", "D4")
    image = dataset.render(np.array([[3, 0, 0, 5, 0, 16, 16]]))[0]
    assert set(np.unique(image)) == {0, 140}
    (folder / "D2.tif").write_bytes(b"II*\0 no picture")
    with pytest.raises(DatasetError, match=r"D2\.tif cannot be read"):
        load_dataset("texture-dsprites", tmp_path)
    for i in range(2, 6):
        (folder / f"D{i}.tif").unlink()
    with pytest.raises(DatasetError, match=r"holds 2 \.tif files; 5 textures are needed"):
        load_dataset("texture-dsprites", tmp_path)


def test_photographs_of_scikit_image_are_used_where_it_is_installed(tmp_path):
    pytest.importorskip("skimage")
    dataset = load_dataset("texture-dsprites", tmp_path)
    assert dataset.origin.endswith("photographed textures")
    assert dataset.space.factors[0].values == ("brick", "grass", "gravel", "moon", "stars")
    assert dataset.textures.min() == 70
    assert np.ptp(dataset.textures.mean(axis=(1, 2))) < 1, "told by their pattern alone"
    correlation = np.corrcoef(dataset.textures.reshape(5, -1)) - np.eye(5)
    assert np.abs(correlation).max() < 0.3


def test_without_any_photograph_patterns_are_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(textures, "PACKAGE", "no_such_package")
    dataset = load_dataset("texture-dsprites", tmp_path)
    assert dataset.origin.endswith("procedural textures")
    assert (dataset.textures == procedural_textures()).all()
