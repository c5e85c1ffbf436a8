"""Cars3D: pictures of 183 drawn cars from 24 sides and 4 heights.

Reed et al. 2015 (after Fidler et al. 2012). The official files, one a car, are MATLAB's.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from dviz.data.base import FactorDataset
from dviz.data.info import OFFICIAL, DatasetInfo, RemoteFile, Split
from dviz.data.root import data_root
from dviz.errors import DatasetError
from dviz.factors import Factor, FactorSpace

SIDE, AZIMUTHS, ELEVATIONS = 64, 24, 4
FOLDERS = ("data/cars", "cars")
ARCHIVE = "nips2015-analogy-data.tar.gz"
ARRAY = "im"
HOW_TO_GET = "dviz download cars3d fetches it, or name another place with --data-root or DVIZ_DATA"


class Cars3d(FactorDataset):
    """Factors elevation 4, azimuth 24, car 183; 17,568 images. A car is read when first seen.

    Args:
        root: where `data/cars/car_*_mesh.mat` lie; see `dviz.data.root.data_root` for the default.

    Raises:
        DatasetError: there are no such files, or one is broken.
    """

    name = "cars3d"
    info = DatasetInfo(
        name=name,
        title="Cars3D",
        description="183 drawn cars from 24 sides and 4 heights, on white.",
        needs_files=True,
        origin=OFFICIAL,
        split=Split(("elevation", "azimuth", "car"), "azimuth"),
        licence="for research",
        citation="Reed, Zhang, Zhang and Lee, Deep Visual Analogy-Making, NeurIPS 2015",
        url="http://www.scottreed.info",
        looked_for=FOLDERS,
        files=(RemoteFile(f"http://www.scottreed.info/files/{ARCHIVE}", ARCHIVE, unpack=True),),
    )

    def __init__(self, root: str | Path | None = None) -> None:
        folder = _find(data_root(root))
        self._files = _cars(folder)
        cars = tuple(path.stem.removesuffix("_mesh") for path in self._files)
        degrees = tuple(f"{15 * i}°" for i in range(AZIMUTHS))
        self.space = FactorSpace(
            [
                Factor("elevation", ELEVATIONS),
                Factor("azimuth", AZIMUTHS, degrees, cyclic=True),
                Factor("car", len(cars), cars),
            ]
        )
        shape = (len(cars), ELEVATIONS, AZIMUTHS, SIDE, SIDE, 3)
        self._images = np.empty(shape, dtype=np.uint8)
        self._known = np.zeros(len(cars), dtype=bool)

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        elevation, azimuth, car = np.asarray(classes).T
        for number in np.unique(car[~self._known[car]]):
            self._images[number] = read_car(self._files[number])
            self._known[number] = True
        return self._images[car, elevation, azimuth]


def read_car(path: Path) -> np.ndarray:
    """All pictures of a car, uint8 (4, 24, 64, 64, 3).

    Raises:
        DatasetError: the file is no picture of a car.
    """
    try:
        stored = loadmat(path, variable_names=[ARRAY]).get(ARRAY)
    except (OSError, ValueError, TypeError, NotImplementedError, MatReadError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DatasetError(f"{path} cannot be read ({reason}); unpack the dataset again") from error
    shape = getattr(stored, "shape", ())
    if len(shape) != 5 or shape[2:] != (3, AZIMUTHS, ELEVATIONS) or stored.dtype != np.uint8:
        raise DatasetError(f"{path} holds no pictures of a car; unpack the dataset again")
    images = np.empty((ELEVATIONS, AZIMUTHS, SIDE, SIDE, 3), dtype=np.uint8)
    for elevation in range(ELEVATIONS):
        for azimuth in range(AZIMUTHS):
            picture = Image.fromarray(np.ascontiguousarray(stored[..., azimuth, elevation]))
            small = picture.resize((SIDE, SIDE), Image.Resampling.BOX)
            images[elevation, azimuth] = np.asarray(small)
    return images


def _find(root: Path) -> Path:
    """The folder below `root` that holds the cars."""
    for name in FOLDERS:
        if (root / name).is_dir():
            return root / name
    places = " and ".join(FOLDERS)
    raise DatasetError(f"Cars3D was looked for in {root} ({places}); {HOW_TO_GET}")


def _cars(folder: Path) -> list[Path]:
    """The cars' files by number."""
    files = sorted(
        folder.glob("*_mesh.mat"), key=lambda path: [int(n) for n in re.findall(r"\d+", path.stem)]
    )
    if not files:
        raise DatasetError(f"{folder} holds no car_*_mesh.mat; {HOW_TO_GET}")
    return files
