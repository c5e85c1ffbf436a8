"""What an objective is: how the parts of a VAE's loss weigh, and what learns beside the model.

One file an objective, with its settings, and one line in `dviz.models.objectives`. Nothing here
needs torch before a loss is asked for, so that commands can name the settings at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from dviz.models.vae import VAE

    Posterior = tuple[Tensor, Tensor]
    """Mean and log-variance of q(z|x), each (N, D)."""
    Noise = torch.Generator | Tensor

GROUP = "objective"
"""Heading of the objectives' own flags."""

RECONSTRUCTIONS = ("bernoulli", "gaussian", "perceptual")
"""What a picture may be compared with the image by; see `dviz.models.objectives.losses`."""


class Loss(NamedTuple):
    """Means over the batch, in nats an image, and the codes drawn on the way."""

    total: Tensor  # ()
    reconstruction: Tensor  # ()
    kl: Tensor  # (D,)
    z: Tensor  # (N, D)
    total_correlation: Tensor | None = None  # (), where the objective estimates it


class Drawn(NamedTuple):
    """What every objective is made of: a posterior, codes drawn from it, and their price."""

    mean: Tensor  # (N, D)
    log_variance: Tensor  # (N, D)
    z: Tensor  # (N, D)
    reconstruction: Tensor  # (), nats an image
    kl: Tensor  # (D,), nats an image


class Weights(NamedTuple):
    """What the parts of a loss weigh at one step.

    Attributes:
        kl: β of every dimension, as far as it has risen, float32 (D,).
        warmup: how far, in (0, 1].
        step: steps done before.
        perceptual: whether the "perceptual" reconstruction compares features by now.
    """

    kl: Tensor
    warmup: float = 1.0
    step: int = 0
    perceptual: bool = True


class Objective(ABC):
    """What training minimises, on single images and on pairs alike.

    Args:
        settings: of the run; those every objective reads are `steps`, `beta`, `reconstruction` and
            `seed`, and its own are declared in its file.
        latent_size: D; num_images: of the dataset; device: where it computes.
    """

    name: ClassVar[str]
    draws: ClassVar[bool] = True
    """Whether codes are drawn from the posterior; else they are its mean."""

    def __init__(
        self, settings: Any, latent_size: int, num_images: int = 1, device: str = "cpu"
    ) -> None:
        self.settings, self.num_images = settings, num_images

    @abstractmethod
    def weigh(self, drawn: Drawn, weights: Weights) -> Loss:
        """The loss of a batch."""

    def loss(
        self,
        model: VAE,
        x: Tensor,
        weights: Weights,
        noise: Noise | None,
        posterior: Posterior | None = None,
    ) -> Loss:
        """The loss of images `x` (N, 3, 64, 64).

        Args:
            noise: what codes are drawn with.
            posterior: of the images; by default what the encoder says, for pairs what
                `dviz.models.weak.pair_posterior` makes of it.
        """
        return self.weigh(self._draw(model, x, weights, noise, posterior), weights)

    def held_out(self, model: VAE, x: Tensor, weights: Weights, noise: Noise) -> Tensor:
        """What tells when to stop, of images not trained on: reconstruction and `penalty`, ().

        Without what is told of a batch rather than of an image, such as a total correlation.
        """
        drawn = self._draw(model, x, weights, noise)
        return drawn.reconstruction + self.penalty(drawn, weights)

    def penalty(self, drawn: Drawn, weights: Weights) -> Tensor:
        """What the posteriors' KL divergence costs, ()."""
        return (weights.kl * drawn.kl).sum()

    def teach(
        self, loss: Loss, generator: torch.Generator, average: Callable[[nn.Module], None]
    ) -> dict[str, Tensor]:
        """One step of what learns beside the model, after the model's; what to report of it.

        `average` gives every process of the run the mean gradient of a module.
        """
        return {}

    def parts(self) -> dict[str, Any]:
        """Modules and optimisers of its own that a saved state must hold, by name."""
        return {}

    def _draw(
        self,
        model: VAE,
        x: Tensor,
        weights: Weights,
        noise: Noise | None,
        posterior: Posterior | None = None,
    ) -> Drawn:
        from dviz.models.objectives.losses import draw

        kind = self.settings.reconstruction
        if kind == "perceptual" and not weights.perceptual:
            kind = "bernoulli"
        return draw(model, x, noise if self.draws else None, posterior, kind)
