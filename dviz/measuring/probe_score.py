"""One row of a report: how well one classifier reads one factor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProbeScore:
    """How well one classifier reads one factor from the codes of held-out images.

    Attributes:
        factor: name of the factor.
        model: "gbt" (gradient-boosted trees) or "mlp".
        dimensions: "all" (active ones), "union" (of associated ones) or "pruned" (the one
            associated with the factor).
        accuracy, balanced_accuracy, chance: in [0, 1]; chance is that of the commonest class.
        standard_error: of the accuracy, from the number of held-out images.
    """

    factor: str
    model: str
    dimensions: str
    accuracy: float
    balanced_accuracy: float
    chance: float
    standard_error: float

    @property
    def above_chance(self) -> float:
        """How far from chance to perfect: 0 is chance, 1 is always right."""
        return (self.accuracy - self.chance) / max(1 - self.chance, 1e-9)
