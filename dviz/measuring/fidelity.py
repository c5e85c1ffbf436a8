"""How true a reconstruction is to its image, beyond the mean over all pixels.

A mean over pixels hardly sees a small object: a square painted as a disc differs from it in a few
corners. Where a dataset shows its objects on plain black, the object can be told from what lies
behind it and be judged alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

IN_IMAGE = 0.2  # of the brightest channel, from where on a pixel of an image is foreground
IN_PICTURE = 0.35  # the same in a painted picture, whose edges are soft


def overlap(x: Tensor, picture: Tensor) -> Tensor:
    """Intersection over union of the foregrounds of images and of their reconstructions.

    Args:
        x, picture: (N, 3, H, W) in [0, 1], the images on black.

    Returns:
        (N,) in [0, 1]; NaN where an image shows nothing.
    """
    inside, painted = _bright(x, IN_IMAGE), _bright(picture, IN_PICTURE)
    union = (inside | painted).sum((1, 2))
    shown = inside.any(2).any(1)
    found = (inside & painted).sum((1, 2)) / union
    return torch.where(shown, found, torch.nan)


def colour_error(x: Tensor, picture: Tensor) -> Tensor:
    """Mean absolute difference of the channels within an image's foreground.

    Arguments and result as those of `overlap`.
    """
    inside = _bright(x, IN_IMAGE)[:, None]  # (N, 1, H, W)
    off = ((x - picture).abs() * inside).sum((1, 2, 3))
    return off / (x.shape[1] * inside.sum((1, 2, 3)))


def _bright(x: Tensor, threshold: float) -> Tensor:
    """Where the brightest channel of (N, 3, H, W) lies above a threshold, bool (N, H, W)."""
    return x.amax(1) > threshold
