"""Every dataset by name. A new one is a class in a file of its own and a line in `_CLASSES`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dviz.data.arm3d import Arm3D
from dviz.data.base import FactorDataset
from dviz.data.cars3d import Cars3d
from dviz.data.coil100 import Coil100, Coil100Augmented, Coil100AugmentedBinary
from dviz.data.dsprites import (
    ColorDSprites,
    DSprites,
    NoisyColorDSprites,
    NoisyDSprites,
    WhiteColorDSprites,
)
from dviz.data.folder import Folder, is_own_folder
from dviz.data.info import DatasetInfo
from dviz.data.isaac3d import Isaac3D
from dviz.data.mpi3d import Mpi3dComplex, Mpi3dReal, Mpi3dRealistic, Mpi3dToy
from dviz.data.rgbd_objects import RgbdObjects, RgbdObjectsDepth, RgbdObjectsDepth16
from dviz.data.shapes3d import Shapes3D
from dviz.data.smallnorb import SmallNorb
from dviz.data.textures import TextureDSprites
from dviz.errors import DatasetError

_CLASSES: tuple[type[FactorDataset], ...] = (
    DSprites,
    NoisyDSprites,
    WhiteColorDSprites,
    ColorDSprites,
    NoisyColorDSprites,
    TextureDSprites,
    Shapes3D,
    Isaac3D,
    Arm3D,
    Coil100,
    Coil100Augmented,
    Coil100AugmentedBinary,
    RgbdObjects,
    RgbdObjectsDepth,
    RgbdObjectsDepth16,
    Mpi3dToy,
    Mpi3dRealistic,
    Mpi3dReal,
    Mpi3dComplex,
    SmallNorb,
    Cars3d,
    Folder,
)
_DATASETS = {cls.info.name: cls for cls in _CLASSES}


def list_datasets() -> list[str]:
    """Names that `load_dataset` knows."""
    return sorted(_DATASETS)


def dataset_info(name: str) -> DatasetInfo:
    """What is known of the dataset called `name` before it is loaded.

    Raises:
        DatasetError: there is no such dataset.
    """
    return _class_of(name).info


def known_info(name: str) -> DatasetInfo | None:
    """As `dataset_info`, None where there is no such dataset: others' checkpoints name theirs."""
    try:
        return dataset_info(name)
    except DatasetError:
        return None


def is_photographs(name: str) -> bool:
    """Whether the dataset called `name` is known to be photographs."""
    info = known_info(name)
    return info is not None and info.photographs


def load_dataset(name: str, root: str | Path | None = None) -> FactorDataset:
    """The dataset called `name`.

    Args:
        name: one of `list_datasets()`; "folder:NAME" is the folder of one's own that is called so.
        root: where files are looked for (see `dviz.data.root.data_root` for the default); for
            "folder" the folder or zip itself.

    Raises:
        DatasetError: there is no such dataset, or its files are missing or broken.
    """
    make: Callable[..., FactorDataset] = _class_of(name)
    own = name.partition(":")[2]
    return make(root, own) if own else make(root)


def _class_of(name: str) -> type[FactorDataset]:
    known = Folder.name if is_own_folder(name) else name
    if known not in _DATASETS:
        raise DatasetError(
            f"there is no dataset {name!r}; choose from {', '.join(list_datasets())}"
        )
    return _DATASETS[known]
