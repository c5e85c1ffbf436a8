"""What the Photos tab shows of photos: choices as pictures, the panel, and what was read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from dviz.checkpoint import EXTERNAL, SOURCE
from dviz.ui.core import starts
from dviz.ui.core.entry import Entry
from dviz.ui.core.library import Library
from dviz.ui.core.pictures import data_uri
from dviz.ui.core.reading import Reading, read
from dviz.ui.core.titles import title_of
from dviz.ui.core.tries import Sight, Try, tries_of
from dviz.ui.core.uploads import SILHOUETTE, Photo, Shot
from dviz.ui.parts import markup
from dviz.ui.parts.cards import broken_card, predictions_table, verdict
from dviz.ui.parts.neighbours import neighbours
from dviz.ui.parts.panel import panel_value
from dviz.ui.parts.photo_table import overview

STATIC = Path(__file__).parent.parent / "static"
EMPTY = "No photo yet: drop one in, or pick an example."


def build_photo_bar() -> gr.HTML:
    """The component; its value is what `bar_value` returns. It triggers `select` with choices."""
    scripts = "".join((STATIC / "js" / n).read_text("utf-8") for n in ("dom.js", "photo_bar.js"))
    return gr.HTML(
        None,
        html_template=(STATIC / "photo_bar.html").read_text("utf-8"),
        js_on_load=scripts,
        apply_default_css=False,
        elem_id="photo-bar",
    )


def bar_value(library: Library, shots: Sequence[Shot], sight: Sight | None) -> dict[str, Any]:
    """Photos, views and tries as pictures to press; JSON-able."""
    if sight is None:
        return {"shots": [], "views": [], "tries": []}
    good = [shot for shot in shots if shot.views]
    return {
        "shots": [
            {
                "picture": shot.thumbnail,
                "text": shot.name,
                "note": "A" if shot is sight.shot else "B" if shot is other(good, sight) else "",
                "pressed": shot is sight.shot,
            }
            for shot in good
        ],
        "views": [
            {"picture": data_uri(image), "text": view, "pressed": view == sight.view}
            for view, image in sight.shot.views.items()
            if view in [t.view for t in tries_of(sight.entry, sight.shot)]
        ],
        "tries": [_tried(library, sight, t) for t in sight.tries],
    }


def _learnt_from(library: Library, key: str) -> str:
    """The Source of a checkpoint, which is what tells those that read photographs apart."""
    config = library.configs.get(key)
    return key if config is None or config.kind == EXTERNAL else library.source_title(key)


def _stage(library: Library, key: str) -> str:
    """Its place in a lineage, which tells apart what learnt from one Source."""
    config = library.configs.get(key)
    return "" if config is None or config.kind == EXTERNAL else config.kind.capitalize()


def _tried(library: Library, sight: Sight, one: Try) -> dict[str, Any]:
    note = f"error {one.error:.3f}, ×{one.ratio:.1f}" if one.readable else "cannot read"
    if math.isinf(one.ratio):  # without a decoder there is no error to measure
        note = "error not known"
    return {
        "key": one.key,
        "picture": data_uri(one.painted),
        "text": _learnt_from(library, one.key),
        "stage": _stage(library, one.key),
        "note": note,
        "pressed": one.key == sight.entry.key,
        "label": f"{one.key}: {note}",
    }


def reader_of(entry: Entry) -> str:
    """A checkpoint as who reads a photo: "COIL-100 Augmented, fine-tuned from 3D Shapes"."""
    stage, source = entry.config.stage, entry.source_title
    return entry.title if stage == SOURCE else f"{entry.title}, {stage} from {source}"


def other(good: Sequence[Shot], sight: Sight) -> Shot | None:
    """The photo that the chosen one is blended with: the first of the others."""
    return next((shot for shot in good if shot is not sight.shot), None)


def photo_panel(library: Library, shots: Sequence[Shot], sight: Sight | None) -> dict[str, Any]:
    """The value of the panel with the reconstruction and its sliders."""
    if sight is None:
        return {}
    good = [shot for shot in shots if shot.views]
    second = other(good, sight)
    first, *rest = [
        starts.from_photo(sight.entry, shot.views[sight.view], _caption(sight, shot))
        for shot in (sight.shot, second)
        if shot is not None
    ]
    return panel_value(library, sight.entry, first, opening=True, second=next(iter(rest), None))


def _caption(sight: Sight, shot: Shot) -> str:
    return f"{shot.name}, {sight.view}, read by {reader_of(sight.entry)}"


def why_this_one(sight: Sight, head: str | None) -> str:
    """Why this checkpoint reads the photo, by the order of `try_all`; `head`: picked at the top."""
    reader, shown = reader_of(sight.entry), next(t for t in sight.tries if t.key == sight.entry.key)
    if sight.chosen:
        return f"Read by {reader}, as you chose."
    if math.isinf(shown.ratio):
        why = "what its usual error is was not measured of any"
    elif not shown.readable:
        why = "none can read this photo, and its error is the lowest"
    elif shown.view == SILHOUETTE:
        why = "none that sees colours can read this photo, and of silhouettes its error is lowest"
    else:
        why = "its error is the lowest among those that see colours"
        if any(t.view == SILHOUETTE and t.error < shown.error for t in sight.tries):
            why += "; silhouettes are easier to paint and do not compete"
    words = f"Read by {reader}: {why}."
    if head is not None and head != sight.entry.key:
        words += " What is picked at the top of the page reads here only when you pick another."
    return words


def words_of(shots: Sequence[Shot], sight: Sight | None, head: str | None = None) -> str:
    """What was read of the photo, whether to believe it, and everything else folded away.

    `head` is the checkpoint picked at the top of the page.
    """
    broken = [Photo(shot.name, problem=shot.problem) for shot in shots if not shot.views]
    failed = "".join(map(broken_card, broken))
    if sight is None:
        return failed or markup.note(EMPTY)
    entry, good = sight.entry, [shot for shot in shots if shot.views]
    readings = read(entry, [shot.photo(sight.view) for shot in good])
    reading = readings[good.index(sight.shot)]
    parts = [
        f'<article class="card"><h2>{escape(reading.photo.name)}</h2>'
        f"{markup.note(why_this_one(sight, head))}"
        f"{_read_words(entry, reading)}</article>",
        failed,
        _folded("Nearest samples of its dataset", neighbours(entry, reading)),
        _folded("The code in numbers", numbers_of(entry, readings)),
    ]
    if len(readings) + len(broken) > 1:
        parts.append(
            _folded("All photos, and files to take away", overview(entry, readings, broken))
        )
    return "".join(parts)


def _read_words(entry: Entry, reading: Reading) -> str:
    """Beyond the error limit a checkpoint says that it cannot read, and no percentage."""
    if reading.badly_painted:
        title = escape(title_of(entry.config.dataset))
        ratio = reading.error / reading.usual_error
        reader = escape(reader_of(entry))
        return (
            f'<p class="verdict out"><b>{reader} cannot read this.</b> What it paints '
            f"is {ratio:.0f} times as far from the photo as usual on {title}.</p>"
        )
    return verdict(entry, reading) + predictions_table(entry, reading)


def numbers_of(entry: Entry, readings: Sequence[Reading]) -> str:
    """A table: one row per dimension, one column per photo."""
    rows = [
        [
            d.name,
            escape(", ".join(name for name, _ in d.factors)) or "–",
            f"{d.low:.2f} … {d.high:.2f}",
            *(f"{r.code[d.index]:.2f} ± {r.std[d.index]:.2f}" for r in readings),
        ]
        for d in entry.dimensions
    ]
    names = (escape(r.photo.name) for r in readings)
    header = ["Dimension", "Factor", "98% of the dataset", *names]
    return markup.table(header, rows, "Mean ± standard deviation", kind="numbers")


def _folded(title: str, inside: str) -> str:
    return f"<details><summary>{title}</summary>{inside}</details>"
