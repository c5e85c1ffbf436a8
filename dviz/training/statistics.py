"""The encoder's BatchNorm statistics, taken anew from the images of a Target."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from dviz.data.base import FactorDataset
from dviz.models.vae import VAE, to_tensor

CHUNK = 64


@torch.no_grad()
def reestimate_statistics(model: VAE, dataset: FactorDataset, num_images: int, seed: int) -> None:
    """Replace the running mean and variance of every BatchNorm layer of `model`'s encoder by those
    of `num_images` images of `dataset`; no weight changes.

    Layer by layer what a forward pass in training mode would see, averaged over batches.

    Raises:
        ValueError: the encoder has no such layer.
    """
    layers = [module for module in model.encoder.modules() if isinstance(module, nn.BatchNorm2d)]
    if not layers:
        raise ValueError(
            f"reestimate_statistics is {num_images}; the {model.config.encoder} encoder has no "
            "BatchNorm layers that learn: leave it at 0"
        )
    device = next(model.parameters()).device
    rng = np.random.default_rng([seed, 0, 4])
    before = [(layer.momentum, layer.training) for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain average instead of a running one
        layer.training = True
    for done in range(0, num_images, CHUNK):
        images, _ = dataset.sample(min(CHUNK, num_images - done), rng)
        model.encode(to_tensor(images, device))
    for layer, (momentum, training) in zip(layers, before, strict=True):
        layer.momentum, layer.training = momentum, training
