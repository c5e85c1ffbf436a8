"""Every dataset by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dviz.data.base import FactorDataset
from dviz.data.coil100 import Coil100Augmented
from dviz.data.dsprites import (
    ColorDSprites,
    DSprites,
    NoisyColorDSprites,
    NoisyDSprites,
    WhiteColorDSprites,
)
from dviz.errors import DatasetError

_DATASETS: dict[str, Callable[[str | Path | None], FactorDataset]] = {
    DSprites.name: lambda root: DSprites(),
    NoisyDSprites.name: lambda root: NoisyDSprites(),
    WhiteColorDSprites.name: lambda root: WhiteColorDSprites(),
    ColorDSprites.name: lambda root: ColorDSprites(),
    NoisyColorDSprites.name: lambda root: NoisyColorDSprites(),
    Coil100Augmented.name: Coil100Augmented,
}


def list_datasets() -> list[str]:
    """Names that `load_dataset` knows."""
    return sorted(_DATASETS)


def load_dataset(name: str, root: str | Path | None = None) -> FactorDataset:
    """The dataset called `name`; `root` is where its files lie, if it needs any.

    Raises:
        DatasetError: there is no such dataset, or its files are missing or broken.
    """
    if name not in _DATASETS:
        raise DatasetError(
            f"there is no dataset {name!r}; choose from {', '.join(list_datasets())}"
        )
    return _DATASETS[name](root)
