"""Weak supervision by pairs: Ada-GVAE (Locatello et al. 2020, arXiv 2002.02886).

Of two images that differ in some factors, the posteriors of the dimensions that carry what the two
share are averaged, so that only the others can tell the images apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def changed_by_labels(
    changed_factors: Tensor, latent_size: int, ties: Sequence[int] | None = None
) -> Tensor:
    """Which dimensions may differ, given which factors do.

    Args:
        changed_factors: bool (N, F).
        latent_size: D; the dimensions beyond the ties are tied to nothing and never differ.
        ties: the factor that owns each tied dimension, (T,) with T ≤ D (see `FactorSpace.ties`);
            by default dimension j is tied to factor j.

    Returns:
        bool (N, D).
    """
    owners = range(changed_factors.shape[1]) if ties is None else ties
    if len(owners) > latent_size:
        raise ValueError(
            f"latent_size is {latent_size}; tying {len(owners)} dimensions to the "
            f"{changed_factors.shape[1]} factors needs at least {len(owners)}"
        )
    return F.pad(changed_factors[:, list(owners)], (0, latent_size - len(owners)))


def changed_by_divergence(
    mean1: Tensor, log_variance1: Tensor, mean2: Tensor, log_variance2: Tensor
) -> Tensor:
    """The adaptive rule, for pairs without labels: which dimensions differ most.

    A dimension counts as changed where the symmetric KL divergence between its two posteriors lies
    above the midpoint between the smallest and the largest of the pair. All inputs (N, D).

    Returns:
        bool (N, D).
    """
    divergence = symmetric_divergence(mean1, log_variance1, mean2, log_variance2)
    low, high = divergence.amin(1, keepdim=True), divergence.amax(1, keepdim=True)
    return divergence > (low + high) / 2


def changed_by_count(
    mean1: Tensor, log_variance1: Tensor, mean2: Tensor, log_variance2: Tensor, count: Tensor
) -> Tensor:
    """The rule for pairs of which only the number of changed factors is known.

    The `count` (int64 (N,)) dimensions of largest divergence are changed; other inputs (N, D).

    Returns:
        bool (N, D).
    """
    divergence = symmetric_divergence(mean1, log_variance1, mean2, log_variance2)
    rank = divergence.argsort(dim=1, descending=True).argsort(dim=1)
    return rank < count[:, None]


@torch.no_grad()
def symmetric_divergence(
    mean1: Tensor, log_variance1: Tensor, mean2: Tensor, log_variance2: Tensor
) -> Tensor:
    """Twice KL(q₁‖q₂) + KL(q₂‖q₁) of every dimension of N pairs of Gaussians; all (N, D)."""
    variance1, variance2 = log_variance1.exp(), log_variance2.exp()
    squared = (mean1 - mean2) ** 2
    return (variance1 + squared) / variance2 + (variance2 + squared) / variance1 - 2


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


def pair_posterior(
    mean: Tensor,
    log_variance: Tensor,
    changed: Tensor | None = None,
    known: Tensor | None = None,
    count: Tensor | None = None,
    ties: Sequence[int] | None = None,
) -> tuple[Tensor, Tensor]:
    """Posteriors of pairs, averaged in the dimensions they share.

    Args:
        mean, log_variance: (2B, D), of the first images of B pairs, then of the second ones.
        changed: bool (B, F), the factors in which a pair differs, where that is known.
        known: bool (B,), the pairs for which `changed` may be looked at; None for all of them.
        count: int64 (B,), how many factors differ, where only that is known.
        ties: which factor owns a dimension, see `changed_by_labels`.

    Where neither is known the posteriors decide (see `changed_by_divergence`).
    """
    mean1, mean2 = mean.chunk(2)
    log_variance1, log_variance2 = log_variance.chunk(2)
    pair = (mean1, log_variance1, mean2, log_variance2)
    if count is not None:
        differ = changed_by_count(*pair, count)
    elif changed is None:
        differ = changed_by_divergence(*pair)
    else:
        differ = changed_by_labels(changed, mean.shape[1], ties)
        if known is not None:
            differ = torch.where(known[:, None], differ, changed_by_divergence(*pair))
    mean1, log_variance1, mean2, log_variance2 = average_shared(*pair, differ)
    return torch.cat([mean1, mean2]), torch.cat([log_variance1, log_variance2])


def regression_loss(mean: Tensor, targets: Tensor, ties: Tensor) -> Tensor:
    """Squared error of tied dimensions against standardised factors, summed over the factors.

    Args:
        mean: (N, D), posterior means of labelled images.
        targets: (N, T), each of mean 0 and variance 1 (see `dviz.training.batches.targets_of`);
            NaN where a label is unknown, which costs nothing.
        ties: int64 (T,), the dimension of each.

    The semi-supervised term of Locatello et al. 2020 (arXiv 1905.01258), on the scale of the prior.
    """
    known = ~targets.isnan()
    return (mean[:, ties] - targets.nan_to_num()).square().mul(known).sum(1).mean()


def standardised(classes: Tensor, sizes: Tensor) -> Tensor:
    """Class indices (N, F) with mean 0, variance 1 over a uniform factor of `sizes` (F,) values."""
    scale = ((sizes.float() ** 2 - 1) / 12).sqrt().clamp(min=1e-6)
    return (classes - (sizes - 1) / 2).float() / scale
