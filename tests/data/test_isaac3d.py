import numpy as np
import pytest
from PIL import Image

from dviz.data import load_dataset
from dviz.data.isaac3d import SIZES, read_small
from dviz.errors import DatasetError
from dviz.factors import Factor, FactorSpace

SPACE = FactorSpace([Factor(name, size) for name, size in SIZES.items()])
ROWS = (0, 300_000, 737_279)


def picture(row):
    """A photograph of the official size, different for each row."""
    return np.random.default_rng(row).integers(0, 256, (128, 128, 3), dtype=np.uint8)


def write(folder, labels):
    """Isaac3D in its official layout, but for most of its images."""
    (folder / "images").mkdir(parents=True)
    for row in ROWS:
        Image.fromarray(picture(row)).save(folder / "images" / f"{row:06}.png", compress_level=1)
    np.save(folder / "labels.npy", labels)


@pytest.fixture(scope="module")
def labels():
    """Class indices over their largest, as the release has them."""
    classes = SPACE.classes(np.arange(SPACE.num_combinations))
    return (classes / (SPACE.sizes - 1)).astype(np.float32)


@pytest.fixture(scope="module")
def root(tmp_path_factory, labels):
    folder = tmp_path_factory.mktemp("data")
    write(folder / "Isaac3D_down128", labels)
    return folder


def test_the_official_layout_is_read_and_shrunk_by_area(root):
    dataset = load_dataset("isaac3d", root)
    assert dataset.origin == "official file"
    assert dataset.num_images == 737_280
    assert dataset.space.sizes.tolist() == [3, 8, 5, 4, 4, 4, 6, 4, 4]
    images = dataset.images(np.array(ROWS[::-1]))
    assert images.shape == (3, 64, 64, 3)
    assert images.dtype == np.uint8
    for image, row in zip(images, ROWS[::-1], strict=True):
        means = picture(row).reshape(64, 2, 64, 2, 3).mean((1, 3))
        assert np.abs(image - means).max() <= 1  # rounded after columns and after rows


def test_rows_follow_their_labels(labels, tmp_path):
    swapped = labels.copy()
    swapped[[0, 300_000]] = labels[[300_000, 0]]
    write(tmp_path / "isaac3d", swapped)
    first, second = load_dataset("isaac3d", tmp_path).images(np.array([300_000, 0]))
    assert (first == read_small(tmp_path / "isaac3d/images/000000.png")).all()
    assert (second == read_small(tmp_path / "isaac3d/images/300000.png")).all()


def test_missing_files_say_where_they_go_and_what_stands_in(tmp_path):
    with pytest.raises(DatasetError, match="NVlabs/High-res-disentanglement-datasets") as error:
        load_dataset("isaac3d", tmp_path)
    message = str(error.value)
    assert str(tmp_path) in message
    assert "Isaac3D_down128/labels.npy" in message
    assert "arm3d" in message
    assert "\n" not in message


def test_an_image_missing_in_between_is_named(root):
    with pytest.raises(DatasetError, match=r"000001\.png is missing"):
        load_dataset("isaac3d", root).images(np.array([1]))


def test_a_folder_without_its_last_images_is_refused(labels, tmp_path):
    write(tmp_path / "Isaac3D", labels)
    (tmp_path / "Isaac3D/images/737279.png").unlink()
    with pytest.raises(DatasetError, match=r"737279\.png is missing; Isaac3D has 737,280 images"):
        load_dataset("isaac3d", tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda labels: labels[:-1], r"\(737279, 9\); numbers of shape \(737280, 9\)"),
        (lambda labels: labels[:, ::-1], "4 values of 'object shape' in column 1; 3 are"),
        (lambda labels: labels.astype(object), "cannot be read"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, tmp_path, change, message):
    write(tmp_path / "Isaac3D", np.zeros(1))
    labels = change(labels)
    if labels.dtype == object:
        np.save(tmp_path / "Isaac3D/labels.npy", labels[:10], allow_pickle=True)
    else:
        np.save(tmp_path / "Isaac3D/labels.npy", labels)
    with pytest.raises(DatasetError, match=message) as error:
        load_dataset("isaac3d", tmp_path)
    assert "labels.npy" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_truncated_labels_file_is_named(root, tmp_path):
    whole = (root / "Isaac3D_down128/labels.npy").read_bytes()
    write(tmp_path / "Isaac3D", np.zeros(1))
    (tmp_path / "Isaac3D/labels.npy").write_bytes(whole[:1000])
    with pytest.raises(DatasetError, match=r"labels\.npy cannot be read"):
        load_dataset("isaac3d", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "is missing"), (b"no picture", "cannot be read"), (b"", "cannot be read")],
)
def test_broken_images_are_named(tmp_path, content, message):
    path = tmp_path / "000007.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DatasetError, match=f"000007.png {message}"):
        read_small(path)


def test_truncated_and_oblong_images_are_refused(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(picture(0)).save(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DatasetError, match="cannot be read"):
        read_small(path)
    Image.fromarray(picture(0)[:64]).save(path)
    with pytest.raises(DatasetError, match="128×64; a square is expected"):
        read_small(path)
