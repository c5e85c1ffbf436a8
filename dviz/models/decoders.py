"""Decoders: code (N, D) to logits of the image (N, 3, 64, 64)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

COLOUR_MARGIN = 1e-3  # how near a colour map comes to 0 and 1, so that logits stay finite
STYLE = 64  # width of the MLP that modulates
FRAMES = 4  # learnt coordinate frames


class Decoder(nn.Module):
    """A drawing of logits, `draw`, and with `recolour` an affine map of its colours.

    The map, 3 × 3 and an offset, shows the same scene in the colours of another dataset, and starts
    as the identity.
    """

    colours: nn.Conv2d | None

    def draw(self, z: Tensor) -> Tensor:
        """Logits (N, 3, 64, 64) before the colour map."""
        raise NotImplementedError

    def readers(self) -> tuple[nn.Linear, ...]:
        """The layers that take the code itself, each with a column of weights a dimension."""
        raise NotImplementedError

    def forward(self, z: Tensor) -> Tensor:
        logits = self.draw(z)
        if self.colours is None:
            return logits
        return torch.logit(self.colours(torch.sigmoid(logits)).float(), eps=COLOUR_MARGIN)


class StudyDecoder(Decoder):
    """The study's: a linear layer to n × 8 × 8, then three transposed convolutions.

    `hidden` is the width of one more layer before them, 0 for none.
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
        self.colours = _colour_map() if recolour else None

    def draw(self, z: Tensor) -> Tensor:
        return self.convolutions(self.start(z))

    def readers(self) -> tuple[nn.Linear, ...]:
        return (self.start[0],)


class ModulatedDecoder(Decoder):
    """Three transposed convolutions of n channels each, told by the code where they are and what.

    - Before each, coordinates are laid beside the feature maps: x and y of every pixel in `FRAMES`
      frames, each an affine map of the picture's plane that the code chooses. A network without
      them has to learn the same edge anew at every place and angle.
    - After each but the last, the code scales and shifts every channel (FiLM, Perez et al. 2018,
      arXiv 1709.07871).
    """

    def __init__(self, filters: int, latent_size: int, recolour: bool = False) -> None:
        super().__init__()
        n = filters
        self.style = nn.Sequential(
            nn.Linear(latent_size, STYLE), nn.SiLU(), nn.Linear(STYLE, STYLE), nn.SiLU()
        )
        self.frames = nn.Linear(STYLE, 6 * FRAMES)
        nn.init.normal_(self.frames.weight, std=0.02)
        with torch.no_grad():
            self.frames.bias.copy_(torch.tensor([[1.0, 0, 0, 0, 1, 0]] * FRAMES).ravel())
        self.start = nn.Linear(latent_size, n * 64)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(n + 2 * FRAMES, outputs, 4, stride=2, padding=1)
            for outputs in (n, n, 3)
        )
        self.modulation = nn.ModuleList(nn.Linear(STYLE, 2 * n) for _ in self.ups[:-1])
        self.colours = _colour_map() if recolour else None

    def draw(self, z: Tensor) -> Tensor:
        style = self.style(z)
        frames = self.frames(style).unflatten(1, (2 * FRAMES, 3))
        x = F.silu(self.start(z).unflatten(1, (-1, 8, 8)))
        for up, modulation in zip(self.ups, self.modulation, strict=False):
            scale, shift = modulation(style)[:, :, None, None].chunk(2, dim=1)
            x = F.silu(up(_with_coordinates(x, frames)) * (1 + scale) + shift)
        return self.ups[-1](_with_coordinates(x, frames))

    def readers(self) -> tuple[nn.Linear, ...]:
        return self.style[0], self.start


def _with_coordinates(x: Tensor, frames: Tensor) -> Tensor:
    """Maps (N, C, H, H) beside the coordinates of their pixels in `frames` (N, K, 3).

    A frame's row holds the weights of x, y (in [−1, 1], right and down) and 1. The result is
    (N, C + K, H, H).
    """
    side = x.shape[-1]
    line = (torch.arange(side, device=x.device, dtype=frames.dtype) + 0.5) * (2 / side) - 1
    across = frames[:, :, 0, None, None] * line
    down = frames[:, :, 1, None, None] * line[:, None]
    return torch.cat([x, across + down + frames[:, :, 2, None, None]], dim=1)


def _colour_map() -> nn.Conv2d:
    colours = nn.Conv2d(3, 3, 1)
    nn.init.dirac_(colours.weight)
    nn.init.zeros_(colours.bias)
    return colours


def _up(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    # No BatchNorm here: over mostly black maps it kept the decoder from learning colours.
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(0.02)


DECODERS = ("study", "modulated")
"""Decoders by the name a config calls them."""


def build_decoder(
    kind: str, filters: int, latent_size: int, hidden: int, recolour: bool
) -> Decoder:
    """The decoder called `kind`, one of `DECODERS`; `hidden` is the study's alone."""
    if kind == "modulated":
        return ModulatedDecoder(filters, latent_size, recolour)
    return StudyDecoder(filters, latent_size, hidden, recolour)
