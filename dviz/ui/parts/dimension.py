"""A page for one dimension: a column a checkpoint of the lineage, from its name to its samples."""

from __future__ import annotations

from html import escape

import numpy as np

from dviz.ui.core import starts
from dviz.ui.core.dimension import (
    Band,
    Tie,
    bands,
    changed_pixels,
    histograms,
    slide,
    ties,
    verdict,
)
from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import Dimension, decode
from dviz.ui.core.pictures import data_uri, heat, strip
from dviz.ui.parts import markup
from dviz.ui.parts.ridges import ridges

STRONGEST = "the strongest"
THINGS = "object"
FAR = " In the picture, at 1 it moves the factor as far as two random images lie apart."
NOTED_FLOOR = 0.01  # of S, from which on it can be seen
FULL_CHANGE = 0.5  # mean difference of a pixel that is shown brightest


def column(entry: Entry, index: int, factor: str = STRONGEST) -> str:
    """Everything about dimension `index` of one checkpoint, HTML; of a dead one, that it is."""
    dimension, found = entry.dimensions[index], ties(entry, index)
    alive = (
        f"{_slide(entry, dimension)}{_ties(found)}{_histogram(entry, dimension, found, factor)}"
        f"{_bands(entry, bands(entry, index))}"
        if dimension.active
        else ""
    )
    return (
        f'<section class="stage-column {escape(entry.config.kind)}">'
        f"{_head(entry)}"
        f'<p class="dimension-verdict">{escape(verdict(entry, dimension, found))}</p>'
        f"{alive}</section>"
    )


def _head(entry: Entry) -> str:
    config = entry.config
    return (
        f'<h2 class="stage-title {escape(config.kind)}">{escape(config.kind.capitalize())}'
        f"<small>{escape(entry.title)}</small></h2>"
    )


def _slide(entry: Entry, dimension: Dimension) -> str:
    low, high = markup.tenths(dimension.low), markup.tenths(dimension.high)
    words = f"{dimension.name} from {low} to {high}, decoded"
    pictures = data_uri(strip(slide(entry, dimension)))
    changed = changed_pixels(entry, dimension)
    spread = data_uri(heat(np.minimum(changed / FULL_CHANGE, 1)))
    return (
        "<h3>What its slider does</h3>"
        f'<div class="slide"><figure><img src="{pictures}" alt="{escape(words)}">'
        f"<figcaption><span>{low}</span><span>{high}</span>"
        "</figcaption></figure>"
        f'<figure class="spread"><img src="{spread}" alt="Where the picture changes">'
        f"<figcaption>{markup.percent(changed.mean())} changed</figcaption></figure></div>"
    )


def _ties(found: list[Tie]) -> str:
    if not found:
        return markup.note("Its association with factors was not measured.")
    told = any(tie.moves is not None for tie in found)
    header = ["Factor", "changes the code (S)", *(["moves in the picture"] if told else [])]
    rows = []
    for tie in found:
        cells = [escape(tie.factor), _strength(tie)]
        if told:
            cells.append("–" if tie.moves is None else _meter(min(tie.moves, 1), tie.moves))
        rows.append(cells)
    floor = found[0].floor or 0.0
    below = ""
    if floor >= NOTED_FLOOR:
        below = f" Grey, up to {floor:.2f}, is the floor: as much comes from its own noise."
    note = markup.note(
        "The tick is the ceiling, 1 − 1/(values − 1): a dimension that follows the factor "
        f"perfectly, and nothing else, ends there.{below}{FAR if told else ''}"
    )
    return f"<h3>What it hangs together with</h3>{markup.table(header, rows, kind='ties')}{note}"


def _strength(tie: Tie) -> str:
    if np.isnan(tie.S):
        return "–"
    span, more = "", ""
    if tie.interval is not None:
        span = f" <small>{tie.interval[0]:.2f} to {tie.interval[1]:.2f}</small>"
    if tie.by_itself:
        more = "<small>changes by itself</small>"
    return f"{tie.S:.2f}{span}{markup.meter(tie.S, tie.ceiling, tie.floor)}{more}"


def _meter(share: float, value: float) -> str:
    return f"{value:.2f}{markup.meter(share)}"


def _histogram(entry: Entry, dimension: Dimension, found: list[Tie], factor: str) -> str:
    names = [tie.factor for tie in found] or [f.name for f in entry.config.factors]
    chosen = factor if factor in names else next(iter(names), "")
    there = histograms(entry, dimension.index, chosen)
    if there is None:
        return ""
    space = next(f for f in entry.config.factors if f.name == chosen)
    labels = [space.label(value) for value in range(space.size)]
    words = f"{dimension.name} for every value of {chosen}"
    pictures = _pictured(entry, chosen) if chosen == THINGS else {}
    return f"<h3>{escape(words)}</h3>{ridges(*there, labels, words, pictures)}"


def _pictured(entry: Entry, factor: str) -> dict[int, str]:
    """A picture of each value of a factor whose values are but numbers of things."""
    names = [f.name for f in entry.config.factors]
    values, codes = starts.class_codes(entry, names.index(factor))
    return dict(zip(values, map(data_uri, decode(entry.model, codes)), strict=True))


def _bands(entry: Entry, found: list[Band]) -> str:
    if not found:
        return markup.note("It came without stored codes, so there are no samples to show.")
    genuine = starts.renderer(entry) is not None or entry.pictures is not None
    rows = "".join(_band(band) for band in found)
    note = (
        "Genuine images of the dataset, with the stored labels."
        if genuine
        else "Decoded from the stored codes: the dataset's own images need its files, and "
        "photographs are not passed on."
    )
    return f"<h3>Samples along it</h3>{rows}{markup.note(note)}"


def _band(band: Band) -> str:
    images = "".join(
        f'<img src="{data_uri(image, "JPEG")}" alt="{escape(words)}" title="{escape(words)}">'
        for image, words in zip(band.images, band.captions, strict=True)
    )
    ends = f"{markup.tenths(band.values.min())} to {markup.tenths(band.values.max())}"
    return (
        f'<figure class="band"><figcaption><b>{band.name}</b> {ends}</figcaption>'
        f"<div>{images}</div></figure>"
    )
