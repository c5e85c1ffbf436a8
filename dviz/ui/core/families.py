"""The checkpoints as people pick them: each Source with its Targets, and the stages of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dviz.checkpoint import EXTERNAL, SOURCE, CheckpointConfig
from dviz.data.registry import dataset_info
from dviz.errors import DatasetError
from dviz.lineage import STAGES
from dviz.ui.core.library import Library


def families(library: Library, fetched: Sequence[str] = ()) -> list[dict[str, Any]]:
    """One dict a Source: key, title, and its targets with their stages; JSON-able.

    What has no Source here, or came from the Hub, stands for itself.
    """
    groups: dict[str, dict[str, Any]] = {}
    for key in library.names:
        config = library.configs[key]
        root = library.root_of(key)
        if root not in groups:
            groups[root] = _family(
                root, library.configs[root], [f["title"] for f in groups.values()]
            )
        family = groups[root]
        if key != root:
            _add(family, key, config)
    found = list(groups.values())
    found += [{"key": key, "title": key, "kind": "", "targets": []} for key in fetched]
    return found


def _family(root: str, config: CheckpointConfig, taken: Sequence[str]) -> dict[str, Any]:
    """A Source is called by its dataset; a second one of the same dataset by its own name."""
    title = title_of(config.dataset) if config.kind == SOURCE else root
    title = root if title in taken else title
    kind = EXTERNAL if config.kind == EXTERNAL else config.stage
    return {"key": root, "title": title, "kind": kind, "targets": []}


def _add(family: dict[str, Any], key: str, config: CheckpointConfig) -> None:
    """Put a checkpoint below its Target; a second one of the same stage is called by its name."""
    title = title_of(config.dataset)
    target = next((t for t in family["targets"] if t["title"] == title), None)
    if target is None:
        target = {"title": title, "stages": []}
        family["targets"].append(target)
    taken = any(stage["kind"] == config.stage for stage in target["stages"])
    name = key if taken else config.stage
    target["stages"].append({"key": key, "kind": config.stage, "title": name})
    target["stages"].sort(key=lambda stage: _place(stage["kind"]))


def title_of(dataset: str) -> str:
    """What people call a dataset; its name where we do not know it."""
    try:
        return dataset_info(dataset).title
    except DatasetError:
        return dataset


def _place(kind: str) -> int:
    return STAGES.index(kind) if kind in STAGES else len(STAGES)
