"""The checkpoints a page can show: those beside the app, and any from the Hub.

Nothing is loaded before somebody asks for it, and only the last few stay in memory.
"""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np

from dviz import hub
from dviz.checkpoint import (
    CLASSES,
    CODES,
    DIRECT,
    FINE_TUNED,
    PROBES,
    REPORT,
    SOURCE,
    Checkpoint,
    CheckpointConfig,
    load_checkpoint,
    read_config,
)
from dviz.errors import CheckpointError, DataFileError
from dviz.metrics.files import read_classes, read_representations
from dviz.metrics.probe_files import load_probes
from dviz.metrics.probes import Probe, fit_probe
from dviz.models.vae import VAE
from dviz.report import DatasetReport, Report, read_report
from dviz.ui.inspector import Dimension, Prediction, describe_dimensions, most_probable

STAGES = (SOURCE, DIRECT, FINE_TUNED)
CAPACITY = 8
MAX_FACTORS = 64


class Entry:
    """A loaded checkpoint with everything that was measured of it.

    Attributes:
        key: what the picker calls it: a folder's name or a Hub id.
        config, model: of the checkpoint.
        report: what was measured; empty where nothing was.
    """

    def __init__(self, key: str, checkpoint: Checkpoint) -> None:
        self.key = key
        self.config: CheckpointConfig = checkpoint.config
        self.model: VAE = checkpoint.model
        self.report: Report = read_report(checkpoint.folder / REPORT)
        if not 1 <= len(self.config.factors) <= MAX_FACTORS:
            raise CheckpointError(f"{key} must have 1 to {MAX_FACTORS} factors")
        for result in self.report.results.values():
            _check_result(result, key, self.latent_size)
        for baseline in self.report.baselines:
            _check_result(baseline.result, key)
        self._folder = checkpoint.folder
        self._fitting = threading.Lock()
        self._probes: dict[str, Probe] | None = None

    @property
    def latent_size(self) -> int:
        return self.model.config.latent_size

    @property
    def result(self) -> DatasetReport | None:
        """What was measured on its own dataset, or else on the first one there is."""
        results = self.report.results
        return results.get(self.config.dataset) or next(iter(results.values()), None)

    @cached_property
    def dimensions(self) -> list[Dimension]:
        return describe_dimensions(self.latent_size, self.result)

    @cached_property
    def sample(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Codes float32 (N, D) of a sample of its dataset and class indices int64 (N, F)."""
        paths = self._folder / CODES, self._folder / CLASSES
        if not all(path.exists() for path in paths):
            return None
        try:
            codes, labels = read_representations(paths[0]), read_classes(paths[1])
        except DataFileError as error:  # its message names the path, which is nobody's business
            raise CheckpointError(f"the codes of {self.key} are broken; measure it anew") from error
        classes = labels.classes
        _check_sample(codes, classes, self)
        return codes, classes

    def predict(self, codes: np.ndarray) -> list[list[Prediction]]:
        """What the probes read off codes (N, D): for each code one prediction a factor.

        Empty lists where there are neither stored probes nor codes to fit any to.
        """
        probes = self.probes()
        if probes is None:
            return [[] for _ in codes]
        factors = self.config.factors
        read = [(probes[f.name].classes, probes[f.name].predict_proba(codes)) for f in factors]
        return [
            most_probable(factors, [(classes, rows[n]) for classes, rows in read])
            for n in range(len(codes))
        ]

    def probes(self) -> dict[str, Probe] | None:
        """A classifier for each factor: stored ones, or fitted here, once; None without codes."""
        with self._fitting:
            if self._probes is None:
                self._probes = self._stored_probes() or self._fit_probes()
            return self._probes

    def _stored_probes(self) -> dict[str, Probe] | None:
        path = self._folder / PROBES
        if not path.exists():
            return None
        try:
            probes = load_probes(path)
        except DataFileError as error:
            raise CheckpointError(f"{PROBES} of {self.key} cannot be read") from error
        for factor in self.config.factors:
            probe = probes.get(factor.name)
            fits = probe is not None and probe.dimensions == self.latent_size
            if not fits or not _within(probe.classes, factor.size):
                raise CheckpointError(f"{PROBES} of {self.key} does not fit its factors")
        return probes

    def _fit_probes(self) -> dict[str, Probe] | None:
        if self.sample is None:
            return None
        codes, classes = self.sample
        return {
            factor.name: fit_probe(codes, column, model="mlp", seed=0)
            for factor, column in zip(self.config.factors, classes.T, strict=True)
        }


class Library:
    """Checkpoints by key.

    Args:
        root: folder of checkpoint folders; those that are none of ours are left out.
        capacity: how many stay loaded; the one not used for longest goes first.
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
        self._capacity = capacity
        self._fetch = fetch or _fetch
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self._entries: OrderedDict[str, Entry] = OrderedDict()

    @property
    def names(self) -> list[str]:
        """Keys of the shipped checkpoints: each Source, followed by what came of it."""
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

    def _keep(self, key: str, entry: Entry) -> Entry:
        with self._lock:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
        return entry

    def lineage(self, key: str) -> list[str]:
        """The Source of a checkpoint, and it directly and fine-tuned on one Target, in this order.

        Only what the library has; `key` itself is always among them. For a Source the Target is
        the first one it was transferred to.
        """
        if key not in self.configs:
            return [key]
        family = [name for name in self.configs if self._root_of(name) == self._root_of(key)]
        targets = [self.configs[n].dataset for n in family if self.configs[n].kind != SOURCE]
        own = self.configs[key]
        target = own.dataset if own.kind != SOURCE else next(iter(targets), None)
        members = {SOURCE: self._root_of(key), own.kind: key}
        for name in family:
            config = self.configs[name]
            if config.kind != SOURCE and config.dataset == target:
                members.setdefault(config.kind, name)
        return [members[stage] for stage in STAGES if stage in members]

    def _root_of(self, name: str) -> str:
        seen = [name]
        while (parent := self.configs[seen[-1]].parent) in self.configs and parent not in seen:
            seen.append(parent)
        return seen[-1]

    def _load(self, key: str) -> Entry:
        if key in self.configs:
            return Entry(key, load_checkpoint(self.root / key))
        return Entry(key, self._fetch(key))

    def _nothing(self, key: str) -> str:
        if not self.configs:
            return "no checkpoint is installed here; load one from the Hub by its id, user/name"
        return (
            f"there is no checkpoint {key[:80]!r}; choose from {', '.join(self.names)} "
            "or give a Hub id, user/name"
        )


def _fetch(repo_id: str) -> Checkpoint:
    # Strangers name the repository, so nobody's token goes along.
    return hub.load(repo_id, token=False)


def _shipped(root: Path | None) -> dict[str, CheckpointConfig]:
    """Configs by folder name, a Source before what came of it."""
    configs = {}
    for folder in sorted(root.iterdir()) if root is not None and root.is_dir() else ():
        try:
            configs[folder.name] = read_config(folder)
        except CheckpointError as error:
            if folder.is_dir() and not folder.name.startswith("."):
                warnings.warn(f"{folder.name} is left out: {error}", stacklevel=3)

    def place(name: str) -> tuple[str, str, int, str]:
        config = configs[name]
        target = "" if config.kind == SOURCE else config.dataset
        stage = STAGES.index(config.kind) if config.kind in STAGES else len(STAGES)
        return config.source or config.dataset, target, stage, name

    return {name: configs[name] for name in sorted(configs, key=place)}


def _check_result(result: DatasetReport, key: str, latent_size: int | None = None) -> None:
    try:
        fits = _fits(result, latent_size or len(result.active))
    except (TypeError, ValueError, AttributeError):
        fits = False
    if not fits:
        raise CheckpointError(f"report.json of {key} does not fit its model")


def _fits(result: DatasetReport, latent_size: int) -> bool:
    rows = [result.active, result.mean, result.std, result.low, result.high, result.kl]
    numbers = np.array(rows, dtype=np.float64)
    S, factors = result.association_matrix, result.factors
    words = [result.dataset, *factors]
    for probe in result.probes:
        words += [probe.factor, probe.model, probe.dimensions]
    return bool(
        numbers.shape == (6, latent_size)
        and np.isfinite(numbers).all()
        and all(isinstance(active, bool) for active in result.active)
        and S.shape == (latent_size, len(factors))
        and not ((S < 0) | (S > 1)).any()
        and _are_words(words)
        and 1 <= len(factors) == len(set(factors)) <= MAX_FACTORS
        and all(type(n) is int for n in (result.seed, result.num_images, result.num_pairs))
        and all(np.isfinite([p.accuracy, p.standard_error, p.chance]).all() for p in result.probes)
    )


def _are_words(values: list) -> bool:
    return all(isinstance(value, str) for value in values)


def _check_sample(codes: np.ndarray, classes: np.ndarray, entry: Entry) -> None:
    expected = (len(codes), entry.latent_size), (len(codes), len(entry.config.factors))
    if (codes.shape, classes.shape) != expected or not len(codes) or not np.isfinite(codes).all():
        raise CheckpointError(
            f"the codes of {entry.key} do not fit it: {codes.shape} codes and {classes.shape} "
            f"classes, expected {expected[0]} and {expected[1]}"
        )
    if not all(
        _within(column, factor.size)
        for column, factor in zip(classes.T, entry.config.factors, strict=True)
    ):
        raise CheckpointError(f"the codes of {entry.key} have classes that its factors do not")


def _within(classes: np.ndarray, size: int) -> bool:
    return bool(((classes >= 0) & (classes < size)).all())
