"""torch modules as a representation: one with `encode` and `decode`, or one for each."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dviz.representations.base import Codes, Representation, Shape
from dviz.representations.outputs import as_array, as_codes
from dviz.representations.pictures import as_planes, from_output

PICTURES = ("reconstruction", "sample", "recon_x", "x_hat", "images")
BATCH = 64
_TURN = threading.RLock()


class ModuleRepresentation(Representation):
    """Modules on (N, C, H, W) in [0, 1], in evaluation mode for as long as they are called.

    They get numbers of the type that their weights have, such as float32 or bfloat16.

    Args:
        encoder: has `encode` (one module for both ways), or is called itself. It gives codes, a
            pair of mean and log-variance, or an object that names them.
        decoder: likewise with `decode`; by default that of `encoder`, if it has one.
        image_size, channels: what it takes; by default read off the module (see `declared_input`).
        normalise: mean and standard deviation of each channel, subtracted and divided by; by
            default what a model of timm says it was trained with, if it is one.

    Raises:
        ValueError: it cannot read such images, gives no codes, or its decoder cannot paint them.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module | None = None,
        *,
        image_size: tuple[int, int] | None = None,
        channels: int | None = None,
        normalise: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
    ) -> None:
        self.encoder, self.decoder = encoder, decoder
        both = decoder if decoder is not None else encoder
        has_own = callable(getattr(encoder, "decode", None)) or _part(encoder, "decoder")
        self.has_decoder = decoder is not None or bool(has_own)
        self._call_encoder = _function(encoder, "encode", "encoder")
        self._call_decoder = _function(both, "decode", "decoder") if self.has_decoder else None
        found_size, found_channels = declared_input(encoder)
        size, channels = image_size or found_size, channels or found_channels
        self._normalise = normalise or _declared_normalisation(encoder, channels)
        self.shape = Shape(self._latent_size(size, channels), size, channels)
        if self.has_decoder:
            self._try_decoder()

    @property
    def device(self) -> str:
        return str(next((p.device for p in self.encoder.parameters()), torch.device("cpu")))

    def encode_planes(self, x: Tensor) -> Any:
        """What the encoder gives for float32 (N, C, H, W) in [0, 1]."""
        if self._normalise is not None:
            mean, std = (torch.tensor(v, device=x.device).view(-1, 1, 1) for v in self._normalise)
            x = (x - mean) / std
        return self._call_encoder(x.to(_precision(self.encoder)))

    def decode_codes(self, z: Tensor) -> Tensor:
        """What the decoder gives for codes (N, D), out of the object it may come in."""
        assert self._call_decoder is not None
        decoder = self.encoder if self.decoder is None else self.decoder
        output = self._call_decoder(z.to(_precision(decoder)))
        for name in PICTURES:
            if not isinstance(output, Tensor) and getattr(output, name, None) is not None:
                output = getattr(output, name)
        return output[0] if isinstance(output, (tuple, list)) else output

    @torch.inference_mode()
    def _encode(self, images: np.ndarray) -> Codes:
        parts = []
        with evaluating(self.encoder):
            for start in range(0, len(images), BATCH):
                x = torch.from_numpy(as_planes(images[start : start + BATCH])).to(self.device)
                parts.append(as_codes(self.encode_planes(x), log_variance=True))
        std = None if parts[0].std is None else np.concatenate([p.std for p in parts])
        return Codes(np.concatenate([p.mean for p in parts]), std)

    @torch.inference_mode()
    def _decode(self, codes: np.ndarray) -> np.ndarray:
        with evaluating(self.encoder if self.decoder is None else self.decoder):
            output = as_array(self.decode_codes(torch.from_numpy(codes).to(self.device)))
        if output.ndim == 2:  # fully connected decoders give pixels in one row
            output = output.reshape(len(codes), self.shape.channels, *self.shape.image_size)
        return from_output(output, len(codes))

    def _latent_size(self, size: tuple[int, int], channels: int) -> int:
        try:
            blank = np.zeros((2, *size, channels), dtype=np.uint8)
            return self._encode(blank).mean.shape[1]
        except (RuntimeError, TypeError) as error:
            reason = " ".join(str(error).split())[:160]
            raise ValueError(
                f"the encoder cannot read images of {size[0]}×{size[1]} with {channels} channels "
                f"({reason}); say image_size=(H, W) and channels=1 or 3"
            ) from error


@contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    """Modules in evaluation mode, and afterwards each part of them in the mode that it was in.

    One caller at a time: another's end would put a module back to training meanwhile.
    """
    with _TURN:
        before = [(part, part.training) for module in modules for part in module.modules()]
        awake = [module for module in modules if any(part.training for part in module.modules())]
        roots = [(module, module.training) for module in awake]
        try:
            for module in awake:
                module.eval()
            yield
        finally:
            for module, training in roots:
                module.train(training)  # for those that do more than set the flag
            for part, training in before:
                part.training = training


def _precision(module: nn.Module) -> torch.dtype:
    """The floating type of a module's first weights that have one."""
    kinds = (weights.dtype for weights in module.parameters())
    return next((kind for kind in kinds if kind.is_floating_point), torch.float32)


def _part(module: nn.Module, name: str) -> nn.Module | None:
    found = getattr(module, name, None)
    return found if isinstance(found, nn.Module) else None


def _function(module: nn.Module, method: str, part: str) -> Callable[[Tensor], Any]:
    """`module.encode`, or its submodule of that role, or itself."""
    own = getattr(module, method, None)
    if callable(own):
        return own
    if method == "encode" and getattr(module, "main_input_name", None) == "pixel_values":
        return module  # of transformers: what it calls its encoder reads patches, not pictures
    return _part(module, part) or module


def declared_input(module: nn.Module) -> tuple[tuple[int, int], int]:
    """Image size and channels that a module says it takes; 64 × 64 in colour where it does not.

    Read off `pretrained_cfg` (timm), `config` (transformers, diffusers), `model_config.input_dim`
    (pythae); else channels off the first convolution, or the size off a first linear layer.
    """
    timm = getattr(module, "pretrained_cfg", None) or getattr(module, "default_cfg", None)
    if isinstance(timm, dict) and len(timm.get("input_size", ())) == 3:
        channels, height, width = timm["input_size"]
        return (height, width), channels
    pythae = getattr(getattr(module, "model_config", None), "input_dim", None)
    if pythae is not None and len(pythae) == 3:
        channels, height, width = pythae
        return (height, width), channels
    config = getattr(module, "config", None)
    for name in ("image_size", "sample_size"):
        side = getattr(config, name, None)
        if isinstance(side, int):
            channels = getattr(config, "num_channels", getattr(config, "in_channels", 3))
            return (side, side), channels
    return _from_layers(module)


def _declared_normalisation(
    module: nn.Module, channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and standard deviation of each channel, where a model of timm says them."""
    timm = getattr(module, "pretrained_cfg", None)
    known = timm if isinstance(timm, dict) else {}
    mean, std = tuple(known.get("mean", ())), tuple(known.get("std", ()))
    return (mean, std) if len(mean) == len(std) == channels else None


def _from_layers(module: nn.Module) -> tuple[tuple[int, int], int]:
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            return (64, 64), layer.in_channels if layer.in_channels in (1, 3) else 3
        if isinstance(layer, nn.Linear):
            found = size_of(layer.in_features)
            return found if found is not None else ((64, 64), 3)
    return (64, 64), 3


def size_of(numbers: int) -> tuple[tuple[int, int], int] | None:
    """Square image and channels that hold so many numbers; None where none does."""
    for channels in (3, 1):
        side = math.isqrt(numbers // channels)
        if side * side * channels == numbers:
            return (side, side), channels
    return None
