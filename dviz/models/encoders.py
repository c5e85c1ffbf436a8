"""Encoders: image (N, 3, 64, 64) in [0, 1] to mean and log-variance of q(z|x), each (N, D)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dviz.models.efficientnet import LOCAL_FEATURES, load_network

LARGEST_LOG_VARIANCE = 4.0  # a posterior over seven times as wide as the prior tells nothing


class Encoder(nn.Module):
    """The study's: three convolutions of n/4, n/2, n channels, then one linear layer.

    `looks_through` names a frozen network before it, if there is one.
    """

    looks_through = ""

    def __init__(self, filters: int, latent_size: int) -> None:
        super().__init__()
        n = filters
        self.convolutions = nn.Sequential(
            *_down(3, n // 4),  # (N, n/4, 32, 32)
            *_down(n // 4, n // 2),  # (N, n/2, 16, 16)
            *_down(n // 2, n),  # (N, n, 8, 8)
        )
        self.head = nn.Sequential(
            nn.Flatten(), nn.LayerNorm(n * 64), nn.Linear(n * 64, 2 * latent_size)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.head(self.convolutions(x)).chunk(2, dim=1)
        return mean, log_variance


class DeepEncoder(Encoder):
    """Four convolutions of n/2, n, 2n, 2n channels, then a hidden layer of 8n.

    What an object is has to be told wherever it lies: a single linear layer over feature maps can
    only compare with a template at each place.
    """

    def __init__(self, filters: int, latent_size: int) -> None:
        nn.Module.__init__(self)
        n = filters
        self.convolutions = nn.Sequential(
            *_down(3, n // 2),  # (N, n/2, 32, 32)
            *_down(n // 2, n),  # (N, n, 16, 16)
            *_down(n, 2 * n),  # (N, 2n, 8, 8)
            *_down(2 * n, 2 * n),  # (N, 2n, 4, 4)
        )
        self.head = _hidden(32 * n, 8 * n, latent_size)


class ImageNetEncoder(Encoder):
    """The first eleven blocks of a network trained on ImageNet, then a hidden layer of 8n.

    They never learn, and are no weights of this encoder: every one looks through the same
    EfficientNet-Lite0, whose package must be installed (`dviz.models.efficientnet`).
    """

    looks_through = "EfficientNet-Lite0"

    def __init__(self, filters: int, latent_size: int) -> None:
        nn.Module.__init__(self)
        self.convolutions = _Frozen()
        self.head = _hidden(LOCAL_FEATURES, 8 * filters, latent_size)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = super().forward(x)
        # Where features are far from any of the Source's, variances burst, beyond float32 even. The
        # gradient goes through as if nothing had been cut, so that they shrink again.
        cut = log_variance.clamp(max=LARGEST_LOG_VARIANCE)
        return mean, log_variance + (cut - log_variance).detach()


class _Frozen(nn.Module):
    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        return load_network(x.device).local_features(x)


def _hidden(inputs: int, hidden: int, latent_size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(),
        nn.LayerNorm(inputs),
        nn.Linear(inputs, hidden),
        nn.SiLU(),
        nn.Linear(hidden, 2 * latent_size),
    )


def _down(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    # A bias before BatchNorm would be subtracted again.
    convolution = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.02, inplace=True)


ENCODERS = {"study": Encoder, "deep": DeepEncoder, "imagenet": ImageNetEncoder}
"""Encoders by the name a config calls them."""
