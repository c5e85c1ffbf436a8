import numpy as np
import pytest

from dviz.data import load_dataset
from dviz.errors import DatasetError
from tests.data.material import write_cars


def test_a_car_from_every_side(tmp_path):
    write_cars(tmp_path)
    dataset = load_dataset("cars3d", tmp_path)
    assert dataset.space.sizes.tolist() == [4, 24, 3]
    assert dataset.space.factors[2].values == ("car_001", "car_002", "car_010")
    classes = dataset.space.classes(np.arange(dataset.num_images))
    middle = dataset.render(classes)[:, 32, 32]
    car = np.array([1, 2, 10])[classes[:, 2]]
    assert (middle == np.stack([10 * car, 5 * classes[:, 1], 50 * classes[:, 0]], axis=1)).all()


def test_what_is_missing_or_broken_is_told_in_one_line(tmp_path):
    with pytest.raises(DatasetError, match="dviz download cars3d fetches it"):
        load_dataset("cars3d", tmp_path)
    write_cars(tmp_path, [1])
    (tmp_path / "data/cars/car_002_mesh.mat").write_bytes(b"no matrix")
    dataset = load_dataset("cars3d", tmp_path)
    with pytest.raises(DatasetError, match=r"car_002_mesh\.mat cannot be read") as error:
        dataset.render(np.array([[0, 0, 1]]))
    assert "\n" not in str(error.value)
    (tmp_path / "data/cars/car_001_mesh.mat").unlink()
    (tmp_path / "data/cars/car_002_mesh.mat").unlink()
    with pytest.raises(DatasetError, match="holds no car_"):
        load_dataset("cars3d", tmp_path)
