"""Weak supervision by pairs: Ada-GVAE (Locatello et al. 2020, arXiv 2002.02886).

Of two images that differ in some factors, the posteriors of the dimensions that carry what the two
share are averaged, so that only the others can tell the images apart.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def changed_by_labels(changed_factors: Tensor, latent_size: int) -> Tensor:
    """Which dimensions may differ, given which factors do: dimension j is tied to factor j.

    Args:
        changed_factors: bool (N, F).
        latent_size: D ≥ F; the dimensions beyond F are tied to nothing and never differ.

    Returns:
        bool (N, D).
    """
    factors = changed_factors.shape[1]
    if factors > latent_size:
        raise ValueError(
            f"latent_size is {latent_size}; tying a dimension to each of {factors} factors "
            f"needs at least {factors}"
        )
    return F.pad(changed_factors, (0, latent_size - factors))


def changed_by_divergence(
    mean1: Tensor, log_variance1: Tensor, mean2: Tensor, log_variance2: Tensor
) -> Tensor:
    """The adaptive rule, for pairs without labels: which dimensions differ most.

    A dimension counts as changed where the symmetric KL divergence between its two posteriors lies
    above the midpoint between the smallest and the largest of the pair. All inputs (N, D).

    Returns:
        bool (N, D).
    """
    with torch.no_grad():
        variance1, variance2 = log_variance1.exp(), log_variance2.exp()
        squared = (mean1 - mean2) ** 2
        divergence = (variance1 + squared) / variance2 + (variance2 + squared) / variance1 - 2
        low, high = divergence.amin(1, keepdim=True), divergence.amax(1, keepdim=True)
        return divergence > (low + high) / 2


def average_shared(
    mean1: Tensor, log_variance1: Tensor, mean2: Tensor, log_variance2: Tensor, changed: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give both images of a pair the same posterior in every dimension not `changed`.

    μ = (μ₁ + μ₂)/2 and σ² = (σ₁² + σ₂²)/2. All (N, D).

    Returns:
        mean1, log_variance1, mean2, log_variance2 after averaging.
    """
    mean = (mean1 + mean2) / 2
    log_variance = torch.logaddexp(log_variance1, log_variance2) - torch.log(torch.tensor(2.0))
    return (
        torch.where(changed, mean1, mean),
        torch.where(changed, log_variance1, log_variance),
        torch.where(changed, mean2, mean),
        torch.where(changed, log_variance2, log_variance),
    )
