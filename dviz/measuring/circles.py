"""Cyclic factors that own two dimensions: the circle on which their codes lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dviz.checkpoint import SOURCE, CheckpointConfig
from dviz.measuring.report import DatasetReport


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

    def at(self, angles: np.ndarray) -> np.ndarray:
        """Values of the two dimensions at angles (N,) in radians, float32 (N, 2)."""
        ways = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        return (np.array(self.middle) + self.radius * ways).astype(np.float32)

    def onto(self, code: np.ndarray) -> np.ndarray:
        """A code (D,) with these two moved onto the circle, within which no image's code lies."""
        across, up = np.array([code[d] for d in self.dimensions]) - self.middle
        moved = np.array(code, dtype=np.float32)
        moved[list(self.dimensions)] = self.at(np.arctan2(up, across))
        return moved


def circles_of(config: CheckpointConfig, spans: Mapping[int, tuple[float, float]]) -> list[Circle]:
    """The circles of a Source, as far as both dimensions of one have a span.

    The cosine and the sine of an angle reach from −r to r around the middle.

    Args:
        spans: between which values each dimension's codes lie.
    """
    if config.kind != SOURCE or config.training.get("cyclic_dimensions", 1) != 2:
        return []
    owners, found = config.space.ties(2), []
    for number, factor in enumerate(config.factors):
        own = [d for d, owner in enumerate(owners) if owner == number and d in spans]
        if len(own) == 2:
            (left, right), (low, high) = (spans[d] for d in own)
            middle = ((left + right) / 2, (low + high) / 2)
            radius = (right - left + high - low) / 4
            found.append(Circle(factor.name, (own[0], own[1]), middle, radius))
    return found


def measured_circles(config: CheckpointConfig, result: DatasetReport) -> list[Circle]:
    """The circles of a Source's active dimensions, as its report has them."""
    active = np.flatnonzero(result.active)
    return circles_of(config, {int(d): (result.low[d], result.high[d]) for d in active})
