"""Plotly figures from arrays and reports.

Backgrounds are transparent and lettering is a middle grey, so that a figure reads on light and on
dark; the page's style sheet sharpens the lettering. Colours are from the palette of Okabe and Ito,
which people with any common colour blindness tell apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dviz.palette import ASSOCIATION_SCALE, GREY, GRID, RED, WHITE_FROM

# Zero is a pale grey that shows on white and on black alike.
# Upwards a change is coloured as an association is; downwards it turns orange.
DIFFERENCE_SCALE = [(0.0, "#d07a00"), (0.25, "#eeb566")]
DIFFERENCE_SCALE += [(0.5 + place / 2, colour) for place, colour in ASSOCIATION_SCALE]
SPAN = 0.8  # of the room between two factors, what the bars of one take


@dataclass(frozen=True)
class Bars:
    """One series of an accuracy chart: values and standard errors (F,), NaN where unknown."""

    name: str
    colour: str
    values: np.ndarray
    errors: np.ndarray
    faint: bool = False


def association_heatmap(
    S: np.ndarray,
    dimensions: Sequence[str],
    factors: Sequence[str],
    hover: Sequence[Sequence[str]] | None = None,
    hatched: np.ndarray | None = None,
) -> go.Figure:
    """The association matrix S (D, F) in [0, 1], every value printed; NaN stays empty.

    Args:
        hover: what each cell says in words, (D, F); by default its value.
        hatched: cells to draw lines across, bool (D, F).
    """
    inks = np.where(np.nan_to_num(S) < WHITE_FROM, "black", "white")
    scale = {"colorscale": ASSOCIATION_SCALE, "zmin": 0, "zmax": 1}
    figure = _matrix(S, dimensions, factors, inks, "{:.2f}", hover, **scale)
    if hatched is not None and hatched.any():
        _hatch(figure, np.argwhere(hatched))
    return figure


def _hatch(figure: go.Figure, cells: np.ndarray) -> None:
    """Slanted lines across the cells (row, column) of a matrix."""
    for row, column in cells.tolist():
        for shift in (-0.3, 0.0, 0.3):
            figure.add_shape(
                type="line",
                x0=column + shift - 0.12,
                x1=column + shift + 0.12,
                y0=row + 0.42,
                y1=row - 0.42,
                line={"color": "white", "width": 1.5},
                opacity=0.6,
            )


def difference_heatmap(
    difference: np.ndarray,
    dimensions: Sequence[str],
    factors: Sequence[str],
    hover: Sequence[Sequence[str]] | None = None,
) -> go.Figure:
    """A change of S (D, F) in [-1, 1]: blue where it grew, orange where it fell."""
    inks = np.where(np.nan_to_num(difference) < WHITE_FROM, "black", "white")
    scale = {"colorscale": DIFFERENCE_SCALE, "zmin": -1, "zmax": 1}
    return _matrix(difference, dimensions, factors, inks, "{:+.2f}", hover, **scale)


def _matrix(
    values: np.ndarray,
    dimensions: Sequence[str],
    factors: Sequence[str],
    inks: np.ndarray,
    form: str,
    hover: Sequence[Sequence[str]] | None,
    **scale: Any,
) -> go.Figure:
    words = {"hovertemplate": "%{y} · %{x}: %{z:.2f}<extra></extra>"}
    if hover is not None:
        words = {"hovertemplate": "%{text}<extra></extra>", "text": [list(row) for row in hover]}
    figure = go.Figure(
        go.Heatmap(
            z=values, x=list(factors), y=list(dimensions), hoverongaps=False, showscale=False,
            xgap=2, ygap=2, **words, **scale,
        )
    )  # fmt: skip
    for place in np.argwhere(~np.isnan(values)):
        row, column = place.tolist()
        # Plotly's own choice of lettering is hard to read on the middle of the scale.
        figure.add_annotation(
            x=column,
            y=row,
            text=_short(form.format(values[row, column])),
            showarrow=False,
            font={"color": str(inks[row, column]), "size": 11},
        )
    # Names such as "2019" are no numbers to stand at, nor dates; hence numbers for the lettering.
    named = {"type": "category", "showgrid": False, "ticks": ""}
    figure.update_xaxes(side="top", tickangle=-35, **named)
    figure.update_yaxes(autorange="reversed", **named)
    return finish(figure, height=100 + 28 * len(values), left=36, top=80)


def _short(number: str) -> str:
    """A number below 1 as narrow columns have room for: "+0.82" as "+.82", "-0.00" as ".00"."""
    sign, digits = (number[0], number[1:]) if number[0] in "+-" else ("", number)
    digits = digits.removeprefix("0") if digits.startswith("0.") else digits
    return digits if digits == ".00" else sign.replace("-", "−") + digits


def accuracy_chart(series: Sequence[Bars], factors: Sequence[str], chance: np.ndarray) -> go.Figure:
    """Grouped bars of accuracy per factor, with a line at each factor's chance level (F,)."""
    place = np.arange(len(factors))
    width = SPAN / max(len(series), 1)
    figure = go.Figure()
    for number, bars in enumerate(series):
        figure.add_bar(
            name=bars.name,
            x=place - SPAN / 2 + (number + 0.5) * width,
            y=100 * bars.values,
            width=0.9 * width,
            error_y={"array": 100 * bars.errors, "color": GREY, "thickness": 1, "width": 2},
            marker={
                "color": _faint(bars.colour) if bars.faint else bars.colour,
                "line": {"color": bars.colour, "width": 1.5},
            },
            customdata=list(factors),
            hovertemplate=f"{bars.name}<br>%{{customdata}}: %{{y:.1f}}%<extra></extra>",
        )
    figure.add_scatter(
        name="chance",
        mode="lines",
        x=np.stack([place - SPAN / 2 - 0.05, place + SPAN / 2 + 0.05, place + 1], axis=1).ravel(),
        y=np.stack([100 * chance, 100 * chance, np.full(len(chance), np.nan)], axis=1).ravel(),
        line={"color": RED, "width": 2, "dash": "4px,2px"},
        hovertemplate="chance: %{y:.1f}%<extra></extra>",
    )
    figure.update_xaxes(
        tickvals=place,
        ticktext=list(factors),
        ticklabeloverflow="allow",
        showgrid=False,
        range=[-0.6, len(factors) - 0.4],
    )
    ticks = [0, 25, 50, 75, 100]
    figure.update_yaxes(range=[0, 105], tickvals=ticks, ticktext=[f"{t}%" for t in ticks])
    return finish(figure, height=330, left=44, top=10, legend=True)


def _faint(colour: str) -> str:
    """A third of "#rrggbb" over whatever lies behind."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.33)"


def finish(figure: go.Figure, height: int, left: int, top: int, legend: bool = False) -> go.Figure:
    """What all figures share. Nothing zooms: a finger on a chart scrolls the page."""
    figure.update_xaxes(fixedrange=True, automargin=True, linecolor=GRID, gridcolor=GRID)
    figure.update_yaxes(fixedrange=True, automargin=True, linecolor=GRID, gridcolor=GRID)
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": left, "r": 8, "t": top, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 12, "color": GREY},
        showlegend=legend,
        legend={"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom"},
        hoverlabel={"font": {"family": "system-ui, sans-serif"}},
        dragmode=False,
        barmode="overlay",
    )
    return figure
