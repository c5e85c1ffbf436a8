"""Where a checkpoint comes from: a Source, carried to a Target as it is, then fine-tuned there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from dviz.checkpoint import CONFIG, DIRECT, FINE_TUNED, SOURCE, CheckpointConfig, read_config
from dviz.errors import CheckpointError

STAGES = (SOURCE, DIRECT, FINE_TUNED)


class HasConfig(Protocol):
    """Anything that stands for one checkpoint."""

    @property
    def config(self) -> CheckpointConfig: ...


T = TypeVar("T", bound=HasConfig)


@dataclass(frozen=True)
class Lineage(Generic[T]):
    """The stages of one transfer, as far as they are there."""

    source: T | None = None
    direct: T | None = None
    tuned: T | None = None

    def __iter__(self) -> Iterator[T]:
        """Those that are there, in this order."""
        return (stage for stage in (self.source, self.direct, self.tuned) if stage is not None)

    @property
    def last(self) -> T | None:
        """The stage that came last."""
        return self.tuned or self.direct or self.source


def root_of(name: str, known: Mapping[str, T]) -> str:
    """Name of the oldest known ancestor of `name`, itself where its parent is not known.

    A circle of parents ends where it would begin anew.
    """
    return line_of(name, {key: entry.config for key, entry in known.items()})[-1]


def line_of(name: str, configs: Mapping[str, CheckpointConfig]) -> list[str]:
    """A checkpoint and its ancestors, as far as they are known, from it back to the oldest."""
    line = [name]
    while (parent := configs[line[-1]].parent) in configs and parent not in line:
        line.append(str(parent))
    return line


def source_folder(folder: Path) -> Path:
    """Folder of the Source at the root of a checkpoint's lineage, among the folders beside its own.

    Raises:
        CheckpointError: an ancestor is not there, or the lineage is a circle.
    """
    seen = [folder]
    while (config := read_config(seen[-1])).stage != SOURCE:
        parent = folder.parent / str(config.parent)
        if parent in seen:
            raise CheckpointError(f"the lineage of {folder.name} comes back to {parent.name}")
        if not (parent / CONFIG).is_file():
            raise CheckpointError(
                f"{folder.name} comes from {parent.name}, which is looked for beside it; copy or "
                f"link it to {parent}"
            )
        seen.append(parent)
    return seen[-1]


def targets_of(name: str, known: Mapping[str, T]) -> list[str]:
    """Datasets that the Source of a checkpoint was carried to: its own Target, or them all."""
    own = known[name].config
    if own.stage != SOURCE:
        return [own.dataset]
    root = root_of(name, known)
    family = (item.config for other, item in known.items() if root_of(other, known) == root)
    return list(dict.fromkeys(config.dataset for config in family if config.stage != SOURCE))


def lineage_of(name: str, known: Mapping[str, T], target: str | None = None) -> Lineage[T]:
    """The Source of a checkpoint, and it directly and fine-tuned on one Target.

    `known[name]` itself is always among them. Of several checkpoints at one stage the first in the
    order of `known` counts.

    Args:
        known: checkpoints by name, `name` among them.
        target: for a Source, the Target to follow, by default the first it was carried to; any
            other checkpoint has its own.
    """
    targets = targets_of(name, known)
    chosen = target if target in targets else next(iter(targets), None)
    root = root_of(name, known)
    stages = {known[root].config.stage: known[root]} | {known[name].config.stage: known[name]}
    for other, item in known.items():
        stage = item.config.stage
        if stage != SOURCE and item.config.dataset == chosen and root_of(other, known) == root:
            stages.setdefault(stage, item)
    return Lineage(*(stages.get(stage) for stage in STAGES))
