"""An association matrix read for people: rows in order, the ideal, each number in words."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dviz.measuring.report import DatasetReport
from dviz.metrics.uncertainty import cell_intervals
from dviz.ui.core.inspector import MAX_DIMENSIONS, NOTABLE, Dimension, by_factor

if TYPE_CHECKING:
    from dviz.ui.core.entry import Entry

CORRELATION, INFORMATION = "correlation", "mutual information"
WAYS = (CORRELATION, INFORMATION)
BY_ITSELF = 0.1  # of a dimension's variance that a factor must move to be why its cell is dark
TOO_FEW = "Too few pairs of images differ in one factor only for correlations"
LOW_CEILING = 0.9  # a perfect code of few values stays below this, which is worth saying


def ordered(dimensions: Sequence[Dimension], result: DatasetReport) -> list[Dimension]:
    """Active dimensions, in the order of the factors that they encode."""
    active = [d for d in dimensions if d.active]
    return by_factor(active, result.factors)[:MAX_DIMENSIONS]


def ceiling(size: int) -> float:
    """The S of a dimension that encodes a factor of `size` values perfectly, and nothing else.

    Partners differ in the factor by construction, so such a dimension correlates by
    -1 / (size - 1) with itself.
    """
    return 1 - 1 / (size - 1) if size > 1 else 0.0


def cell_in_words(
    dimension: str,
    factor: str,
    value: float,
    size: int,
    span: tuple[float, float] | None = None,
    by_itself: bool = False,
) -> str:
    """One S in words, as a hover text with <br> between lines."""
    if np.isnan(value):
        return f"{dimension} · {factor}: not known"
    lines = [f"<b>{dimension} · {factor}: S = {value:.2f}</b>", _strength(dimension, factor, value)]
    if by_itself:
        lines[1] = f"{dimension} changes by itself, even where no factor does"
    if size > 1 and ceiling(size) < LOW_CEILING and value >= NOTABLE:
        lines.append(f"a perfect code of {size} values would show {ceiling(size):.2f}")
    if span is not None and not np.isnan(span[0]):
        lines.append(f"95% interval {span[0]:.2f} to {span[1]:.2f}")
    return "<br>".join(lines)


def _strength(dimension: str, factor: str, value: float) -> str:
    if value >= 0.8:
        return f"changing {factor} gives {dimension} a new value: it follows {factor}"
    if value >= NOTABLE:
        return f"changing {factor} moves {dimension} in part"
    if value >= 0.1:
        return f"{dimension} hardly reacts to {factor}"
    return f"{dimension} does not care about {factor}"


def change_in_words(
    dimension: str, factor: str, before: float, after: float, idle: bool = False, what: str = "S"
) -> str:
    """What fine-tuning did to one cell, as a hover text; `idle`: the dimension was not in use."""
    if idle:
        return f"{dimension} was not in use before; now {factor} has {what} {after:.2f} there"
    if np.isnan(before + after):
        return f"{dimension} · {factor}: not known"
    gap = after - before
    verb = "follows more closely" if gap > 0 else "lets go of"
    words = f"{dimension} {verb} {factor}" if abs(gap) >= 0.05 else "about the same"
    title = f"<b>{dimension} · {factor}: {gap:+.2f}</b>"
    return f"{title}<br>{before:.2f} before, {after:.2f} after: {words}"


def information_in_words(dimension: str, factor: str, share: float) -> str:
    """One cell of normalised mutual information in words, as a hover text."""
    if np.isnan(share):
        return f"{dimension} · {factor}: not known"
    return (
        f"<b>{dimension} · {factor}: {share:.2f}</b><br>{dimension} alone tells {100 * share:.0f}% "
        f"of what there is to know of {factor} (mutual information over entropy)"
    )


def seen_by(entry: Entry, way: str) -> Entry:
    """The checkpoint with another association in its own result: one of `WAYS`.

    Where no correlation is known, for a single label has no pairs that differ in one of several,
    mutual information takes its place. As it is where nothing else was measured.
    """
    result = entry.result
    if result is None or result.evidence is None or not result.evidence.information:
        return entry
    if way != INFORMATION and not np.isnan(result.association_matrix).all():
        return entry
    told = replace(result, association=result.evidence.information, evidence=None, num_pairs=0)
    other = copy(entry)
    other.__dict__.pop("dimensions", None)  # which factor each follows is told anew
    results = entry.report.results | {result.dataset: told}
    other.report = replace(entry.report, results=results)
    return other


def spans(result: DatasetReport) -> tuple[np.ndarray, np.ndarray] | None:
    """95% intervals (low, high) of S, each (D, F); None where they were not measured."""
    if result.evidence is None:
        return None
    return cell_intervals(result.association_matrix, result.evidence.covariances())


def changes_by_itself(result: DatasetReport) -> np.ndarray:
    """Cells that are dark because their dimension changes whatever stays the same, bool (D, F)."""
    S = result.association_matrix
    if result.evidence is None:
        return np.zeros(S.shape, dtype=bool)
    return dark_by_itself(S, result.calibrated, np.array(result.evidence.signal))


def dark_by_itself(S: np.ndarray, calibrated: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """As `changes_by_itself`, of S (D, F), calibrated (D, F), and the signal (D,) there is."""
    share = np.nan_to_num(calibrated) * signal[:, None]
    return (np.nan_to_num(S) >= NOTABLE) & (share < BY_ITSELF)


def calibrated_in_words(score: float) -> str:
    """What OMES is without noise and ceilings."""
    return f"Calibrated for noise and ceilings it is {score:.3f}."


def reliability_in_words(
    result: DatasetReport, alpha: float, pooling: str, way: str = INFORMATION
) -> str:
    """The interval of OMES, and what it is without noise and ceilings; `way` was asked for."""
    if not result.num_pairs:
        why = f"{TOO_FEW}. " if way != INFORMATION else ""
        if np.isnan(result.association_matrix).all():
            return why or "No association was measured."
        return (
            f"{why}By mutual information of codes and labels, not by pairs: there is no interval."
        )
    found, known = result.uncertainty(alpha, pooling), result.omes_calibrated(alpha, pooling)
    if known is None:
        return "This report is from before intervals were measured; dviz evaluate adds them."
    words = calibrated_in_words(known.omes)
    if found is None:
        return f"Too few pairs for an interval of OMES. {words}"
    low, high = found.omes.interval
    return f"OMES 95% interval {low:.3f} to {high:.3f}, from the same pairs. {words}"
