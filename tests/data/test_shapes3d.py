import pickle

import h5py
import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from dviz.data import load_dataset
from dviz.data.h5_images import H5Images
from dviz.data.shapes3d import HUES, OBJECT, SKY, cast, draw
from dviz.errors import DatasetError
from dviz.factors import Factor, FactorSpace


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    return load_dataset("shapes3d", tmp_path_factory.mktemp("empty"))


def labels_of(space):
    """Labels as the official file has them: values, not classes."""
    return space.classes(np.arange(space.num_combinations)) * 0.1 - 0.3


def write_h5(path, images, labels):
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=images)
        file.create_dataset("labels", data=labels)


def test_factors_are_the_official_ones_in_order(twin):
    assert twin.origin == "procedural twin"
    assert twin.space.sizes.tolist() == [10, 10, 10, 8, 4, 15]
    assert twin.num_images == 480_000
    assert twin.space.names[3:] == ("scale", "shape", "orientation")
    assert [f.label(f.size - 1) for f in twin.space.factors[3:]] == ["1.25", "capsule", "30°"]


def test_putting_parts_together_equals_drawing_in_full(twin):
    classes = twin.space.sample(24, np.random.default_rng(0))
    differ = np.abs(twin.render(classes).astype(int) - draw(classes))
    # Sums in another order may fall on the other side of one half.
    assert differ.max() <= 1
    assert differ.mean() < 1e-4


def test_batches_equal_singles_and_repeat(twin):
    indices = np.array([479_999, 0, 1234, 0])
    images = twin.images(indices)
    assert images.shape == (4, 64, 64, 3)
    assert images.dtype == np.uint8
    assert (images == np.concatenate([twin.images(indices[i : i + 1]) for i in range(4)])).all()
    assert len(twin.images(indices[:0])) == 0


@pytest.mark.parametrize("part", range(3))
def test_a_hue_colours_its_own_part_alone(twin, part):
    classes = np.tile([1, 4, 7, 5, 1, 3], (10, 1))
    classes[:, part] = np.arange(10)
    images = twin.render(classes)
    changed = np.abs(np.diff(images.astype(int), axis=0)).max(-1) > 8  # (9, 64, 64)
    own = cast(5, 1, 3)[0].reshape(64, 3, 64, 3) == part
    # Shrinking mixes samples of up to three pixels around.
    assert not (changed & ~binary_dilation(own.any((1, 3)), iterations=3)).any()
    assert changed[:, binary_erosion(own.all((1, 3)), iterations=3)].mean() > 0.99


def test_colours_are_those_of_the_hues(twin):
    """The middle of the image shows the object; gloss adds some white, light clips the rest."""
    classes = np.tile([0, 0, 0, 7, 0, 7], (10, 1))
    classes[:, 2] = np.arange(10)
    middle = twin.render(classes)[:, 36, 32].astype(float)  # (10, 3)
    light = (middle.max(1, keepdims=True) - middle.min(1, keepdims=True)) * HUES
    assert np.abs(middle - middle.min(1, keepdims=True) - light).max() < 25


def test_sky_is_sky_and_the_same_everywhere(twin):
    images = twin.render(twin.space.sample(30, np.random.default_rng(1)))
    assert (images[:, :8, :8] == SKY.astype(np.uint8)).all()


def area(scale, shape, orientation):
    return (cast(scale, shape, orientation)[0] == OBJECT).sum()


@pytest.mark.parametrize("shape", range(4))
def test_scale_grows_the_object(shape):
    areas = [area(scale, shape, 4) for scale in range(8)]
    assert (np.diff(areas) > 0).all()
    # Twice the area is about what a scale of 1.25 / 0.75 = 1.67 makes of it, and more up close.
    assert 2.5 < areas[-1] / areas[0] < 4


def test_round_objects_look_the_same_from_every_side():
    for shape in (1, 2, 3):
        areas = [area(4, shape, orientation) for orientation in range(0, 15, 2)]
        assert np.ptp(areas) / np.mean(areas) < 0.02


def test_orientations_mirror_each_other():
    """The walls of one view are those of its mirror image; the camera is off centre by a hair."""
    for orientation in (0, 3):
        left, right = (cast(3, 0, o)[0] for o in (orientation, 14 - orientation))
        assert (left == right[:, ::-1]).mean() > 0.97


