"""What a model makes of photos: how far out their codes lie, what is near, what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from dviz.models.vae import VAE
from dviz.representations.base import Representation
from dviz.ui.core import starts
from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import Dimension, Prediction, decode, encode
from dviz.ui.core.uploads import Photo

FAR = 0.5  # standard deviations beyond 98% of a dataset from which on a code counts as far out
POOR = 4.0  # times a dataset's mean squared error from which on a picture counts as badly painted
RARE = 0.99  # of a dataset's own images painted better, from which on readings are guesses
DOUBTFUL = 1.5  # times the usual error, likewise, where its own images cannot be painted here
WIDE = 2.0  # times what a dataset has, from which on a deviation leaves a code undetermined
COMPARED = 200  # samples of a dataset that tell how near its samples are to each other
AT_ONCE = 10  # images in one batch
ALIKE = 0.5  # standard deviations below which two codes count as the same


@dataclass(frozen=True)
class Stray:
    """A dimension on which a code lies outside of what 98% of a dataset span.

    Attributes:
        dimension: which; value: the code there.
        beyond: how far past the nearer edge, in standard deviations of the dataset's codes.
    """

    dimension: Dimension
    value: float
    beyond: float


@dataclass(frozen=True)
class Reading:
    """One photo as a model sees it.

    Attributes:
        photo: what was handed over; code, std: its posterior (D,).
        painted: decoded from the code, uint8 (64, 64, 3).
        predictions: one a factor; none where there is nothing to predict from.
        error: mean squared error of `painted`, colours in [0, 1].
        usual_error: that of the dataset's own images; None where it was not measured.
        compared: whether there was a report to compare it with.
        strays: where the code lies outside, the farthest first.
        undetermined: dimensions that the encoder could not settle on a value of.
        worse_than: share of the dataset's own images that it paints better, in [0, 1]; None where
            there are none to paint.
    """

    photo: Photo
    code: np.ndarray
    std: np.ndarray
    painted: np.ndarray
    predictions: list[Prediction]
    error: float
    usual_error: float | None
    strays: list[Stray]
    undetermined: list[Dimension]
    compared: bool = True
    worse_than: float | None = None

    @property
    def far_out(self) -> list[Stray]:
        """Strays that are no mere tail of the distribution."""
        return [stray for stray in self.strays if stray.beyond >= FAR]

    @property
    def badly_painted(self) -> bool:
        return bool(self.usual_error) and self.error > POOR * self.usual_error

    @property
    def poorly_painted(self) -> bool:
        """Whether the error is well beyond the usual, so that what is read is a guess."""
        if self.worse_than is not None:
            return self.worse_than >= RARE
        return bool(self.usual_error) and self.error > DOUBTFUL * self.usual_error

    @property
    def guessed(self) -> bool:
        return self.out_of_distribution or self.poorly_painted

    @property
    def out_of_distribution(self) -> bool:
        return bool(self.far_out or self.undetermined) or self.badly_painted


def read(entry: Entry, photos: Sequence[Photo]) -> list[Reading]:
    """Read photos, each of which has an image."""
    if not photos:
        return []
    images = np.stack([photo.image for photo in photos])
    codes = encode(entry.model, images)
    painted = decode(entry.model, codes.mean)
    errors = squared_errors(images, painted)
    usual = entry.measured.mse if entry.measured is not None else None
    own = own_errors(entry) if usual else None
    known = entry.dimensions if entry.measured is not None else []
    parts = zip(
        photos, codes.mean, codes.std, painted, entry.predict(codes.mean), errors, strict=True
    )
    return [
        Reading(
            photo,
            code,
            std,
            picture,
            read,
            float(error),
            usual,
            strays(code, known),
            undetermined(std, known),
            entry.measured is not None,
            None if own is None else float((own < error).mean()),
        )
        for photo, code, std, picture, read, error in parts
    ]


def squared_errors(images: np.ndarray, painted: np.ndarray) -> np.ndarray:
    """Mean squared errors (N,) of pictures uint8 (N, H, W, 3), colours in [0, 1]."""
    return ((images / 255.0 - painted / 255.0) ** 2).mean(axis=(1, 2, 3))


def own_errors(entry: Entry) -> np.ndarray | None:
    """Errors of up to COMPARED images of a checkpoint's dataset; None where there are no images."""
    if entry in _OWN_ERRORS:
        return _OWN_ERRORS[entry]
    with entry.painting:  # once, however many photos come at the same time
        if entry not in _OWN_ERRORS:
            _OWN_ERRORS[entry] = _painted_errors(entry)
        return _OWN_ERRORS[entry]


