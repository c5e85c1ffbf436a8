"""The checkpoints as people pick them: each Source with its Targets, and the stages of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dviz.checkpoint import EXTERNAL, SOURCE, CheckpointConfig
from dviz.lineage import STAGES
from dviz.ui.core.library import Library
from dviz.ui.core.titles import title_of


def families(library: Library, fetched: Sequence[str] = ()) -> list[dict[str, Any]]:
    """One dict a Source: key, title, and its targets with their stages; JSON-able.

    What has no Source here, or came from the Hub, stands for itself.
    """
    groups: dict[str, dict[str, Any]] = {}
    for key in library.names:
        config = library.configs[key]
        root = library.root_of(key)
        if root not in groups:
            groups[root] = _family(root, library.configs[root], library.title(root))
        family = groups[root]
        if key != root:
            _add(family, key, config)
    found = list(groups.values())
    found += [{"key": key, "title": key, "kind": "", "targets": []} for key in fetched]
    return found


def _family(root: str, config: CheckpointConfig, title: str) -> dict[str, Any]:
    """A Source has the `title` that it has everywhere; what has no Source here is its own."""
    title = title if config.kind == SOURCE else root
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


def _place(kind: str) -> int:
    return STAGES.index(kind) if kind in STAGES else len(STAGES)
