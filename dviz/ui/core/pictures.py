"""Images for the page: as addresses that hold them, in rows, in false colours."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

HEAT = ((0.0, (0, 0, 0)), (0.4, (150, 20, 60)), (0.7, (240, 130, 30)), (1.0, (255, 255, 235)))


def data_uri(image: np.ndarray, format: str = "PNG") -> str:
    """An image uint8 (H, W, 3 or 4) as a data URI: PNG, or JPEG where many are sent at once."""
    buffer = io.BytesIO()
    options = {"compress_level": 1} if format == "PNG" else {"quality": 92, "subsampling": 0}
    Image.fromarray(image).save(buffer, format, **options)
    return f"data:image/{format.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def strip(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W, C) side by side, (H, N · W, C)."""
    return np.concatenate(list(images), axis=1)


def heat(values: np.ndarray) -> np.ndarray:
    """Values (H, W) in [0, 1] as an image uint8 (H, W, 3): black, red, orange, white.

    Lightness grows all along, and faster for small values, which most errors are.
    """
    places, colours = zip(*HEAT, strict=True)
    share = np.sqrt(np.clip(values, 0, 1))
    channels = [np.interp(share, places, channel) for channel in zip(*colours, strict=True)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
