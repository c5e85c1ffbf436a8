"""Objects cut out of their background; the study's Targets lie on black."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def check_image(image: np.ndarray) -> None:
    """Raise ValueError unless `image` is a picture uint8 (H, W, 3)."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3 or not image.size:
        raise ValueError(f"image is {image.dtype} {image.shape}; expected uint8 (H, W, 3)")


def remove_background(image: np.ndarray, tolerance: float = 40.0) -> tuple[np.ndarray, np.ndarray]:
    """Make black what looks like the border and hangs together with it.

    The background's colour is the border's median; a pixel belongs to it if its colour lies within
    `tolerance` (Euclidean, 0 … 441) and a path of such pixels leads to the border.

    Returns:
        The picture uint8 (H, W, 3), and the foreground as bool (H, W).

    Raises:
        ValueError: `image` is not uint8 (H, W, 3).
    """
    check_image(image)
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    distance = image.astype(np.float32) - np.median(border, axis=0).astype(np.float32)
    regions, _ = ndimage.label(np.linalg.norm(distance, axis=-1) <= tolerance)
    edge = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    foreground = ~np.isin(regions, np.unique(edge[edge > 0]))
    return np.where(foreground[..., None], image, 0).astype(np.uint8), foreground
