"""The principal components of a representation, where it has more numbers than one can look at."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA

from dviz.representations.base import Codes, Representation, Shape


class ReducedRepresentation(Representation):
    """The first components of another's codes, each in standard deviations, uncorrelated.

    Args:
        whole: what is reduced.
        components: how many of its components stay.
        images: uint8 (N, H, W, 3), N ≥ components, whose codes the components are found in.
        seed: of finding them.
    """

    def __init__(
        self, whole: Representation, components: int, images: np.ndarray, seed: int = 0
    ) -> None:
        most = min(whole.latent_size, len(images))
        if not 1 <= components <= most:
            raise ValueError(f"reduce is {components}; allowed are 1 to {most}")
        self.whole = whole
        self.has_decoder = whole.has_decoder
        self.shape = Shape(components, whole.shape.image_size, whole.shape.channels)
        # Of large features with small differences float32 would keep rounding errors.
        features = whole.encode(images).mean.astype(np.float64)
        self._pca = PCA(components, whiten=True, random_state=seed).fit(features)

    @property
    def device(self) -> str:
        return self.whole.device

    def _encode(self, images: np.ndarray) -> Codes:
        features = self.whole._encode(images).mean.astype(np.float64)
        return Codes(self._pca.transform(features).astype(np.float32))

    def _decode(self, codes: np.ndarray) -> np.ndarray:
        features = self._pca.inverse_transform(codes.astype(np.float64))
        return self.whole._decode(features.astype(np.float32))
