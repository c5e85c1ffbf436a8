"""Which dimensions are the plane of a circle."""

from dataclasses import replace

import numpy as np
import pytest

from dviz.checkpoint import DIRECT, SOURCE, CheckpointConfig
from dviz.factors import Factor
from dviz.measuring.circles import Circle, circles_of
from dviz.models.vae import VAEConfig

FACTORS = (Factor("size", 4), Factor("turn", 8, cyclic=True), Factor("place", 5))
TWO = CheckpointConfig(
    "a", SOURCE, "things", FACTORS, VAEConfig(), training={"cyclic_dimensions": 2}
)
SPANS = {0: (-2, 2), 2: (0, 4), 1: (-1, 1), 3: (-2, 2)}


def test_a_cyclic_factor_of_two_dimensions_has_a_circle_whatever_their_order_on_the_page():
    assert circles_of(TWO, SPANS) == [Circle("turn", (1, 2), (0, 2), 1.5)]


@pytest.mark.parametrize(
    ("config", "spans"),
    [
        (replace(TWO, training={}), SPANS),  # one dimension a factor
        (replace(TWO, kind=DIRECT), SPANS),  # the Target's factors are others
        (TWO, {0: (-2, 2), 2: (0, 4)}),  # one of the two changes nothing
    ],
)
def test_elsewhere_there_is_none(config, spans):
    assert circles_of(config, spans) == []


def test_a_code_comes_onto_the_circle_at_its_own_angle_and_nothing_else_of_it_moves():
    circle = Circle("turn", (1, 2), (0.5, 2), 1.5)
    code = np.array([7, 0.5, 2.1, -3], np.float32)
    np.testing.assert_allclose(circle.onto(code), [7, 0.5, 3.5, -3], rtol=1e-6)
    np.testing.assert_allclose(circle.onto(circle.onto(code)), circle.onto(code), rtol=1e-6)
    angles = np.linspace(-3, 3, 7)
    for angle, own in zip(angles, circle.at(angles), strict=True):
        assert np.hypot(*(own - circle.middle)) == pytest.approx(1.5)
        assert np.arctan2(*(own - circle.middle)[::-1]) == pytest.approx(angle, abs=1e-6)
