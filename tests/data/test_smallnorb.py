import gzip
import struct

import numpy as np
import pytest

from dviz.data import load_dataset
from dviz.errors import DatasetError
from tests.data.material import norb_bytes, write_norb

CAT = "smallnorb-5x46789x9x18x6x2x96x96-training-cat.mat"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("norb")
    write_norb(folder)
    return folder


def test_both_parts_are_one_grid_of_the_first_camera(root):
    dataset = load_dataset("smallnorb", root)
    assert dataset.num_images == 48_600
    classes = dataset.space.sample(200, np.random.default_rng(0))
    images = dataset.render(classes)
    expected = 40 * classes[:, 0] + 5 * classes[:, 4] + classes[:, 3]
    assert (images == expected[:, None, None, None]).all()
    assert dataset.in_arc(classes).sum() == (classes[:, 3] < 6).sum()


def test_unpacked_files_are_read_too_and_broken_ones_named(root, tmp_path):
    for path in root.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    content = gzip.decompress((root / f"{CAT}.gz").read_bytes())
    (tmp_path / f"{CAT}.gz").unlink()
    with pytest.raises(DatasetError, match="dviz download smallnorb"):
        load_dataset("smallnorb", tmp_path)
    (tmp_path / CAT).write_bytes(content[:-4])
    with pytest.raises(DatasetError, match=r"training-cat\.mat ends too early"):
        load_dataset("smallnorb", tmp_path)
    (tmp_path / CAT).write_bytes(b"\x93NUMPY" + content)
    with pytest.raises(DatasetError, match="is no NORB file"):
        load_dataset("smallnorb", tmp_path)
    (tmp_path / CAT).write_bytes(struct.pack("<Ii3i", 0x1E3D4C54, 1, 2**31 - 1, 1, 1))
    with pytest.raises(DatasetError, match="fetch it again"):
        load_dataset("smallnorb", tmp_path)
    (tmp_path / CAT).write_bytes(norb_bytes(np.zeros(24_300, "<i4")))
    with pytest.raises(DatasetError, match="do not hold every combination"):
        load_dataset("smallnorb", tmp_path)
