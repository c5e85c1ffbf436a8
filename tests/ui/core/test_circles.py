"""Which dimensions are the plane of a circle."""

from dataclasses import replace

import pytest

from dviz.checkpoint import DIRECT, SOURCE, CheckpointConfig
from dviz.factors import Factor
from dviz.models.vae import VAEConfig
from dviz.ui.core.circles import Circle, circles_of
from dviz.ui.core.inspector import Dimension

FACTORS = (Factor("size", 4), Factor("turn", 8, cyclic=True), Factor("place", 5))
TWO = CheckpointConfig(
    "a", SOURCE, "things", FACTORS, VAEConfig(), training={"cyclic_dimensions": 2}
)
SHOWN = [Dimension(0), Dimension(2, low=0, high=4), Dimension(1, low=-1, high=1), Dimension(3)]


def test_a_cyclic_factor_of_two_dimensions_has_a_circle_whatever_their_order_on_the_page():
    assert circles_of(TWO, SHOWN) == [Circle("turn", (1, 2), (0, 2), 1.5)]


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        (replace(TWO, training={}), SHOWN),  # one dimension a factor
        (replace(TWO, kind=DIRECT), SHOWN),  # the Target's factors are others
        (TWO, SHOWN[:2]),  # one of the two changes nothing
    ],
)
def test_elsewhere_there_is_none(config, shown):
    assert circles_of(config, shown) == []
