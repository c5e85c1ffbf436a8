"""Tab "Traverse": drag a dimension and see what changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from dviz.ui.core import starts
from dviz.ui.core.uploads import read_photo
from dviz.ui.parts.errors import friendly
from dviz.ui.parts.panel import build_panel, panel_value
from dviz.ui.tabs.base import Context, Tab

HELP = (
    "Each slider is one **dimension** of the code. Where a dimension is tied to one factor, the "
    "factor's name stands beside it, with the strength of the tie from 0 to 1; grey names are "
    "factors that it changes all the same. Drag it, or move it with the arrow keys: ideally that "
    "one thing changes in the picture, and nothing else."
)


def build(tab: Context) -> None:
    """Build the tab's inside."""
    library, checkpoint, refresh = tab.library, tab.checkpoint, tab.refresh

    @friendly
    def opening(key: str) -> dict[str, Any]:
        entry = library.get(key)
        return panel_value(library, entry, starts.first(entry), opening=True)

    @friendly
    def sample(key: str) -> dict[str, Any]:
        entry = library.get(key)
        return panel_value(library, entry, starts.from_sample(entry, np.random.default_rng()))

    @friendly
    def prior(key: str) -> dict[str, Any]:
        entry = library.get(key)
        return panel_value(library, entry, starts.from_prior(entry, np.random.default_rng()))

    @friendly
    def photo(key: str, path: str) -> dict[str, Any]:
        entry = library.get(key)
        return panel_value(
            library, entry, starts.from_photo(entry, read_photo(path), Path(path).name)
        )

    gr.Markdown(HELP, elem_classes="help")
    with gr.Row(elem_classes="actions"):
        gr.Markdown("Start from", elem_classes="lead-in")
        from_sample = gr.Button("A dataset sample", size="sm")
        from_prior = gr.Button("The prior", size="sm")
        from_photo = gr.UploadButton("Your photo …", size="sm", file_types=["image"])
    panel = build_panel(library)

    quiet = {"outputs": panel, "show_progress": "hidden", "api_visibility": "private"}
    gr.on(refresh, opening, checkpoint, **quiet)
    from_sample.click(sample, checkpoint, **quiet)
    from_prior.click(prior, checkpoint, **quiet)
    from_photo.upload(photo, [checkpoint, from_photo], **quiet)


TAB = Tab("Traverse", "traverse", build)
