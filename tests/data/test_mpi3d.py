import numpy as np
import pytest

from dviz.data import dataset_info, load_dataset
from dviz.data.mpi3d import Mpi3dToy
from dviz.data.npz import map_member
from dviz.errors import DatasetError
from tests.data.material import write_mpi3d

COUNT = 6 * 6 * 2 * 3 * 3 * 2 * 2


@pytest.fixture(autouse=True)
def _two_positions(monkeypatch):
    """Of the 40 positions of either axis two, so that a test's file has 32 MB and not 12.7 GB."""
    monkeypatch.setattr(Mpi3dToy, "positions", 2)


@pytest.mark.parametrize("compressed", [False, True])
def test_the_last_factor_changes_fastest(tmp_path, compressed):
    write_mpi3d(tmp_path / "mpi3d_real.npz", COUNT, compressed)
    dataset = load_dataset("mpi3d-real", tmp_path)
    assert dataset.space.names[:3] == ("object colour", "object shape", "object size")
    assert (tmp_path / "mpi3d_real-images.npy").exists() == compressed
    numbers = np.array([0, 1, 250, 251, COUNT - 1])
    images = dataset.images(numbers)
    red, green, _ = images[:, 5, 5].astype(int).T
    assert (red + 251 * green == numbers).all()
    assert dataset.factors(np.array([2]))[0].tolist() == [0, 0, 0, 0, 0, 1, 0]


def test_the_complex_one_has_things_of_its_own(tmp_path):
    write_mpi3d(tmp_path / "real3d_complicated_shapes_ordered.npz", 4 * 4 * 2 * 3 * 3 * 2 * 2)
    dataset = load_dataset("mpi3d-complex", tmp_path)
    assert dataset.space.factors[1].values[2] == "croissant"
    assert dataset.info.photographs
    assert not dataset_info("mpi3d-toy").photographs


def test_rows_are_read_when_they_are_asked_for(tmp_path):
    write_mpi3d(tmp_path / "mpi3d_toy.npz", COUNT)
    assert isinstance(map_member(tmp_path / "mpi3d_toy.npz", "images"), np.memmap)


def test_what_is_missing_or_broken_is_told_in_one_line(tmp_path):
    with pytest.raises(DatasetError, match="dviz download mpi3d-toy fetches it"):
        load_dataset("mpi3d-toy", tmp_path)
    with pytest.raises(DatasetError, match=r"get real3d.*npz by hand from https://github"):
        load_dataset("mpi3d-complex", tmp_path)
    write_mpi3d(tmp_path / "mpi3d_toy.npz", 7)
    with pytest.raises(DatasetError, match=r"holds uint8 \(7, 64, 64, 3\); uint8 \(2592,"):
        load_dataset("mpi3d-toy", tmp_path)
    (tmp_path / "mpi3d_toy.npz").write_bytes(b"half")
    with pytest.raises(DatasetError, match="broken or only partly downloaded"):
        load_dataset("mpi3d-toy", tmp_path)
    np.savez(tmp_path / "mpi3d_toy.npz", pictures=np.zeros(3))
    with pytest.raises(DatasetError, match="holds no array 'images'"):
        load_dataset("mpi3d-toy", tmp_path)
