"""A sheet of pictures that shows at a glance how a run is doing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from dviz.data.base import FactorDataset
from dviz.files import atomic_path
from dviz.models.vae import VAE, to_images, to_tensor

COLUMNS = 8


def write_sheet(path: Path, model: VAE, dataset: FactorDataset, seed: int = 0) -> None:
    """Write `sample_sheet` as a PNG."""
    with atomic_path(path) as temporary:
        Image.fromarray(sample_sheet(model, dataset, seed)).save(temporary, format="PNG")


@torch.no_grad()
def sample_sheet(model: VAE, dataset: FactorDataset, seed: int = 0) -> np.ndarray:
    """Images, their reconstructions, then every dimension of the first from −2 to 2.

    Returns:
        uint8 ((2 + D) · 64, 8 · 64, 3).
    """
    device = next(model.parameters()).device
    images, _ = dataset.sample(COLUMNS, np.random.default_rng([seed, 0, 3]))
    training = [module for module in model.modules() if module.training]
    model.eval()
    x = to_tensor(images, device)
    mean, _ = model.encode(x)
    latent_size = mean.shape[1]
    codes = mean[0].repeat(latent_size, COLUMNS, 1)  # (D, 8, D)
    for dimension in range(latent_size):
        codes[dimension, :, dimension] = torch.linspace(-2, 2, COLUMNS, device=device)
    pictures = torch.cat([x, model.decode(mean), model.decode(codes.flatten(0, 1))])
    for module in training:
        module.training = True
    rows = to_images(pictures).reshape(2 + latent_size, COLUMNS, *pictures.shape[-2:], 3)
    side = rows.shape[2]
    return rows.transpose(0, 2, 1, 3, 4).reshape(len(rows) * side, COLUMNS * side, 3)
