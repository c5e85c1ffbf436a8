"""scikit-learn transformers as a representation; PCA is the humble baseline."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from dviz.representations.base import SIDE, Codes, Representation, Shape
from dviz.representations.modules import size_of
from dviz.representations.pictures import fit as fit_size
from dviz.representations.pictures import from_output


class TransformerRepresentation(Representation):
    """A transformer on flattened images in [0, 1], (N, H · W · C) with channels last.

    Args:
        transformer: has `transform`, and a working `inverse_transform` if it can paint.
        images: uint8 (N, H, W, 3) to fit it to where it is not fitted yet.
        image_size, channels: by default what a fitted one says it has seen, if that is a square.

    Raises:
        ValueError: it is not fitted and there are no images or it needs more than these, or its
            size cannot be told.
    """

    def __init__(
        self,
        transformer: Any,
        *,
        images: np.ndarray | None = None,
        image_size: tuple[int, int] | None = None,
        channels: int | None = None,
    ) -> None:
        self.transformer = transformer
        self.has_decoder = callable(getattr(transformer, "inverse_transform", None))
        if not _is_fitted(transformer):
            if images is None:
                raise ValueError(
                    f"{type(transformer).__name__} is not fitted; call fit first, or give a dataset"
                )
            size = image_size or (images.shape[1], images.shape[2])
            channels = channels or 3
            # The caller's stays as it is; what follows scikit-learn in name alone is copied whole.
            known = hasattr(transformer, "get_params")
            transformer = clone(transformer) if known else deepcopy(transformer)
            self.transformer = transformer
            _fit(transformer, _flat(fit_size(images, size, channels)))
        else:
            seen = size_of(getattr(transformer, "n_features_in_", 0))
            if seen is None and (image_size is None or channels is None):
                raise ValueError(
                    f"{type(transformer).__name__} does not say what images it was fitted to; say "
                    "image_size=(H, W) and channels=1 or 3"
                )
            found, found_channels = seen or ((SIDE, SIDE), 3)
            size, channels = image_size or found, channels or found_channels
        if isinstance(transformer, PCA):
            self.transformer = _precise(transformer)
        blank = np.zeros((2, *size, channels), dtype=np.uint8)
        codes = self._encode(blank).mean
        self.shape = Shape(codes.shape[1], size, channels)
        self.has_decoder = self.has_decoder and self._paints(codes)

    def _encode(self, images: np.ndarray) -> Codes:
        pixels = _flat(images)
        try:
            codes = self.transformer.transform(pixels.astype(np.float64))
        except TypeError:  # NMF insists on the type that it was fitted to
            codes = self.transformer.transform(pixels)
        return Codes(np.asarray(codes, dtype=np.float32))

    def _decode(self, codes: np.ndarray) -> np.ndarray:
        pixels = np.asarray(self.transformer.inverse_transform(codes), dtype=np.float32)
        size = (*self.shape.image_size, self.shape.channels)
        return from_output(np.clip(pixels, 0, 1).reshape(len(codes), *size), len(codes))

    def _paints(self, codes: np.ndarray) -> bool:
        """Whether the inverse works: some have one that was never fitted."""
        try:
            self._decode(codes)
        except Exception:  # whatever others' code raises there
            return False
        return True


def _fit(transformer: Any, pixels: np.ndarray) -> None:
    try:
        transformer.fit(pixels)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{type(transformer).__name__} cannot be fitted to images alone ({error}); fit it "
            "yourself first, to images flattened to rows (N, H · W · C) in [0, 1]"
        ) from error


def _precise(pca: PCA) -> PCA:
    """The same in float64: it subtracts two sums over all pixels, of which little is left."""
    pca = copy(pca)
    for name in ("mean_", "components_", "explained_variance_"):
        setattr(pca, name, getattr(pca, name).astype(np.float64))
    return pca


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32) / 255


def _is_fitted(transformer: Any) -> bool:
    try:
        check_is_fitted(transformer)
    except NotFittedError:
        return False
    return True
