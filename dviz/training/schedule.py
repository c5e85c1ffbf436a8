"""What changes from step to step: learning rate, weight of the KL divergence."""

from __future__ import annotations

import math

import torch

from dviz.models.objectives.base import Weights
from dviz.training.config import TrainingConfig


def learning_rate_at(step: int, config: TrainingConfig) -> float:
    """Learning rate of step 0 … steps − 1.

    "one-cycle" (Smith and Topin 2018): up from 1/25 of the peak along a cosine over the first
    tenth, then down to 1e-4 of that start.
    """
    peak = config.learning_rate
    if config.schedule == "constant":
        return peak
    rise = max(1.0, 0.1 * config.steps)
    start, end = peak / 25, peak / 25e4
    if step < rise:
        return _cosine(start, peak, step / rise)
    return _cosine(peak, end, (step - rise) / max(1.0, config.steps - 1 - rise))


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


def warmup_at(step: int, config: TrainingConfig) -> float:
    """Share of its weight that the KL divergence has at `step`, in (0, 1]."""
    return _risen(step, config.beta_warmup * config.steps)


def beta_at(step: int, config: TrainingConfig, latent_size: int, tied: int) -> torch.Tensor:
    """Weight of every dimension's KL divergence at `step`, float32 (D,).

    With "labels" the first `tied` dimensions are tied to factors, in fine-tuning those that the
    Source tied (`config.tied`); the others pay `untied_beta`.
    """
    beta = torch.full((latent_size,), config.beta)
    if config.tied or config.supervision == "labels":
        beta[config.tied or tied :] = config.untied_beta
    return warmup_at(step, config) * beta


def weights_at(
    step: int, config: TrainingConfig, latent_size: int, tied: int, device: str = "cpu"
) -> Weights:
    """What an objective is told of `step`."""
    beta = beta_at(step, config, latent_size, tied).to(device)
    perceptual = step >= config.perceptual_after * config.steps
    return Weights(beta, warmup_at(step, config), step, perceptual)


def _risen(step: int, duration: float) -> float:
    return min(1.0, (step + 1) / duration) if duration > 0 else 1.0
