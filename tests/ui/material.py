"""Small checkpoints for tests of the page: a Source, its transfer, and the transfer fine-tuned.

Tiny models trained for a few seconds, measured for real but for the accuracies, which are made up.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

from dviz.checkpoint import (
    DIRECT,
    FINE_TUNED,
    PROBES,
    REPORT,
    SOURCE,
    CheckpointConfig,
    save_checkpoint,
    save_codes,
)
from dviz.data.base import FactorDataset
from dviz.data.dsprites import ColorDSprites
from dviz.factors import Factor, FactorSpace
from dviz.measuring.encoder import measure
from dviz.measuring.probe_files import save_probes
from dviz.measuring.report import Baseline, DatasetReport, ProbeScore, Report, write_report
from dviz.metrics.probes import fit_probe
from dviz.models.objectives import OBJECTIVES
from dviz.models.objectives.base import Weights
from dviz.models.vae import VAE, VAEConfig, to_tensor
from dviz.training.config import TrainingConfig

NAMES = ("sprites", "sprites-to-things", "sprites-to-things-finetuned")
SHAPE = VAEConfig(filters=8, latent_size=5)


class Things(FactorDataset):
    """A Target with factors of its own: sprites on grey."""

    name = "things"

    def __init__(self) -> None:
        self.space = FactorSpace(
            [Factor("thing", 3, ("box", "disc", "heart")), Factor("turn", 8), Factor("size", 6)]
        )

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        thing, turn, size = np.asarray(classes).T
        middle = np.full(len(classes), 16)
        sprites = np.stack([0 * thing, thing, size, 5 * turn, middle, middle], axis=1)
        return np.maximum(ColorDSprites().render(sprites), 60)


def write_checkpoints(root: Path) -> Path:
    """Write the three of NAMES below `root`, and return it."""
    source, target = ColorDSprites(), Things()
    base, tuned = _trained()
    write_checkpoint(root / NAMES[0], base, source, SOURCE, probes=True)
    write_checkpoint(root / NAMES[1], base, target, DIRECT, parent=NAMES[0])
    write_checkpoint(root / NAMES[2], tuned, target, FINE_TUNED, parent=NAMES[1], probes=True)
    return root


def write_checkpoint(
    folder: Path,
    model: VAE,
    dataset: FactorDataset,
    kind: str,
    parent: str | None = None,
    probes: bool = False,
) -> None:
    """A whole checkpoint; `probes` stores fitted ones, which are fitted on demand otherwise."""
    config = CheckpointConfig(
        name=folder.name,
        kind=kind,
        dataset=dataset.name,
        factors=dataset.space.factors,
        architecture=model.config,
        parent=parent,
        source=ColorDSprites.name,
    )
    save_checkpoint(folder, model, config)
    result, sample = measure(model, dataset, num_images=240, num_pairs=60, probes=False)
    result = replace(result, probes=made_up_scores(result, 0.4 if kind == DIRECT else 0.6))
    baselines = [Baseline("random", "an untrained encoder", result)] if kind == FINE_TUNED else []
    write_report(folder / REPORT, Report({dataset.name: result}, baselines))
    save_codes(folder, sample.mean, sample.sampled, sample.classes, result.factors)
    if probes:
        columns = dict(zip(result.factors, sample.classes.T, strict=True))
        fitted = {n: fit_probe(sample.mean, column, "mlp") for n, column in columns.items()}
        save_probes(folder / PROBES, fitted)


def made_up_scores(result: DatasetReport, accuracy: float) -> list[ProbeScore]:
    """The same accuracy for every factor, a tenth less from one dimension."""
    return [
        ProbeScore(
            factor, model, dimensions, accuracy - 0.1 * (dimensions == "pruned"), 0.3, 0.2, 0.02
        )
        for factor in result.factors
        for model in ("gbt", "mlp")
        for dimensions in ("all", "pruned")
    ]


@cache
def _trained() -> tuple[VAE, VAE]:
    """A Source model, and a copy of it with a few more steps on the Target."""
    torch.manual_seed(0)
    base, tuned = VAE(SHAPE), VAE(SHAPE)
    _train(base, ColorDSprites(), 60)
    tuned.load_state_dict(base.state_dict())
    _train(tuned, Things(), 30)
    return base.eval(), tuned.eval()


def _train(model: VAE, dataset: FactorDataset, steps: int) -> None:
    rng, noise = np.random.default_rng(0), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    objective = OBJECTIVES["beta-vae"](TrainingConfig(steps=steps), model.config.latent_size)
    weights = Weights(torch.tensor(0.1))
    for _ in range(steps):
        x = to_tensor(dataset.sample(32, rng)[0])
        loss = objective.loss(model.train(), x, weights, noise).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
