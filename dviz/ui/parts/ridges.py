"""Distributions above each other, one a value of a factor, as SVG in the page's own colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from dviz.ui.parts.markup import tenths

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 400, 88, 8, 44, 24
TALLEST, LEAST_STEP, MOST_STEP = 420, 4.5, 24.0  # of the drawing; between two rows
OVERLAP = 2.4  # times the distance of two rows that the highest peak reaches up
TALLEST_PEAK = 2.5  # times that, of a row that is narrower than most
LABELS = 16  # rows with a name of their own; of more every second, third …
PICTURE = 28.0  # side of a picture in place of a name
LONGEST = 12  # letters of a name


def ridges(
    edges: np.ndarray,
    shares: np.ndarray,
    labels: Sequence[str],
    title: str,
    pictures: Mapping[int, str] | None = None,
) -> str:
    """Rows of `shares` (C, B) over bins with `edges` (B + 1,), the first value at the bottom.

    `pictures`: addresses of images that stand for the labels of values that have one.
    """
    count, bins = shares.shape
    step = min(max(TALLEST / count, LEAST_STEP), MOST_STEP)
    across = LEFT + (WIDTH - LEFT - RIGHT) * (np.arange(bins) + 0.5) / bins
    # A few very narrow rows would press all others flat.
    peak = max(np.quantile(shares.max(axis=1), 0.75), shares.max() / TALLEST_PEAK, 1e-9)
    rises = OVERLAP * step / peak * np.array([_smooth(row) for row in shares])
    above = rises.max(axis=1) - step * (count - np.arange(count))  # of a peak over the first row
    top = max(TOP, above.max() + 2)
    height = top + BOTTOM + step * count
    every = -(-count // LABELS)
    rows = []
    for n in reversed(range(count)):
        ground = top + step * (count - n)
        rows.append(_ridge(across, ground - rises[n], ground))
        if n % every == 0:
            if pictures and n in pictures:
                rows.append(
                    _picture(pictures[n], ground - 1, min(step * every, PICTURE), labels[n])
                )
            else:
                rows.append(_text(LEFT - 6, ground - 1, _short(labels[n]), "end"))
    ticks = [
        _text(x, height - 8, tenths(value), "middle")
        for x, value in zip(
            np.linspace(across[0], across[-1], 5), np.linspace(edges[0], edges[-1], 5), strict=True
        )
    ]
    return (
        f'<svg class="ridges" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}">{"".join(rows)}{"".join(ticks)}</svg>'
    )


def _ridge(across: np.ndarray, tops: np.ndarray, ground: float) -> str:
    line = " L".join(f"{x:.1f} {y:.1f}" for x, y in zip(across, tops, strict=True))
    area = f"M{across[0]:.1f} {ground:.1f} L{line} L{across[-1]:.1f} {ground:.1f} Z"
    return f'<path class="area" d="{area}"/><path class="line" d="M{line}"/>'


def _smooth(row: np.ndarray) -> np.ndarray:
    """A bin and its neighbours, so that the line does not rattle."""
    return np.convolve(np.pad(row, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")


def _picture(address: str, bottom: float, side: float, label: str) -> str:
    return (
        f'<image href="{address}" x="{LEFT - 6 - side:.1f}" y="{bottom - side:.1f}" '
        f'width="{side:.1f}" height="{side:.1f}"><title>{escape(label)}</title></image>'
    )


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else label[: LONGEST - 1] + "…"
