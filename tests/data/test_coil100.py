import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from dviz.data import load_dataset
from dviz.data.coil100 import otsu, silhouette, turn_and_zoom
from dviz.errors import DatasetError
from tests.data.material import write_coil


def photo_bytes(value, side=128):
    pixels = np.full((side, side, 3), value, dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_coil(folder)
    return folder


# What was read last is kept: first the tests that read `root` whole, then those of other files.


def test_data_root_comes_from_the_environment(root, monkeypatch):
    monkeypatch.setenv("DVIZ_DATA", str(root))
    assert load_dataset("coil100-augmented").space.names == ("object", "pose", "rotation", "scale")


def test_the_plain_photographs_are_averaged_over_blocks(root):
    dataset = load_dataset("coil100", root)
    assert dataset.num_images == 7_200
    assert dataset.origin == "photographs"
    (image,) = dataset.render(np.array([[41, 3]]))
    expected = np.full((64, 64, 3), 30)
    expected[20:44, 15:49] = 142  # the bar, at half its size
    assert (image == expected).all()


def test_silhouettes_turn_and_zoom_and_stay_binary(root):
    dataset = load_dataset("coil100-augmented-binary", root)
    assert dataset.num_images == 1_166_400
    classes = np.array([[60, 0, r, z] for r in (0, 3, 9) for z in (0, 8)])
    images = dataset.render(classes)
    assert set(np.unique(images)) == {0, 255}
    areas = images[..., 0].astype(bool).sum((1, 2)).reshape(3, 2)
    assert areas[:, 1] / areas[:, 0] == pytest.approx([0.25] * 3, abs=0.03)
    assert areas[:, 0] / areas[0, 0] == pytest.approx([1] * 3, abs=0.03)


def test_zip_and_folder_give_the_same_images(root, tmp_path):
    with zipfile.ZipFile(root / "coil-100.zip") as archive:
        archive.extractall(tmp_path)
    zipped, unpacked = (load_dataset("coil100-augmented", r) for r in (root, tmp_path))
    assert zipped.num_images == 1_166_400
    first, classes = zipped.sample(40, np.random.default_rng(0))
    second, same = unpacked.sample(40, np.random.default_rng(0))
    assert first.shape == (40, 64, 64, 3)
    assert first.dtype == np.uint8
    assert (classes == same).all()
    assert (first == second).all()
    assert (first[:, 31, 31, 0] == 101 + classes[:, 0]).all()


def test_turning_and_zooming():
    photo = np.zeros((128, 128, 3), dtype=np.uint8)
    photo[40:88, 96:120] = 255  # a bar right of the centre
    same, left, small = (
        turn_and_zoom(photo, angle, zoom)[..., 0].astype(int)
        for angle, zoom in ((0, 1.0), (90, 1.0), (0, 0.5))
    )
    assert (same == photo[::2, ::2, 0]).all()
    # Counter-clockwise by a quarter: the bar lies above the centre, lengthwise.
    assert (left[5:15, 21:43] == 255).all()
    assert left.sum() == pytest.approx(same.sum(), rel=0.01)
    assert small[:, 40:46].sum() > 0
    assert small[:, 47:].sum() == 0
    assert small.sum() / same.sum() == pytest.approx(0.25, rel=0.02)


def test_the_canvas_stays_and_its_border_is_black():
    photo = np.full((128, 128, 3), 200, dtype=np.uint8)
    half = turn_and_zoom(photo, 0, 0.5)[..., 0]
    assert half.shape == (64, 64)
    assert (half[16:48, 16:48] == 200).all()
    assert half[:15].sum() == half[:, 49:].sum() == 0


def test_missing_dataset_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(DatasetError, match=r"coil-100\.zip.*--data-root or DVIZ_DATA") as error:
        load_dataset("coil100-augmented", tmp_path)
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


def test_broken_archives_are_named(root, tmp_path):
    whole = (root / "coil-100.zip").read_bytes()
    (tmp_path / "coil-100.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="partly downloaded"):
        load_dataset("coil100-augmented", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"obj1__0\.png is missing"),
        (b"no picture", r"obj1__0\.png .* cannot be read"),
        (photo_bytes(9, side=32), r"32×32; 128×128 is expected"),
    ],
)
def test_broken_photographs_are_named(tmp_path, content, message):
    (tmp_path / "coil-100").mkdir()
    if content is not None:
        (tmp_path / "coil-100" / "obj1__0.png").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        load_dataset("coil100-augmented", tmp_path)


def test_unknown_dataset_lists_the_known_ones():
    with pytest.raises(DatasetError, match="choose from arm3d, cars3d, coil100, coil100-augmented"):
        load_dataset("mnist")


def test_silhouettes_are_binary_follow_the_object_and_fill_small_holes():
    photo = np.full((128, 128, 3), 12, dtype=np.uint8)
    photo[32:96, 24:104] = (200, 30, 30)
    photo[60:63, 60:63] = 0  # a speck, gone after the median
    photo[80:84, 30:90] = 0  # a slit, gone after the closing
    photo[0:2, 0:2] = 255
    mask = silhouette(photo)
    expected = np.zeros((64, 64), dtype=np.uint8)
    expected[16:48, 12:52] = 255
    assert (mask != expected).sum() <= 8  # the median rounds the corners


@pytest.mark.parametrize("seed", range(5))
def test_otsu_is_the_best_of_all_thresholds(seed):
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(60, 15, 300), rng.normal(170, 25, 200)]).astype(np.uint8)

    def within(t):
        parts = values[values <= t], values[values > t]
        return sum(part.var() * part.size for part in parts if part.size)

    assert within(otsu(values)) == pytest.approx(min(within(t) for t in range(256)))


def test_otsu_of_one_grey_value():
    assert otsu(np.full((4, 4), 7, dtype=np.uint8)) <= 255