def _painted_errors(entry: Entry) -> np.ndarray | None:
    """As `own_errors`; a few images at a time, since the memory of a large batch stays taken."""
    count = 0 if entry.sample is None else len(entry.sample[0])
    rows = np.unique(np.linspace(0, count - 1, COMPARED).astype(int)) if count else None
    images = None if rows is None else starts.originals(entry, rows)
    if images is None:
        return None
    model, batches = entry.model, np.array_split(images, -(-len(images) // AT_ONCE))
    painted = [squared_errors(some, decode(model, encode(model, some).mean)) for some in batches]
    return np.concatenate(painted)


_OWN_ERRORS: WeakKeyDictionary[Entry, np.ndarray | None] = WeakKeyDictionary()


def strays(code: np.ndarray, dimensions: Sequence[Dimension]) -> list[Stray]:
    """Where `code` (D,) lies outside what 98% of the dataset span, the farthest first."""
    found = []
    for dimension in dimensions:
        value = float(code[dimension.index])
        past = max(dimension.low - value, value - dimension.high)
        if dimension.active and past > 0:
            found.append(Stray(dimension, value, past / max(dimension.std, 1e-6)))
    return sorted(found, key=lambda stray: -stray.beyond)


def undetermined(std: np.ndarray, dimensions: Sequence[Dimension]) -> list[Dimension]:
    """Where standard deviations (D,) are far wider than the span of 98% of the dataset.

    And than the dataset's own deviations, which can be wide too where a model meets images it was
    not trained on: KL to the prior is at least (deviation² - 1) / 2 but for a logarithm.
    """

    def usual(d: Dimension) -> float:
        return max(d.high - d.low, float(np.sqrt(1 + 2 * (d.kl or 0.0))))

    return [d for d in dimensions if d.active and std[d.index] > WIDE * usual(d)]


def nearest(
    codes: np.ndarray, code: np.ndarray, dimensions: Sequence[Dimension], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The rows of `codes` (N, D) nearest to `code` (D,) on `dimensions`, the nearest first.

    Distances are Euclidean, each dimension in standard deviations of the dataset.

    Returns:
        Their numbers (count,), and their distances (count,).
    """
    chosen = [d.index for d in dimensions]
    scale = np.array([max(d.std, 1e-6) for d in dimensions])
    distances = np.linalg.norm((codes[:, chosen] - code[chosen]) / scale, axis=1)
    rows = np.argsort(distances, kind="stable")[:count]
    return rows, distances[rows]


def usual_nearest(codes: np.ndarray, dimensions: Sequence[Dimension]) -> float:
    """Within what distance 99% of some of the rows of `codes` (N, D) have another of them all.

    Distances are those of `nearest`.
    """
    scale = np.array([max(d.std, 1e-6) for d in dimensions])
    points = codes[:, [d.index for d in dimensions]] / scale
    some = np.arange(0, len(points), max(len(points) // COMPARED, 1))
    squares = (points**2).sum(axis=1)
    distances = squares[some, None] + squares - 2 * points[some] @ points.T  # squared
    distances[np.arange(len(some)), some] = np.inf
    return float(np.sqrt(np.percentile(np.maximum(distances.min(axis=1), 0), 99)))


def swaps(
    model: VAE | Representation,
    first: np.ndarray,
    second: np.ndarray,
    dimensions: Sequence[Dimension],
) -> np.ndarray:
    """Decode `first` (D,) with the value of `second` on one dimension at a time.

    Returns:
        uint8 (len(dimensions), 64, 64, 3).
    """
    codes = np.repeat(np.asarray(first, dtype=np.float32)[None], len(dimensions), axis=0)
    for row, dimension in enumerate(dimensions):
        codes[row, dimension.index] = second[dimension.index]
    if not len(codes):
        return np.zeros((0, 64, 64, 3), dtype=np.uint8)
    return decode(model, codes)
