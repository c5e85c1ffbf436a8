"""What a checkpoint's reports say went well or wrong in a transfer, in words.

The study names signatures of failure: low OMES with good reconstruction, a good Source with poor
probes on the Target, OMES that falls in fine-tuning. To these comes the factor that all dimensions
together give away and its own alone does not. Each is looked for with a threshold that is a
constant here, and told with the figures it rests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dviz.metrics.omes import OmesResult, omes
from dviz.report import DatasetReport, DistanceReport, ProbeScore

LOW_OMES, GOOD_OMES = 0.5, 0.6
GOOD_PAINTING = 0.02  # mean squared error a pixel, colours in [0, 1]
CHANGE = 0.05  # of OMES, that is more than the drawing of pairs explains
READABLE = 0.25  # of the way from chance to 1, from which on a factor counts as readable
UNREADABLE = 0.1  # up to here it counts as not readable
SPREAD = 0.5  # share of what is readable at all that one dimension must give away
NOTABLE = 0.3  # association from which on a dimension counts as encoding a factor
ERRORS = 2  # standard errors that a difference of accuracies must exceed
MODELS = ("gbt", "mlp")


@dataclass(frozen=True)
class Finding:
    """One thing that reports say. `kind` is "good", "warning" or "note"."""

    kind: str
    title: str
    text: str


def diagnose(
    source: DatasetReport | None = None,
    direct: DatasetReport | None = None,
    tuned: DatasetReport | None = None,
    distance: DistanceReport | None = None,
) -> list[Finding]:
    """What the reports of a lineage say; any may be missing. The Target's last state comes first.

    Args:
        source: of the Source on its own dataset; direct, tuned: on the Target, before and after
            fine-tuning; distance: of the Target from the Source.
    """
    target = tuned or direct
    findings = []
    if source is not None and target is not None:
        findings += unmatched_factors(source, direct or target)
    if direct is not None and tuned is not None:
        findings += fine_tuning(direct, tuned)
    for result in (target, source):
        if result is not None:
            findings += mixed_factors(result) + spread_factors(result)
    if distance is not None:
        findings.append(how_far(distance))
    return findings


def mixed_factors(result: DatasetReport) -> list[Finding]:
    """Low OMES though the model paints well: the code holds the factors, but mixed."""
    score = _omes(result)
    if not (score.omes < LOW_OMES and result.mse <= GOOD_PAINTING):
        return []
    S = result.association_matrix
    several = [
        f"z{d} ({', '.join(np.array(result.factors)[S[d] >= NOTABLE])})"
        for d in score.active
        if (S[d] >= NOTABLE).sum() > 1
    ]
    which = f" Dimensions of several factors: {', '.join(several)}." if several else ""
    return [
        Finding(
            "warning",
            f"Factors are mixed on {result.dataset}",
            f"Images are painted well (squared error {result.mse:.4f} a pixel), yet OMES is only "
            f"{score.omes:.2f} (modularity {score.modularity:.2f}, compactness "
            f"{score.compactness:.2f}).{which}",
        )
    ]


def spread_factors(result: DatasetReport) -> list[Finding]:
    """Factors that can be read from all dimensions but not from their own alone."""
    model = _model(result)
    words = []
    for factor in result.factors:
        every, one = (_probe(result, factor, model, dims) for dims in ("all", "pruned"))
        if every is None or one is None or _readable(every) < READABLE:
            continue
        noise = np.hypot(every.standard_error, one.standard_error)
        lost = every.accuracy - one.accuracy
        if _readable(one) < SPREAD * _readable(every) and lost > ERRORS * noise:
            words.append(
                f"{factor} is readable from all dimensions ({_percent(every.accuracy)}) but not "
                f"from its own alone ({_percent(one.accuracy)}, chance {_percent(one.chance)}): "
                "it is spread"
            )
    return [_list("warning", f"Factors are spread on {result.dataset}", words)] if words else []


def unmatched_factors(source: DatasetReport, target: DatasetReport) -> list[Finding]:
    """A good Source whose code says little of some of the Target's factors."""
    score = _omes(source)
    model = _model(target)
    probes = [_probe(target, factor, model, "all") for factor in target.factors]
    poor = [p for p in probes if p is not None and _readable(p) < UNREADABLE]
    if score.omes < GOOD_OMES or not poor:
        return []
    words = [f"{p.factor} {_percent(p.accuracy)} (chance {_percent(p.chance)})" for p in poor]
    return [
        Finding(
            "warning",
            f"Factors of {target.dataset} do not match those of {source.dataset}",
            f"The Source is disentangled (OMES {score.omes:.2f}), but carried over it hardly tells "
            f"{', '.join(words)}: it never had to.",
        )
    ]


def fine_tuning(direct: DatasetReport, tuned: DatasetReport) -> list[Finding]:
    """What fine-tuning did to OMES and to what can be read."""
    before, after = _omes(direct).omes, _omes(tuned).omes
    model = _model(tuned)
    gain = tuned.mean_accuracy(model, "all") - direct.mean_accuracy(model, "all")
    read = "" if np.isnan(gain) else f" Probes on all dimensions: {100 * gain:+.1f} points."
    figures = f"OMES {before:.2f} before, {after:.2f} after.{read}"
    if after < before - CHANGE:
        return [Finding("warning", "Disentanglement was lost in fine-tuning", figures)]
    if gain > 0 or after > before + CHANGE:
        title = "Fine-tuning helped" if gain > 0 else "Fine-tuning disentangled further"
        held = " and disentanglement held" if abs(after - before) <= CHANGE else ""
        return [Finding("good", title + held, figures)]
    return [Finding("note", "Fine-tuning changed little", figures)]


def how_far(distance: DistanceReport) -> Finding:
    """The distance in words; it names no threshold, since nobody knows one."""
    return Finding(
        "note",
        f"How far {distance.target} lies from {distance.source}",
        f"{_percent(distance.outside)} of its images have a code outside of what the Source's "
        f"central 99% span; the Source's model loses {distance.elbo_drop:,.0f} nats an image "
        f"there ({distance.num_images:,} images each, no labels used).",
    )


def _omes(result: DatasetReport) -> OmesResult:
    return omes(result.association_matrix, active=np.array(result.active), names=result.factors)


def _model(result: DatasetReport) -> str:
    """The kind of probe to go by: the study's trees where they were measured."""
    measured = {probe.model for probe in result.probes}
    return next((model for model in MODELS if model in measured), MODELS[0])


def _probe(result: DatasetReport, factor: str, model: str, dimensions: str) -> ProbeScore | None:
    wanted = (factor, model, dimensions)
    found = (p for p in result.probes if (p.factor, p.model, p.dimensions) == wanted)
    return next(found, None)


def _readable(probe: ProbeScore) -> float:
    """How far from chance to perfect: 0 is chance, 1 is always right."""
    return (probe.accuracy - probe.chance) / max(1 - probe.chance, 1e-9)


def _list(kind: str, title: str, words: Sequence[str]) -> Finding:
    text = "; ".join(words)
    return Finding(kind, title, text[:1].upper() + text[1:] + ".")


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"
