"""The terms that losses are made of: reconstruction and KL divergence, in nats an image."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from dviz.models.objectives.base import Drawn
from dviz.models.vae import VAE, sample_posterior


def reconstruction_loss(logits: Tensor, x: Tensor, kind: str = "bernoulli") -> Tensor:
    """Loss of an image, summed over its pixels, mean over the batch; both (N, 3, H, W).

    "bernoulli" is the pixel cross-entropy; "gaussian" half the squared error, the likelihood of
    variance 1 without its constant.
    """
    if kind == "gaussian":
        return 0.5 * F.mse_loss(torch.sigmoid(logits), x, reduction="sum") / len(x)
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(q(z|x) ‖ N(0, 1)) of every dimension, (N, D) nats."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)


def draw(
    model: VAE,
    x: Tensor,
    noise: torch.Generator | Tensor | None,
    posterior: tuple[Tensor, Tensor] | None = None,
    reconstruction: str = "bernoulli",
) -> Drawn:
    """Codes of images (N, 3, 64, 64), drawn with `noise` or, without any, the posterior means."""
    mean, log_variance = model.encode(x) if posterior is None else posterior
    z = mean if noise is None else sample_posterior(mean, log_variance, noise)
    loss = reconstruction_loss(model.decoder(z).float(), x, reconstruction)
    return Drawn(mean, log_variance, z, loss, kl_divergence(mean, log_variance).mean(0))
