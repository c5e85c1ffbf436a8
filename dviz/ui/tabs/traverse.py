"""Tab "Traverse": drag a dimension and see what changes."""

from __future__ import annotations

from typing import Any

import gradio as gr

from dviz.ui.core import starts
from dviz.ui.parts.errors import friendly
from dviz.ui.parts.panel import build_panel, panel_value
from dviz.ui.tabs.base import Context, Tab


def build(tab: Context) -> None:
    """Build the tab's inside: the panel, which comes painted."""
    library = tab.library

    @friendly
    def opening(key: str) -> dict[str, Any]:
        entry = library.get(key)
        return panel_value(library, entry, starts.first(entry), opening=True)

    value = None
    if library.names:
        entry = library.get(library.names[0])
        value = panel_value(library, entry, starts.first(entry), opening=True, suggestions=True)
    panel = build_panel(library, value=value)
    gr.on(
        tab.refresh, opening, tab.checkpoint, panel,
        show_progress="hidden", api_visibility="private",
    )  # fmt: skip


TAB = Tab("Traverse", "traverse", build)
