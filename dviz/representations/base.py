"""A representation: images to codes and, where there is a decoder, codes back to images.

Everything that measures or shows a model asks no more of it than this, so it makes no difference
whether behind it is a VAE of dviz, somebody's module, an ONNX file or a PCA.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dviz.representations.pictures import as_planes, check_images, fit

SIDE = 64
MAX_LATENT_SIZE = 2048  # features of a ResNet-50
MAX_SIDE = 1024
AT_ONCE = 2**24  # pixels and channels that are held in the encoder's size at a time
NEAR = 1e-3  # a code to try a decoder with; at 0 itself one that normalises divides by it
TINY = 1e-7  # how near to 0 and 1 a probability counts in the cross-entropy


@dataclass(frozen=True)
class Codes:
    """Codes of a few images, float32 (N, D).

    Attributes:
        mean: the codes; of a probabilistic encoder the posterior means.
        std: the posterior's standard deviations; None where an encoder gives one code an image.
    """

    mean: np.ndarray
    std: np.ndarray | None = None


@dataclass(frozen=True)
class Reconstruction:
    """Images beside what was painted of them.

    Attributes:
        images, painted: float32 (N, 3, H, W) in [0, 1], of one size.
        cross_entropy: of the pixels, nats an image, (N,).
    """

    images: np.ndarray
    painted: np.ndarray
    cross_entropy: np.ndarray


@dataclass(frozen=True)
class Shape:
    """What goes in and comes out.

    Attributes:
        latent_size: D, numbers in a code.
        image_size: height and width of the pictures that the encoder looks at.
        channels: 3 for colour, 1 for grey.
    """

    latent_size: int
    image_size: tuple[int, int] = (SIDE, SIDE)
    channels: int = 3
    looks_through: ClassVar[str] = ""  # as `VAEConfig.looks_through`: an external model is whole

    def __post_init__(self) -> None:
        whole = (self.latent_size, *self.image_size, self.channels)
        if not all(type(value) is int for value in whole) or len(self.image_size) != 2:
            raise ValueError(
                f"latent_size, image_size and channels must be whole numbers, image_size two of "
                f"them; got {self.latent_size!r}, {self.image_size!r}, {self.channels!r}"
            )
        if not 1 <= self.latent_size <= MAX_LATENT_SIZE:
            raise ValueError(
                f"latent_size is {self.latent_size}; allowed are 1 to {MAX_LATENT_SIZE}"
            )
        if not all(1 <= side <= MAX_SIDE for side in self.image_size):
            raise ValueError(
                f"image_size is {self.image_size}; allowed are sides of 1 to {MAX_SIDE}"
            )
        if self.channels not in (1, 3):
            raise ValueError(f"channels is {self.channels}; allowed are 1 (grey) and 3 (RGB)")

    @property
    def summary(self) -> str:
        """In words, for a card."""
        height, width = self.image_size
        colour = "RGB" if self.channels == 3 else "grey"
        return f"somebody's own: {height}×{width} {colour} images, D = {self.latent_size}"


class Representation(ABC):
    """Two functions on plain arrays: `encode`, and `decode` where `has_decoder`.

    A subclass says what it takes in `shape` and implements `_encode` and `_decode` on pictures of
    just that size; checks and conversions are done here, for all of them.
    """

    shape: Shape
    has_decoder: bool = False

    @property
    def latent_size(self) -> int:
        return self.shape.latent_size

    @property
    def device(self) -> str:
        """Where it computes, for a report."""
        return "cpu"

    def to(self, device: str) -> Representation:
        """Itself, computing on that device where it can choose."""
        return self

    @abstractmethod
    def _encode(self, images: np.ndarray) -> Codes:
        """Codes of images uint8 (N, H, W, C) of its own size and channels."""

    def _decode(self, codes: np.ndarray) -> np.ndarray:
        """Images in [0, 1], float32 (N, H, W, C), or uint8, of codes float32 (N, D)."""
        raise NotImplementedError

    def encode(self, images: np.ndarray) -> Codes:
        """Codes of images uint8 (N, H, W, 3) of any size.

        Raises:
            ValueError: these are no such images, or the encoder gives no finite codes of its size.
        """
        check_images(images)
        size, channels = self.shape.image_size, self.shape.channels
        step = max(1, AT_ONCE // (size[0] * size[1] * channels))
        parts = (images[start : start + step] for start in range(0, len(images), step))
        codes = _joined([self._encode(fit(part, size, channels)) for part in parts])
        expected = len(images), self.latent_size
        for name, values in (("codes", codes.mean), ("standard deviations", codes.std)):
            if values is not None and values.shape != expected:
                raise ValueError(
                    f"encode gave {name} of shape {values.shape} for {len(images)} images; "
                    f"expected {expected}"
                )
            if values is not None and not np.isfinite(values).all():
                raise ValueError(f"encode gave {name} that are not finite numbers")
        if codes.std is not None and (codes.std < 0).any():
            raise ValueError(
                "encode gave standard deviations below 0; of a log-variance give exp(half of it)"
            )
        return codes

    def decode(self, codes: Any) -> np.ndarray:
        """Images uint8 (N, H, W, 3) of codes (N, D), in the decoder's own size.

        Raises:
            ValueError: codes are not (N, D) finite numbers, or there is no decoder.
        """
        if not self.has_decoder:
            raise ValueError("this representation has no decoder; give decode= to see pictures")
        codes = check_codes(codes, self.latent_size)
        if not len(codes):  # what size its pictures have is known of one alone
            return self.decode(np.full((1, self.latent_size), NEAR))[:0]
        images = self._decode(codes)
        if images.dtype != np.uint8:
            images = np.rint(255 * np.clip(images, 0, 1)).astype(np.uint8)
        return images if images.shape[-1] == 3 else images.repeat(3, axis=-1)

    def _try_decoder(self) -> None:
        """Raise ValueError where the decoder does not paint codes of this size, or no pictures."""
        try:
            self.decode(np.full((2, self.latent_size), NEAR, dtype=np.float32))
        except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(
                f"the decoder cannot paint two codes of {self.latent_size} numbers, as many as "
                f"encode gives ({reason})"
            ) from error

    def look_again(self, codes: np.ndarray) -> np.ndarray:
        """Codes (N, D) of the pictures that codes (N, D) are decoded to."""
        return self.encode(self.decode(codes)).mean

    def reconstruct(self, images: np.ndarray, codes: np.ndarray) -> Reconstruction | None:
        """What `decode(codes)` paints of `images` uint8 (N, H, W, 3); None without a decoder."""
        if not self.has_decoder:
            return None
        painted = fit(self.decode(codes), images.shape[1:3], 3)
        x, y = (as_planes(pixels) for pixels in (images, painted))
        inside = np.clip(y.astype(np.float64), TINY, 1 - TINY)
        entropy = -(x * np.log(inside) + (1 - x) * np.log1p(-inside)).sum(axis=(1, 2, 3))
        return Reconstruction(x, y, entropy)


def _joined(parts: list[Codes]) -> Codes:
    """Codes of parts of a batch as those of all of it."""
    if len(parts) == 1:
        return parts[0]
    deviations = [part.std for part in parts if part.std is not None]
    std = np.concatenate(deviations) if deviations else None
    return Codes(np.concatenate([part.mean for part in parts]), std)


def check_codes(codes: Any, size: int) -> np.ndarray:
    """`codes` as float32 (N, size). Raises ValueError where they are not such finite numbers.

    Tensors may be on any device, of any floating type, and part of a graph.
    """
    if hasattr(codes, "detach"):
        codes = codes.detach().cpu().float()
    with np.errstate(over="ignore"):
        array = np.atleast_2d(np.asarray(codes, dtype=np.float32))
    if array.ndim != 2 or array.shape[1] != size or not np.isfinite(array).all():
        raise ValueError(f"codes must be (N, {size}) finite numbers, got shape {array.shape}")
    return array
