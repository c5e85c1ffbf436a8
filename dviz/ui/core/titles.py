"""What people call datasets and checkpoints; the same everywhere on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dviz.checkpoint import EXTERNAL, SOURCE, CheckpointConfig
from dviz.data.folder import is_own_folder
from dviz.data.registry import dataset_info
from dviz.errors import DatasetError
from dviz.measuring.report import DatasetReport


def title_of(dataset: str) -> str:
    """What people call a dataset; its name where it is a folder of one's own or unknown to us."""
    if is_own_folder(dataset):
        return dataset.partition(":")[2] or dataset_info(dataset).title
    try:
        return dataset_info(dataset).title
    except DatasetError:
        return dataset


def titled(result: DatasetReport) -> DatasetReport:
    """A report that calls its dataset as people do, for what is said of it."""
    return replace(result, dataset=title_of(result.dataset))


def title_alone(key: str, config: CheckpointConfig) -> str:
    """What a checkpoint is called where there is no other: as its dataset, an external as it is."""
    return key if config.kind == EXTERNAL else title_of(config.dataset)


def titles_of(configs: Mapping[str, CheckpointConfig]) -> dict[str, str]:
    """What checkpoints beside each other are called; a second Source of a dataset with its key.

    The one that is named as its dataset is the first, wherever it stands.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for key in sorted(configs, key=lambda key: key != configs[key].dataset):
        config = configs[key]
        title = title_alone(key, config)
        if config.kind == SOURCE:
            title = _told_apart(key, config) if title in taken else title
            taken.add(title)
        found[key] = title
    return {key: found[key] for key in configs}


def _told_apart(key: str, config: CheckpointConfig) -> str:
    """A dataset's second Source, by what its key adds to the dataset's name, if it does."""
    start = f"{config.dataset}-"
    return f"{title_of(config.dataset)} ({key[len(start) :]})" if key.startswith(start) else key
