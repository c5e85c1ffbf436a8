"""The map of codes as a component of our own: points in WebGL, and what the server adds to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from dviz.ui.core.codes_map import MAX_STOPS, points_of, start_at, walk
from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import as_codes
from dviz.ui.core.library import Library
from dviz.ui.core.pictures import data_uri
from dviz.ui.core.shared import Share, as_picked, in_words, shares
from dviz.ui.parts.downloads import csv_text
from dviz.ui.parts.panel import answer, gif, pictures_of, start_value

MOST_BARS = 200  # of a factor: more is no chart, and much to send
STATIC = Path(__file__).parent.parent / "static"
# One after the other, one scope.
SCRIPTS = (
    "dom.js", "simd.js", "decoder.js", "paint.js", "parts.js", "point_painters.js", "scatter.js",
    "gestures.js", "codes.js", "map_marks.js", "map.js", "map_more.js",
)  # fmt: skip


def build_map(library: Library) -> gr.HTML:
    """The component; its value is what `dviz.ui.core.codes_map.map_value` returns."""

    def pictures(request: Any) -> dict[str, Any]:
        """The images of codes, side by side."""
        return answer(library, request, pictures_of)

    def picture(request: Any) -> dict[str, Any]:
        """The genuine image of a sample."""
        return answer(library, request, picture_of)

    def sample(request: Any) -> dict[str, Any]:
        """A sample as a start for the sliders."""
        return answer(library, request, sample_of)

    def shared(request: Any) -> dict[str, Any]:
        """What picked samples share."""
        return answer(library, request, shared_by)

    def table(request: Any) -> dict[str, Any]:
        """Picked samples as CSV."""
        return answer(library, request, table_of)

    def film(request: Any) -> dict[str, Any]:
        """A path through codes as a GIF."""
        return answer(library, request, film_of)

    return gr.HTML(
        html_template=(STATIC / "map.html").read_text(encoding="utf-8"),
        js_on_load="".join((STATIC / "js" / name).read_text("utf-8") for name in SCRIPTS),
        server_functions=[pictures, picture, sample, shared, table, film],
        apply_default_css=False,
        elem_id="map",
    )


def picture_of(entry: Entry, request: dict[str, Any]) -> dict[str, Any]:
    original = start_at(entry, request["row"]).original
    return {"picture": None if original is None else data_uri(original)}


def sample_of(entry: Entry, request: dict[str, Any]) -> dict[str, Any]:
    return start_value(entry, start_at(entry, request["row"]))


def film_of(entry: Entry, request: dict[str, Any]) -> dict[str, Any]:
    frames = walk(entry.model, as_codes(request["codes"], entry.latent_size, MAX_STOPS))
    return {"animation": gif(np.concatenate([frames, frames[-2:0:-1]]))}


def shared_by(entry: Entry, request: dict[str, Any]) -> dict[str, Any]:
    _, classes = points_of(entry)
    picked = as_picked(request["picked"], len(classes))
    found = shares(classes, picked, entry.config.factors)
    return {"words": in_words(found), "factors": [_bars(share) for share in found]}


def _bars(share: Share) -> dict[str, Any]:
    here, everywhere = max(share.picked.sum(), 1), max(share.all.sum(), 1)
    return {
        "name": share.factor.name,
        "bars": [
            {
                "label": share.factor.label(value),
                "share": round(float(share.picked[value] / here), 4),
                "usual": round(float(share.all[value] / everywhere), 4),
                "more": value in share.more,
            }
            for value in _drawn(share)
        ],
    }


def _drawn(share: Share) -> list[int]:
    """Values that have a bar: all, or those most frequent among the picked, in their order."""
    return sorted(np.argsort(-share.picked, kind="stable")[:MOST_BARS].tolist())


def table_of(entry: Entry, request: dict[str, Any]) -> dict[str, Any]:
    """A row a sample: its number, what its factors are called, its code."""
    codes, classes = points_of(entry)
    rows = as_picked(request["picked"], len(classes)).nonzero()[0]
    factors = entry.config.factors
    header = ["sample", *(f.name for f in factors), *(d.name for d in entry.dimensions)]
    cells = (
        [
            int(row),
            *(f.label(int(value)) for f, value in zip(factors, classes[row], strict=True)),
            *(round(float(value), 4) for value in codes[row]),
        ]
        for row in rows
    )
    return {"text": csv_text(header, cells)}
