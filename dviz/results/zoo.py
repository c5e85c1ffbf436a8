"""A folder of checkpoints with their reports, and the transfers among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dviz.checkpoint import CONFIG, FINE_TUNED, REPORT, CheckpointConfig, read_config
from dviz.data.registry import is_photographs, known_info
from dviz.lineage import lineage_of
from dviz.measuring.report import Baseline, DatasetReport, Report, read_report
from dviz.training.baselines import settings_alone

FROM_SOURCE = ("autoencoder", "beta-vae")  # baselines that learn on the Source
CARRIED = "then carried to the Target"  # in the description of those that were fine-tuned there


@dataclass(frozen=True)
class Model:
    """A checkpoint and what was measured of it."""

    config: CheckpointConfig
    report: Report

    @property
    def result(self) -> DatasetReport | None:
        """On its own dataset."""
        return self.report.results.get(self.config.dataset)

    @property
    def labelled(self) -> int:
        """Images whose factors it was told beside its pairs, 0 for weak supervision alone."""
        return int(self.config.training.get("labelled_images", 0))


@dataclass(frozen=True)
class Transfer:
    """A Source, and its way to a Target: weights carried over, then fine-tuned."""

    source: Model
    direct: Model
    tuned: Model

    @property
    def title(self) -> str:
        network = self.source.config.architecture.looks_through
        words = ["labelled"] * bool(self.source.labelled) + [f"behind {network}"] * bool(network)
        told = f" ({', '.join(words)})" if words else ""
        return f"{self.source.config.dataset}{told} → {self.tuned.config.dataset}"

    @property
    def alone(self) -> tuple[Any, ...]:
        """How a network that learns on the Target alone is made, beside this transfer."""
        config = self.tuned.config
        architecture = replace(config.learnt_architecture(), recolour=False)
        return architecture, settings_alone(config.training)

    @property
    def rivals(self) -> list[Baseline]:
        """Baselines measured on the Target."""
        return self.tuned.report.baselines_on(self.tuned.config.dataset)

    def rivals_of(self, stage: str) -> list[Baseline]:
        """Those that the encoder of a stage is compared with: what learnt on the Source as far on
        the Target as this did."""
        tuned = stage == FINE_TUNED
        fair = [
            b
            for b in self.rivals
            if b.name not in FROM_SOURCE or (CARRIED in b.description) == tuned
        ]
        own = [] if tuned else self.direct.report.baselines_on(self.direct.config.dataset)
        named = {b.name for b in own}
        return own + [b for b in fair if b.name not in named]

    @property
    def real(self) -> bool:
        """Photographs."""
        return is_photographs(self.tuned.config.dataset)

    @property
    def synthetic(self) -> bool:
        """Whether the Source's images were drawn."""
        return not is_photographs(self.source.config.dataset)

    @property
    def noisy(self) -> bool:
        """Same factors, noise added."""
        target = known_info(self.tuned.config.dataset)
        return target is not None and target.noisy


def read_zoo(root: str | Path) -> list[Model]:
    """Every checkpoint below `root` that was measured on its own, labelled dataset, by name."""
    folders = sorted(path.parent for path in Path(root).glob(f"*/{CONFIG}"))
    models = [Model(read_config(folder), read_report(folder / REPORT)) for folder in folders]
    return [model for model in models if model.result is not None and model.result.factors]


def transfers_of(models: Sequence[Model]) -> list[Transfer]:
    """Every direct transfer that has its fine-tuned partner and its Source, in the zoo's order."""
    known = {model.config.name: model for model in models}
    lineages = [
        lineage_of(name, known) for name, model in known.items() if model.config.kind == FINE_TUNED
    ]
    return [
        Transfer(found.source, found.direct, found.tuned)
        for found in lineages
        if found.source and found.direct and found.tuned
    ]
