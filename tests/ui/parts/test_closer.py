"""A closer look at somebody's own codes."""

import re

import numpy as np
import pytest

from dviz.measuring.files import encode_labels
from dviz.ui.core.own_codes import as_table
from dviz.ui.page import STATIC
from dviz.ui.parts.closer import choose, cloud_of, page_of
from dviz.ui.parts.value_colours import HUES, NUMBERS, WORDS, value_colours


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    size, colour = rng.integers(0, 5, 600) * 1000, rng.choice(["<b>", "blue"], 600)
    codes = np.stack([rng.normal(size=600), size + 50 * rng.normal(size=600)], axis=1)
    labels = encode_labels(["colour", "size"], [colour.tolist(), [str(v) for v in size]])
    return as_table("own", codes.astype(np.float32), labels)


def test_what_is_tied_best_comes_first_and_what_is_asked_for_goes_before(table):
    assert choose(table, (None, None, None)) == (1, 0, 1)  # S of the noise is larger
    assert choose(table, (0, 1, 0)) == (0, 1, 0)
    assert choose(table, (99, -1, "x")) == (1, 0, 1)


def test_points_and_rows_are_what_the_table_holds(table):
    points, *key = cloud_of(table, 0, 1, 1).data
    assert sorted(points.x) == sorted(table.codes[:, 0].tolist())
    assert [one.name for one in key] == ["0", "1000", "2000", "3000", "4000"]
    assert {one.marker.color for one in key} == set(points.marker.color)
    assert len(set(points.marker.color)) == 5
    html = page_of(table, 1, 1)
    assert html.count('class="line"') == 5  # whatever the labels' numbers are
    assert "<b>blue" not in page_of(table, 1, 0)
    assert "&lt;b&gt;" in page_of(table, 1, 0)


def test_colours_mean_what_they_are_called_and_the_key_says_so(table):
    assert value_colours("wall hue", ["white", "red", "pale pink"]) == [
        "#ffffff", "#ff0000", "#fadadd"
    ]  # fmt: skip
    assert len(set(value_colours("colour", ["<b>", "blue"]))) == 2
    steps = value_colours("x", [f"{n} m" for n in range(40)])
    assert (steps[0], steps[-1]) == (NUMBERS[0], NUMBERS[-1])
    points, *key = cloud_of(table, 0, 1, 0).data
    assert [one.name for one in key] == ["&lt;b&gt;", "blue"]
    assert points.marker.line.width > 0  # seen on any ground
    assert cloud_of(table, 0, 1, 0).layout.showlegend


def test_colours_are_those_of_the_map():
    """Which are drawn by the browser, and so stand in its script once more."""
    script = (STATIC / "js" / "codes.js").read_text("utf-8")

    def of(name):
        return re.search(rf"const {name} = [\[{{](.*?)[\]}}];", script, re.DOTALL)[1]

    assert re.findall(r"#\w{6}", of("WORDS")) == list(WORDS)
    assert re.findall(r"#\w{6}", of("NUMBERS")) == list(NUMBERS)
    assert dict(re.findall(r'(\w+): "(#\w{6})"', of("HUES"))) == HUES
