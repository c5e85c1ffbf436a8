"""A loaded checkpoint with everything that was measured of it, as the page asks for it."""

from __future__ import annotations

import os
import threading
from functools import cached_property

import numpy as np

from dviz.checkpoint import (
    CLASSES,
    CODES,
    PROBES,
    REPORT,
    THUMBNAILS,
    Checkpoint,
    CheckpointConfig,
    read_thumbnails,
)
from dviz.errors import CheckpointError, DataFileError
from dviz.limits import LIMITS
from dviz.measuring.files import read_classes, read_representations
from dviz.measuring.probe_files import load_probes
from dviz.measuring.report import DatasetReport, Report, read_report
from dviz.metrics.probes import Probe, fit_probe
from dviz.models.vae import VAE
from dviz.representations.base import Representation
from dviz.representations.nearest import NearestPictures
from dviz.representations.own import VAERepresentation
from dviz.ui.core.checks import MAX_FACTORS, check_result, check_sample, within
from dviz.ui.core.inspector import Dimension, Prediction, describe_dimensions, most_probable
from dviz.ui.core.titles import title_alone, title_of
from dviz.ui.core.weights import PackedDecoder, pack_decoder


class Entry:
    """A loaded checkpoint with everything that was measured of it.

    Attributes:
        key: what the picker calls it: a folder's name or a Hub id.
        config: of the checkpoint.
        model: what it does; without a decoder of its own it shows the nearest of its `pictures`.
        vae: dviz's own model behind it; None of somebody else's.
        report: what was measured; empty where nothing was.
        title, source_title: what people call it, and its Source; a library tells them from others.
        painting: held while pictures of its dataset are painted.

    Args:
        fetched: a visitor named it: its sample is bounded, and no probes are fitted to it.
    """

    def __init__(self, key: str, checkpoint: Checkpoint, *, fetched: bool = False) -> None:
        self.key = key
        self.config: CheckpointConfig = checkpoint.config
        self.title = title_alone(key, self.config)
        self.source_title = title_of(self.config.source or self.config.dataset)
        own = checkpoint.representation
        self.vae: VAE | None = own.model if isinstance(own, VAERepresentation) else None
        self._representation = own
        self.report: Report = read_report(checkpoint.folder / REPORT)
        if len(self.config.factors) > MAX_FACTORS:
            raise CheckpointError(f"{key} must have at most {MAX_FACTORS} factors")
        for result in self.report.results.values():
            check_result(result, key, self.latent_size)
        for baseline in self.report.baselines:
            check_result(baseline.result, key)
        self._checkpoint = checkpoint  # fetched files stay as long as it does
        self._folder = checkpoint.folder
        self._fetched = fetched
        self._fitting = threading.Lock()
        self.painting = threading.Lock()
        self._probes: dict[str, Probe] | None = None

    @property
    def latent_size(self) -> int:
        return self._representation.latent_size

    @property
    def paints(self) -> bool:
        """Whether it has a decoder of its own."""
        return self._representation.has_decoder

    @cached_property
    def model(self) -> Representation:
        if self.paints:
            return self._representation
        if self.sample is None or self.pictures is None:
            raise CheckpointError(
                f"{self.key} has no decoder, and no {THUMBNAILS} to look among; save it anew with "
                "dviz.save"
            )
        codes = self.sample[0][: len(self.pictures)]
        return NearestPictures(self._representation, codes, self.pictures)

    @cached_property
    def pictures(self) -> np.ndarray | None:
        """The images uint8 (M, 64, 64, 3) behind its first codes, where it came with them."""
        images = read_thumbnails(self._folder)
        return None if images is None or self.sample is None else images[: len(self.sample[0])]

    @property
    def measured(self) -> DatasetReport | None:
        """What was measured on its own dataset, or else on the first one there is."""
        results = self.report.results
        return results.get(self.config.dataset) or next(iter(results.values()), None)

    @property
    def result(self) -> DatasetReport | None:
        """As `measured`, where there were labels to score it by."""
        return self.measured if self.measured and self.measured.factors else None

    @property
    def why_no_result(self) -> str:
        """What goes on after its name, where `result` is None."""
        if self.measured is None:
            return "came without a report; dviz evaluate measures it"
        return "was measured on images without labels, so nothing of it is scored"

    @property
    def why_no_codes(self) -> str:
        """What goes on after its name, where `sample` is None."""
        own = self.report.results.get(self.config.dataset)
        if own is not None and not own.factors:
            return (
                "was measured on images without labels, so no codes are kept; dviz evaluate keeps "
                "them once labels.csv says what is known of the images"
            )
        return "came without codes; dviz evaluate writes them"

    @cached_property
    def dimensions(self) -> list[Dimension]:
        return describe_dimensions(self.latent_size, self.measured)

    @cached_property
    def decoder(self) -> PackedDecoder | None:
        """Its decoder for the page to run; None where it cannot."""
        return None if self.vae is None else pack_decoder(self.vae)

    @cached_property
    def sample(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Codes float32 (N, D) of a sample of its dataset and class indices int64 (N, F)."""
        paths = self._folder / CODES, self._folder / CLASSES
        if not all(path.exists() for path in paths):
            return None
        try:
            bounds = LIMITS if self._fetched else None
            codes = read_representations(paths[0], max_bytes=LIMITS.npz_bytes, limits=bounds)
            labels = read_classes(paths[1], limits=LIMITS)
        except DataFileError as error:  # its message names the path, which is nobody's business
            reason = str(error).replace(f"{self._folder}{os.sep}", "")
            raise CheckpointError(f"the codes of {self.key} cannot be used: {reason}") from error
        classes = labels.classes
        check_sample(codes, classes, self.config.factors, self.latent_size, self.key)
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
        """A classifier for each factor: stored ones, or fitted here, once; None where there is
        nothing to fit them to, or a visitor named the checkpoint."""
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
            if not fits or not within(probe.classes, factor.size):
                raise CheckpointError(f"{PROBES} of {self.key} does not fit its factors")
        return probes

    def _fit_probes(self) -> dict[str, Probe] | None:
        if self.sample is None or self._fetched:
            return None
        codes, classes = self.sample
        return {
            factor.name: fit_probe(codes, column, model="mlp", seed=0)
            for factor, column in zip(self.config.factors, classes.T, strict=True)
        }
