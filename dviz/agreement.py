"""Does measuring again give what a report says?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from dviz.report import DatasetReport

SIGMAS = 4.0  # how many standard errors two measurements may lie apart
ROUNDING = 2e-3  # of another processor's arithmetic, and of weights in half precision
SPREAD = 0.5  # assumed of the loss over images, as a share of its mean; reports hold means only


def disagreements(stored: DatasetReport, found: DatasetReport) -> list[str]:
    """What lies farther apart than sampling explains, a line each; none where both agree.

    Allowed are, with the standard errors of both measurements: accuracies, `SIGMAS` times their
    own; entries of S, `SIGMAS` / √pairs, which is what a correlation of that many pairs may be off
    by; means over N images, `SIGMAS` · `SPREAD` · √(2 / N) of themselves. On the machine that
    wrote the report, everything is equal.

    Args:
        stored, found: of the same dataset, with the same number of images for the probes, which
            read better the more they were trained on.
    """
    return [line for part in (_structure, _association, _accuracies, _means)
            for line in part(stored, found)]  # fmt: skip


def _structure(stored: DatasetReport, found: DatasetReport) -> Iterator[str]:
    for what in ("dataset", "factors", "sizes", "num_images"):
        before, now = getattr(stored, what), getattr(found, what)
        if before != now:
            yield f"{what}: report {before}, now {now}"


def _association(stored: DatasetReport, found: DatasetReport) -> Iterator[str]:
    before, now = stored.association_matrix, found.association_matrix
    if before.shape != now.shape:
        yield f"association: report {before.shape}, now {now.shape}"
        return
    # Inactive dimensions are next to constant, and so is what they are said to follow.
    before, now = (S[np.array(stored.active)] for S in (before, now))
    allowed = SIGMAS * math.sqrt(1 / stored.num_pairs + 1 / found.num_pairs) + ROUNDING
    with np.errstate(invalid="ignore"):
        off = (np.abs(before - now) > allowed) | (np.isnan(before) != np.isnan(now))
    names = [f"z{d}" for d in np.flatnonzero(stored.active)]
    for d, j in np.argwhere(off):
        yield (
            f"association of {names[d]} with {stored.factors[j]}: report {before[d, j]:.3f}, now "
            f"{now[d, j]:.3f} (allowed ±{allowed:.3f})"
        )


def _accuracies(stored: DatasetReport, found: DatasetReport) -> Iterator[str]:
    again = {(p.factor, p.model, p.dimensions): p for p in found.probes}
    for probe in stored.probes:
        name = f"{probe.model} ({probe.dimensions}) of {probe.factor}"
        other = again.get((probe.factor, probe.model, probe.dimensions))
        if other is None:
            yield f"accuracy of {name}: report {probe.accuracy:.3f}, now not measured"
            continue
        allowed = SIGMAS * math.hypot(probe.standard_error, other.standard_error) + ROUNDING
        if abs(probe.accuracy - other.accuracy) > allowed:
            yield (
                f"accuracy of {name}: report {probe.accuracy:.3f}, now {other.accuracy:.3f} "
                f"(allowed ±{allowed:.3f})"
            )


def _means(stored: DatasetReport, found: DatasetReport) -> Iterator[str]:
    share = SIGMAS * SPREAD * math.sqrt(1 / stored.num_images + 1 / found.num_images)
    for what in ("reconstruction", "mse"):
        before, now = getattr(stored, what), getattr(found, what)
        if abs(before - now) > share * abs(before):
            yield f"{what}: report {before:.4g}, now {now:.4g} (allowed ±{share:.1%})"
