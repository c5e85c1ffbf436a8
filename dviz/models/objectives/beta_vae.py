"""β-VAE (Higgins et al. 2017), with the capacity of Burgess et al. 2018 (arXiv 1804.03599)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dviz.models.objectives.base import GROUP, Drawn, Loss, Objective, Weights
from dviz.models.settings import setting

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class BetaVaeSettings:
    capacity: float = setting(
        0.0,
        "C in nats: |β·KL − β·C| counts instead of β·KL; 0 for the plain KL",
        group=GROUP,
        at_least=0,
        only_with=("objective", "beta-vae"),
    )
    capacity_rise: float = setting(
        0.5, "share of the steps over which C rises linearly from 0", group=GROUP, share=True
    )


class BetaVae(Objective):
    """Reconstruction + Σ_d β_d · KL_d."""

    name = "beta-vae"

    def weigh(self, drawn: Drawn, weights: Weights) -> Loss:
        total = drawn.reconstruction + self.penalty(drawn, weights)
        return Loss(total, drawn.reconstruction, drawn.kl, drawn.z)

    def penalty(self, drawn: Drawn, weights: Weights) -> Tensor:
        whole, allowance = super().penalty(drawn, weights), self.allowance(weights)
        return (whole - allowance).abs() if allowance else whole

    def allowance(self, weights: Weights) -> float:
        """β·C at this step, nats (Burgess et al., eq. 8)."""
        settings = self.settings
        rise = settings.capacity_rise * settings.steps
        risen = min(1.0, (weights.step + 1) / rise) if rise > 0 else 1.0
        return weights.warmup * settings.beta * (settings.capacity * risen)
