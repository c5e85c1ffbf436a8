"""Objects cut out of their background; the study's Targets lie on black.

`remove_background` takes the border's colour away and is exact where a background is plain.
`cut_out` weighs two colour models against each other and copes with backgrounds of several colours.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.special import logsumexp

COLOURS = 4  # Gaussians in each colour model
ROUNDS = 4
SAMPLE = 1_500  # pixels that each colour model is fitted to
CERTAINTY = 6.0  # nats that colour alone may speak for or against a pixel


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


def cut_out(image: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Make black all but the object in the middle, told by colour, place and neighbourhood.

    In the manner of GrabCut (Rother et al. 2004) without its graph: two mixtures of Gaussians, of
    the border's colours and of the middle's, are fitted in turns with the mask they give; the log
    odds of a pixel are averaged over its neighbours where the picture is even, and not across
    edges (a guided filter, He et al. 2013). The largest piece stays, its holes filled.

    Args:
        seed: picks the pixels that the colour models are fitted to.

    Returns:
        The picture uint8 (H, W, 3), and the foreground as bool (H, W): never empty, never all.

    Raises:
        ValueError: `image` is not uint8 (H, W, 3).
    """
    check_image(image)
    rng = np.random.default_rng(seed)
    colours = image.reshape(-1, 3).astype(np.float32) / 255
    place = _middle(*image.shape[:2])
    # One or two pixels wide, a picture is all border.
    foreground = place > (0 if (place > 0).any() else np.median(place))
    for _ in range(ROUNDS):
        odds = _colour_odds(colours, foreground.ravel(), rng).reshape(foreground.shape)
        odds = np.clip(odds, -CERTAINTY, CERTAINTY) + place
        found = _largest_piece(_smooth(odds, image) > 0)
        if not found.any() or found.all():
            break
        foreground = found
    return np.where(foreground[..., None], image, 0).astype(np.uint8), foreground


def _middle(height: int, width: int) -> np.ndarray:
    """Log odds by place alone, (H, W): for the middle, strongly against the border."""
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    return 1.5 - 2.5 * (y**2 + x**2) - 8.0 * (np.maximum(abs(y), abs(x)) > 0.97)


def _colour_odds(
    colours: np.ndarray, foreground: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """log p(colour | foreground) - log p(colour | background) of pixels (P, 3), (P,)."""
    inside, outside = (
        _log_density(_mixture(colours[mask], rng), colours) for mask in (foreground, ~foreground)
    )
    return inside - outside


def _mixture(
    colours: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights (K,), means (K, 3) and variances (K, 3) of colours (P, 3): k-means, then spreads."""
    some = colours[rng.integers(len(colours), size=SAMPLE)]
    means = some[rng.integers(SAMPLE, size=COLOURS)]
    for _ in range(8):
        nearest = ((some[:, None] - means) ** 2).sum(-1).argmin(1)
        members = np.eye(COLOURS, dtype=np.float32)[nearest]  # (SAMPLE, K)
        counts = members.sum(0)[:, None]
        means = np.where(counts > 0, members.T @ some / np.maximum(counts, 1), means)
    variances = members.T @ (some - means[nearest]) ** 2 / np.maximum(counts, 1) + 2e-3
    return (counts[:, 0] + 1) / (SAMPLE + COLOURS), means, variances


def _log_density(
    mixture: tuple[np.ndarray, np.ndarray, np.ndarray], colours: np.ndarray
) -> np.ndarray:
    """Up to a constant, (P,)."""
    weights, means, variances = mixture
    precisions = 1 / variances
    distances = colours**2 @ precisions.T - 2 * colours @ (means * precisions).T
    distances += (means**2 * precisions).sum(-1)
    return logsumexp(np.log(weights) - 0.5 * (np.log(variances).sum(-1) + distances), axis=1)


def _smooth(odds: np.ndarray, image: np.ndarray, softness: float = 2e-3) -> np.ndarray:
    """`odds` (H, W) averaged within even areas of the picture (guided filter on its grey)."""
    side = max(3, min(odds.shape) // 16)
    grey = image.mean(axis=-1) / 255

    def mean(values: np.ndarray) -> np.ndarray:
        return ndimage.uniform_filter(values, side)

    level, average = mean(grey), mean(odds)
    slope = (mean(grey * odds) - level * average) / (mean(grey**2) - level**2 + softness)
    return mean(slope) * grey + mean(average - slope * level)


def _largest_piece(mask: np.ndarray) -> np.ndarray:
    pieces, count = ndimage.label(mask)
    if not count:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return ndimage.binary_fill_holes(pieces == sizes.argmax())
