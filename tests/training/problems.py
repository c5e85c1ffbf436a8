"""A problem small enough to be learnt in seconds: a bright square somewhere on black."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from dviz.data.base import FactorDataset
from dviz.factors import Factor, FactorSpace
from dviz.models.vae import VAE, VAEConfig, to_tensor


class Squares(FactorDataset):
    """8 × 8 × 4 images: the square's column, row and brightness."""

    name = "squares"

    def __init__(self) -> None:
        self.space = FactorSpace([Factor("column", 8), Factor("row", 8), Factor("brightness", 4)])
        column, row, brightness = self.space.classes(np.arange(256)).T[..., None]
        pixel = np.arange(64)
        inside_x = (pixel >= 6 * column) & (pixel < 6 * column + 22)  # (256, 64)
        inside_y = (pixel >= 6 * row) & (pixel < 6 * row + 22)
        frames = inside_y[:, :, None] & inside_x[:, None, :]
        values = (55 + 50 * brightness).astype(np.uint8)[:, :, None]
        self._images = np.repeat((frames * values)[..., None], 3, axis=-1)

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        return self._images[self.space.index(classes)]


def fresh(latent_size: int = 4, filters: int = 8, seed: int = 0) -> VAE:
    torch.manual_seed(seed)
    return VAE(VAEConfig(filters, latent_size))


def weights(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([value.flatten().double() for value in model.state_dict().values()])


def history(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


@torch.no_grad()
def codes(model: VAE, dataset: FactorDataset, n: int = 512) -> tuple[np.ndarray, np.ndarray]:
    """Posterior means (n, D) and classes (n, F) of a random sample."""
    images, classes = dataset.sample(n, np.random.default_rng(0))
    return model.eval().encode(to_tensor(images))[0].numpy(), classes
