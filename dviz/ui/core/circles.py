"""Cyclic factors that own two dimensions: the circle on which their codes lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dviz.checkpoint import SOURCE, CheckpointConfig
from dviz.ui.core.inspector import Dimension


@dataclass(frozen=True)
class Circle:
    """A cyclic factor in the plane of its two dimensions.

    Attributes:
        factor: its name.
        dimensions: places in the code of the two that own it.
        middle: of the circle, in these two.
        radius: how far from the middle codes lie, as a rule.
    """

    factor: str
    dimensions: tuple[int, int]
    middle: tuple[float, float]
    radius: float


def circles_of(config: CheckpointConfig, dimensions: Sequence[Dimension]) -> list[Circle]:
    """The circles of a Source, as far as both dimensions of one are among `dimensions`.

    The cosine and the sine of an angle reach from −r to r around the middle.
    """
    if config.kind != SOURCE or config.training.get("cyclic_dimensions", 1) != 2:
        return []
    owners, known = config.space.ties(2), {d.index: d for d in dimensions}
    found = []
    for number, factor in enumerate(config.factors):
        own = [
            known[index] for index, owner in enumerate(owners) if owner == number and index in known
        ]
        if len(own) == 2:
            across, up = own
            middle = ((across.low + across.high) / 2, (up.low + up.high) / 2)
            radius = (across.high - across.low + up.high - up.low) / 4
            found.append(Circle(factor.name, (across.index, up.index), middle, radius))
    return found
