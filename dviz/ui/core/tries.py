"""Every checkpoint that knows photographs tries a photo; the best reconstruction is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dviz.data.registry import is_photographs
from dviz.errors import DvizError
from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import decode, encode
from dviz.ui.core.library import Library
from dviz.ui.core.reading import POOR
from dviz.ui.core.uploads import SILHOUETTE, Shot

BINARY = "-binary"  # ends the names of datasets of silhouettes


@dataclass(frozen=True)
class Try:
    """How well one checkpoint paints a photo in one view.

    Attributes:
        key: of the checkpoint; view: how the photo was prepared.
        painted: decoded from its code, uint8 (64, 64, 3).
        error: mean squared error, colours in [0, 1].
        ratio: `error` as a multiple of what is usual for the checkpoint's own dataset; infinite
            where that was not measured.
    """

    key: str
    view: str
    painted: np.ndarray
    error: float
    ratio: float

    @property
    def readable(self) -> bool:
        return self.ratio <= POOR


@dataclass(frozen=True)
class Choice:
    """What is shown: the number of a photo, its view, and who reads it; None is what fits best."""

    photo: int = 0
    view: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class Sight:
    """One photo with everybody's tries, and the one that is shown; `chosen` by a person or not."""

    shot: Shot
    tries: list[Try]
    entry: Entry
    view: str
    chosen: bool = False


def see(library: Library, shots: Sequence[Shot], choice: Choice) -> Sight | None:
    """Everybody tries the chosen photo; None where there is none that can be read, or nobody to
    read it."""
    good = [shot for shot in shots if shot.views]
    if not good:
        return None
    shot = good[min(choice.photo, len(good) - 1)]
    tries = try_all(library, shot, choice.by)
    if not tries:
        return None
    best = next((t for t in tries if t.key == choice.by), tries[0])
    entry = library.get(best.key)
    views = [t.view for t in tries_of(entry, shot)]
    view = choice.view if choice.view in views else best.view
    return Sight(shot, tries, entry, view, best.key == choice.by)


def knows_photographs(library: Library) -> list[str]:
    """Checkpoints whose decoder learnt on photographs; all of them where there are none."""
    found = [
        key
        for key, config in library.configs.items()
        if is_photographs(config.dataset) and config.paints_dataset
    ]
    return found or library.names


def try_all(library: Library, shot: Shot, also: str | None = None) -> list[Try]:
    """The best view of a photo for every checkpoint that knows photographs, and for `also`.

    The one with the least error comes first, of those that can read the photo at all: whose error
    is not many times their usual one. Silhouettes are easy to paint: a checkpoint that sees
    colours goes before one that does not.
    """
    keys = list(dict.fromkeys([*knows_photographs(library), *([also] if also else [])]))
    found = []
    for key in keys:
        try:
            found.append(min(tries_of(library.get(key), shot), key=lambda t: t.error))
        except DvizError:  # a broken checkpoint is no reason not to try the others
            continue
    return sorted(found, key=_rank)


def _rank(one: Try) -> tuple[bool, bool, bool, float]:
    return not one.readable, one.view == SILHOUETTE, math.isinf(one.ratio), one.error


def tries_of(entry: Entry, shot: Shot) -> list[Try]:
    """A photo in every view that the checkpoint's dataset has."""
    binary = entry.config.dataset.endswith(BINARY)
    views = {v: image for v, image in shot.views.items() if (v == SILHOUETTE) == binary}
    images = np.stack(list(views.values()))
    painted = decode(entry.model, encode(entry.model, images).mean)
    errors = ((images / 255.0 - painted / 255.0) ** 2).mean(axis=(1, 2, 3))
    usual = entry.measured.mse if entry.measured is not None else 0.0
    ratios = errors / usual if usual else np.full(len(errors), np.inf)
    return [
        Try(entry.key, view, picture, float(error), float(ratio))
        for view, picture, error, ratio in zip(views, painted, errors, ratios, strict=True)
    ]
