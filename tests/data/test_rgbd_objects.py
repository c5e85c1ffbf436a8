import shutil

import numpy as np
import pytest
from PIL import Image

from dviz.data import load_dataset
from dviz.errors import DatasetError
from tests.data.material import write_rgbd

FIRST = "rgbd-dataset/apple/apple_2/apple_2_1_1"


@pytest.fixture
def root(tmp_path):
    write_rgbd(tmp_path)
    return tmp_path


def test_the_first_instance_of_each_category_is_cut_out(root):
    dataset = load_dataset("rgbd-objects", root)
    assert dataset.space.names == ("category", "elevation", "pose")
    assert dataset.space.sizes.tolist() == [2, 4, 4]
    assert dataset.space.factors[0].values == ("apple", "food_bag")
    assert dataset.num_images == 2 * 3 * 4
    assert set(dataset.table[:, 1]) == {0, 1, 3}  # nothing was filmed as sequence 3
    assert dataset.origin == "photographs"
    images = dataset.images(np.arange(24))
    for image, (category, _, pose) in zip(images, dataset.table, strict=True):
        assert (image[32, 32] == 101 + 10 * category + pose).all()
    # 90 × 60 was padded to a square, so the disc of 25 pixels' radius has one of 18.
    assert images[0, ..., 0].astype(bool).sum() == pytest.approx(
        np.pi * (25 * 64 / 90) ** 2, rel=0.1
    )
    assert not images[:, :12].any()
    assert (dataset.images(np.array([5, 5, 0])) == images[[5, 5, 0]]).all()


def test_masks_and_real_depth(root):
    mask = load_dataset("rgbd-objects-depth", root).images(np.array([0]))[0]
    assert mask.max() == 255
    depth = load_dataset("rgbd-objects-depth16", root).images(np.array([0]))[0, ..., 0].astype(int)
    # 4 mm a pixel from left to right, so nearer, and brighter, to the left.
    assert depth[32, 30] == pytest.approx(128 + 127 / 150 * 4 * 2.1, abs=8)
    assert depth[32, 20] > depth[32, 27] > depth[32, 36] > depth[32, 43] > 0
    assert depth[32, 0] == depth[5, 32] == 0


def test_what_lacks_a_mask_is_left_out(root):
    (root / f"{FIRST}_maskcrop.png").unlink()
    shutil.rmtree(root / "rgbd-dataset" / "food_bag" / "food_bag_2")
    dataset = load_dataset("rgbd-objects", root)
    assert dataset.num_images == 23
    assert (0, 0, 0) not in map(tuple, dataset.table)
    assert (dataset.images(np.array([22]))[0, 32, 32] == 255).all()  # now the other instance


def test_broken_files_are_named_in_one_line(root, tmp_path):
    with pytest.raises(DatasetError, match=r"dviz download rgbd-objects"):
        load_dataset("rgbd-objects", tmp_path / "elsewhere")
    (root / f"{FIRST}_crop.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"apple_2_1_1_crop\.png cannot be read") as error:
        load_dataset("rgbd-objects", root).images(np.array([0]))
    assert "\n" not in str(error.value)
    shutil.copy(root / f"{FIRST}_maskcrop.png", root / f"{FIRST}_crop.png")
    Image.new("L", (10, 10)).save(root / f"{FIRST}_maskcrop.png")
    with pytest.raises(DatasetError, match="the mask is 10×10 and the picture 90×60"):
        load_dataset("rgbd-objects", root).images(np.array([0]))
    shutil.rmtree(root / "rgbd-dataset")
    (root / "rgbd-dataset" / "apple").mkdir(parents=True)
    with pytest.raises(DatasetError, match="holds no <category>/<instance>/ with"):
        load_dataset("rgbd-objects", root)
