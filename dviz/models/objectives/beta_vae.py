"""β-VAE (Higgins et al. 2017), with the capacity of Burgess et al. 2018 (arXiv 1804.03599)."""

from __future__ import annotations

from dataclasses import dataclass

from dviz.models.objectives.base import GROUP, Drawn, Loss, Objective, Weights
from dviz.models.settings import setting


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
        penalty = (weights.kl * drawn.kl).sum()
        allowance = self.allowance(weights)
        if allowance:
            penalty = (penalty - allowance).abs()
        return Loss(drawn.reconstruction + penalty, drawn.reconstruction, drawn.kl, drawn.z)

    def allowance(self, weights: Weights) -> float:
        """β·C at this step, nats (Burgess et al., eq. 8)."""
        settings = self.settings
        rise = settings.capacity_rise * settings.steps
        risen = min(1.0, (weights.step + 1) / rise) if rise > 0 else 1.0
        return weights.warmup * settings.beta * (settings.capacity * risen)
