"""What is suggested is what the picture shows afterwards."""

from dataclasses import replace

import numpy as np
import pytest

from dviz.factors import Factor
from dviz.ui.core import suggestions
from dviz.ui.core.inspector import Dimension
from dviz.ui.core.library import Library
from tests.ui.material import NAMES


@pytest.fixture
def entry(checkpoints):
    return Library(checkpoints).get(NAMES[0])


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((250, 10, 10), "red"),
        ((255, 150, 0), "orange"),
        ((20, 200, 30), "green"),
        ((0, 80, 255), "blue"),
        ((255, 100, 200), "pink"),
        ((120, 120, 125), ""),
        ((20, 0, 0), ""),
    ],
)
def test_colours_have_the_names_people_give_them(colour, name):
    assert suggestions.colour_name(np.array(colour)) == name


def painted(entry, monkeypatch, factor, picture):
    """What is suggested where z0 is `factor` and `picture` draws a value of it."""
    entry.config = replace(entry.config, factors=(factor,))
    entry.dimensions = [Dimension(0, low=-2, high=2, factors=((factor.name, 0.9),))]
    entry.sample = (np.array([[-2.0], [2.0]]), np.array([[0], [factor.size - 1]]))
    draw = lambda _, codes: np.stack([picture(code[0]) for code in codes])  # noqa: E731
    monkeypatch.setattr(suggestions, "decode", draw)
    return suggestions.suggest(entry, np.array([-2.0], np.float32))


def block(colour, left=20, side=20):
    image = np.zeros((64, 64, 3), np.uint8)
    image[20 : 20 + side, left : left + side] = colour
    return image


def test_a_colour_is_named_by_what_is_painted(entry, monkeypatch):
    factor = Factor("wall hue", 2, ("green", "mauve"))  # its own words are not asked
    paint = lambda z: block((255, 0, 0) if z > 0 else (0, 0, 255))  # noqa: E731
    (found,) = painted(entry, monkeypatch, factor, paint)
    assert found.text == "Turn the wall red"
    assert found.value > 0


@pytest.mark.parametrize("labels", [("1", "2"), ("2", "1")])
def test_bigger_is_the_larger_number_of_the_two(entry, monkeypatch, labels):
    paint = lambda z: block(255, side=30 if (z > 0) == (labels[1] == "2") else 10)  # noqa: E731
    (found,) = painted(entry, monkeypatch, Factor("scale", 2, labels), paint)
    assert found.text == ("Make it bigger" if labels[1] == "2" else "Make it smaller")


@pytest.mark.parametrize(("step", "word"), [(8, "right"), (-8, "left")])
def test_a_direction_is_where_the_object_went(entry, monkeypatch, step, word):
    paint = lambda z: block(255, left=int(22 + step * (z + 2) / 4 * 2))  # noqa: E731
    (found,) = painted(entry, monkeypatch, Factor("position x", 32), paint)
    assert found.text == f"Move it {word}"


def test_what_the_picture_does_not_show_is_not_suggested(entry, monkeypatch):
    for name in ("wall hue", "scale", "shape", "position x", "orientation", "mood"):
        factor = Factor(name, 2, ("1", "2"))
        assert painted(entry, monkeypatch, factor, lambda _: block(255)) == []


def test_a_name_that_the_picture_belies_suggests_nothing(entry):
    entry.dimensions = [replace(d, moved=()) for d in entry.dimensions]
    assert suggestions.suggest(entry, np.zeros(entry.latent_size, np.float32)) == []
