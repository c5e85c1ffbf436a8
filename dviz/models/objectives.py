"""What training minimises: the negative ELBO of a β-VAE, on single images and on pairs."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from dviz.models.vae import VAE, sample_posterior
from dviz.models.weak import average_shared, changed_by_divergence, changed_by_labels


class Loss(NamedTuple):
    """Means over the batch, in nats an image: total = reconstruction + Σ_d β_d · kl[d]."""

    total: Tensor  # ()
    reconstruction: Tensor  # ()
    kl: Tensor  # (D,)


def reconstruction_loss(logits: Tensor, x: Tensor) -> Tensor:
    """Pixel cross-entropy summed over the image, mean over the batch; both (N, 3, H, W)."""
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(q(z|x) ‖ N(0, 1)) of every dimension, (N, D) nats."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)


def _negative_elbo(
    model: VAE, x: Tensor, mean: Tensor, log_variance: Tensor, beta: Tensor, noise: torch.Generator
) -> Loss:
    z = sample_posterior(mean, log_variance, noise)
    reconstruction = reconstruction_loss(model.decoder(z), x)
    kl = kl_divergence(mean, log_variance).mean(0)
    return Loss(reconstruction + (beta * kl).sum(), reconstruction, kl)


def beta_vae_loss(model: VAE, x: Tensor, beta: Tensor, noise: torch.Generator) -> Loss:
    """β-VAE (Higgins et al. 2017) on images x (N, 3, 64, 64); beta is a scalar or (D,)."""
    return _negative_elbo(model, x, *model.encode(x), beta, noise)


def ada_gvae_loss(
    model: VAE, x: Tensor, changed: Tensor | None, beta: Tensor, noise: torch.Generator
) -> Loss:
    """Ada-GVAE: the mean of both β-VAE losses of each pair, its shared dimensions averaged.

    Args:
        x: (2B, 3, 64, 64), the first images of B pairs, then the second ones.
        changed: bool (B, F), the factors in which a pair differs, where that is known; None lets
            the posteriors decide (see `changed_by_divergence`).
        beta: scalar or (D,).
    """
    mean, log_variance = model.encode(x)  # (2B, D)
    mean1, mean2 = mean.chunk(2)
    log_variance1, log_variance2 = log_variance.chunk(2)
    pair = (mean1, log_variance1, mean2, log_variance2)
    if changed is None:
        differ = changed_by_divergence(*pair)
    else:
        differ = changed_by_labels(changed, mean.shape[1])
    mean1, log_variance1, mean2, log_variance2 = average_shared(*pair, differ)
    mean, log_variance = torch.cat([mean1, mean2]), torch.cat([log_variance1, log_variance2])
    return _negative_elbo(model, x, mean, log_variance, beta, noise)
