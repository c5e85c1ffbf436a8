import json
from itertools import pairwise

import numpy as np
import pytest

from dviz.palette import BLUE
from dviz.ui.core.pictures import heat
from dviz.ui.parts.charts import (
    Bars,
    accuracy_chart,
    association_heatmap,
    difference_heatmap,
)

FACTORS = ["shape", "scale"]


def figures():
    S = np.array([[0.9, 0.1], [0.2, np.nan], [0.0, 1.0]])
    bars = Bars("direct", BLUE, np.array([0.5, np.nan]), np.array([0.02, np.nan]))
    return {
        "heatmap": association_heatmap(S, ["z0", "z1", "z2"], FACTORS),
        "accuracy": accuracy_chart([bars], FACTORS, np.array([1 / 3, 1 / 6])),
        "difference": difference_heatmap(S - 0.5, ["z0", "z1", "z2"], FACTORS, [["a", "b"]] * 3),
    }


@pytest.mark.parametrize("name", list(figures()))
def test_figures_are_plain_json_on_any_background(name):
    figure = figures()[name]
    values = json.loads(figure.to_json())
    assert "NaN" not in figure.to_json()
    assert values["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"
    assert not values["layout"].get("template", {}).get("layout")
    assert figure.layout.xaxis.fixedrange
    assert figure.layout.yaxis.fixedrange


def test_every_known_value_is_printed_in_its_cell():
    notes = {(n.y, n.x): n for n in figures()["heatmap"].layout.annotations}
    assert {place: note.text for place, note in notes.items()} == {
        (0, 0): ".90",
        (0, 1): ".10",
        (1, 0): ".20",
        (2, 0): ".00",
        (2, 1): "1.00",
    }


@pytest.mark.parametrize("draw", [association_heatmap, difference_heatmap])
def test_names_that_look_like_numbers_or_dates_stand_beside_each_other(draw):
    figure = draw(np.eye(2), ["2", "7"], ["2019", "2020-01-01"])
    assert {figure.layout.xaxis.type, figure.layout.yaxis.type} == {"category"}
    assert [(note.x, note.y) for note in figure.layout.annotations] == [
        (0, 0), (1, 0), (0, 1), (1, 1)
    ]  # fmt: skip


def test_letters_are_legible_on_every_shade():
    S = np.linspace(0, 1, 101)[:, None]
    figure = association_heatmap(S, [f"z{i}" for i in range(101)], ["shape"])
    scale = [(place, colour) for place, colour in figure.data[0].colorscale]
    for value, note in zip(S[:, 0], figure.layout.annotations, strict=True):
        ink = 0.0 if note.font.color == "black" else 1.0
        light = luminance(shade(scale, value))
        high, low = max(ink, light), min(ink, light)
        assert (high + 0.05) / (low + 0.05) >= 4.5, value


def test_letters_are_legible_on_every_change():
    change = np.linspace(-1, 1, 101)[:, None]
    figure = difference_heatmap(change, [f"z{i}" for i in range(101)], ["shape"])
    scale = [(2 * place - 1, colour) for place, colour in figure.data[0].colorscale]
    for value, note in zip(change[:, 0], figure.layout.annotations, strict=True):
        ink = 0.0 if note.font.color == "black" else 1.0
        light = luminance(shade(scale, value))
        assert (max(ink, light) + 0.05) / (min(ink, light) + 0.05) >= 4.5, value
        assert float(note.text.replace("−", "-")) == pytest.approx(value, abs=0.006)
        assert len(note.text) <= 5  # narrow columns have no room for more


def test_hovering_a_cell_says_what_was_asked_for():
    assert figures()["difference"].data[0].text[0][1] == "b"


def test_heat_grows_from_black_to_white():
    colours = heat(np.linspace(0, 1, 50)[None])[0]
    light = [luminance(colour / 255) for colour in colours]
    assert colours[0].tolist() == [0, 0, 0]
    assert light == sorted(light)
    assert light[-1] > 0.95


def shade(scale, value):
    """The colour of `scale` at `value`, channels in [0, 1]."""
    places = [place for place, _ in scale]
    channels = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for _, c in scale])
    return [np.interp(value, places, channel) for channel in channels.T]


def luminance(colour):
    """Relative luminance (WCAG 2) of an sRGB colour."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_bars_stand_beside_each_other_under_their_factor():
    names = ["direct, all", "direct, one", "tuned, all"]
    zeros = np.zeros(2)
    series = [Bars(n, BLUE, zeros + 0.5, zeros) for n in names]
    figure = accuracy_chart(series, FACTORS, zeros + 0.1)
    bars = figure.data[:-1]
    assert [b.name for b in bars] == names
    for factor in range(2):
        edges = [(b.x[factor] - b.width / 2, b.x[factor] + b.width / 2) for b in bars]
        assert all(left[1] <= right[0] for left, right in pairwise(edges))
        assert np.mean([b.x[factor] for b in bars]) == pytest.approx(factor)
    assert list(figure.layout.xaxis.ticktext) == FACTORS


def test_the_chance_line_has_a_gap_between_factors():
    chance = figures()["accuracy"].data[-1]
    assert chance.name == "chance"
    assert np.isnan(np.array(chance.y, dtype=float)[2::3]).all()
    assert chance.y[0] == pytest.approx(100 / 3)
    assert chance.y[3] == pytest.approx(100 / 6)
