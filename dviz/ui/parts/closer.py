"""A closer look at somebody's own codes: a map of two dimensions, and one dimension by factor."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go
from gradio.components import Component

from dviz.palette import GREY
from dviz.ui.core.dimension import shares_by_value
from dviz.ui.core.own_codes import OwnTable
from dviz.ui.parts import markup
from dviz.ui.parts.address import Address
from dviz.ui.parts.blocks import decided
from dviz.ui.parts.charts import finish
from dviz.ui.parts.ridges import ridges
from dviz.ui.parts.value_colours import value_colours

CHOICES = ("own_dim", "own_up", "own_by")  # as they are called in the address
POINTS = 3_000  # on the map, random ones where there are more; drawn without WebGL
MOST_VALUES = 100  # of a factor, rows of a drawing
IN_LEGEND, ENDS_AND_BETWEEN = 12, 5  # values that all have an entry; entries of more
EDGE = {"color": GREY, "width": 0.75}
Update = dict[Component, Any]


def build_closer(table: gr.State, address: Address, refresh: list[Any]) -> list[Component]:
    """Two dimensions and a factor to choose, and what they show; there once a table is.

    Args:
        refresh: triggers on which it is shown anew, as after Back.

    Returns:
        The three choices; where they are None when a table comes, what is tied best is shown.
    """
    with gr.Column(visible=False, elem_id="own-closer") as room:
        gr.HTML("<h2>Look closer</h2>", apply_default_css=False)
        with gr.Row():
            first = gr.Dropdown([], label="Dimension", elem_id="own-first", min_width=120)
            second = gr.Dropdown([], label="Up", elem_id="own-second", min_width=120)
            factor = gr.Dropdown([], label="Colour by", elem_id="own-factor", min_width=120)
        with gr.Row():
            with gr.Column(min_width=320):
                cloud = gr.Plot(show_label=False, elem_id="own-map")
            with gr.Column(min_width=320, elem_classes="stage-column"):
                page = gr.HTML(apply_default_css=False, elem_id="own-dimension")
    chosen: dict[str, Component] = dict(zip(CHOICES, (first, second, factor), strict=True))
    for name, component in chosen.items():
        address.bind(name, component, _among)

    def show(table: OwnTable | None, *asked: int | None) -> Update:
        if table is None:
            return {room: gr.Column(visible=False)}
        numbers = choose(table, asked)
        names = [(table.called(d), d) for d in range(table.codes.shape[1])]
        factors = [(name, j) for j, name in enumerate(table.labels.names)]
        return {
            room: gr.Column(visible=True),
            # A choice made meanwhile is newer than what was asked.
            **{
                component: gr.Dropdown(options, **decided(before, number))
                for component, options, before, number in zip(
                    chosen.values(), (names, names, factors), asked, numbers, strict=True
                )
            },
            cloud: cloud_of(table, *numbers),
            page: page_of(table, numbers[0], numbers[2]),
        }

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    heard = [*refresh, table.change, *(component.input for component in chosen.values())]
    outputs = [room, first, second, factor, cloud, page]
    gr.on(heard, show, [table, first, second, factor], outputs, **quiet)
    return list(chosen.values())


def _among(text: str) -> Any:
    """An update of a choice that holds the one of an address."""
    return gr.Dropdown([(text, int(text))], value=int(text))


def choose(table: OwnTable, asked: tuple[int | None, ...]) -> tuple[int, int, int]:
    """Dimension, other dimension and factor as asked for, or else those that are tied best.

    Noise is tied to nothing, however large its S.
    """
    S = np.nan_to_num(table.calibrated) * table.active[:, None]
    best = [int(d) for d in np.argsort(-S.max(axis=1), kind="stable")]
    limits = (S.shape[0], S.shape[0], S.shape[1])
    first, second, factor = (
        value if type(value) is int and 0 <= value < limit else None
        for value, limit in zip(asked, limits, strict=True)
    )
    first = best[0] if first is None else first
    if second is None:
        second = next((d for d in best if d != first), first)
    return first, second, int(S[first].argmax()) if factor is None else factor


def cloud_of(table: OwnTable, first: int, second: int, factor: int) -> go.Figure:
    """Two dimensions as points, coloured by a factor as on the map, with what colours mean.

    Points have a grey edge: a figure does not know whether it stands on light or on dark.
    """
    rows = np.random.default_rng(0).permutation(len(table.codes))[:POINTS]
    seen, ranks = np.unique(table.labels.classes[rows, factor], return_inverse=True)
    name = table.labels.names[factor]
    labels = [escape(label) for label in _labels(table, factor, seen)]
    words = [f"{escape(name)} {label}" for label in labels]
    colours = value_colours(name, _labels(table, factor, seen))
    marker = {"size": 6, "color": [colours[rank] for rank in ranks], "line": EDGE}
    points = go.Scatter(
        x=table.codes[rows, first], y=table.codes[rows, second], mode="markers", marker=marker,
        text=[words[rank] for rank in ranks], hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )  # fmt: skip
    figure = go.Figure([points, *_key(labels, colours)])
    figure.update_xaxes(title=escape(table.called(first)))
    figure.update_yaxes(title=escape(table.called(second)))
    finish(figure, height=420, left=56, top=10, legend=True)
    # A legend's entry has no points of its own that could be hidden.
    still = {"itemclick": False, "itemdoubleclick": False, "title": {"text": escape(name)}}
    return figure.update_layout(legend=still)


def _key(labels: list[str], colours: list[str]) -> list[go.Scatter]:
    """Entries of a legend; of many values the ends and some between them."""
    rows = range(len(labels))
    if len(labels) > IN_LEGEND:
        rows = np.unique(np.linspace(0, len(labels) - 1, ENDS_AND_BETWEEN).round().astype(int))
    return [
        go.Scatter(
            x=[None], y=[None], mode="markers", name=labels[row],
            marker={"size": 9, "color": colours[row], "line": EDGE},
        )
        for row in rows
    ]  # fmt: skip


def _labels(table: OwnTable, factor: int, classes: np.ndarray) -> list[str]:
    """What class indices mean."""
    values = table.labels.values[factor]
    return [values[c] if 0 <= c < len(values) else str(c) for c in classes]


def page_of(table: OwnTable, dimension: int, factor: int) -> str:
    """S of a dimension with every factor, and its values by one of them, HTML."""
    S, names = table.association.matrix[dimension], table.labels.names
    rows = [
        [escape(name), "–" if np.isnan(s) else f"{s:.2f}{markup.meter(s)}"]
        for name, s in zip(names, S, strict=True)
    ]
    told = markup.table(["Factor", "changes the code (S)"], rows, kind="ties")
    seen, ranks = np.unique(table.labels.classes[:, factor], return_inverse=True)
    edges, shares = shares_by_value(table.codes[:, dimension], ranks, len(seen))
    words = f"{table.called(dimension)} for every value of {names[factor]}"
    labels = _labels(table, factor, seen[:MOST_VALUES])
    drawn = ridges(edges, shares[:MOST_VALUES], labels, words)
    return f"{told}<h3>{escape(words)}</h3>{drawn}"
