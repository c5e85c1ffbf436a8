"""Does measuring again give what a report says?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from dviz.measuring.report import DatasetReport, DistanceReport, ProbeScore
from dviz.metrics.diagnostics import ACTIVE_THRESHOLD

SIGMAS = 4.0  # how many standard errors two measurements may lie apart
ROUNDING = 2e-3  # of another processor's arithmetic, and of weights in half precision
SPREAD = 0.5  # assumed of the loss over images, as a share of its mean; reports hold means only
SLACK = 0.03  # of scores without an error of their own, where rounding moves a tree or a vote
SHARE = 0.05  # of distances, which are differences of sums


def disagreements(stored: DatasetReport, found: DatasetReport) -> list[str]:
    """What lies farther apart than sampling explains, a line each; none where both agree.

    Allowed are, with the standard errors of both measurements: accuracies, `SIGMAS` times their
    own; entries of S, `SIGMAS` / √pairs, which is what a correlation of that many pairs may be off
    by; means over N images, `SIGMAS` · `SPREAD` · √(2 / N) of themselves, codes' means and standard
    deviations as much of the latter; other scores, `SLACK`. On the machine that wrote the report,
    everything is equal.

    Args:
        stored, found: of the same dataset, with the same number of images for the probes, which
            read better the more they were trained on.
    """
    parts = (_structure, _association, _accuracies, _scores, _means, _codes)
    return [line for part in parts for line in part(stored, found)]


def distance_disagreements(stored: DistanceReport, found: DistanceReport) -> list[str]:
    """As `disagreements`: allowed is `SHARE` of a distance, `SLACK` of a share or a p-value."""
    shares = ("outside", "mmd_p_value")
    lines = []
    for what in (*shares, "frechet", "mmd", "elbo_source", "elbo_target", "pixel_frechet"):
        before, now = getattr(stored, what), getattr(found, what)
        allowed = SLACK if what in shares else SHARE * abs(before) + ROUNDING
        if abs(before - now) > allowed:
            lines.append(f"{what}: report {before:.4g}, now {now:.4g} (allowed ±{allowed:.2g})")
    return lines


def _structure(stored: DatasetReport, found: DatasetReport) -> Iterator[str]:
    for what in ("dataset", "factors", "sizes", "num_images", "split"):
        before, now = getattr(stored, what), getattr(found, what)
        if before != now:
            yield f"{what}: report {before}, now {now}"
    if stored.origin != found.origin:
        yield f"other images: report {stored.origin}, now {found.origin or 'unknown'}"


def _association(stored: DatasetReport, found: DatasetReport) -> Iterator[str]:
    before, now = stored.association_matrix, found.association_matrix
    if before.shape != now.shape:
        yield f"association: report {before.shape}, now {now.shape}"
        return
    # Inactive dimensions are next to constant, and so is what they are said to follow.
    before, now = (S[np.array(stored.active)] for S in (before, now))
    allowed = SIGMAS * math.sqrt(sum(1 / max(r.num_pairs, 1) for r in (stored, found))) + ROUNDING
    with np.errstate(invalid="ignore"):
        off = (np.abs(before - now) > allowed) | (np.isnan(before) != np.isnan(now))
    names = [f"z{d}" for d in np.flatnonzero(stored.active)]
    for d, j in np.argwhere(off):
        yield (
            f"association of {names[d]} with {stored.factors[j]}: report {before[d, j]:.3f}, now "
            f"{now[d, j]:.3f} (allowed ±{allowed:.3f})"
        )


def _accuracies(stored: DatasetReport, found: DatasetReport) -> Iterator[str]:
    yield from _probes(stored.probes, found.probes, "")
    yield from _probes(stored.arc, found.arc, ", held-out arc")


def _probes(stored: Sequence[ProbeScore], found: Sequence[ProbeScore], where: str) -> Iterator[str]:
    now = {(probe.factor, probe.model, probe.dimensions): probe for probe in found}
    for probe in stored:
        name = f"{probe.model} ({probe.dimensions}{where}) of {probe.factor}"
        other = now.get((probe.factor, probe.model, probe.dimensions))
        if other is None:
            yield f"accuracy of {name}: report {probe.accuracy:.1%}, now not measured"
            continue
        allowed = SIGMAS * math.hypot(probe.standard_error, other.standard_error) + ROUNDING
        if abs(probe.accuracy - other.accuracy) > allowed:
            yield (
                f"accuracy of {name}: report {probe.accuracy:.1%}, now {other.accuracy:.1%} "
                f"(allowed ±{allowed:.1%})"
            )


def _scores(stored: DatasetReport, found: DatasetReport) -> Iterator[str]:
    for name, before in stored.scores.items():
        now = found.score(name)
        if not abs(before - now) <= SLACK:
            yield f"{name}: report {before:.3f}, now {now:.3f} (allowed ±{SLACK})"


def _codes(stored: DatasetReport, found: DatasetReport) -> Iterator[str]:
    """Which dimensions are active, and where the codes lie."""
    if len(stored.active) != len(found.active):
        return  # the association's shape has said it
    spread = np.array(stored.std)
    allowed = SIGMAS * spread * math.sqrt(1 / stored.num_images + 1 / found.num_images) + ROUNDING
    for what in ("mean", "std"):
        before, now = (np.array(getattr(r, what)) for r in (stored, found))
        for d in np.flatnonzero(np.abs(before - now) > allowed):
            yield f"{what} of z{d}: report {before[d]:.3f}, now {now[d]:.3f}"
    share = _share_of_means(stored, found)
    for what in ("kl", "posterior_std"):
        if getattr(stored, what) is None or getattr(found, what) is None:
            continue  # an encoder that gives one code an image
        before, now = (np.array(getattr(r, what)) for r in (stored, found))
        for d in np.flatnonzero(np.abs(before - now) > share * before + SLACK):
            yield f"{what} of z{d}: report {before[d]:.3f}, now {now[d]:.3f}"
    for d, (was, is_now) in enumerate(zip(stored.active, found.active, strict=True)):
        if was != is_now and abs(spread[d] - ACTIVE_THRESHOLD) > allowed[d]:
            yield f"z{d}: report {_activity(was)}, now {_activity(is_now)}"


def _activity(active: bool) -> str:
    return "active" if active else "inactive"


def _means(stored: DatasetReport, found: DatasetReport) -> Iterator[str]:
    share = _share_of_means(stored, found)
    for what in ("reconstruction", "mse", "overlap", "colour_error"):
        before, now = getattr(stored, what), getattr(found, what)
        if before is None or now is None:
            continue  # images do not stand on black, or it was not measured yet
        if abs(before - now) > share * abs(before):
            yield f"{what}: report {before:.4g}, now {now:.4g} (allowed ±{share:.1%})"


def _share_of_means(stored: DatasetReport, found: DatasetReport) -> float:
    return SIGMAS * SPREAD * math.sqrt(1 / stored.num_images + 1 / found.num_images)
