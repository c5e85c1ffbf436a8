"""Every objective by name. A new one is a file of its own and its lines here."""

from __future__ import annotations

from dataclasses import dataclass

from dviz.models.objectives.autoencoder import Autoencoder
from dviz.models.objectives.base import RECONSTRUCTIONS, Objective
from dviz.models.objectives.beta_tcvae import BetaTcVae
from dviz.models.objectives.beta_vae import BetaVae, BetaVaeSettings
from dviz.models.objectives.factor_vae import FactorVae, FactorVaeSettings

__all__ = ["OBJECTIVES", "RECONSTRUCTIONS", "Objective", "ObjectiveSettings"]

OBJECTIVES: dict[str, type[Objective]] = {
    kind.name: kind for kind in (BetaVae, BetaTcVae, FactorVae, Autoencoder)
}


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings(BetaVaeSettings, FactorVaeSettings):
    """The settings that single objectives have of their own, together."""
