"""Tab "Transfer": what became of a Source on a Target, in a sentence, in charts, in full."""

from __future__ import annotations

import gradio as gr

from dviz.ui.core.library import Library
from dviz.ui.parts import markup
from dviz.ui.parts.errors import friendly
from dviz.ui.parts.transfer import transfer_page
from dviz.ui.tabs.base import Context, Tab


def build(tab: Context) -> None:
    """Build the tab's inside: one page of HTML."""

    @friendly
    def show(key: str) -> str:
        return transfers_of(tab.library, key)

    waiting = markup.LOADING if tab.library.names else ""
    page = gr.HTML(waiting, apply_default_css=False, elem_id="transfer")
    gr.on(tab.refresh, show, tab.checkpoint, page, show_progress="hidden", api_visibility="private")


def transfers_of(library: Library, key: str) -> str:
    """Every transfer of a Source, of any other checkpoint its own."""
    lineages = [library.lineage(key, target) for target in library.targets(key)] or [[key]]
    first, *others = [transfer_page([library.get(name) for name in names]) for names in lineages]
    return first + "".join(others)


TAB = Tab("Transfer", "transfer", build)
