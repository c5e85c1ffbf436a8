"""Where an object goes in the picture when a dimension moves: right is right, and up is up."""

from __future__ import annotations

import re

import numpy as np

from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import Dimension, decode, sweep

PATCH = 8  # pixels along the side of the corners that tell the ground's colour
APART = 24.0  # of 255, from which on a pixel differs from the ground
FAR_ENOUGH = 1.5  # pixels that an object must go for its direction to be told


def middle_of(image: np.ndarray) -> tuple[float, float]:
    """Row and column of the middle of what differs from the ground, in pixels; NaN where nothing.

    The ground is the median colour of the four corners of an image uint8 (H, W, 3).
    """
    edges = (slice(None, PATCH), slice(-PATCH, None))
    corners = [image[rows, columns].reshape(-1, 3) for rows in edges for columns in edges]
    ground = np.median(np.concatenate(corners), axis=0)
    weight = np.abs(image.astype(float) - ground).mean(axis=-1)
    weight = np.where(weight > APART, weight, 0.0)
    if not weight.any():
        return np.nan, np.nan
    rows, columns = np.indices(weight.shape)
    row, column = (float((weight * place).sum() / weight.sum()) for place in (rows, columns))
    return row, column


def backwards(entry: Entry, code: np.ndarray, dimension: Dimension) -> bool:
    """Whether a dimension of position moves the object down, or left, as it grows.

    Looked up in the pictures of its low and its high; False for any other dimension.
    """
    names = " ".join(name for name, _ in dimension.factors)
    sideways, upwards = (re.search(rf"position {axis}\b", names) for axis in "xy")
    if not sideways and not upwards:
        return False
    low, high = (middle_of(image) for image in decode(entry.model, sweep(code, dimension, 2)))
    return bool(high[1] < low[1] - FAR_ENOUGH if sideways else high[0] > low[0] + FAR_ENOUGH)
