"""Tab "Map": the stored codes of a checkpoint as points, and what they have in common."""

from __future__ import annotations

from typing import Any

import gradio as gr

from dviz.ui.core.codes_map import map_value
from dviz.ui.core.uploads import Prepared
from dviz.ui.parts.codes_map import build_map
from dviz.ui.parts.errors import friendly
from dviz.ui.tabs.base import Context, Tab


def build(tab: Context) -> None:
    """Build the tab's inside."""
    library, checkpoint = tab.library, tab.checkpoint

    @friendly
    def show(key: str, prepared: Prepared | None) -> dict[str, Any]:
        photos = prepared.good if prepared is not None else []
        return map_value(library, library.get(key), photos)

    panel = build_map(library)
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on([*tab.refresh, tab.photos.change], show, [checkpoint, tab.photos], panel, **quiet)


TAB = Tab("Map", "map", build)
