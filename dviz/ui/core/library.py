"""The checkpoints a page can show: those beside the app, and any from the Hub.

Nothing is loaded before somebody asks for it, and only the last few stay in memory.
"""

from __future__ import annotations

import threading
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dviz.checkpoint import (
    CLASSES,
    CODES,
    CONFIG,
    PROBES,
    REPORT,
    SOURCE,
    WEIGHTS,
    Checkpoint,
    CheckpointConfig,
    load_checkpoint,
    read_config,
)
from dviz.errors import CheckpointError, DataFileError
from dviz.lineage import STAGES, lineage_of, targets_of
from dviz.measuring.files import read_classes, read_representations
from dviz.measuring.probe_files import load_probes
from dviz.measuring.report import DatasetReport, Report, read_report
from dviz.metrics.association import bootstrap_association
from dviz.metrics.omes import OmesResult
from dviz.metrics.probes import Probe, fit_probe
from dviz.models.vae import VAE
from dviz.ui.core.hub_cache import HubCache
from dviz.ui.core.inspector import Dimension, Prediction, describe_dimensions, most_probable
from dviz.ui.core.matrix import scores_of
from dviz.ui.core.weights import PackedDecoder, pack_decoder

CAPACITY = 8
MAX_FACTORS = 64
RESAMPLES, MAX_RESAMPLED = 100, 100_000


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
        if len(self.config.factors) > MAX_FACTORS:
            raise CheckpointError(f"{key} must have at most {MAX_FACTORS} factors")
        for result in self.report.results.values():
            _check_result(result, key, self.latent_size)
        for baseline in self.report.baselines:
            _check_result(baseline.result, key)
        self._folder = checkpoint.folder
        self._fitting = threading.Lock()
        self._probes: dict[str, Probe] | None = None
        self._scores: dict[str, list[OmesResult]] = {}

    @property
    def latent_size(self) -> int:
        return self.model.config.latent_size

    @property
    def measured(self) -> DatasetReport | None:
        """What was measured on its own dataset, or else on the first one there is."""
        results = self.report.results
        return results.get(self.config.dataset) or next(iter(results.values()), None)

    @property
    def result(self) -> DatasetReport | None:
        """As `measured`, where there were labels to score it by."""
        return self.measured if self.measured and self.measured.factors else None

    @cached_property
    def dimensions(self) -> list[Dimension]:
        return describe_dimensions(self.latent_size, self.measured)

    @cached_property
    def decoder(self) -> PackedDecoder | None:
        """Its decoder for the page to run; None where it cannot."""
        return pack_decoder(self.model)

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

    @cached_property
    def bootstrap(self) -> np.ndarray | None:
        """S of resampled groups of its stored codes, float64 (R, D, F), for intervals.

        None where there are no codes, very many, or not of the factors that were measured.
        """
        names = [factor.name for factor in self.config.factors]
        if self.sample is None or self.result is None or names != self.result.factors:
            return None
        codes, classes = self.sample
        if len(codes) > MAX_RESAMPLED:
            return None
        return bootstrap_association(codes, classes, resamples=RESAMPLES, seed=0)

    def resampled_scores(self, pooling: str) -> list[OmesResult]:
        """OMES of every sample of `bootstrap`, worked out once; none where there are no samples."""
        if pooling not in self._scores:
            S, result = self.bootstrap, self.result
            self._scores[pooling] = [] if S is None else scores_of(S, result, pooling)
        return self._scores[pooling]

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


class _Shipped(NamedTuple):
    """A checkpoint beside the app, loaded or not."""

    key: str
    config: CheckpointConfig


class Library:
    """Checkpoints by key.

    Args:
        root: folder of checkpoint folders; those that are none of ours are left out.
        capacity: how many stay loaded; the one not used for longest goes first. At most half of
            them are from the Hub, so that visitors' ids do not push out what is shipped.
        fetch: loads a checkpoint by its Hub id.
        forget: told the id of a checkpoint from the Hub that does not stay loaded.
    """

    def __init__(
        self,
        root: str | Path | None = None,
        *,
        capacity: int = CAPACITY,
        fetch: Callable[[str], Checkpoint] | None = None,
        forget: Callable[[str], None] | None = None,
    ) -> None:
        self.root = Path(root) if root is not None else None
        self.configs = _shipped(self.root)
        self._capacity = capacity
        cache = HubCache()
        self._fetch = fetch or cache.fetch
        self._forget = forget or cache.forget
        self.downloaded = cache.downloaded  # bytes of a checkpoint that are here by now
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self._entries: OrderedDict[str, Entry] = OrderedDict()

    @property
    def names(self) -> list[str]:
        """Keys of the shipped checkpoints: each Source, followed by what came of it.

        First comes the Source that was carried to the most Targets: it has the most to show.
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
        for name in gone:
            if name not in self.configs:
                self._forget(name)
        return entry

    def targets(self, key: str) -> list[str]:
        """Datasets that the Source of a checkpoint was carried to: its own Target, or them all."""
        return targets_of(key, self._known) if key in self.configs else []

    def lineage(self, key: str, target: str | None = None) -> list[str]:
        """The Source of a checkpoint, and it directly and fine-tuned on one Target, in this order.

        Only what the library has; `key` itself is always among them. For a Source the Target is
        `target`, or the first one it was transferred to; any other checkpoint has its own.
        """
        if key not in self.configs:
            return [key]
        return [shipped.key for shipped in lineage_of(key, self._known, target)]

    @property
    def _known(self) -> dict[str, _Shipped]:
        return {key: _Shipped(key, config) for key, config in self.configs.items()}

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


def _shipped(root: Path | None) -> dict[str, CheckpointConfig]:
    """Configs by folder name: the Source carried furthest first, each before what came of it."""
    configs = {}
    for folder in sorted(root.iterdir()) if root is not None and root.is_dir() else ():
        try:
            configs[folder.name] = read_config(folder)
        except CheckpointError as error:
            if (folder / CONFIG).exists() or (folder / WEIGHTS).exists():
                warnings.warn(f"{folder.name} is left out: {error}", stacklevel=3)
    made = Counter(config.source for config in configs.values() if config.kind != SOURCE)

    def place(name: str) -> tuple[int, str, str, int, str]:
        config = configs[name]
        source = config.source or config.dataset
        target = "" if config.kind == SOURCE else config.dataset
        stage = STAGES.index(config.kind) if config.kind in STAGES else len(STAGES)
        return -made[source], source, target, stage, name

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
        and len(factors) == len(set(factors)) <= MAX_FACTORS
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
