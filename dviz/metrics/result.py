"""The one shape every single-number metric answers in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dviz.metrics.arrays import jsonable


@dataclass(frozen=True)
class MetricResult:
    """A score with its parts.

    Attributes:
        score: higher is better; NaN where no factor could be scored.
        per_factor: the part of each factor by name; NaN for a factor left out of `score`. Empty
            where the metric has no such parts.
        details: whatever else went into it (matrices, chance level, sample sizes).
    """

    score: float
    per_factor: dict[str, float] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for strict JSON: NaN becomes None."""
        return jsonable({"score": self.score, "per_factor": self.per_factor, **self.details})
