"""What a transfer came to, in a sentence or two that follow from numbers beyond their error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dviz.checkpoint import DIRECT, FINE_TUNED, SOURCE
from dviz.data.meanings import same_factor
from dviz.lineage import STAGES
from dviz.measuring.differences import CHANGE, ERRORS, Difference, omes_difference, split_note
from dviz.measuring.report import BY_PHOTOGRAPH, BY_ROW, DatasetReport

TARGET_ONLY = "target-only"
AGAINST = {
    2: "beats", 1: "is a little above", 0: "is on a par with", -1: "is a little below",
    -2: "falls behind",
}  # fmt: skip
TUNING = {
    2: "raised OMES", 1: "raised OMES a little", 0: "left OMES about where it was",
    -1: "lowered OMES a little", -2: "lowered OMES",
}  # fmt: skip
SPLITS = {
    BY_ROW: "of probes split by row, not by photograph: tested on copies of photographs they were "
    "trained on, which is easier",
    BY_PHOTOGRAPH: "of probes split by photograph, not by row: never tested on copies of what they "
    "were trained on, which is harder",
}
MODELS = {"gbt": "boosted trees", "mlp": "MLP"}  # probes, the study's first


@dataclass(frozen=True)
class Slope:
    """One figure through the stages of a transfer.

    Attributes:
        name: a factor, or "OMES".
        values, errors: by stage; a stage that has no such figure is missing.
        chance, target_only: what it would be by guessing, and of a model that only ever saw the
            Target; None where it is not known.
    """

    name: str
    values: Mapping[str, float]
    errors: Mapping[str, float]
    chance: float | None = None
    target_only: float | None = None


def verdict(
    results: Mapping[str, DatasetReport], target_only: DatasetReport | None = None
) -> list[str]:
    """Sentences on the last state on the Target: against learning there alone, and what
    fine-tuning did. None where there is nothing to compare."""
    last = results.get(FINE_TUNED) or results.get(DIRECT)
    if last is None:
        return []
    sentences = []
    if target_only is not None:
        sentences.append(_against("learning on the Target alone", last, target_only))
    if DIRECT in results and FINE_TUNED in results:
        sentences.append(_fine_tuning(results[DIRECT], results[FINE_TUNED]))
    return [sentence for sentence in sentences if sentence]


def _against(what: str, ours: DatasetReport, theirs: DatasetReport) -> str:
    """For example "OMES .42 beats …, .29 (one training each); a classifier (MLP) reads less …"."""
    here, there = ours.omes().omes, theirs.omes().omes
    difference, probes = omes_difference(theirs, ours), _read_compared(ours, theirs)
    if np.isnan(difference.value):  # as of a single factor
        return f"Beside {what} (one training each) {probes}." if probes else ""
    verb = AGAINST[_grade(difference)]
    text = f"OMES {short(here)} {verb} {what}, {short(there)} (one training each)"
    return f"{text}; {probes}." if probes else f"{text}."


def _read_compared(ours: DatasetReport, theirs: DatasetReport) -> str:
    for model, name in MODELS.items():
        a, b = (r.mean_accuracy(model, "all") for r in (ours, theirs))
        if np.isnan([a, b]).any():
            continue
        noise = float(np.hypot(_mean_error(ours, model), _mean_error(theirs, model)))
        how = {1: "more", 0: "as much", -1: "less"}[_sign(a - b, ERRORS * noise)]
        note = SPLITS.get(theirs.split) if split_note(ours, theirs) else None
        otherwise = f" ({note})" if note else ""
        scores = f"{_percent(a)} against {_percent(b)}{otherwise}"
        return f"a classifier ({name}) reads {how} from it, {scores}"
    return ""


def _fine_tuning(direct: DatasetReport, tuned: DatasetReport) -> str:
    before, after = direct.omes().omes, tuned.omes().omes
    difference, read = omes_difference(direct, tuned), _read_after(direct, tuned)
    if np.isnan(difference.value):
        return f"After fine-tuning {read}." if read else ""
    text = f"Fine-tuning {TUNING[_grade(difference)]}, {short(before)} to {short(after)}"
    return f"{text}, and {read}." if read else f"{text}."


def _read_after(direct: DatasetReport, tuned: DatasetReport) -> str:
    for model, name in MODELS.items():
        a, b = (r.mean_accuracy(model, "all") for r in (direct, tuned))
        if not np.isnan([a, b]).any():
            noise = float(np.hypot(_mean_error(direct, model), _mean_error(tuned, model)))
            way = {1: "rose", 0: "hardly moved", -1: "fell"}[_sign(b - a, ERRORS * noise)]
            return f"what a classifier ({name}) can read {way}, {_percent(a)} to {_percent(b)}"
    return ""


def slopes(
    results: Mapping[str, DatasetReport], target_only: DatasetReport | None = None
) -> list[Slope]:
    """OMES, and the accuracy of probes for each factor of the Target; the Source's where it has a
    factor of the same meaning. What was measured of no stage is left out."""
    target = results.get(FINE_TUNED) or results.get(DIRECT) or results.get(SOURCE)
    if target is None or not target.factors:
        return []
    scores = {stage: r.omes().omes for stage, r in _ordered(results)}
    scores = {stage: score for stage, score in scores.items() if not np.isnan(score)}
    alone = None if target_only is None else target_only.omes().omes
    unsure = {stage: r.uncertainty() for stage, r in _ordered(results)}
    errors = {stage: u.omes.error for stage, u in unsure.items() if u is not None}
    found = [Slope("OMES", scores, errors, None, alone)]
    model = probe_model(target)
    found += [_slope_of(f, model, results, target, target_only) for f in target.factors]
    return [slope for slope in found if slope.values]


def probe_model(result: DatasetReport) -> str:
    """The kind of probe to go by: trees where they were measured."""
    return next((m for m in MODELS if not np.isnan(result.mean_accuracy(m, "all"))), "gbt")


def _slope_of(
    factor: str,
    model: str,
    results: Mapping[str, DatasetReport],
    target: DatasetReport,
    target_only: DatasetReport | None,
) -> Slope:
    there = {}
    for stage, result in _ordered(results):
        name = same_factor(factor, result.factors)
        probe = None if name is None else result.probe(name, model, "all")
        if probe is not None:
            there[stage] = probe
    alone = None if target_only is None else target_only.probe(factor, model, "all")
    chance = target.chance(factor)
    return Slope(
        factor,
        {stage: probe.accuracy for stage, probe in there.items()},
        {stage: probe.standard_error for stage, probe in there.items()},
        None if np.isnan(chance) else chance,
        None if alone is None else alone.accuracy,
    )


def _ordered(results: Mapping[str, DatasetReport]) -> Sequence[tuple[str, DatasetReport]]:
    return [(stage, results[stage]) for stage in STAGES if stage in results]


def _mean_error(result: DatasetReport, model: str) -> float:
    """Standard error of the mean accuracy over the factors."""
    errors = result.errors(model, "all")
    errors = errors[~np.isnan(errors)]
    return float(np.sqrt((errors**2).sum()) / max(len(errors), 1))


def _grade(difference: Difference) -> int:
    """0 within its error, ±1 beyond it, ±2 beyond CHANGE too; CHANGE alone counts without one.

    The difference itself has to be known.
    """
    sign = _sign(difference.value, CHANGE)
    if np.isnan(difference.error):
        return 2 * sign
    return int(np.sign(difference.value)) + sign if difference.clear else 0


def _sign(difference: float, tolerance: float) -> int:
    return 0 if abs(difference) <= tolerance else int(np.sign(difference))


def short(value: float) -> str:
    """A score as the study prints it: ".42"."""
    return f"{value:.2f}".removeprefix("0") if value < 1 else f"{value:.2f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"
