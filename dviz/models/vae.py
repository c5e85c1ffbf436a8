"""A convolutional VAE, the study's or a sharper one, and the conversion of images to its inputs."""

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
from dviz.models.decoders import DECODERS, build_decoder
from dviz.models.encoders import ENCODERS

IMAGE_SIDE = 64


ADDED = {"decoder_filters": 0}
"""Settings of an architecture that older checkpoints and states leave unsaid, as they were."""


@dataclass(frozen=True)
class VAEConfig:
    """Architecture of a VAE.

    Attributes:
        filters: n, a multiple of 4, scales the channels of both networks (study: 128); of an
            "imagenet" encoder the layer between features and code.
        latent_size: D, number of latent dimensions (study: 10).
        decoder_hidden: width of one more layer between code and feature maps of the study's
            decoder; 0 for none (study).
        recolour: whether a colour map follows the decoder (see `Decoder`); not in the study.
        encoder: "study", "deep" or "imagenet", see `dviz.models.encoders`.
        decoder: "study" or "modulated", see `dviz.models.decoders`.
        decoder_filters: n of the decoder where it is another than the encoder's; 0: the same.
    """

    filters: int = 128
    latent_size: int = 10
    decoder_hidden: int = 0
    recolour: bool = False
    encoder: str = "study"
    decoder: str = "study"
    decoder_filters: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("filters", 4, 1024),
            ("latent_size", 1, 1024),
            ("decoder_hidden", 0, 4096),
            ("decoder_filters", 0, 1024),
        ):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ValueError(f"{name} is {value!r}; allowed are whole numbers {low} to {high}")
        for name in ("filters", "decoder_filters"):
            if getattr(self, name) % 4:
                raise ValueError(f"{name} is {getattr(self, name)}; allowed are multiples of 4")
        if type(self.recolour) is not bool:
            raise ValueError(f"recolour is {self.recolour!r}; allowed are true and false")
        for name, allowed in (("encoder", tuple(ENCODERS)), ("decoder", DECODERS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; allowed are {allowed}")
        if self.decoder != "study" and self.decoder_hidden:
            raise ValueError(
                f"decoder_hidden is {self.decoder_hidden}; with decoder {self.decoder!r} only 0 is "
                "allowed"
            )

    @property
    def painting_filters(self) -> int:
        """n of the decoder."""
        return self.decoder_filters or self.filters

    @property
    def looks_through(self) -> str:
        """The frozen network that the encoder looks through; "": none."""
        return ENCODERS[self.encoder].looks_through

    @property
    def summary(self) -> str:
        """In words, e.g. "channels 8, 16, 32; 10 latent dimensions; deep encoder"."""
        n, hidden = self.filters, self.decoder_hidden
        encoder = f"{self.encoder} encoder" if self.encoder != "study" else ""
        if self.looks_through:
            encoder = f"{8 * n} hidden units behind {self.looks_through} as the encoder"
        parts = (
            f"channels {n // 4}, {n // 2}, {n}",
            f"{self.latent_size} latent dimensions",
            f"{hidden} hidden units in the decoder" if hidden else "",
            encoder,
            f"{self.decoder} decoder" if self.decoder != "study" else "",
            f"{self.decoder_filters} filters in the decoder" if self.decoder_filters else "",
            "a map of colours behind it" if self.recolour else "",
        )
        return "; ".join(filter(None, parts))


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
        filters, latent_size = self.config.filters, self.config.latent_size
        self.encoder = ENCODERS[self.config.encoder](filters, latent_size)
        self.decoder = build_decoder(
            self.config.decoder,
            self.config.painting_filters,
            latent_size,
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
