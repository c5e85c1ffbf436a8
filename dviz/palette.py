"""Colours that page, tables and figures share, from the palette of Okabe and Ito.

People with any common colour blindness tell them apart. On the page green, orange and blue say
which stage of a transfer something belongs to, and nothing else.
"""

from __future__ import annotations

BLUE, ORANGE, GREEN, RED, SKY, PURPLE, YELLOW = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#56b4e9",
    "#cc79a7",
    "#f0e442",
)
GREY = "#7f8894"
GRID = "rgba(127, 136, 148, 0.25)"
STAGE_COLOURS = {"source": GREEN, "direct": ORANGE, "fine-tuned": BLUE}
ASSOCIATION_SCALE = [(0.0, "#e9edf2"), (0.35, "#a9c9e2"), (0.7, "#3f8fc4"), (1.0, "#0b4a7d")]
WHITE_FROM = 0.79  # from this association on, white letters are the easier to read
