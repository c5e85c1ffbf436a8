"""A folder of checkpoints with their reports, and the transfers among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dviz.checkpoint import (
    CONFIG,
    DIRECT,
    FINE_TUNED,
    REPORT,
    SOURCE,
    CheckpointConfig,
    read_config,
)
from dviz.data.registry import REAL
from dviz.measuring.report import Baseline, DatasetReport, Report, read_report
from dviz.metrics.omes import omes


@dataclass(frozen=True)
class Model:
    """A checkpoint and what was measured of it."""

    config: CheckpointConfig
    report: Report

    @property
    def result(self) -> DatasetReport | None:
        """On its own dataset."""
        return self.report.results.get(self.config.dataset)


@dataclass(frozen=True)
class Transfer:
    """A Source, and its way to a Target: weights carried over, then fine-tuned."""

    source: Model
    direct: Model
    tuned: Model

    @property
    def title(self) -> str:
        return f"{self.source.config.dataset} → {self.tuned.config.dataset}"

    @property
    def rivals(self) -> list[Baseline]:
        """Baselines measured on the Target."""
        target = self.tuned.config.dataset
        return [b for b in self.tuned.report.baselines if b.result.dataset == target]

    @property
    def real(self) -> bool:
        return self.tuned.config.dataset.startswith(REAL)

    @property
    def noisy(self) -> bool:
        """Same factors, noise added."""
        return self.tuned.config.dataset.startswith("noisy")


def read_zoo(root: str | Path) -> list[Model]:
    """Every checkpoint below `root` that was measured on its own, labelled dataset, by name."""
    folders = sorted(path.parent for path in Path(root).glob(f"*/{CONFIG}"))
    models = [Model(read_config(folder), read_report(folder / REPORT)) for folder in folders]
    return [model for model in models if model.result is not None and model.result.factors]


def transfers_of(models: Sequence[Model]) -> list[Transfer]:
    """Every direct transfer that has its fine-tuned partner and its Source, in the zoo's order."""
    by_name = {model.config.name: model for model in models}
    found: list[Transfer] = []
    for tuned in models:
        if tuned.config.kind != FINE_TUNED:
            continue
        source = _root(tuned, by_name)
        direct = [
            m
            for m in models
            if m.config.kind == DIRECT
            and m.config.dataset == tuned.config.dataset
            and _root(m, by_name) is source
        ]
        if source is not None and direct:
            found.append(Transfer(source, direct[0], tuned))
    return found


def _root(model: Model, by_name: dict[str, Model]) -> Model | None:
    for _ in by_name:
        if model is None or model.config.kind == SOURCE:
            break
        model = by_name.get(str(model.config.parent))
    return model


def omes_score(result: DatasetReport, what: str, pooling: str) -> float:
    """`what` of OMES at α = 0.5: "omes", "modularity" or "compactness", in [0, 1]."""
    score = omes(result.association_matrix, pooling=pooling, active=result.active)
    return float(getattr(score, what))
