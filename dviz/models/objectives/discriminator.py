"""FactorVAE's discriminator: estimates the total correlation of codes by telling real from shuffled
ones (Kim and Mnih 2018, arXiv 1802.05983)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAYERS = 6


class Discriminator(nn.Module):
    """Codes (N, D) to logits (N, 2): drawn from q(z), or from the product of its marginals."""

    def __init__(self, latent_size: int, units: int = 1000) -> None:
        super().__init__()
        widths = [latent_size, *[units] * LAYERS]
        hidden: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            hidden += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*hidden, nn.Linear(units, 2))

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


def fresh_discriminator(
    latent_size: int, units: int, learning_rate: float, seed: int, device: str
) -> tuple[Discriminator, torch.optim.Adam]:
    """A discriminator and its optimiser; the random state outside stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        critic = Discriminator(latent_size, units).to(device)
    return critic, torch.optim.Adam(critic.parameters(), learning_rate, betas=(0.5, 0.9))


def density_ratio(discriminator: Discriminator, z: Tensor) -> Tensor:
    """Mean of log q(z) − log Π_d q(z_d) as the discriminator sees it: the total correlation, ()."""
    joint, product = discriminator(z).unbind(1)
    return (joint - product).mean()


def discriminator_loss(
    discriminator: Discriminator, z: Tensor, generator: torch.Generator
) -> Tensor:
    """Cross-entropy of telling codes from shuffled codes, (); log 2 where it cannot.

    One half of `z` (N, D) stands for q(z), the other, shuffled, for the product of the marginals,
    so that the two are independent draws.
    """
    joint, other = z.detach().tensor_split(2)
    logits = torch.cat([discriminator(joint), discriminator(shuffle_dimensions(other, generator))])
    product = torch.arange(len(z), device=z.device) >= len(joint)
    return F.cross_entropy(logits, product.long())


def shuffle_dimensions(z: Tensor, generator: torch.Generator) -> Tensor:
    """Each dimension of `z` (N, D) permuted over the batch on its own."""
    order = torch.rand(z.shape, generator=generator).argsort(dim=0).to(z.device)
    return z.gather(0, order)
