"""β-TCVAE (Chen et al. 2018, arXiv 1802.04942): the total correlation pays, the rest is a VAE."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dviz.models.objectives.base import Drawn, Loss, Objective, Weights

if TYPE_CHECKING:
    from torch import Tensor


class BetaTcVae(Objective):
    """Reconstruction + Σ_d w_d · KL_d + (β − 1) · total correlation.

    The KL holds the total correlation once already. w is all 1 in the paper; here dimensions keep
    their weights relative to β.
    """

    name = "beta-tcvae"

    def weigh(self, drawn: Drawn, weights: Weights) -> Loss:
        correlation = total_correlation(drawn.z, drawn.mean, drawn.log_variance, self.num_images)
        tc_weight = weights.warmup * (self.settings.beta - 1)
        total = drawn.reconstruction + self.penalty(drawn, weights) + tc_weight * correlation
        return Loss(total, drawn.reconstruction, drawn.kl, drawn.z, correlation)

    def penalty(self, drawn: Drawn, weights: Weights) -> Tensor:
        return (relative_weights(weights, self.settings.beta) * drawn.kl).sum()


def relative_weights(weights: Weights, beta: float) -> Tensor:
    """The weight of every dimension's KL, (D,), where β itself weighs something else."""
    if beta:
        return weights.kl / beta
    return weights.kl.new_full(weights.kl.shape, weights.warmup)


def total_correlation(z: Tensor, mean: Tensor, log_variance: Tensor, num_images: int) -> Tensor:
    """KL(q(z) ‖ Π_d q(z_d)) by minibatch-weighted sampling, () nats; all tensors (N, D).

    Chen et al., eq. S5. `num_images` is the size of the dataset.
    """
    log_variance = log_variance[None]  # (1, N, D)
    squared = (z[:, None] - mean[None]) ** 2 / log_variance.exp()  # (N, N, D)
    log_q = -0.5 * (squared + log_variance + math.log(2 * math.pi))
    log_weight = math.log(len(z) * num_images)
    log_joint = log_q.sum(2).logsumexp(1) - log_weight  # (N,)
    log_product = (log_q.logsumexp(1) - log_weight).sum(1)  # (N,)
    return (log_joint - log_product).mean()
