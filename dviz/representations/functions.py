"""Two plain functions as a representation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dviz.representations.base import Codes, Representation, Shape
from dviz.representations.outputs import as_codes
from dviz.representations.pictures import from_output

Encode = Callable[[np.ndarray], Any]
Decode = Callable[[np.ndarray], Any]


class FunctionRepresentation(Representation):
    """Somebody's functions.

    Args:
        encode: images uint8 (N, H, W, C) of `image_size` to codes (N, D), or to a pair of mean and
            standard deviation.
        decode: codes float32 (N, D) to images, uint8 or floats in [0, 1], channels last or second.
        image_size, channels: what `encode` wants to see.

    Raises:
        ValueError: `encode` gives no codes, or `decode` cannot paint them.
    """

    def __init__(
        self,
        encode: Encode,
        decode: Decode | None = None,
        *,
        image_size: tuple[int, int] = (64, 64),
        channels: int = 3,
    ) -> None:
        self._encoder, self._decoder = encode, decode
        self.has_decoder = decode is not None
        blank = np.zeros((2, *image_size, channels), dtype=np.uint8)
        self.shape = Shape(self._encode(blank).mean.shape[1], image_size, channels)
        if self.has_decoder:
            self._try_decoder()

    def _encode(self, images: np.ndarray) -> Codes:
        return as_codes(self._encoder(images))

    def _decode(self, codes: np.ndarray) -> np.ndarray:
        assert self._decoder is not None
        values = self._decoder(codes)
        if hasattr(values, "detach"):
            values = values.detach().cpu()
            # numpy has no bfloat16
            values = (values.float() if values.is_floating_point() else values).numpy()
        return from_output(values, len(codes))
