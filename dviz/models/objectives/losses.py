"""What training minimises: one function an objective, on single images and on pairs alike.

Each takes the `posterior` of its images: by default what the encoder says, for pairs what
`dviz.models.weak.pair_posterior` makes of it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from dviz.models.objectives.discriminator import Discriminator, density_ratio
from dviz.models.vae import VAE, sample_posterior

Posterior = tuple[Tensor, Tensor]
"""Mean and log-variance of q(z|x), each (N, D)."""
Noise = torch.Generator | Tensor


class Loss(NamedTuple):
    """Means over the batch, in nats an image, and the codes drawn on the way."""

    total: Tensor  # ()
    reconstruction: Tensor  # ()
    kl: Tensor  # (D,)
    z: Tensor  # (N, D)
    total_correlation: Tensor | None = None  # (), where the objective estimates it


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


def total_correlation(z: Tensor, mean: Tensor, log_variance: Tensor, num_images: int) -> Tensor:
    """KL(q(z) ‖ Π_d q(z_d)) by minibatch-weighted sampling, () nats; all tensors (N, D).

    Chen et al. 2018 (arXiv 1802.04942), eq. S5. `num_images` is the size of the dataset.
    """
    log_variance = log_variance[None]  # (1, N, D)
    squared = (z[:, None] - mean[None]) ** 2 / log_variance.exp()  # (N, N, D)
    log_q = -0.5 * (squared + log_variance + math.log(2 * math.pi))
    log_weight = math.log(len(z) * num_images)
    log_joint = log_q.sum(2).logsumexp(1) - log_weight  # (N,)
    log_product = (log_q.logsumexp(1) - log_weight).sum(1)  # (N,)
    return (log_joint - log_product).mean()


def _draw(
    model: VAE, x: Tensor, posterior: Posterior | None, noise: Noise, reconstruction: str
) -> tuple[Posterior, Tensor, Tensor, Tensor]:
    """The posterior, codes drawn from it (N, D), reconstruction loss () and KL (D,)."""
    mean, log_variance = model.encode(x) if posterior is None else posterior
    z = sample_posterior(mean, log_variance, noise)
    loss = reconstruction_loss(model.decoder(z).float(), x, reconstruction)
    return (mean, log_variance), z, loss, kl_divergence(mean, log_variance).mean(0)


def beta_vae_loss(
    model: VAE,
    x: Tensor,
    beta: Tensor,
    noise: Noise,
    *,
    posterior: Posterior | None = None,
    reconstruction: str = "bernoulli",
    allowance: float = 0.0,
) -> Loss:
    """β-VAE (Higgins et al. 2017): reconstruction + Σ_d β_d · KL_d.

    Args:
        x: (N, 3, 64, 64).
        beta: scalar or (D,).
        allowance: with one, the distance |Σ_d β_d · KL_d − allowance| counts instead: Burgess et
            al. 2018's β·|KL − C| at allowance β·C.
    """
    _, z, loss, kl = _draw(model, x, posterior, noise, reconstruction)
    penalty = (beta * kl).sum()
    if allowance:
        penalty = (penalty - allowance).abs()
    return Loss(loss + penalty, loss, kl, z)


def beta_tcvae_loss(
    model: VAE,
    x: Tensor,
    weights: Tensor,
    tc_weight: float,
    num_images: int,
    noise: Noise,
    *,
    posterior: Posterior | None = None,
    reconstruction: str = "bernoulli",
) -> Loss:
    """β-TCVAE (Chen et al. 2018): reconstruction + Σ_d w_d · KL_d + (β − 1) · total correlation.

    Args:
        weights: w, (D,); all 1 in the paper.
        tc_weight: β − 1; the KL holds the total correlation once already.
    """
    (mean, log_variance), z, loss, kl = _draw(model, x, posterior, noise, reconstruction)
    correlation = total_correlation(z, mean, log_variance, num_images)
    total = loss + (weights * kl).sum() + tc_weight * correlation
    return Loss(total, loss, kl, z, correlation)


def factor_vae_loss(
    model: VAE,
    x: Tensor,
    weights: Tensor,
    tc_weight: float,
    discriminator: Discriminator,
    noise: Noise,
    *,
    posterior: Posterior | None = None,
    reconstruction: str = "bernoulli",
) -> Loss:
    """FactorVAE (Kim and Mnih 2018): reconstruction + Σ_d w_d · KL_d + γ · total correlation.

    Args:
        weights: w, (D,); all 1 in the paper.
        tc_weight: γ.
        discriminator: estimates the total correlation, and learns apart (`discriminator_loss`).
    """
    _, z, loss, kl = _draw(model, x, posterior, noise, reconstruction)
    correlation = density_ratio(discriminator, z)
    total = loss + (weights * kl).sum() + tc_weight * correlation
    return Loss(total, loss, kl, z, correlation)


def autoencoder_loss(
    model: VAE,
    x: Tensor,
    *,
    posterior: Posterior | None = None,
    reconstruction: str = "bernoulli",
) -> Loss:
    """A plain autoencoder: the code is the mean, nothing but the reconstruction counts."""
    mean, log_variance = model.encode(x) if posterior is None else posterior
    loss = reconstruction_loss(model.decoder(mean).float(), x, reconstruction)
    with torch.no_grad():
        kl = kl_divergence(mean, log_variance).mean(0)
    return Loss(loss, loss, kl, mean)
