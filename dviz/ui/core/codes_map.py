"""The map of codes: a checkpoint's stored sample as the page fetches it, and how it is laid out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from starlette.routing import Route

from dviz.errors import CheckpointError, DvizError
from dviz.models.vae import VAE
from dviz.ui.core import blobs, starts
from dviz.ui.core.blobs import Blob
from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import Dimension, decode, encode
from dviz.ui.core.library import Library
from dviz.ui.core.starts import Start
from dviz.ui.core.uploads import Photo
from dviz.ui.core.weights import address_of

PATH = "dviz/codes"
COLOURED = re.compile("hue|colou?r")
MAX_POINTS = 15_000  # of a checkpoint; the stored samples of shipped ones have so many
MAX_STOPS, LEG = 12, 12  # of a path: points, and frames from one to the next


def points_of(entry: Entry) -> tuple[np.ndarray, np.ndarray]:
    """Codes float32 (N, D) and class indices int64 (N, F) of the points shown; N may be 0."""
    if entry.sample is None:
        none = np.zeros((0, entry.latent_size), np.float32)
        return none, np.zeros((0, len(entry.config.factors)), np.int64)
    codes, classes = entry.sample
    return codes[:MAX_POINTS], classes[:MAX_POINTS]


def pack_points(codes: np.ndarray, classes: np.ndarray) -> Blob:
    """Codes (N, D) as float16, then class indices (N, F) as uint32; little-endian."""
    top = np.finfo(np.float16).max
    half = np.clip(codes, -top, top).astype("<f2")
    gap = b"\0" * (half.nbytes % 4)  # so that what follows can be read in place
    return Blob(half.tobytes() + gap + classes.astype("<u4").tobytes())


def points_route(library: Library) -> Route:
    """The route behind the addresses of points."""

    def find(key: str) -> Blob:
        return pack_points(*points_of(library.get(key)))

    return blobs.route(PATH, library, find, "there are no such codes")


def map_value(library: Library, entry: Entry, photos: Sequence[Photo] = ()) -> dict[str, Any]:
    """What the map needs to know of `entry` and its lineage before it fetches points; JSON-able.

    `photos` have an image; they are encoded by every checkpoint of the lineage.
    """
    codes, _ = points_of(entry)
    members = members_of(library, entry)
    shown = [d for d in entry.dimensions if d.active] or entry.dimensions
    mean, axes, shares = principal_axes(codes, shown)
    return {
        "checkpoint": entry.key,
        "empty": f"This checkpoint {entry.why_no_codes}.",
        "stages": [_stage(member) for member in members],
        "photos": [star for member in members for star in _stars(member, photos)],
        "dimensions": [_dimension(d) for d in shown],
        "principal": {
            "mean": mean.round(5).tolist(),
            "axes": axes.round(5).tolist(),
            "shares": shares.round(4).tolist(),
        },
        **first_view(shown, [factor.name for factor in entry.config.factors]),
    }


def members_of(library: Library, entry: Entry) -> list[Entry]:
    """The checkpoints of the lineage whose codes go into one map, `entry` always among them."""
    members = []
    for key in library.lineage(entry.key):
        try:
            member = entry if key == entry.key else library.get(key)
            has_points = len(points_of(member)[0]) > 0
        except DvizError:  # a broken relative is no reason not to show this one
            continue
        if member is entry or (has_points and member.latent_size == entry.latent_size):
            members.append(member)
    return members


def _stage(entry: Entry) -> dict[str, Any]:
    codes, classes = points_of(entry)
    config = entry.config
    return {
        "key": entry.key,
        "kind": config.kind,
        "dataset": entry.title,
        "points": blobs.address(PATH, pack_points(codes, classes).digest, entry.key),
        "count": len(codes),
        "latent_size": entry.latent_size,
        "idle": [d.name for d in entry.dimensions if not d.active],
        "factors": [
            {
                "name": f.name,
                "cyclic": f.cyclic,
                "values": [f.label(value) for value in range(f.size)],
            }
            for f in config.factors
        ],
        "decoder": address_of(entry),
        "genuine": starts.renderer(entry) is not None or entry.pictures is not None,
    }


def _stars(entry: Entry, photos: Sequence[Photo]) -> list[dict[str, Any]]:
    """Where photos lie among the codes of a checkpoint."""
    if not photos:
        return []
    codes = encode(entry.model, np.stack([photo.image for photo in photos])).mean
    return [
        {
            "name": photo.name,
            "picture": photo.thumbnail,
            "checkpoint": entry.key,
            "code": [round(float(value), 4) for value in code],
        }
        for photo, code in zip(photos, codes, strict=True)
    ]


def principal_axes(
    codes: np.ndarray, dimensions: Sequence[Dimension]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two directions in which codes (N, D) spread most, among `dimensions`.

    Returns:
        mean float64 (D,); axes (K, D) of length 1, K at most 2, whose largest part is positive;
        shares of the variance (K,) in [0, 1].
    """
    chosen = [d.index for d in dimensions]
    if len(codes) < 2 or len(chosen) < 2:
        return np.zeros(codes.shape[1]), np.zeros((0, codes.shape[1])), np.zeros(0)
    mean = codes.mean(axis=0, dtype=np.float64)
    values, vectors = np.linalg.eigh(np.cov(codes[:, chosen], rowvar=False))
    axes = np.zeros((2, codes.shape[1]))
    axes[:, chosen] = vectors[:, :-3:-1].T
    largest = np.abs(axes).argmax(axis=1)
    axes *= np.sign(axes[[0, 1], largest])[:, None]
    return mean, axes, values[:-3:-1] / max(values.sum(), 1e-12)


def first_view(dimensions: Sequence[Dimension], factors: Sequence[str]) -> dict[str, Any]:
    """Two dimensions to open with, those that follow a factor most, and the factor to colour by.

    Where no dimension is named after any, the first of `factors` colours.
    """

    def rank(dimension: Dimension) -> float:
        return max((strength for _, strength in dimension.factors), default=0.0)

    best = sorted(dimensions, key=rank, reverse=True)[:2]
    named = [name for dimension in best for name, _ in dimension.factors]
    coloured = [name for name in named if COLOURED.search(name)]  # shows in its own colours
    return {
        "axes": [d.name for d in best],
        "colour": next(iter([*coloured, *named, *factors]), None),
    }


def start_at(entry: Entry, row: Any) -> Start:
    """The stored code with this number, and its genuine image where that can be drawn.

    Raises:
        CheckpointError: there is no such code.
    """
    count = len(points_of(entry)[0])
    if type(row) is not int or not 0 <= row < count:
        raise CheckpointError(f"{entry.key} has {count} stored codes; there is no number {row!r}")
    return starts.from_row(entry, row)


def walk(model: VAE, stops: np.ndarray) -> np.ndarray:
    """Decode a path through codes `stops` (K, D), K ≥ 2, straight from one to the next.

    Returns:
        uint8 ((K - 1) · LEG + 1, 64, 64, 3).
    """
    share = np.linspace(0, 1, LEG, endpoint=False)[:, None]
    legs = [a + share * (b - a) for a, b in pairwise(stops)]
    return decode(model, np.concatenate([*legs, stops[-1:]]).astype(np.float32))


def _dimension(dimension: Dimension) -> dict[str, Any]:
    return {
        "index": dimension.index,
        "name": dimension.name,
        "label": dimension.label,
        "remark": dimension.remark,
    }
