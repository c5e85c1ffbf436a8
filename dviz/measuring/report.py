"""Report: everything measured of a checkpoint, on one or more datasets; `report.json`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dviz.data.info import YOUR_FOLDER
from dviz.errors import CheckpointError
from dviz.files import write_json
from dviz.limits import LIMITS
from dviz.measuring.evidence import Evidence
from dviz.measuring.probe_score import ProbeScore as ProbeScore
from dviz.metrics.omes import OmesResult, associated_dimensions, omes
from dviz.metrics.uncertainty import OmesUncertainty

FORMAT = 1
BY_ROW, BY_PHOTOGRAPH = "rows", "photographs"
ARC = "arc"
"""What asks for the probes on all active dimensions with an arc of views held out."""
NOTABLE = 0.3
"""Association below which a dimension is not named after a factor."""
MOVES = 0.25
"""Share of the distance of two random images from which on a factor counts as moving."""


@dataclass(frozen=True)
class DatasetReport:
    """One encoder measured on one dataset. D latent dimensions, F factors.

    Attributes:
        dataset: name of the dataset.
        factors, sizes: names and numbers of classes of its factors, (F,).
        seed: seeds the sample, the pairs and the probes.
        num_images: images encoded for the probes and the diagnostics.
        num_pairs: pairs a factor behind the association matrix.
        association: S, (D, F), in [0, 1]; None in the column of a factor that never changes.
        active: dimensions whose posterior mean has a standard deviation of at least 0.05, (D,).
        mean, std, low, high: of the posterior means, and their 1st and 99th percentile, (D,).
        posterior_std: mean σ of q(z|x), (D,); None, like `kl`, where an encoder gives one code.
        kl: mean KL(q(z|x) ‖ N(0, 1)), nats, (D,).
        reconstruction: pixel cross-entropy, nats an image; mse: squared error a pixel in [0, 1];
            None without a decoder.
        probes: accuracies, one row a factor, classifier and set of dimensions.
        scores: other metrics by name (see dviz.metrics.suite.reported_scores), each in [0, 1].
        seconds: what measuring took; machine: where.
        origin: where the dataset's images came from, as `FactorDataset.origin`: a twin is not the
            genuine dataset whose name it has.
        overlap: mean intersection over union of the foreground with its reconstruction's, in
            [0, 1]; colour_error: mean absolute error within the foreground, channels in [0, 1].
            None where a dataset's images do not stand on plain black.
        moves: how far moving a dimension moves each factor in the picture, (D, F), see
            `dviz.measuring.cycle.moves`; [] where it was not measured.
        split: whether "rows" or whole "photographs" train and test probes; arc: the probes on all
            active dimensions again where the images seen from a third of the circle test, and none
            of them trains; [] where a dataset goes around nothing (see dviz.measuring.splits).
        painted: images, with repeats, from whose frozen codes alone the decoder learnt: `mse` then
            says what the code holds of a picture. 0 where it learnt along with the encoder.
        evidence: errors, noise and mutual information behind S; None in reports from before.
    """

    dataset: str
    factors: list[str]
    sizes: list[int]
    seed: int
    num_images: int
    num_pairs: int
    association: list[list[float | None]]
    active: list[bool]
    mean: list[float]
    std: list[float]
    low: list[float]
    high: list[float]
    posterior_std: list[float] | None
    kl: list[float] | None
    reconstruction: float | None
    mse: float | None
    probes: list[ProbeScore] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    machine: str = ""
    origin: str = ""
    overlap: float | None = None
    colour_error: float | None = None
    moves: list[list[float | None]] = field(default_factory=list)
    painted: int = 0
    split: str = BY_ROW
    arc: list[ProbeScore] = field(default_factory=list)
    evidence: Evidence | None = None

    @property
    def title(self) -> str:
        """Name of the dataset, and where its images came from: "shapes3d (procedural twin)"."""
        told = self.origin and self.origin != YOUR_FOLDER
        return f"{self.dataset} ({self.origin})" if told else self.dataset

    @property
    def association_matrix(self) -> np.ndarray:
        """S as float64 (D, F), NaN where there is none."""
        return np.array(self.association, dtype=np.float64)

    def omes(self, alpha: float = 0.5, pooling: str = "avg") -> OmesResult:
        """OMES of the association matrix, inactive dimensions left out; NaN without labels."""
        S = self.association_matrix
        if not self.factors:
            nan = math.nan
            return OmesResult(nan, nan, nan, alpha, pooling, {}, S, active=())
        return omes(S, alpha, pooling, active=np.array(self.active), names=self.factors)

    def uncertainty(self, alpha: float = 0.5, pooling: str = "avg") -> OmesUncertainty | None:
        """What `omes` may be off by; None where that was not measured."""
        if self.evidence is None:
            return None
        return self.omes(alpha, pooling).uncertainty(self.evidence.covariances())

    @property
    def calibrated(self) -> np.ndarray | None:
        """The association corrected for noise and ceiling, (D, F); None where not measured."""
        return None if self.evidence is None else self.evidence.calibrated(self.sizes)

    def omes_calibrated(self, alpha: float = 0.5, pooling: str = "avg") -> OmesResult | None:
        """OMES of the calibrated association; None where that was not measured."""
        S = self.calibrated if self.factors else None
        if S is None:
            return None
        return omes(S, alpha, pooling, active=np.array(self.active), names=self.factors)

    def labels(self) -> dict[int, list[str]]:
        """The factors that each dimension is named after, the strongest first.

        A factor's dimension is that of `associated_dimensions`; a weaker association than
        `NOTABLE` names none.
        """
        S, named = self.association_matrix, {}
        owners = associated_dimensions(S, np.array(self.active)) if self.factors else []
        for d in range(len(self.active)):
            own = [j for j, owner in enumerate(owners) if owner == d and S[d, j] >= NOTABLE]
            if own:
                named[d] = [self.factors[j] for j in sorted(own, key=lambda j: -S[d, j])]
        return named

    def moved(self, dimension: int) -> list[str] | None:
        """The factors that a dimension moves in the picture, the one it moves most first.

        [] where it moves none; None where that was not measured.
        """
        row = self.moves[dimension] if self.moves else [None] * len(self.factors)
        told = zip(row, self.factors, strict=True)
        known = [(far, name) for far, name in told if far is not None]
        if not known:
            return None
        return [name for far, name in sorted(known, reverse=True) if far >= MOVES]

    def label_holds(self, dimension: int) -> bool | None:
        """Whether a dimension moves most, in the picture, a factor that it is named after.

        None where it has no name, or where that was not measured.
        """
        names, moved = self.labels().get(dimension), self.moved(dimension)
        if names is None or moved is None:
            return None
        return bool(moved) and moved[0] in names

    def true_labels(self) -> tuple[int, int]:
        """How many dimensions do in the picture what their name says, and of how many."""
        told = [self.label_holds(d) for d in range(len(self.active))]
        return told.count(True), len(told) - told.count(None)

    @property
    def fidelity(self) -> str:
        """What its pictures are like, in words, as far as that was measured."""
        if self.mse is None:
            return "there is no decoder"
        words = [f"mean squared error {self.mse:.4f} a pixel"]
        if self.overlap is not None and self.colour_error is not None:
            words.append(f"overlap with the object {self.overlap:.3f}")
            words.append(f"colour error within it {self.colour_error:.3f}")
        true, told = self.true_labels()
        if told:
            words.append(f"{true} of {told} labels true of the picture")
        return ", ".join(words)

    def probe(self, factor: str, model: str, dimensions: str) -> ProbeScore | None:
        """The probe of one factor, or None where it was not measured."""
        return next((p for p in self._probes(model, dimensions) if p.factor == factor), None)

    def _probes(self, model: str, dimensions: str) -> list[ProbeScore]:
        rows, dims = (self.arc, "all") if dimensions == ARC else (self.probes, dimensions)
        return [p for p in rows if (p.model, p.dimensions) == (model, dims)]

    def accuracies(
        self, model: str, dimensions: str, factors: Sequence[str] | None = None
    ) -> np.ndarray:
        """Accuracy of each factor's probe in [0, 1], (F,); NaN where it was not measured.

        `factors` are other names than the report's own, or in another order.
        """
        return self._figures("accuracy", model, dimensions, factors)

    def errors(
        self, model: str, dimensions: str, factors: Sequence[str] | None = None
    ) -> np.ndarray:
        """Standard error of each of `accuracies`, (F,)."""
        return self._figures("standard_error", model, dimensions, factors)

    def _figures(
        self, what: str, model: str, dimensions: str, factors: Sequence[str] | None
    ) -> np.ndarray:
        found = (self.probe(f, model, dimensions) for f in (factors or self.factors))
        return np.array([math.nan if probe is None else getattr(probe, what) for probe in found])

    def mean_accuracy(self, model: str, dimensions: str) -> float:
        """Mean accuracy over the factors; NaN where none was measured."""
        scores = [p.accuracy for p in self._probes(model, dimensions)]
        return float(np.mean(scores)) if scores else math.nan

    def chance(self, factor: str) -> float:
        """Accuracy of always answering the commonest class; NaN where nothing was measured."""
        return next((p.chance for p in self.probes if p.factor == factor), math.nan)

    def chances(self, factors: Sequence[str] | None = None) -> np.ndarray:
        """`chance` of each factor, (F,)."""
        return np.array([self.chance(factor) for factor in factors or self.factors])

    def above_chance(self, model: str = "gbt", dimensions: str = "all") -> float:
        """Mean over factors of (accuracy − chance) / (1 − chance); NaN where none was measured."""
        shares = [p.above_chance for p in self._probes(model, dimensions) if p.chance < 1]
        return float(np.mean(shares)) if shares else math.nan

    def score(self, name: str) -> float:
        """Another metric by name; NaN where it was not measured."""
        return self.scores.get(name, math.nan)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DatasetReport:
        probes = {
            k: [ProbeScore(**probe) for probe in values.get(k, [])] for k in ("probes", "arc")
        }
        evidence = Evidence(**values["evidence"]) if values.get("evidence") else None
        return cls(**{**values, **probes, "evidence": evidence})


@dataclass(frozen=True)
class Baseline:
    """What a checkpoint is compared with: another encoder measured on the same dataset."""

    name: str
    description: str
    result: DatasetReport


@dataclass(frozen=True)
class DistanceReport:
    """How far a Target lies from a Source, told without labels (see dviz.metrics.distance).

    Attributes:
        source, target: names of the two datasets; encoder: of the Source checkpoint that saw both.
        seed: seeds both samples; num_images: images of each.
        frechet: Fréchet distance of the codes, in squared units of the code.
        mmd, mmd_p_value: kernel MMD² of the codes, and its permutation p-value.
        outside: share of Target images with a code beyond the central 99% of the Source's in some
            active dimension, in [0, 1]; outside_per_dimension: in each dimension (D,).
        elbo_source, elbo_target: evidence lower bound, nats an image (β = 1).
        pixel_frechet: Fréchet distance of the images themselves, 8 × 8 RGB in [0, 1].
    """

    source: str
    target: str
    encoder: str
    seed: int
    num_images: int
    frechet: float
    mmd: float
    mmd_p_value: float
    outside: float
    outside_per_dimension: list[float]
    elbo_source: float
    elbo_target: float
    pixel_frechet: float

    @property
    def elbo_drop(self) -> float:
        """What the Source model loses on the Target, nats an image."""
        return self.elbo_source - self.elbo_target

    @property
    def elbo_drop_in_words(self) -> str:
        """`elbo_drop` for people: "26,891 nats", or "5.3e+16 nats" where the posterior bursts."""
        drop = self.elbo_drop
        return f"{drop:,.0f} nats" if abs(drop) < 1e9 else f"{drop:.1e} nats"


@dataclass(frozen=True)
class Report:
    """Everything measured of one checkpoint: a result a dataset, baselines, and the distance."""

    results: dict[str, DatasetReport] = field(default_factory=dict)
    baselines: list[Baseline] = field(default_factory=list)
    distance: DistanceReport | None = None

    def baselines_on(self, dataset: str) -> list[Baseline]:
        """The baselines measured on this dataset."""
        return [b for b in self.baselines if b.result.dataset == dataset]

    def to_dict(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Report:
        """Inverse of `to_dict`. Raises CheckpointError where something is missing or odd."""
        try:
            if values["format"] != FORMAT:
                raise CheckpointError(
                    f"report.json has format {values['format']!r}, this dviz reads {FORMAT}"
                )
            return cls(
                {k: DatasetReport.from_dict(v) for k, v in values["results"].items()},
                [
                    Baseline(b["name"], b["description"], DatasetReport.from_dict(b["result"]))
                    for b in values["baselines"]
                ],
                DistanceReport(**values["distance"]) if values.get("distance") else None,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"report.json is not a dviz report ({error!r})") from error


def read_report(path: str | Path) -> Report:
    """Read a `report.json`; a missing file is an empty report."""
    path = Path(path)
    if not path.exists():
        return Report()
    from dviz.schema import ReportShape, check_shape, read_object  # needs pydantic, reports do not

    try:
        values = read_object(path, LIMITS.report_bytes)
        check_shape(ReportShape, values, f"{path.name} is not a dviz report")
        return Report.from_dict(values)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path.name} cannot be read ({error})") from error


def write_report(path: str | Path, report: Report) -> None:
    """Write `report` to `path` atomically."""
    write_json(path, report.to_dict())
