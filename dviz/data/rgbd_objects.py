"""RGB-D Objects: real household objects on a turntable, in colour and depth.

The RGB-D Object Dataset (Lai, Bo, Ren and Fox 2011) holds 51 categories of objects, filmed at three
heights while they turn. Of each category the first instance is taken. Not every combination of
category, elevation and pose was filmed.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from dviz.data.info import PHOTOGRAPHS, DatasetInfo, RemoteFile, Split
from dviz.data.photos import square
from dviz.data.root import data_root
from dviz.data.table import TableDataset
from dviz.errors import DatasetError
from dviz.factors import Factor, FactorSpace

FOLDER = "rgbd-dataset"
SIDE = 64
SEQUENCES = 4
DEPTH_REACH = 150.0  # millimetres before and behind the object's middle
_CROP = re.compile(r".+_(\d+)_(\d+)_(\d+)_crop\.png")

HOW_TO_GET = (
    "unpack rgbd-dataset.tar there (dviz download rgbd-objects does so), "
    "or name another place with --data-root or DVIZ_DATA"
)


class RgbdObjects(TableDataset):
    """Factors category, elevation (camera sequence 1 … 4), pose (frame); colour on black, 64×64.

    Pictures are decoded when first asked for, then kept.

    Args:
        root: where `rgbd-dataset/<category>/<instance>/` lies, with files `…_crop.png`,
            `…_maskcrop.png` and `…_depthcrop.png`; see `dviz.data.root.data_root` for the default.

    Raises:
        DatasetError: there is no such folder, or nothing usable in it.
    """

    name = "rgbd-objects"
    info = DatasetInfo(
        name=name,
        title="RGB-D Objects",
        description="Photographs of household objects on a turntable, cut out, on black.",
        needs_files=True,
        photographs=True,
        origin=PHOTOGRAPHS,
        split=Split(("category", "elevation", "pose"), "pose"),
        on_black=True,
        licence="for non-commercial research and education",
        citation="Lai, Bo, Ren and Fox, A Large-Scale Hierarchical Multi-View RGB-D Object "
        "Dataset, ICRA 2011",
        url="https://rgbd-dataset.cs.washington.edu",
        factors_known=False,
        looked_for=(FOLDER,),
        files=(
            RemoteFile(
                "https://rgbd-dataset.cs.washington.edu/dataset/rgbd-dataset/rgbd-dataset.tar",
                "rgbd-dataset.tar",
                unpack=True,
            ),
        ),
    )
    needs = ("crop", "maskcrop")

    def __init__(self, root: str | Path | None = None) -> None:
        folder = data_root(root) / FOLDER
        self._stems, space, table = _frames(folder, self.needs)
        super().__init__(space, table)
        self._images = np.empty((len(table), SIDE, SIDE, 3), dtype=np.uint8)
        self._known = np.zeros(len(table), dtype=bool)

    def images(self, indices: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        indices = np.asarray(indices)
        for row in np.unique(indices[~self._known[indices]]):
            self._images[row] = _shrink(self._picture(self._stems[row]))
            self._known[row] = True
        return self._images[indices]

    def in_arc(self, classes: np.ndarray) -> np.ndarray:
        """As of every dataset; objects turn once while they are filmed, in as many frames as each
        takes."""
        category, elevation, pose = np.asarray(classes).T
        film = self.space.sizes[1] * self.table[:, 0] + self.table[:, 1]
        frames = np.zeros(self.space.sizes[0] * self.space.sizes[1])
        np.maximum.at(frames, film, self.table[:, 2] + 1)
        return pose < frames[self.space.sizes[1] * category + elevation] / 3

    def _picture(self, stem: str) -> np.ndarray:
        """A picture uint8 (H, W, 3) on black."""
        mask = _mask(stem)
        return _same_size(stem, _read(f"{stem}_crop.png", "RGB"), mask) * mask[..., None]


class RgbdObjectsDepth(RgbdObjects):
    """The masks as images: what the study calls depth."""

    name = "rgbd-objects-depth"
    info = replace(
        RgbdObjects.info,
        name=name,
        title="RGB-D Objects, masks",
        description="White silhouettes of RGB-D Objects on black: what the study calls depth.",
    )

    def _picture(self, stem: str) -> np.ndarray:
        return np.repeat(_mask(stem)[..., None] * np.uint8(255), 3, axis=-1)


class RgbdObjectsDepth16(RgbdObjects):
    """Real depth, from 16-bit millimetres; nearer is brighter.

    The object's median depth is mid-grey (128) and 150 mm before or behind it 255 or 1; 0 is
    background and what the sensor did not see.
    """

    name = "rgbd-objects-depth16"
    info = replace(
        RgbdObjects.info,
        name=name,
        title="RGB-D Objects, depth",
        description="Depth of RGB-D Objects' surfaces, nearer is brighter, on black.",
    )
    needs = ("maskcrop", "depthcrop")

    def _picture(self, stem: str) -> np.ndarray:
        mask = _mask(stem)
        depth = _same_size(stem, _read(f"{stem}_depthcrop.png", None), mask).astype(np.float64)
        seen = mask.astype(bool) & (depth > 0)
        middle = np.median(depth[seen]) if seen.any() else 0.0
        grey = np.clip(128 + 127 * (middle - depth) / DEPTH_REACH, 1, 255)
        return np.repeat(np.where(seen, np.rint(grey), 0).astype(np.uint8)[..., None], 3, axis=-1)


def _frames(folder: Path, needs: tuple[str, ...]) -> tuple[list[str], FactorSpace, np.ndarray]:
    """What the files in `folder` are called up to their kind, and their labels."""
    if not folder.is_dir():
        raise DatasetError(f"RGB-D Objects were looked for in {folder}; {HOW_TO_GET}")
    categories: list[str] = []
    stems: list[str] = []
    rows: list[tuple[int, int, int]] = []
    for category in sorted(path for path in folder.iterdir() if path.is_dir()):
        instances = [path for path in category.iterdir() if path.is_dir()]
        if not instances:
            continue
        first = min(instances, key=lambda path: _natural(path.name))
        found = sorted(_complete(first, needs))
        stems += [stem for _, _, stem in found]
        rows += [(len(categories), sequence, frame) for sequence, frame, _ in found]
        categories += [category.name] if found else []
    if not rows:
        kinds = " and ".join(f"*_{kind}.png" for kind in ("crop", *needs[-1:]))
        raise DatasetError(f"{folder} holds no <category>/<instance>/ with {kinds}; {HOW_TO_GET}")
    table = np.array(rows, dtype=np.int64)
    table[:, 1:] -= 1
    frames = int(table[:, 2].max()) + 1
    space = FactorSpace(
        [
            Factor("category", len(categories), tuple(categories)),
            Factor("elevation", SEQUENCES, tuple(str(i + 1) for i in range(SEQUENCES))),
            Factor("pose", frames, tuple(str(i + 1) for i in range(frames))),
        ]
    )
    return stems, space, table


def _complete(instance: Path, needs: tuple[str, ...]) -> list[tuple[int, int, str]]:
    """Sequence, frame and stem of every frame of which all files are there; a few masks lack."""
    names = {path.name for path in instance.iterdir()}
    found = []
    for name in names:
        match = _CROP.fullmatch(name)
        stem = name.removesuffix("_crop.png")
        if match and all(f"{stem}_{kind}.png" in names for kind in needs):
            sequence, frame = int(match[2]), int(match[3])
            if 1 <= sequence <= SEQUENCES and frame >= 1:
                found.append((sequence, frame, str(instance / stem)))
    return found


def _natural(name: str) -> list[tuple[int, str]]:
    """So that apple_2 comes before apple_10."""
    return [(int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d+)", name)]


def _read(path: str, mode: str | None) -> np.ndarray:
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return np.asarray(image.convert(mode) if mode else image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(f"{path} cannot be read ({error}); unpack the dataset again") from error


def _mask(stem: str) -> np.ndarray:
    """1 on the object, uint8 (H, W)."""
    return (_read(f"{stem}_maskcrop.png", "L") > 0).astype(np.uint8)


def _same_size(stem: str, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    if values.shape[:2] != mask.shape:
        raise DatasetError(
            f"{stem}: the mask is {mask.shape[1]}×{mask.shape[0]} and the picture "
            f"{values.shape[1]}×{values.shape[0]}; unpack the dataset again"
        )
    return values


def _shrink(picture: np.ndarray) -> np.ndarray:
    """Padded to a square and resized to uint8 (64, 64, 3), areas averaged where it shrinks."""
    padded = Image.fromarray(square(picture, "pad"))
    method = Image.Resampling.BOX if padded.width >= SIDE else Image.Resampling.BILINEAR
    return np.asarray(padded.resize((SIDE, SIDE), method))
