"""MPI3D: a robot's finger carries an object; drawn simply, drawn realistically, photographed.

Gondal et al. 2019: the same seven factors in simulation and in the real world, all combinations of
them, which makes it the field's ladder from synthetic to real. The official `.npz` files are read
where they lie.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from dviz.data.base import FactorDataset
from dviz.data.info import OFFICIAL, PHOTOGRAPHS, DatasetInfo, RemoteFile
from dviz.data.npz import map_member
from dviz.data.root import data_root
from dviz.errors import DatasetError
from dviz.factors import Factor, FactorSpace

SIDE, ARRAY = 64, "images"
HUB = "https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main"
COLOURS = ("white", "green", "red", "blue", "brown", "olive")
SHAPES = ("cone", "cube", "cylinder", "hexagonal", "pyramid", "sphere")
THINGS_COLOURS = ("yellow", "green", "olive", "red")
THINGS = ("coffee cup", "tennis ball", "croissant", "beer cup")


class Mpi3dToy(FactorDataset):
    """Factors object colour 6, shape 6, size 2, camera height 3, background colour 3, horizontal
    axis 40, vertical axis 40: 1,036,800 images.

    Args:
        root: where the official file lies; see `dviz.data.root.data_root` for the default.

    Raises:
        DatasetError: the file is missing, broken or another one.
    """

    name = "mpi3d-toy"
    info = DatasetInfo(
        name=name,
        title="MPI3D, simply drawn",
        description="A robot's finger carries an object before a plain background; 12.7 GB.",
        needs_files=True,
        origin=OFFICIAL,
        licence="CC BY 4.0",
        citation="Gondal et al., On the Transfer of Inductive Bias from Simulation to the Real "
        "World, NeurIPS 2019",
        url="https://github.com/rr-learning/disentanglement_dataset",
        looked_for=("mpi3d_toy.npz",),
        files=(RemoteFile(f"{HUB}/mpi3d_toy.npz", "mpi3d_toy.npz"),),
    )
    colours: tuple[str, ...] = COLOURS
    shapes: tuple[str, ...] = SHAPES
    positions = 40  # of either axis

    def __init__(self, root: str | Path | None = None) -> None:
        self.space = FactorSpace(
            [
                Factor("object colour", len(self.colours), self.colours),
                Factor("object shape", len(self.shapes), self.shapes),
                Factor("object size", 2, ("small", "large")),
                Factor("camera height", 3, ("top", "centre", "bottom")),
                Factor("background colour", 3, ("purple", "sea green", "salmon")),
                Factor("horizontal axis", self.positions),
                Factor("vertical axis", self.positions),
            ]
        )
        path = data_root(root) / self.info.looked_for[0]
        if not path.is_file():
            how = (
                f"dviz download {self.name} fetches it"
                if self.info.files
                else f"get {path.name} by hand from {self.info.url}"
            )
            raise DatasetError(
                f"{self.info.title} was looked for in {path}; {how}, or name another place with "
                "--data-root or DVIZ_DATA"
            )
        self._images = map_member(path, ARRAY)
        expected = (self.space.num_combinations, SIDE, SIDE, 3)
        found = self._images.reshape(-1, *self._images.shape[-3:])
        if found.shape != expected or found.dtype != np.uint8:
            raise DatasetError(
                f"{path} holds {found.dtype} {found.shape}; uint8 {expected} is expected"
            )
        self._images = found

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        return np.asarray(self._images[self.space.index(classes)])


class Mpi3dRealistic(Mpi3dToy):
    """As the toy, drawn realistically."""

    name = "mpi3d-realistic"
    info = replace(
        Mpi3dToy.info,
        name=name,
        title="MPI3D, realistically drawn",
        looked_for=("mpi3d_realistic.npz",),
        files=(RemoteFile(f"{HUB}/mpi3d_realistic.npz", "mpi3d_realistic.npz", 12_740_198_762),),
    )


class Mpi3dReal(Mpi3dToy):
    """As the toy, photographed."""

    name = "mpi3d-real"
    info = replace(
        Mpi3dToy.info,
        name=name,
        title="MPI3D, real",
        description="Photographs of a robot's finger that carries an object; 12.7 GB.",
        photographs=True,
        origin=PHOTOGRAPHS,
        looked_for=("mpi3d_real.npz",),
        files=(RemoteFile(f"{HUB}/mpi3d_real.npz", "mpi3d_real.npz"),),
    )


class Mpi3dComplex(Mpi3dToy):
    """Everyday things, photographed: 4 in 4 colours, 460,800 images."""

    name = "mpi3d-complex"
    info = replace(
        Mpi3dReal.info,
        name=name,
        title="MPI3D, real and complex",
        description="Photographs of a robot's finger that carries everyday things; 5.7 GB.",
        looked_for=("real3d_complicated_shapes_ordered.npz",),
        files=(),  # its home is a drive that asks before it gives
    )
    colours, shapes = THINGS_COLOURS, THINGS
