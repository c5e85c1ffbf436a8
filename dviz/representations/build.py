"""Whatever a person calls their model, as a Representation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dviz.representations.base import SIDE, Representation

KINDS = (
    "a function, a torch module, a fitted scikit-learn transformer, the path of an encoder.onnx, "
    "or a backbone's name such as 'timm:resnet18'"
)

FUNCTION, MODULE, FILE = PAIRED = ("a function", "a torch module", "the path of a file")


def as_representation(
    encode: Any,
    decode: Any = None,
    *,
    image_size: tuple[int, int] | int | None = None,
    channels: int | None = None,
    images: np.ndarray | None = None,
) -> Representation:
    """Make a Representation of `encode`, and of `decode` if there is one.

    Args:
        encode: a Representation already, a dviz VAE, or one of those that the error below names.
        decode: for functions, modules and ONNX files the way back, of the same kind.
        image_size: (H, W), or one side, of what `encode` takes; inferred where it can be.
        channels: 3 or 1, likewise.
        images: uint8 (N, H, W, 3) to fit a transformer to that is not fitted yet.

    Raises:
        ValueError: it is nothing of that kind, or what it gives is no code or picture.
        DvizError: a file cannot be run, or a package is not installed.
    """
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if decode is not None:
        _check_pair(encode, decode)
    if isinstance(encode, Representation):
        return encode
    if isinstance(encode, (str, Path)):
        return _by_name(encode, decode, size, channels)
    from torch import nn

    from dviz.models.vae import VAE

    if isinstance(encode, VAE):
        from dviz.representations.own import VAERepresentation

        return VAERepresentation(encode)
    if isinstance(encode, nn.Module):
        from dviz.representations.modules import ModuleRepresentation

        return ModuleRepresentation(encode, decode, image_size=size, channels=channels)
    if callable(getattr(encode, "transform", None)):
        from dviz.representations.scikit import TransformerRepresentation

        return TransformerRepresentation(encode, images=images, image_size=size, channels=channels)
    if not callable(encode):
        raise ValueError(f"encode is {type(encode).__name__}; expected {KINDS}")
    from dviz.representations.functions import FunctionRepresentation

    return FunctionRepresentation(
        encode, decode, image_size=size or (SIDE, SIDE), channels=channels or 3
    )


def _check_pair(encode: Any, decode: Any) -> None:
    """Raise ValueError where the way back is of another kind than the way there, or not needed."""
    kind, other = _kind(encode), _kind(decode)
    if kind not in PAIRED:
        raise ValueError(
            f"decode is {other}, but encode is {kind}, which brings its own way back if it has "
            "one; leave decode= out"
        )
    if kind != other:
        raise ValueError(
            f"encode is {kind} and decode is {other}; expected two of one kind: functions, torch "
            "modules, or paths of ONNX files"
        )


def _kind(part: Any) -> str:
    from torch import nn

    from dviz.models.vae import VAE
    from dviz.representations.backbones import is_backbone

    if isinstance(part, (str, Path)):
        return "a backbone's name" if is_backbone(part) else FILE
    if isinstance(part, nn.Module) and not isinstance(part, VAE):
        return MODULE
    if callable(part) and not isinstance(part, nn.Module):
        return FUNCTION
    return type(part).__name__


def _by_name(
    encode: str | Path, decode: Any, size: tuple[int, int] | None, channels: int | None
) -> Representation:
    from dviz.representations.backbones import backbone, is_backbone

    if is_backbone(encode):
        return backbone(str(encode))
    if Path(encode).suffix == ".onnx":
        from dviz.representations.onnx_files import OnnxRepresentation

        return OnnxRepresentation(encode, decode, image_size=size, channels=channels)
    raise ValueError(f"encode is {str(encode)!r}; expected {KINDS}")
