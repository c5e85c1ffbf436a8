"""Isaac3D: a robot arm holds up an object in a photorealistic kitchen.

Isaac3D (Nie et al. 2020, NVIDIA) holds all 737,280 combinations of nine factors at 512×512, and at
128×128 in a smaller package, as `images/000000.png` … `images/737279.png` beside `labels.npy`.
`dviz.data.arm3d` is what to use where it is not at hand.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from dviz.data.base import FactorDataset
from dviz.data.grid import rows_of_grid
from dviz.data.info import OFFICIAL, DatasetInfo
from dviz.data.root import data_root
from dviz.errors import DatasetError
from dviz.factors import Factor, FactorSpace

SIDE = 64
FOLDERS = ("Isaac3D_down128", "Isaac3D", "isaac3d")
SIZES = {
    "object shape": 3,
    "robot x-move": 8,
    "robot y-move": 5,
    "camera height": 4,
    "object scale": 4,
    "lighting intensity": 4,
    "lighting y-dir": 6,
    "object colour": 4,
    "wall colour": 4,
}
HOME = "https://github.com/NVlabs/High-res-disentanglement-datasets"
HOW_TO_GET = (
    f"fetch Isaac3D_128x128 (13 GB) from {HOME} and unpack it there, name another place with "
    "--data-root or DVIZ_DATA, or use arm3d, a stand-in with the same factors that needs no files"
)


class Isaac3D(FactorDataset):
    """Isaac3D from the official files, shrunk to 64×64 by averaging areas.

    Args:
        root: where the folder `Isaac3D_down128`, `Isaac3D` or `isaac3d` lies;
            see `dviz.data.root.data_root` for the default.

    Raises:
        DatasetError: the files are missing, incomplete or unreadable.
    """

    name = "isaac3d"
    info = DatasetInfo(
        name=name,
        title="Isaac3D",
        description="A robot arm holds up an object in a photorealistic kitchen.",
        needs_files=True,
        origin=OFFICIAL,
        licence="CC BY 4.0",
        citation="Nie et al., Semi-Supervised StyleGAN for Disentanglement Learning, ICML 2020",
        url=HOME,
        looked_for=FOLDERS,
    )

    def __init__(self, root: str | Path | None = None) -> None:
        self.space = FactorSpace([Factor(name, size) for name, size in SIZES.items()])
        self.folder = _find(data_root(root))
        labels = self.folder / "labels.npy"
        self._rows = rows_of_grid(_read_labels(labels), self.space, str(labels))
        for row in (0, len(self._rows) - 1):
            if not self._path(row).is_file():
                raise DatasetError(
                    f"{self._path(row)} is missing; Isaac3D has {len(self._rows):,} images, "
                    "unpack it again"
                )

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        rows = self._rows[self.space.index(classes)]
        images = np.empty((len(rows), SIDE, SIDE, 3), dtype=np.uint8)
        for image, row in zip(images, rows, strict=True):
            image[:] = read_small(self._path(row))
        return images

    def _path(self, row: int) -> Path:
        return self.folder / "images" / f"{row:06}.png"


def read_small(path: Path) -> np.ndarray:
    """A square PNG as uint8 (64, 64, 3), each pixel the mean of the area it covers.

    Raises:
        DatasetError: the file is missing, unreadable or no square.
    """
    try:
        with Image.open(path, formats=["PNG"]) as file:
            image = file.convert("RGB")
    except FileNotFoundError as error:
        raise DatasetError(f"{path} is missing; unpack the dataset again") from error
    except (OSError, SyntaxError, UnidentifiedImageError) as error:
        raise DatasetError(f"{path} cannot be read ({error}); unpack the dataset again") from error
    if image.width != image.height:
        raise DatasetError(f"{path} is {image.width}×{image.height}; a square is expected")
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX))


def _find(root: Path) -> Path:
    """The folder below `root` that holds the labels."""
    for name in FOLDERS:
        if (root / name / "labels.npy").is_file():
            return root / name
    places = ", ".join(f"{name}/labels.npy" for name in FOLDERS)
    raise DatasetError(f"Isaac3D was looked for in {root} ({places}); {HOW_TO_GET}")


def _read_labels(path: Path) -> np.ndarray:
    try:
        labels = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{path} cannot be read ({error}); unpack the dataset again") from error
    if not isinstance(labels, np.ndarray):
        raise DatasetError(f"{path} is an archive; a single array is expected")
    return labels
