"""The study's convolutional VAE: encoder, decoder, and the conversion of images to model inputs."""

# Annotations stay types here (no `from __future__ import annotations`): PyTorchModelHubMixin reads
# the one of `VAE.__init__` to turn config.json back into a VAEConfig.

from dataclasses import dataclass, replace

import numpy as np
import torch
from huggingface_hub import PyTorchModelHubMixin
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional as F

from dviz.errors import CheckpointError

IMAGE_SIDE = 64
COLOUR_MARGIN = 1e-3  # how near a colour map comes to 0 and 1, so that logits stay finite


@dataclass(frozen=True)
class VAEConfig:
    """Architecture of a VAE.

    Attributes:
        filters: n, a multiple of 4; the convolutions have n/4, n/2, n channels (study: 128).
        latent_size: D, number of latent dimensions (study: 10).
        decoder_hidden: width of one more layer between code and feature maps; 0 for none (study).
        recolour: whether a colour map follows the decoder (see `Decoder`); not in the study.
    """

    filters: int = 128
    latent_size: int = 10
    decoder_hidden: int = 0
    recolour: bool = False

    def __post_init__(self) -> None:
        for name, low, high in (
            ("filters", 4, 1024),
            ("latent_size", 1, 1024),
            ("decoder_hidden", 0, 4096),
        ):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ValueError(f"{name} is {value!r}; allowed are whole numbers {low} to {high}")
        if self.filters % 4:
            raise ValueError(f"filters is {self.filters}; allowed are multiples of 4")
        if type(self.recolour) is not bool:
            raise ValueError(f"recolour is {self.recolour!r}; allowed are true and false")


class Encoder(nn.Module):
    """Image (N, 3, 64, 64) in [0, 1] to mean and log-variance of q(z|x), each (N, D)."""

    def __init__(self, filters: int, latent_size: int) -> None:
        super().__init__()
        n = filters
        self.convolutions = nn.Sequential(
            *_down(3, n // 4),  # (N, n/4, 32, 32)
            *_down(n // 4, n // 2),  # (N, n/2, 16, 16)
            *_down(n // 2, n),  # (N, n, 8, 8)
        )
        self.head = nn.Sequential(
            nn.Flatten(), nn.LayerNorm(n * 64), nn.Linear(n * 64, 2 * latent_size)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.head(self.convolutions(x)).chunk(2, dim=1)
        return mean, log_variance


class Decoder(nn.Module):
    """Code (N, D) to logits of the image (N, 3, 64, 64).

    With `recolour` an affine map of colours, 3 × 3 and an offset, follows: it shows the same scene
    in the colours of another dataset, and starts as the identity.
    """

    def __init__(
        self, filters: int, latent_size: int, hidden: int = 0, recolour: bool = False
    ) -> None:
        super().__init__()
        n = filters
        first = [nn.Linear(latent_size, hidden), nn.LeakyReLU(0.02)] if hidden else []
        self.start = nn.Sequential(
            *first,
            nn.Linear(hidden or latent_size, n * 64),
            nn.Unflatten(1, (n, 8, 8)),
            nn.LeakyReLU(0.02),
        )
        self.convolutions = nn.Sequential(
            *_up(n, n // 2),  # (N, n/2, 16, 16)
            *_up(n // 2, n // 4),  # (N, n/4, 32, 32)
            nn.ConvTranspose2d(n // 4, 3, 4, stride=2, padding=1),  # (N, 3, 64, 64)
        )
        self.colours = nn.Conv2d(3, 3, 1) if recolour else None
        if self.colours is not None:
            nn.init.dirac_(self.colours.weight)
            nn.init.zeros_(self.colours.bias)

    def forward(self, z: Tensor) -> Tensor:
        logits = self.convolutions(self.start(z))
        if self.colours is None:
            return logits
        return torch.logit(self.colours(torch.sigmoid(logits)).float(), eps=COLOUR_MARGIN)


def _down(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    # A bias before BatchNorm would be subtracted again.
    convolution = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.02, inplace=True)


def _up(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    # No BatchNorm here: over mostly black maps it kept the decoder from learning colours.
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(0.02)


class VAE(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="dviz",
    tags=["disentanglement", "variational-autoencoder"],
    license="apache-2.0",
):
    """A VAE on 64×64 RGB images; q(z|x) is Gaussian with diagonal covariance.

    `VAE.from_pretrained` reads a folder or a Hub repository: safetensors only, and every layer
    must fit (CheckpointError otherwise).
    """

    def __init__(self, config: VAEConfig | None = None) -> None:
        super().__init__()
        self.config = config or VAEConfig()
        self.encoder = Encoder(self.config.filters, self.config.latent_size)
        self.decoder = Decoder(
            self.config.filters,
            self.config.latent_size,
            self.config.decoder_hidden,
            self.config.recolour,
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x), each (N, D)."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Image (N, 3, 64, 64) in [0, 1] of codes (N, D)."""
        return torch.sigmoid(self.decoder(z))

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruction of `x` from its posterior mean."""
        return self.decode(self.encode(x)[0])

    def with_colours(self) -> "VAE":
        """This model with a colour map behind its decoder (`VAEConfig.recolour`)."""
        if self.config.recolour:
            return self
        model = VAE(replace(self.config, recolour=True)).train(self.training)
        model.load_state_dict(model.state_dict() | self.state_dict())
        return model.to(next(self.parameters()).device)

    @classmethod
    def _load_as_safetensor(
        cls, model: "VAE", model_file: str, map_location: str, strict: bool
    ) -> "VAE":
        # The mixin's default, strict=False, would leave missing layers random without a word.
        try:
            return super()._load_as_safetensor(model, model_file, map_location, strict=True)
        except (SafetensorError, OSError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise CheckpointError(
                f"model.safetensors is missing, broken or does not fit its config: {reason}"
            ) from error

    @classmethod
    def _load_as_pickle(
        cls, model: "VAE", model_file: str, map_location: str, strict: bool
    ) -> "VAE":
        raise CheckpointError(
            "there is no model.safetensors, only pickled weights, which can run any code and are "
            "not read; save them anew as safetensors"
        )


def sample_posterior(
    mean: Tensor, log_variance: Tensor, noise: torch.Generator | Tensor | None = None
) -> Tensor:
    """One draw z ~ N(mean, exp(log_variance)), differentiable in both (reparameterisation).

    `noise` is the standard normal draw itself, (N, D), or what it is drawn with.
    """
    if not isinstance(noise, Tensor):
        noise = torch.randn(mean.shape, generator=noise)
    return mean + noise.to(mean.device) * torch.exp(0.5 * log_variance)


def to_tensor(images: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """Images uint8 (N, H, W, 3) to model input float32 (N, 3, 64, 64) in [0, 1].

    The one place where images become tensors. Other sizes than 64 × 64 are resized by area.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"images must be uint8 (N, H, W, 3), got {images.dtype} {tuple(images.shape)}"
        )
    planes = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    x = planes.to(device).float().div_(255)
    if x.shape[-2:] != (IMAGE_SIDE, IMAGE_SIDE):
        x = F.interpolate(x, size=(IMAGE_SIDE, IMAGE_SIDE), mode="area")
    return x


def to_images(x: Tensor) -> np.ndarray:
    """Model output float32 (N, 3, H, W) in [0, 1] to uint8 (N, H, W, 3)."""
    planes = x.detach().clamp(0, 1).mul(255).round().to(torch.uint8)
    return planes.permute(0, 2, 3, 1).cpu().numpy()
