"""A plain autoencoder: the code is the posterior's mean, nothing but the reconstruction counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dviz.models.objectives.base import Drawn, Loss, Objective, Weights

if TYPE_CHECKING:
    from torch import Tensor


class Autoencoder(Objective):
    """Reconstruction alone."""

    name = "autoencoder"
    draws = False

    def weigh(self, drawn: Drawn, weights: Weights) -> Loss:
        return Loss(drawn.reconstruction, drawn.reconstruction, drawn.kl.detach(), drawn.z)

    def penalty(self, drawn: Drawn, weights: Weights) -> Tensor:
        return drawn.kl.new_zeros(())
