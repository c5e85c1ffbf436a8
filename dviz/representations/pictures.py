"""Pictures between what dviz holds, uint8 (N, H, W, 3), and what a model of any kind takes."""

from __future__ import annotations

from typing import Any

import numpy as np

STRANGE = 0.25  # share of values outside [0, 1] from which on an output is no picture
BEYOND = 0.001  # and of values that are nowhere near it
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def check_images(images: Any) -> None:
    """Raise ValueError unless `images` is uint8 (N, H, W, 3)."""
    array = np.asarray(images)
    if array.ndim != 4 or array.shape[-1] != 3 or array.dtype != np.uint8 or 0 in array.shape:
        raise ValueError(
            f"images must be uint8 (N, H, W, 3), got {array.dtype} {tuple(array.shape)}"
        )


def fit(images: np.ndarray, size: tuple[int, ...], channels: int = 3) -> np.ndarray:
    """Images uint8 (N, H, W, 3) in another size and in colour or grey: uint8 (N, *size, channels).

    Made smaller by area, larger between the nearest pixels.
    """
    if channels == 1:
        images = np.rint(images @ LUMA).astype(np.uint8)[..., None]
    if images.shape[1:3] == tuple(size):
        return images
    from torch import from_numpy
    from torch.nn import functional

    planes = from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float()
    smaller = size[0] <= images.shape[1] and size[1] <= images.shape[2]
    options = {"mode": "area"} if smaller else {"mode": "bilinear", "antialias": True}
    planes = functional.interpolate(planes, size=tuple(size), **options)
    return np.rint(planes.numpy()).astype(np.uint8).transpose(0, 2, 3, 1)


def as_planes(images: np.ndarray) -> np.ndarray:
    """Images uint8 (N, H, W, C) as float32 (N, C, H, W) in [0, 1], which models of torch take."""
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return planes.astype(np.float32) / 255


def from_output(values: Any, count: int) -> np.ndarray:
    """What a decoder gave as (N, H, W, C) with 1 or 3 channels: uint8, or float32 in [0, 1].

    Args:
        values: (N, H, W, C), (N, C, H, W) or grey (N, H, W); uint8, or floats in [0, 1].
        count: how many there must be.

    Raises:
        ValueError: another shape or type, or values that are no pixels.
    """
    array = np.asarray(values)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim == 4 and array.shape[-1] not in (1, 3) and array.shape[1] in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    if array.ndim != 4 or len(array) != count or array.shape[-1] not in (1, 3):
        raise ValueError(
            f"decode gave an array of shape {array.shape} for {count} codes; expected "
            f"({count}, H, W, 3) or ({count}, 3, H, W), or 1 channel in place of 3"
        )
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind not in "fiu":
        raise ValueError(f"decode gave {array.dtype}; expected uint8, or floats in [0, 1]")
    whole = array.dtype.kind in "iu"
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError("decode gave pixels that are not finite numbers")
    beyond = (array < -1) | (array > 2)  # on a black background few pixels say so
    strange = ((array < -0.1) | (array > 1.1)).mean() > STRANGE or beyond.mean() > BEYOND
    if strange or (whole and beyond.any()):
        raise ValueError(
            f"decode gave values from {array.min():.1f} to {array.max():.1f}; expected uint8, or "
            "floats in [0, 1] (of logits take the sigmoid, of [-1, 1] take (x + 1) / 2)"
        )
    return array
