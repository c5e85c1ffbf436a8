"""The SVG figures of the results page."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from dviz.palette import STAGE_COLOURS
from dviz.results import svg as drawings

SVG = "{http://www.w3.org/2000/svg}"
MATRIX = drawings.Matrix("a <b>", np.array([[0.9, 0.004], [np.nan, 1.0]]), ["z3", "z0"], ["x", "&"])
ROW = drawings.Dots(
    "a → b",
    [
        {"source": 1.0, "direct": 0.25, "fine-tuned": 0.5},
        {"source": np.nan, "direct": 0.0, "fine-tuned": 0.5},
    ],
    [[0.3, np.nan], []],
)


def parts(svg, tag):
    return list(ET.fromstring(svg).iter(SVG + tag))


def test_a_matrix_prints_what_is_known_and_leaves_the_rest_empty():
    svg = drawings.matrices([MATRIX, MATRIX])
    words = [text.text for text in parts(svg, "text")]
    one = ["a <b>", "x", "&", "z3", ".90", ".00", "z0", "1.00"]
    assert words == one * 2
    assert len(parts(svg, "rect")) == 1 + 2 * 3  # the paper, and the cells that are known


def test_the_darker_a_cell_the_stronger_the_association():
    svg = drawings.matrices(
        [drawings.Matrix("", np.linspace(0, 1, 9)[None], ["z0"], list("abcdefghi"))]
    )
    shades = [
        sum(int(cell.get("fill")[i : i + 2], 16) for i in (1, 3, 5))
        for cell in parts(svg, "rect")[1:]
    ]
    assert shades == sorted(shades, reverse=True)


def test_dots_stand_where_their_values_are():
    svg = drawings.dots(["first", "second"], [ROW], "others")
    dots = parts(svg, "circle")[4:]  # after the legend
    filled = {(d.get("fill"), d.get("cx")) for d in dots if d.get("fill") != "none"}
    left, right = drawings.NAMES, drawings.NAMES + drawings.AXIS + drawings.GAP
    assert filled == {
        (STAGE_COLOURS[stage], f"{start + drawings.AXIS * value:.1f}")
        for start, values in zip((left, right), ROW.stages, strict=True)
        for stage, value in values.items()
        if not np.isnan(value)
    }
    (ring,) = [d for d in dots if d.get("fill") == "none"]
    assert float(ring.get("cx")) == pytest.approx(left + 0.3 * drawings.AXIS)


def test_everything_is_within_the_paper():
    for svg in (drawings.matrices([MATRIX]), drawings.dots(["a", "b"], [ROW] * 3, "c")):
        root = ET.fromstring(svg)
        width, height = float(root.get("width")), float(root.get("height"))
        for part in root.iter():
            for name, end in (("x", width), ("cx", width), ("y", height), ("cy", height)):
                if part.get(name) is not None:
                    assert 0 <= float(part.get(name)) <= end
