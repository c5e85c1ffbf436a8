"""Features of a network trained on ImageNet as they are: what a code has to beat on photographs."""

from __future__ import annotations

import numpy as np
import torch

from dviz.models.efficientnet import FEATURES, load_network
from dviz.representations.base import Codes, Representation, Shape


class FrozenFeatures(Representation):
    """EfficientNet-Lite0's features as a code, or their first principal components.

    Args:
        images: uint8 (N, H, W, 3) that the components are found on.
        components: how many; 0 for all 1280 features.
        image_size: side of the pictures it looks at.

    Raises:
        DvizError: its weights are not installed (`dviz.models.efficientnet`).
    """

    def __init__(
        self,
        images: np.ndarray | None = None,
        components: int = 0,
        image_size: int = 64,
    ) -> None:
        self.network = load_network()
        self.shape = Shape(components or FEATURES, (image_size, image_size))
        self._mean: np.ndarray | None = None
        if components:
            if images is None or len(images) < components:
                raise ValueError(f"images must hold at least {components} pictures")
            self._mean, self._axes = _principal(self._features(images), components)

    def _encode(self, images: np.ndarray) -> Codes:
        features = self._features(images)
        return Codes(features if self._mean is None else (features - self._mean) @ self._axes)

    @torch.inference_mode()
    def _features(self, images: np.ndarray) -> np.ndarray:
        parts = []
        for start in range(0, len(images), 64):
            x = torch.from_numpy(images[start : start + 64].astype(np.float32) / 255)
            parts.append(self.network(x.movedim(-1, 1)).numpy())
        return np.concatenate(parts)


def _principal(features: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (1280,) and axes (1280, components), scaled so that the first code has variance 1."""
    mean = features.mean(axis=0)
    _, scales, axes = np.linalg.svd(features - mean, full_matrices=False)
    width = scales[0] / np.sqrt(max(1, len(features) - 1))
    return mean, (axes[:components].T / max(width, 1e-12)).astype(np.float32)
