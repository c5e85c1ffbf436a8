"""Colours for the values of a factor, those that the map of codes has."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from PIL import ImageColor

WORDS = (
    "#aa3377", "#ddaa33", "#66ccee", "#882255", "#bbbbbb", "#ee7766", "#6655cc", "#999933",
    "#44aa99", "#cc99bb", "#775533", "#99ddff",
)  # fmt: skip
NUMBERS = ("#3b0f70", "#8c2981", "#de4968", "#fe9f6d", "#fcf2a8")  # dark to bright
# Names that CSS lacks, or means something else by than the hues of the datasets.
HUES = {
    "lime": "#ccff00", "green": "#33ff00", "mint": "#00ff66", "azure": "#0066ff",
    "violet": "#cc00ff", "pink": "#ff0099", "sage": "#9caf88", "palepink": "#fadadd",
}  # fmt: skip
HUE = re.compile("hue|colou?r", re.IGNORECASE)
COUNTED = re.compile(r"\s*[-+−]?\.?\d")


def value_colours(factor: str, values: Sequence[str]) -> list[str]:
    """A colour "#rrggbb" for each value: as it is called, by hand, or on a scale."""
    if HUE.search(factor):
        named = [_called(value) for value in values]
        if all(named):
            return [colour for colour in named if colour]
    if len(values) <= len(WORDS) and not all(map(COUNTED.match, values)):
        return list(WORDS[: len(values)])
    return [on_scale(place) for place in np.linspace(0, 1, len(values))]


def on_scale(share: float) -> str:
    """The colour of NUMBERS at a share in [0, 1]."""
    ends = np.array([ImageColor.getrgb(colour) for colour in NUMBERS])
    place = share * (len(ends) - 1)
    parts = [round(float(np.interp(place, range(len(ends)), ends[:, c]))) for c in range(3)]
    return "#{:02x}{:02x}{:02x}".format(*parts)


def _called(name: str) -> str | None:
    """The colour of that name; None where there is none."""
    plain = name.lower().replace(" ", "")
    try:
        red, green, blue, *_ = ImageColor.getrgb(HUES.get(plain, plain))
    except ValueError:
        return None
    return f"#{red:02x}{green:02x}{blue:02x}"
