"""Differences between reports, each with its standard error: what is within it is not said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dviz.measuring.report import DatasetReport

ERRORS = 2.0
"""Standard errors that a difference must exceed to be one."""
CHANGE = 0.05  # of a score, that is more than the drawing of pairs explains


@dataclass(frozen=True)
class Difference:
    """A value and its standard error, NaN where nobody knows it; a positive value says that the
    second is the larger."""

    value: float
    error: float

    @property
    def clear(self) -> bool:
        """Whether it is beyond its error; beyond `CHANGE` where that is not known."""
        least = CHANGE if np.isnan(self.error) else ERRORS * self.error
        return bool(abs(self.value) > least)

    def in_points(self) -> str:
        """Of accuracies, in per cent points: "+16.1 ± 0.5"."""
        return f"{100 * self.value:+.1f} ± {100 * self.error:.1f}"

    def as_score(self) -> str:
        """Of scores: "+0.083 ± 0.004"."""
        error = "" if np.isnan(self.error) else f" ± {self.error:.3f}"
        return f"{self.value:+.3f}{error}"


def accuracy_difference(
    first: DatasetReport, second: DatasetReport, model: str, dimensions: str
) -> Difference:
    """Of the mean accuracy over the factors that both were probed for; NaN where there is none."""
    results = (first, second)
    factors = [f for f in first.factors if all(r.probe(f, model, dimensions) for r in results)]
    if not factors:
        return Difference(np.nan, np.nan)
    means = [float(result.accuracies(model, dimensions, factors).mean()) for result in results]
    errors = [result.errors(model, dimensions, factors) for result in results]
    error = np.sqrt(np.square(errors).sum()) / len(factors)
    return Difference(means[1] - means[0], float(error))


def split_note(result: DatasetReport, other: DatasetReport) -> str:
    """How another encoder's probes were split, where `result`'s were otherwise: "split by row"."""
    return "" if other.split == result.split else f"split by {other.split.removesuffix('s')}"


def older_trees(result: DatasetReport) -> bool:
    """Whether a report's boosted trees are those from before DCI took the exact log-loss."""
    return "dci_disentanglement" in result.scores and "dci_es_explicitness" not in result.scores


def omes_difference(
    first: DatasetReport, second: DatasetReport, what: str = "omes", pooling: str = "avg"
) -> Difference:
    """Of OMES ("omes") or a half of it; the error is that of the pairs.

    Where it was measured of one of the two only, the variance that each pair brings is taken to be
    the same of the other, so its error is the larger the fewer its pairs.
    """
    results = (first, second)
    scores = [getattr(result.omes(pooling=pooling), what) for result in results]
    known = [result.uncertainty(pooling=pooling) for result in results]
    errors = [np.nan if found is None else getattr(found, what).error for found in known]
    pairs = np.array([max(result.num_pairs, 1) for result in results])
    per_pair = np.square(errors) * pairs
    per_pair = np.where(np.isnan(per_pair), per_pair[::-1], per_pair)
    error = np.sqrt((per_pair / pairs).sum())
    return Difference(float(scores[1] - scores[0]), float(error))
