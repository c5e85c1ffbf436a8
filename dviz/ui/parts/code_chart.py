"""A Plotly figure of the codes of photos over what a dataset spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dviz.palette import GREY, GRID, SERIES
from dviz.results.svg import shorten
from dviz.ui.parts.charts import finish

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "pentagon")


@dataclass(frozen=True)
class CodeMarks:
    """One photo's code in a chart: means and standard deviations (D,).

    `words` (D,) are what hovering says instead of the numbers; "" leaves these.
    """

    name: str
    mean: np.ndarray
    std: np.ndarray
    words: Sequence[str] = ()


def code_chart(
    dimensions: Sequence[str], low: np.ndarray, high: np.ndarray, photos: Sequence[CodeMarks]
) -> go.Figure:
    """Codes of photos, one column a dimension, over the span (D,) of 98% of the dataset.

    The axis is made for the dataset and for codes not too far from it; what goes beyond is marked
    at the edge by a triangle: a full one for a code, a hollow one for its error bar alone.
    """
    place = np.arange(len(dimensions))
    ends = _axis_ends(low, high, photos)
    figure = go.Figure()
    figure.add_bar(
        name="98% of the dataset",
        x=place,
        base=low,
        y=high - low,
        width=0.5,
        marker={"color": GREY, "opacity": 0.3},
        hovertemplate="%{base:.2f} to %{y:.2f}<extra>98% of the dataset</extra>",
    )
    shift = 0.5 / max(len(photos), 1)
    for number, photo in enumerate(photos):
        colour = SERIES[number % len(SERIES)]
        x = place + (number + 0.5) * shift - 0.25
        words = photo.words or [""] * len(place)
        numbers = zip(words, photo.mean, photo.std, strict=True)
        hover = [word or f"{mean:.2f} ± {std:.2f}" for word, mean, std in numbers]
        figure.add_scatter(
            name=shorten(photo.name),
            mode="markers",
            x=x,
            y=photo.mean,
            error_y={"array": photo.std, "color": colour, "thickness": 1.5, "width": 3},
            marker={
                "color": colour,
                "symbol": SYMBOLS[number % len(SYMBOLS)],
                "size": 8,
                "line": {"width": 1, "color": "white"},
            },
            text=hover,
            hovertemplate="%{text}<extra>%{fullData.name}</extra>",
        )
        _mark_beyond(figure, x, photo, hover, ends, colour)
    # Steep enough that labels keep apart on a phone.
    figure.update_xaxes(
        tickvals=place,
        ticktext=list(dimensions),
        tickangle=-60,
        ticklabeloverflow="allow",
        showgrid=False,
    )
    figure.update_yaxes(
        title={"text": "code ± standard deviation", "font": {"size": 12}},
        range=ends,
        zeroline=True,
        zerolinecolor=GRID,
    )
    return finish(figure, height=380, left=52, top=10, legend=True)


def _axis_ends(
    low: np.ndarray, high: np.ndarray, photos: Sequence[CodeMarks]
) -> tuple[float, float]:
    """Around zero, the spans (D,), and those codes that leave a third of the axis to these."""
    spans = np.concatenate([[0.0], low, high])
    bottom, top = spans.min(), spans.max()
    room = (top - bottom) or 1.0
    values = np.concatenate([[bottom, top], *(photo.mean for photo in photos)])
    values = values[(values >= bottom - room) & (values <= top + room)]
    margin = 0.08 * (np.ptp(values) or 1.0)
    return float(values.min() - margin), float(values.max() + margin)


def _mark_beyond(
    figure: go.Figure,
    x: np.ndarray,
    photo: CodeMarks,
    hover: Sequence[str],
    ends: tuple[float, float],
    colour: str,
) -> None:
    """Triangles at the edges of the axis where a code, or its error bar, goes on."""
    bottom, top = ends
    for at, mean, std, words in zip(x, photo.mean, photo.std, hover, strict=True):
        up = (mean + std > top, top, "top", "▲" if mean > top else "△")
        down = (mean - std < bottom, bottom, "bottom", "▼" if mean < bottom else "▽")
        for beyond, edge, anchor, triangle in (up, down):
            if beyond:
                figure.add_annotation(
                    x=at,
                    y=edge,
                    yanchor=anchor,
                    text=triangle,
                    showarrow=False,
                    font={"color": colour, "size": 13},
                    hovertext=f"{shorten(photo.name)}: {words}",
                )
