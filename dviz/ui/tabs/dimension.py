"""Tab "Dimension": everything about one dimension, Source beside Target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from dviz.ui.core.entry import Entry
from dviz.ui.core.library import Library
from dviz.ui.parts import markup
from dviz.ui.parts.blocks import decided
from dviz.ui.parts.dimension import STRONGEST, column
from dviz.ui.parts.errors import friendly
from dviz.ui.parts.panel import split_dimensions
from dviz.ui.tabs.base import Context, Tab


def build(tab: Context) -> None:
    """Build the tab's inside."""
    library, checkpoint = tab.library, tab.checkpoint

    @friendly
    def show(key: str, asked: int | None, wanted: str | None) -> Iterator[dict[Any, Any]]:
        entry = library.get(key)
        index = index_of(entry, asked)
        stages = [entry for entry in lineage(library, entry) if index < entry.latent_size]
        factors = [f.name for stage in stages for f in stage.config.factors]
        choices = [STRONGEST, *dict.fromkeys(factors)]
        factor = wanted if wanted in choices else STRONGEST
        # Only what is decided here is written: a choice made meanwhile is newer than ours.
        yield {
            dimension: gr.Radio(dimension_choices(entry), **decided(asked, index)),
            by: gr.Dropdown(choices, **decided(wanted, factor)),
        }
        columns = ""
        for stage in stages:  # one after the other: each takes a moment to draw
            columns += column(stage, index, factor)
            yield {content: f'<div class="stage-columns">{columns}</div>'}

    with gr.Row(elem_classes="dimension-bar"):
        dimension = gr.Radio(
            [], label="Dimension", container=False, scale=4, elem_id="dimension",
        )  # fmt: skip
        by = gr.Dropdown(
            [STRONGEST], value=STRONGEST, label="Values by factor", elem_id="dimension-factor"
        )
    content = gr.HTML(markup.LOADING, apply_default_css=False, elem_id="dimension-page")
    tab.address.bind("dim", dimension, parse_dimension)
    tab.address.bind("by", by, lambda name: gr.Dropdown([name], value=name))
    given, outputs = [checkpoint, dimension, by], [dimension, by, content]
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on([*tab.refresh, dimension.input, by.input], show, given, outputs, **quiet)


def parse_dimension(text: str) -> Any:
    """An update of the choice of dimensions that holds the one of an address."""
    index = int(text)
    return gr.Radio([(f"z{index}", index)], value=index)


def index_of(entry: Entry, asked: Any) -> int:
    """The dimension asked for if it is there, or else the first of those that follow a factor."""
    if type(asked) is int and 0 <= asked < entry.latent_size:
        return asked
    shown, hidden = split_dimensions(entry)
    return [*shown, *hidden][0].index


def lineage(library: Library, entry: Entry) -> list[Entry]:
    """Its stages, the Source first, itself among them."""
    return [entry if key == entry.key else library.get(key) for key in library.lineage(entry.key)]


def dimension_choices(entry: Entry) -> list[tuple[str, int]]:
    """A name and a number for every dimension, those of a factor first."""
    shown, hidden = split_dimensions(entry)
    return [(_called(d.name, [f for f, _ in d.factors]), d.index) for d in [*shown, *hidden]]


def _called(name: str, factors: list[str]) -> str:
    return f"{name} · {', '.join(factors)}" if factors else name


TAB = Tab("Dimension", "dimension", build)
