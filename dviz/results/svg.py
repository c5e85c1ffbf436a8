"""Still figures of the results page, written as SVG: the same numbers give the same bytes.

Plotly's own export needs a browser and its fonts, whose versions would change the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from dviz.palette import ASSOCIATION_SCALE, GREY, STAGE_COLOURS, WHITE_FROM

PAPER, INK, LINE = "#ffffff", "#30363d", "#d8dee4"
CELL_WIDTH, CELL_HEIGHT = 42, 22
ROW, AXIS, NAMES, GAP = 30, 250, 330, 40  # heights and widths of a chart of dots
RADIUS = 5


@dataclass(frozen=True)
class Matrix:
    """An association matrix (D, F) in [0, 1] with the names of its rows and columns."""

    title: str
    values: np.ndarray
    dimensions: Sequence[str]
    factors: Sequence[str]


@dataclass(frozen=True)
class Dots:
    """A row of a chart of dots: for each axis the value in [0, 1] of each stage, and of others.

    `stages` are named as in `STAGE_COLOURS`; `others`, drawn as rings, are of one kind. NaN is
    left out.
    """

    title: str
    stages: Sequence[Mapping[str, float]]
    others: Sequence[Sequence[float]]


def matrices(parts: Sequence[Matrix]) -> str:
    """Association matrices beside each other, every value printed."""
    left, top, drawn = 0, 100, []
    for part in parts:
        drawn += _matrix(part, left + 34, top)
        left += 34 + CELL_WIDTH * len(part.factors) + 46
    height = top + CELL_HEIGHT * max(len(part.values) for part in parts) + 12
    return _svg(left, height, drawn)


def dots(axes: Sequence[str], rows: Sequence[Dots], others: str) -> str:
    """Every row's values on an axis from 0 to 1 for each of `axes`; `others` names the rings."""
    top, bottom = 64, 64 + ROW * len(rows)
    drawn = _legend(others)
    for n, name in enumerate(axes):
        left = NAMES + n * (AXIS + GAP)
        drawn += [_text(left, top - 14, name, weight="bold")]
        for tick in (0, 0.25, 0.5, 0.75, 1):
            x = left + AXIS * tick
            drawn += [_line(x, top, x, bottom, LINE), _text(x, bottom + 16, f"{tick:g}", "middle")]
    for n, row in enumerate(rows):
        y = top + ROW * (n + 0.5)
        drawn.append(_text(NAMES - 14, y + 4, shorten(row.title, 46), "end"))
        for k in range(len(axes)):
            drawn += _row(row, k, NAMES + k * (AXIS + GAP), y)
    return _svg(NAMES + len(axes) * (AXIS + GAP), bottom + 30, drawn)


def _matrix(part: Matrix, left: float, top: float) -> list[str]:
    drawn = [_text(left, 18, part.title, weight="bold")]
    for j, name in enumerate(part.factors):
        x, y = left + CELL_WIDTH * (j + 0.4), top - 8
        turn = f'transform="rotate(-35 {x:.1f} {y:.1f})"'
        drawn.append(_text(x, y, shorten(name, 20), more=turn))
    for i, (name, row) in enumerate(zip(part.dimensions, part.values, strict=True)):
        y = top + CELL_HEIGHT * i
        drawn.append(_text(left - 6, y + 15, name, "end"))
        for j, value in enumerate(row):
            if not np.isnan(value):
                drawn += _cell(left + CELL_WIDTH * j, y, float(value))
    return drawn


def _cell(x: float, y: float, value: float) -> list[str]:
    ink = INK if value < WHITE_FROM else PAPER
    number = f"{value:.2f}".removeprefix("0")
    box = f'width="{CELL_WIDTH - 2}" height="{CELL_HEIGHT - 2}" fill="{_shade(value)}"'
    return [
        f'<rect x="{x:.1f}" y="{y:.1f}" {box}/>',
        _text(x + CELL_WIDTH / 2 - 1, y + 14, number, "middle", colour=ink),
    ]


def _row(row: Dots, axis: int, left: float, y: float) -> list[str]:
    known = {name: v for name, v in row.stages[axis].items() if not np.isnan(v)}
    places = {name: left + AXIS * value for name, value in known.items()}
    drawn = []
    if {"direct", "fine-tuned"} <= places.keys():
        drawn.append(_line(places["direct"], y, places["fine-tuned"], y, GREY, 2))
    for value in row.others[axis]:
        if not np.isnan(value):
            drawn.append(_ring(left + AXIS * value, y))
    return drawn + [_dot(x, y, STAGE_COLOURS[name]) for name, x in places.items()]


def _legend(others: str) -> list[str]:
    drawn, x = [], NAMES + RADIUS
    for name, colour in STAGE_COLOURS.items():
        drawn += [_dot(x, 18, colour), _text(x + 12, 22, name)]
        x += 50 + 7 * len(name)
    return [*drawn, _ring(x, 18), _text(x + 12, 22, others)]


def _shade(value: float) -> str:
    """The colour of an association, as the page's heatmaps have it."""
    places = [place for place, _ in ASSOCIATION_SCALE]
    colours = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for _, c in ASSOCIATION_SCALE]
    channels = [round(float(np.interp(value, places, c))) for c in zip(*colours, strict=True)]
    return "#{:02x}{:02x}{:02x}".format(*channels)


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}" fill="{colour}"/>'


def _ring(x: float, y: float) -> str:
    where = f'cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS - 1}"'
    return f'<circle {where} fill="none" stroke="{GREY}" stroke-width="1.5"/>'


def _line(x: float, y: float, to_x: float, to_y: float, colour: str, width: int = 1) -> str:
    ends = f'x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"/>'


def _text(
    x: float,
    y: float,
    words: str,
    anchor: str = "start",
    *,
    colour: str = INK,
    weight: str = "normal",
    more: str = "",
) -> str:
    style = f'fill="{colour}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style} {more}>{escape(words)}</text>'


def _svg(width: float, height: float, drawn: Sequence[str]) -> str:
    """The file; white paper of its own, so that it reads on dark pages too."""
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    font = 'font-family="system-ui, sans-serif" font-size="12"'
    paper = f'<rect width="100%" height="100%" rx="6" fill="{PAPER}"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>'
    return "\n".join([head, paper, *drawn, "</svg>"]) + "\n"


def shorten(name: str, length: int = 28) -> str:
    """A name that fits into a legend; its end, which often tells names apart, is kept."""
    if len(name) <= length:
        return name
    return f"{name[: length - 11]}…{name[-10:]}"
