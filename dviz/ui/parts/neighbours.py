"""The samples of a dataset that are nearest to a photo, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import Dimension, decode
from dviz.ui.core.pictures import data_uri
from dviz.ui.core.reading import ALIKE, Reading, nearest, usual_nearest
from dviz.ui.core.starts import renderer
from dviz.ui.core.titles import title_of
from dviz.ui.parts import markup

NEIGHBOURS = 6
MAX_LABELS = 4  # of a neighbour


def neighbours(entry: Entry, reading: Reading) -> str:
    """The dataset's samples nearest to a photo by all active dimensions."""
    if entry.sample is None:
        return markup.note(f"This checkpoint {entry.why_no_codes}.")
    chosen = [d for d in entry.dimensions if d.active]
    codes, classes = entry.sample
    rows, distances = nearest(codes, reading.code, chosen, NEIGHBOURS)
    images, what = _pictures_of(entry, rows)
    tiles = [
        _neighbour(entry, classes[row], distance, image, what)
        for row, distance, image in zip(rows, distances, images, strict=True)
    ]
    words = f"Nearest of {len(codes):,} samples of {title_of(entry.config.dataset)}."
    return (
        _far_away(entry, distances[0], chosen)
        + markup.note(words)
        + f'<div class="neighbours">{"".join(tiles)}</div>'
    )


def _far_away(entry: Entry, distance: float, dimensions: Sequence[Dimension]) -> str:
    """A warning where even the nearest sample is farther than samples are from each other."""
    usual = max(usual_nearest(entry.sample[0], dimensions), ALIKE)
    if distance <= usual:
        return ""
    words = (
        f"Nothing in the dataset is near this photo: the nearest sample is {distance:.1f} standard "
        f"deviations away, where 99% of the samples have another within {usual:.1f}."
    )
    return f'<p class="verdict out">{escape(words)}</p>'


def _pictures_of(entry: Entry, rows: np.ndarray) -> tuple[np.ndarray, str]:
    """Images uint8 (N, 64, 64, 3) of samples, and what to call them where they are no originals."""
    codes, classes = entry.sample
    drawn = renderer(entry)
    if drawn is not None:
        return drawn.render(classes[rows], np.random.default_rng(0)), ""
    if entry.pictures is not None and rows.max() < len(entry.pictures):
        return entry.pictures[rows], ""
    return decode(entry.model, codes[rows]), "its code, decoded"


def _neighbour(
    entry: Entry, labels: np.ndarray, distance: float, image: np.ndarray, what: str
) -> str:
    """A sample as a tile, with as many of its labels as there is room for; hovering says all."""
    named = [
        (factor.name, factor.label(int(value)))
        for factor, value in zip(entry.config.factors, labels, strict=True)
    ]
    lines = [f"<i>{what}</i>"] if what else []
    lines += [
        f"{escape(name)} <b>{markup.unbroken(label)}</b>" for name, label in named[:MAX_LABELS]
    ]
    lines += [f"<small>{distance:.2f} s.d. away</small>"]
    everything = escape(", ".join(f"{name} {label}" for name, label in named))
    return (
        f'<figure class="picture" title="{everything}">'
        f'<img src="{data_uri(image)}" alt="{what}">'
        f"<figcaption>{'<br>'.join(lines)}</figcaption></figure>"
    )
