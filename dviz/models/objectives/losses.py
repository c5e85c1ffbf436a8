"""The terms that losses are made of: reconstruction and KL divergence, in nats an image."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from dviz.models.efficientnet import load_network
from dviz.models.objectives.base import Drawn
from dviz.models.vae import VAE, sample_posterior

PERCEPTION = 2500.0  # what a `perceptual_distance` of 1 costs, beside nats of pixels


def reconstruction_loss(logits: Tensor, x: Tensor, kind: str = "bernoulli") -> Tensor:
    """Loss of an image, summed over its pixels, mean over the batch; both (N, 3, H, W).

    "bernoulli" is the pixel cross-entropy; "gaussian" half the squared error, the likelihood of
    variance 1 without its constant; "perceptual" the cross-entropy and PERCEPTION times
    `perceptual_distance`, no likelihood: what is small or pale counts more than by its pixels.

    Raises:
        DvizError: "perceptual", and the network's weights are not installed.
    """
    if kind == "gaussian":
        return 0.5 * F.mse_loss(torch.sigmoid(logits), x, reduction="sum") / len(x)
    entropy = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    if kind == "perceptual":
        return entropy + PERCEPTION * perceptual_distance(torch.sigmoid(logits), x)
    return entropy


def perceptual_distance(painted: Tensor, x: Tensor) -> Tensor:
    """How unlike pictures are to a network trained on ImageNet, (); both (N, 3, 64, 64) in [0, 1].

    Squared differences of the features of two early stages of EfficientNet-Lite0, each as a share
    of its channel's variance over the batch, averaged (Johnson, Alahi and Fei-Fei 2016; of VAEs
    Hou et al. 2017). 0 of equal pictures, 1 to 2 of unrelated ones.
    """
    network = load_network(x.device)
    with torch.autocast(x.device.type, enabled=False):
        # Channels last is a third faster on CPUs.
        painted, x = (y.float().to(memory_format=torch.channels_last) for y in (painted, x))
        with torch.no_grad():
            wanted = network.early_features(x)
        pairs = zip(network.early_features(painted), wanted, strict=True)
        return torch.stack([_share_of_variance(one, other) for one, other in pairs]).mean()


def _share_of_variance(features: Tensor, wanted: Tensor) -> Tensor:
    variance = wanted.var((0, 2, 3), keepdim=True)
    return ((features - wanted) ** 2 / (variance + 1e-4)).mean()


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
