"""The traversal panel: sliders, the picture they make, and a grid of all dimensions.

One component of our own. Dragging sends nothing but the code and gets nothing but the picture, and
the page never waits with more than one request: what was dragged meanwhile follows in the next.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from dviz.errors import DvizError
from dviz.ui.inspector import MAX_DIMENSIONS, Dimension, as_code, by_factor, decode, traversal
from dviz.ui.library import Entry, Library
from dviz.ui.markup import data_uri, strip
from dviz.ui.starts import Start

FOLDER = Path(__file__).parent
STEPS = 9


def build_panel(library: Library) -> gr.HTML:
    """The component; its value is what `panel_value` returns."""

    def picture(request: Any) -> dict[str, Any]:
        """The image of a code."""
        return _answer(library, request, picture_of)

    def grid(request: Any) -> dict[str, Any]:
        """A strip of images for each dimension."""
        return _answer(library, request, grid_of)

    return gr.HTML(
        html_template=(FOLDER / "panel.html").read_text(encoding="utf-8"),
        js_on_load=(FOLDER / "panel.js").read_text(encoding="utf-8"),
        server_functions=[picture, grid],
        apply_default_css=False,
        elem_id="panel",
    )


def panel_value(entry: Entry, start: Start) -> dict[str, Any]:
    """Everything the panel shows of `start`; JSON-able."""
    shown, hidden = split_dimensions(entry)
    return {
        "checkpoint": entry.key,
        "code": _plain(start.code),
        "caption": start.caption,
        "original": None if start.original is None else data_uri(start.original),
        "sliders": [_slider(d, start.code) for d in shown],
        "inactive": [_slider(d, start.code) for d in hidden],
        "steps": STEPS,
        **picture_of(entry, start.code),
    }


def picture_of(entry: Entry, code: np.ndarray) -> dict[str, Any]:
    return {"picture": data_uri(decode(entry.model, code)[0])}


def grid_of(entry: Entry, code: np.ndarray) -> dict[str, Any]:
    shown, _ = split_dimensions(entry)
    rows = traversal(entry.model, code, shown, STEPS)
    return {"strips": [data_uri(strip(row), "JPEG") for row in rows]}


def split_dimensions(entry: Entry) -> tuple[list[Dimension], list[Dimension]]:
    """Active dimensions, those of a factor first, and the inactive ones."""
    names = [factor.name for factor in entry.config.factors]
    active = by_factor([d for d in entry.dimensions if d.active], names)
    inactive = [d for d in entry.dimensions if not d.active]
    return active[:MAX_DIMENSIONS], inactive[:MAX_DIMENSIONS]


def _slider(dimension: Dimension, code: np.ndarray) -> dict[str, Any]:
    """The range holds the start, even where it lies outside of what the dataset spans."""
    value = float(code[dimension.index])
    return {
        "index": dimension.index,
        "name": dimension.name,
        "label": dimension.label,
        "factors": [[name, round(strength, 2)] for name, strength in dimension.factors],
        "mixture": [name for name, _ in dimension.mixture],
        "low": round(min(dimension.low, value), 2) - 0.01,
        "high": round(max(dimension.high, value), 2) + 0.01,
        "kl": dimension.kl,
    }


def _answer(
    library: Library, request: Any, work: Callable[[Entry, np.ndarray], dict[str, Any]]
) -> dict[str, Any]:
    """Answer the page, in words where the request cannot be served."""
    try:
        entry = library.get(request["checkpoint"])
        return work(entry, as_code(request["code"], entry.latent_size))
    except DvizError as error:
        return {"error": str(error)}
    except (TypeError, KeyError, ValueError, IndexError):
        return {"error": "this is not a code of that checkpoint; reload the page"}


def _plain(values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in values]
