"""FactorVAE (Kim and Mnih 2018, arXiv 1802.05983): a discriminator tells how tangled codes are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dviz.models.objectives.base import GROUP, Drawn, Loss, Objective, Weights
from dviz.models.objectives.beta_tcvae import relative_weights
from dviz.models.settings import setting

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class FactorVaeSettings:
    discriminator_units: int = setting(
        1000, "width of factor-vae's discriminator (paper: 1000)", group=GROUP, at_least=1
    )
    discriminator_rate: float = setting(
        1e-4, "its learning rate (paper: 1e-4)", group=GROUP, above=0
    )


class FactorVae(Objective):
    """Reconstruction + Σ_d w_d · KL_d + γ · total correlation, γ being `beta`.

    w is all 1 in the paper; here dimensions keep their weights relative to β. The discriminator
    estimates the total correlation, and learns apart.
    """

    name = "factor-vae"

    def __init__(
        self, settings: Any, latent_size: int, num_images: int = 1, device: str = "cpu"
    ) -> None:
        from dviz.models.objectives.discriminator import fresh_discriminator

        super().__init__(settings, latent_size, num_images, device)
        self.discriminator, self.optimizer = fresh_discriminator(
            latent_size,
            settings.discriminator_units,
            settings.discriminator_rate,
            settings.seed,
            device,
        )

    def weigh(self, drawn: Drawn, weights: Weights) -> Loss:
        from dviz.models.objectives.discriminator import density_ratio

        correlation = density_ratio(self.discriminator, drawn.z)
        tc_weight = weights.warmup * self.settings.beta
        total = drawn.reconstruction + self.penalty(drawn, weights) + tc_weight * correlation
        return Loss(total, drawn.reconstruction, drawn.kl, drawn.z, correlation)

    def penalty(self, drawn: Drawn, weights: Weights) -> Tensor:
        return (relative_weights(weights, self.settings.beta) * drawn.kl).sum()

    def teach(
        self, loss: Loss, generator: torch.Generator, average: Callable[[nn.Module], None]
    ) -> dict[str, Tensor]:
        from dviz.models.objectives.discriminator import discriminator_loss

        own = discriminator_loss(self.discriminator, loss.z.float(), generator)
        self.optimizer.zero_grad()  # it also met the model's loss
        own.backward()
        average(self.discriminator)
        self.optimizer.step()
        return {"discriminator": own}

    def parts(self) -> dict[str, Any]:
        return {"discriminator": self.discriminator, "discriminator_optimizer": self.optimizer}
