"""Pictures for an encoder that cannot paint: those of a sample whose codes lie nearest."""

from __future__ import annotations

import numpy as np

from dviz.representations.base import Codes, Representation


class NearestPictures(Representation):
    """An encoder whose decoder is a look among images that it has encoded.

    What it shows of a code is the image with the nearest code, in standard deviations of the
    sample; so it is always a real one, and moves in steps.

    Args:
        encoder: what encodes.
        codes: of the sample, (N, D).
        images: the same images, uint8 (N, H, W, 3).
    """

    has_decoder = True

    def __init__(self, encoder: Representation, codes: np.ndarray, images: np.ndarray) -> None:
        self.encoder, self.shape = encoder, encoder.shape
        deviation = codes.std(axis=0)
        # A dimension that stands still has no unit to count in, and tells nothing apart.
        self._scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 1e-6)
        self._centre = codes.mean(axis=0)
        self._points = (codes - self._centre) * self._scale
        self._squares = (self._points**2).sum(axis=1)
        self._images = images

    @property
    def device(self) -> str:
        return self.encoder.device

    def _encode(self, images: np.ndarray) -> Codes:
        return self.encoder._encode(images)

    def _decode(self, codes: np.ndarray) -> np.ndarray:
        asked = (codes - self._centre) * self._scale
        distances = self._squares - 2 * asked @ self._points.T  # up to a constant
        return self._images[distances.argmin(axis=1)]
