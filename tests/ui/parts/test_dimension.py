import re
from dataclasses import replace

import numpy as np
import pytest

from dviz.ui.core.library import Library
from dviz.ui.parts.dimension import column
from dviz.ui.parts.markup import tenths
from dviz.ui.parts.ridges import ridges
from dviz.ui.tabs.dimension import dimension_choices, index_of
from tests.ui.material import NAMES

SOURCE, _, TUNED = NAMES


def test_a_column_shows_slider_ties_values_and_samples(library):
    html = column(library.get(SOURCE), 0)
    assert html.count('class="band"') == 5
    assert html.count("<svg") == 1
    assert "Genuine images" in html
    assert all(name in html for name in library.get(SOURCE).result.factors)
    assert "Decoded from the stored codes" in column(library.get(TUNED), 0)


def test_values_are_shown_by_the_factor_asked_for(library):
    assert "for every value of turn" in column(library.get(TUNED), 0, "turn")


def test_ridges_are_a_path_a_value_and_few_names():
    shares = np.eye(100, 48)
    svg = ridges(np.linspace(-1, 1, 49), shares, [f"<{n}>" for n in range(100)], "a & b")
    assert svg.count('class="line"') == 100
    assert 10 <= len(re.findall("&lt;", svg)) <= 16
    assert "nan" not in svg
    assert "a &amp; b" in svg


@pytest.mark.parametrize("bins", [1, 48])
def test_no_ridge_leaves_the_drawing(bins):
    narrow = np.full((4, 48), 1 / 48)
    narrow[-1] = 0  # the value at the top is the narrowest by far
    narrow[-1, :bins] = 1 / bins
    svg = ridges(np.linspace(-1, 1, 49), narrow, list("abcd"), "title")
    heights = [float(y) for line in re.findall('class="line" d="M([^"]+)"', svg)
               for y in re.findall(r" (\d+\.\d|-\d+\.\d)", line)]  # fmt: skip
    bottom = float(re.search(r"viewBox=\"0 0 \d+ (\d+)", svg)[1])
    assert 0 <= min(heights) < max(heights) <= bottom


def test_the_dimension_asked_for_is_shown_if_it_is_there(library):
    entry = library.get(TUNED)
    assert index_of(entry, 3) == 3
    for asked in (None, 99, -1, "3", True):
        assert entry.dimensions[index_of(entry, asked)].factors
    assert sorted(index for _, index in dimension_choices(entry)) == list(range(5))


def test_of_a_dead_dimension_nothing_is_drawn(checkpoints):
    entry = Library(checkpoints).get(SOURCE)
    assert "<svg" in column(entry, 0)
    entry.dimensions = [replace(entry.dimensions[0], active=False), *entry.dimensions[1:]]
    html = column(entry, 0)
    assert "carries nothing" in html
    for part in ("<svg", "<img", "<table", "0.0"):
        assert part not in html


def test_nothing_is_less_than_nothing():
    assert [tenths(value) for value in (-0.04, 0.04, -0.05, -1.26)] == [
        "0.0",
        "0.0",
        "-0.1",
        "-1.3",
    ]
    svg = ridges(np.linspace(-0.04, 0.04, 49), np.eye(3, 48), ["a", "b", "c"], "x")
    assert ">0.0<" in svg
    assert "-0.0" not in svg
