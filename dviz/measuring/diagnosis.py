"""What a checkpoint's reports say went well or wrong in a transfer, in words.

The study names signatures of failure: low OMES with good reconstruction, a good Source with poor
probes on the Target, OMES that falls in fine-tuning. To these come the factor that all dimensions
together give away and its own alone does not, and the baseline that does as well. Each is looked
for with a threshold that is a constant here, and told with the figures it rests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dviz.data.meanings import same_factor
from dviz.measuring.differences import (
    CHANGE,
    ERRORS,
    accuracy_difference,
    omes_difference,
    split_note,
)
from dviz.measuring.report import Baseline, DatasetReport, DistanceReport, ProbeScore

LOW_OMES, GOOD_OMES = 0.5, 0.6
GOOD_PAINTING = 0.02  # mean squared error a pixel, colours in [0, 1]
READABLE = 0.25  # of the way from chance to 1, from which on a factor counts as readable
UNREADABLE = 0.1  # up to here it counts as not readable
SPREAD = 0.5  # share of what is readable at all that one dimension must give away
NOTABLE = 0.3  # association from which on a dimension counts as encoding a factor
MODELS = {"gbt": "trees", "mlp": "MLP"}


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
    baselines: Sequence[Baseline] = (),
) -> list[Finding]:
    """What the reports of a lineage say; any may be missing. The Target's last state comes first.

    Args:
        source: of the Source on its own dataset; direct, tuned: on the Target, before and after
            fine-tuning; distance: of the Target from the Source; baselines: what the Target's
            last state is compared with.
    """
    target = tuned or direct
    findings = []
    if source is not None and target is not None:
        findings += unmatched_factors(source, direct or target)
        findings += lost_factors(source, direct or target)
    if direct is not None and tuned is not None:
        findings += fine_tuning(direct, tuned, source)
    if target is not None:
        findings += against_baselines(target, baselines)
    for result in (target, source):
        if result is not None:
            findings += mixed_factors(result) + spread_factors(result)
    if distance is not None:
        findings.append(how_far(distance))
    return findings


def mixed_factors(result: DatasetReport) -> list[Finding]:
    """Low OMES though the model paints well: the code holds the factors, but mixed."""
    score = result.omes()
    if result.mse is None or not (score.omes < LOW_OMES and result.mse <= GOOD_PAINTING):
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
            f"The pixel error is low (squared error {result.mse:.4f} a pixel), yet OMES is only "
            f"{score.omes:.2f} (modularity {score.modularity:.2f}, compactness "
            f"{score.compactness:.2f}).{which}",
        )
    ]


def spread_factors(result: DatasetReport) -> list[Finding]:
    """Factors that can be read from all dimensions but not from the associated one alone."""
    model = _model(result)
    words = []
    for factor in result.factors:
        every, one = (result.probe(factor, model, dims) for dims in ("all", "pruned"))
        if every is None or one is None or every.above_chance < READABLE:
            continue
        noise = np.hypot(every.standard_error, one.standard_error)
        lost = every.accuracy - one.accuracy
        if one.above_chance < SPREAD * every.above_chance and lost > ERRORS * noise:
            words.append(
                f"{factor} is readable from all dimensions ({_percent(every.accuracy)}) but not "
                f"from its own alone ({_percent(one.accuracy)}, chance {_percent(one.chance)})"
            )
    if not words:
        return []
    text = _sentence(words) + " Such factors are spread over several dimensions."
    return [Finding("warning", f"Factors are spread on {result.dataset}", text)]


def unmatched_factors(source: DatasetReport, target: DatasetReport) -> list[Finding]:
    """Factors that a good Source never varied, and whose values its code does not tell."""
    poor = [p for p in _unreadable(target) if same_factor(p.factor, source.factors) is None]
    score = source.omes()
    if not score.omes >= GOOD_OMES or not poor:  # NaN, of a Source without labels, is no praise
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


def lost_factors(source: DatasetReport, target: DatasetReport) -> list[Finding]:
    """Factors that can be read on the Source, and on the Target, which has them too, no longer."""
    words = []
    for probe in _unreadable(target):
        name = same_factor(probe.factor, source.factors)
        before = None if name is None else source.probe(name, probe.model, "all")
        if before is not None and before.above_chance > READABLE:
            called = "" if name == probe.factor else f" ({name} there)"
            words.append(
                f"{probe.factor}{called} {_percent(before.accuracy)} on {source.dataset}, "
                f"{_percent(probe.accuracy)} here (chance {_percent(probe.chance)})"
            )
    title = f"Factors got lost on the way to {target.dataset}"
    return [Finding("warning", title, _sentence(words))] if words else []


def _unreadable(result: DatasetReport) -> list[ProbeScore]:
    """Probes on all dimensions that do little better than chance."""
    probes = [result.probe(factor, _model(result), "all") for factor in result.factors]
    return [p for p in probes if p is not None and p.above_chance < UNREADABLE]


def fine_tuning(
    direct: DatasetReport, tuned: DatasetReport, source: DatasetReport | None = None
) -> list[Finding]:
    """What fine-tuning did to OMES and to what can be read."""
    if not tuned.factors:
        return []
    before, after = direct.omes().omes, tuned.omes().omes
    figures = _gains(direct, tuned)
    if not np.isnan([before, after]).any():  # as it is of a single factor
        at_source = "" if source is None else f" ({source.omes().omes:.2f} on the Source)"
        figures = f"OMES {before:.2f} before, {after:.2f} after{at_source}.{figures}"
    gain = accuracy_difference(direct, tuned, _model(tuned), "all")
    if after < before - CHANGE:
        return [Finding("warning", "Disentanglement was lost in fine-tuning", figures)]
    read = gain.clear and gain.value > 0
    if read or after > before + CHANGE:
        title = "Fine-tuning made factors easier to read" if read else "Fine-tuning disentangled"
        held = " and kept what disentanglement there was" if abs(after - before) <= CHANGE else ""
        return [Finding("good", title + held, figures.strip())]
    if gain.clear:
        return [Finding("warning", "Fine-tuning made factors harder to read", figures.strip())]
    return [Finding("note", "Fine-tuning changed little", figures.strip())]


def _gains(direct: DatasetReport, tuned: DatasetReport) -> str:
    """What each kind of probe gained, in a sentence; "" where none was measured."""
    words = []
    for model, name in MODELS.items():
        every, one = (accuracy_difference(direct, tuned, model, d) for d in ("all", "pruned"))
        if not np.isnan(every.value):
            pruned = "" if np.isnan(one.value) else f" (pruned {one.in_points()})"
            words.append(f"{name} {every.in_points()} points from all dimensions{pruned}")
    return f" {_sentence(words)}" if words else ""


def against_baselines(result: DatasetReport, baselines: Sequence[Baseline]) -> list[Finding]:
    """Whether an encoder is better than those it is compared with, on every count."""
    words, better = [], []
    for baseline in baselines:
        if baseline.result.dataset != result.dataset:
            continue
        other, figures = baseline.result, []
        score, gap = other.omes().omes, omes_difference(other, result)
        if not np.isnan(gap.value):
            figures.append(f"OMES {score:.2f} (here {gap.as_score()})")
            better.append(gap.clear and gap.value > 0)
        for model, name in MODELS.items():
            gap = accuracy_difference(other, result, model, "all")
            if not np.isnan(gap.value):
                accuracy = _percent(other.mean_accuracy(model, "all"))
                figures.append(f"{name} {accuracy} (here {gap.in_points()} points)")
                better.append(gap.clear and gap.value > 0)
        note = split_note(result, other)
        if figures:
            words.append(f"{baseline.name}: {', '.join(figures)}{f' ({note})' if note else ''}")
    if not words:
        return []
    best = all(better)
    title = "Better than every baseline" if best else "Not better than every baseline throughout"
    return [Finding("good" if best else "note", title, _sentence(words))]


def how_far(distance: DistanceReport) -> Finding:
    """The distance in words; it names no threshold, since nobody knows one."""
    return Finding(
        "note",
        f"How far {distance.target} lies from {distance.source}",
        f"{_percent(distance.outside)} of its images have a code that lies, on some dimension, "
        f"beyond the central 99% of the Source's codes; the Source's model explains them worse by "
        f"{distance.elbo_drop:,.0f} nats an image ({distance.num_images:,} images each, no labels "
        "used).",
    )


def _model(result: DatasetReport) -> str:
    """The kind of probe to go by: the study's trees where they were measured."""
    measured = {probe.model for probe in result.probes}
    return next((model for model in MODELS if model in measured), "gbt")


def _sentence(words: Sequence[str]) -> str:
    text = "; ".join(words)
    return text[:1].upper() + text[1:] + "."


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"