def test_the_object_throws_a_shadow_that_moves_with_nothing_but_it():
    _, small, _ = cast(0, 2, 7)
    region, big, _ = cast(7, 2, 7)
    floor = region == 0
    darker = (big < 0.75 * small) & floor
    assert 100 < darker.sum() < 0.2 * floor.sum()
    assert (big <= small + 1e-6)[floor].all()


def test_the_official_file_is_read_lazily_and_in_any_order(tmp_path):
    space = FactorSpace([Factor("shape", 3), Factor("scale", 4), Factor("hue", 2)])
    images = np.random.default_rng(2).integers(0, 256, (24, 64, 64, 3), dtype=np.uint8)
    write_h5(tmp_path / "small.h5", images, labels_of(space))
    file = H5Images(tmp_path / "small.h5", space)
    wanted = np.array([23, 4, 4, 0, 17])
    assert (file.read(wanted) == images[wanted]).all()
    # What a worker gets, after its parent has read.
    assert (pickle.loads(pickle.dumps(file)).read(wanted) == images[wanted]).all()


def test_rows_follow_their_labels(tmp_path):
    space = FactorSpace([Factor("shape", 3), Factor("scale", 4)])
    rng = np.random.default_rng(3)
    order = rng.permutation(12)
    images = rng.integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)
    write_h5(tmp_path / "mixed.h5", images[order], labels_of(space)[order])
    assert (H5Images(tmp_path / "mixed.h5", space).read(np.arange(12)) == images).all()


def test_the_whole_official_format(tmp_path, twin):
    """A file of full size, sparse: but for a few, its images are not there and read as black."""
    labels = labels_of(twin.space)
    some = {0: 10, 250_000: 20, 479_999: 30}
    with h5py.File(tmp_path / "3dshapes.h5", "w") as file:
        images = file.create_dataset("images", (480_000, 64, 64, 3), "u1", chunks=(1, 64, 64, 3))
        for row, value in some.items():
            images[row] = value
        file["labels"] = labels
    dataset = load_dataset("shapes3d", tmp_path)
    assert dataset.origin == "official file"
    rows = np.array([479_999, 7, 0, 250_000])
    assert dataset.images(rows)[:, 5, 5, 0].tolist() == [30, 0, 10, 20]
    first, second, changed = dataset.sample_pairs(3, np.random.default_rng(0))
    assert first.shape == second.shape == (3, 64, 64, 3)
    assert changed.sum() == 3


def write_broken(kind, path, space):
    images = np.zeros((space.num_combinations, 64, 64, 3), dtype=np.uint8)
    labels = labels_of(space)
    if kind == "twice":
        labels[3] = labels[2]
    elif kind == "values":
        labels[-1, 1] = 99
    elif kind == "letters":
        labels = labels.astype("S4")
    elif kind == "few":
        images = images[:-1]
    elif kind == "float":
        images = images.astype(np.float32)
    elif kind == "small":
        images = images[:, ::2, ::2]
    write_h5(path, images, labels)
    if kind == "key":
        with h5py.File(path, "r+") as file:
            del file["labels"]
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:-2000])
    elif kind == "page":
        path.write_text("<html>Sign in to download</html>")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("truncated", "partly downloaded.*fetch it again"),
        ("page", "partly downloaded.*fetch it again"),
        ("key", "holds no 'labels', only images"),
        ("few", r"shape \(11, 64, 64, 3\).*\(12, 64, 64, 3\) are expected"),
        ("small", r"shape \(12, 32, 32, 3\).*\(12, 64, 64, 3\) are expected"),
        ("float", "float32 of shape.*uint8 of shape"),
        ("letters", r"labels in .* \|S4"),
        ("values", "5 values of 'scale' in column 2; 4 are expected"),
        ("twice", "do not hold every combination of factors once"),
    ],
)
def test_broken_files_are_named_in_one_line(tmp_path, kind, message):
    space = FactorSpace([Factor("shape", 3), Factor("scale", 4)])
    path = tmp_path / "3dshapes.h5"
    write_broken(kind, path, space)
    with pytest.raises(DatasetError, match=message) as error:
        H5Images(path, space)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_broken_file_is_not_replaced_by_the_twin(tmp_path):
    (tmp_path / "3dshapes.h5").write_bytes(b"half a download")
    with pytest.raises(DatasetError, match=r"3dshapes\.h5 is broken"):
        load_dataset("shapes3d", tmp_path)
