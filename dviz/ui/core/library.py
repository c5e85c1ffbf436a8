"""The checkpoints a page can show: those beside the app, and any from the Hub.

Nothing is loaded before somebody asks for it, and only the last few stay in memory.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dviz.checkpoint import (
    CONFIG,
    REPORT,
    SOURCE,
    WEIGHTS,
    Checkpoint,
    CheckpointConfig,
    load_checkpoint,
    read_config,
)
from dviz.data.registry import is_photographs
from dviz.errors import CheckpointError
from dviz.lineage import STAGES, lineage_of, root_of, targets_of
from dviz.measuring.report import read_report
from dviz.ui.core.entry import Entry
from dviz.ui.core.hub_cache import HubCache
from dviz.ui.core.titles import title_of, titles_of

CAPACITY = 8


@dataclass(frozen=True)
class _Shipped:
    name: str
    config: CheckpointConfig


class Library:
    """Checkpoints by key.

    Args:
        root: folder of checkpoint folders; those that are none of ours are left out.
        capacity: how many stay loaded; the one not used for longest goes first. At most half of
            them are from the Hub, so that visitors' ids do not push out what is shipped.
        fetch: loads a checkpoint by its Hub id.
    """

    def __init__(
        self,
        root: str | Path | None = None,
        *,
        capacity: int = CAPACITY,
        fetch: Callable[[str], Checkpoint] | None = None,
    ) -> None:
        self.root = Path(root) if root is not None else None
        self.configs = _shipped(self.root)
        self._known = {name: _Shipped(name, config) for name, config in self.configs.items()}
        self._capacity = capacity
        cache = HubCache()
        self._fetch = fetch or cache.fetch
        self.downloaded = cache.downloaded  # bytes of a checkpoint that are here by now
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._added: dict[str, Checkpoint] = {}

    def add(self, key: str, checkpoint: Checkpoint) -> None:
        """Show one that is loaded already, such as somebody's own model, under this name."""
        self.configs[key] = checkpoint.config
        self._known[key] = _Shipped(key, checkpoint.config)
        self._added[key] = checkpoint

    @property
    def names(self) -> list[str]:
        """Keys of the shipped checkpoints: each Source, followed by what came of it, on photographs
        first.

        First comes, of those that were carried to a Target, the Source of the highest OMES: it has
        the most to show.
        """
        return list(self.configs)

    def get(self, key: str) -> Entry:
        """The checkpoint of that name, or with that Hub id ("user/repo"), loaded.

        Raises:
            CheckpointError: there is none, or it is broken.
        """
        key = key.strip() if isinstance(key, str) else ""
        if key not in self.configs and "/" not in key:
            raise CheckpointError(self._nothing(key))
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key]
            turn = self._loading.setdefault(key, threading.Lock())
        with turn:  # whoever comes second finds it loaded
            try:
                return self._keep(key, self._entries.get(key) or self._load(key))
            finally:
                self._loading.pop(key, None)

    @property
    def loaded(self) -> int:
        """How many checkpoints are in memory."""
        return len(self._entries)

    def _keep(self, key: str, entry: Entry) -> Entry:
        with self._lock:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            fetched = [name for name in self._entries if name not in self.configs]
            gone = fetched[: -max(self._capacity // 2, 1)]
            kept = [name for name in self._entries if name not in gone]
            gone += kept[: -self._capacity]
            for name in gone:
                del self._entries[name]
        return entry

    def has(self, key: str) -> bool:
        """Whether a checkpoint is shipped, or in memory; others may still come from the Hub."""
        return key in self.configs or key in self._entries

    def root_of(self, key: str) -> str:
        """Key of the Source that a shipped checkpoint came of, or of its oldest ancestor here."""
        return root_of(key, self._known)

    def title(self, key: str) -> str:
        """What a shipped checkpoint is called, as nothing else here of its kind is."""
        return titles_of(self.configs)[key]

    def source_title(self, key: str) -> str:
        """What the Source of a shipped checkpoint is called, its own title if it is one."""
        root, config = self.root_of(key), self.configs[key]
        if self.configs[root].stage == SOURCE:
            return self.title(root)
        return title_of(config.source or config.dataset)

    def targets(self, key: str) -> list[str]:
        """Datasets that the Source of a checkpoint was carried to: its own Target, or them all."""
        return targets_of(key, self._known) if key in self.configs else []

    def lineage(self, key: str, target: str | None = None) -> list[str]:
        """The Source of a checkpoint, and it directly and fine-tuned on one Target, in this order.

        Only what the library has; `key` itself is always among them. For a Source the Target is
        `target`, or the first one in the order of `names`; any other checkpoint has its own.
        """
        if key not in self.configs:
            return [key]
        return [stage.name for stage in lineage_of(key, self._known, target)]

    def _load(self, key: str) -> Entry:
        if key not in self.configs:
            return Entry(key, self._fetch(key), fetched=True)
        added = self._added.get(key)
        entry = Entry(key, load_checkpoint(self.root / key) if added is None else added)
        entry.title, entry.source_title = self.title(key), self.source_title(key)
        return entry

    def _nothing(self, key: str) -> str:
        if not self.configs:
            return "no checkpoint is installed here; load one from the Hub by its id, user/name"
        return (
            f"there is no checkpoint {key[:80]!r}; choose one of the {len(self.names)} listed, "
            f"such as {self.names[0]}, or give a Hub id, user/name"
        )


def _shipped(root: Path | None) -> dict[str, CheckpointConfig]:
    """Configs by folder name, in the order of `Library.names`."""
    if root is None or not root.is_dir():
        return {}
    configs = {}
    for folder in sorted(root.iterdir()):
        try:
            configs[folder.name] = read_config(folder)
        except CheckpointError as error:
            if (folder / CONFIG).exists() or (folder / WEIGHTS).exists():
                warnings.warn(f"{folder.name} is left out: {error}", stacklevel=3)
    return _ordered(root, configs)


def _ordered(root: Path, configs: dict[str, CheckpointConfig]) -> dict[str, CheckpointConfig]:
    """Families one after the other: those with a transfer first, then by their Source's OMES."""
    known = {name: _Shipped(name, config) for name, config in configs.items()}
    origin = {name: root_of(name, known) for name in configs}
    scores = {name: _omes(root / name, configs[name]) for name in set(origin.values())}
    carried = {source for name, source in origin.items() if name != source}

    def place(name: str) -> tuple[bool, float, str, bool, bool, str, int, str]:
        source, config = origin[name], configs[name]
        stage = STAGES.index(config.stage) if config.stage in STAGES else len(STAGES)
        family = source not in carried, -scores[source], source
        drawn = not is_photographs(config.dataset)
        return *family, name != source, drawn, config.dataset, stage, name

    return {name: configs[name] for name in sorted(configs, key=place)}


def _omes(folder: Path, config: CheckpointConfig) -> float:
    """OMES on its own dataset; 0 where it was not measured."""
    try:
        result = read_report(folder / REPORT).results.get(config.dataset)
        score = result.omes().omes if result and result.factors else math.nan
    except (CheckpointError, ValueError):
        return 0.0
    return 0.0 if math.isnan(score) else score
