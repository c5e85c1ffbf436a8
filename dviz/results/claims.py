"""The study's claims, held against the reports of a zoo: a verdict each, with its numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from dviz.checkpoint import DIRECT, FINE_TUNED
from dviz.measuring.differences import (
    Difference,
    accuracy_difference,
    omes_difference,
    split_note,
)
from dviz.measuring.report import Baseline, DatasetReport
from dviz.results.zoo import Transfer

TOLERANCE = 0.05  # by which modularity or OMES may fall and still count as kept
POOLINGS = ("avg", "max")


def verdicts(transfers: Sequence[Transfer]) -> str:
    """Markdown: each claim, in how many transfers it holds, and the numbers behind that."""
    claims = (
        _kept_modularity([t for t in transfers if t.noisy]),
        _gained_accuracy([t for t in transfers if t.real]),
        _beaten_baselines(transfers),
    )
    return "\n\n".join(claims)


def _claim(text: str, verdict: str, lines: Sequence[str]) -> str:
    if not lines:
        return f"**{text}** Not measured yet."
    return f"**{text}** {verdict}\n\n" + "\n".join(f"- {line}" for line in lines)


def _yes(fine: bool) -> str:
    return "yes" if fine else "no"


def _kept_modularity(transfers: Sequence[Transfer]) -> str:
    """Claim 1: a transfer counts once, for both poolings, before and after fine-tuning."""
    kept = {DIRECT: 0, FINE_TUNED: 0}
    lines = []
    for t in transfers:
        words = []
        for stage, model in ((DIRECT, t.direct), (FINE_TUNED, t.tuned)):
            changes = [
                omes_difference(t.source.result, model.result, "modularity", p) for p in POOLINGS
            ]
            fine = all(change.value >= -TOLERANCE for change in changes)
            kept[stage] += fine
            told = ", ".join(f"{p} {c.as_score()}" for p, c in zip(POOLINGS, changes, strict=True))
            words.append(f"{stage} {_yes(fine)} ({told})")
        lines.append(f"{t.title}: {'; '.join(words)}{_departures(t)}")
    return _claim(
        "1. Modularity survives where the Target has the same factors, noise added.",
        f"It is kept directly in {kept[DIRECT]} and after fine-tuning in {kept[FINE_TUNED]} of "
        f"{len(transfers)} transfers: it counts as kept where it falls by at most {TOLERANCE} from "
        "the Source's with either pooling.",
        lines,
    )


def _departures(t: Transfer) -> str:
    """In what the fine-tuning departs from the study's plain β-VAE, in the same sentence."""
    training = t.tuned.config.training
    words = []
    if training.get("decoder_first"):
        words.append("the decoder alone at first")
    if training.get("freeze_statistics") and not training.get("reestimate_statistics"):
        words.append("the Source's BatchNorm statistics")
    if training.get("beta") != t.source.config.training.get("beta"):
        words.append("another β than the Source's")
    if training.get("replay"):
        words.append("replay of Source images")
    if training.get("update", "all") != "all":
        words.append(f"updates of {str(training['update']).replace('-', ' ')} only")
    if training.get("untied_beta", training.get("beta")) != training.get("beta"):
        words.append("a larger β where no factor is tied")
    if training.get("reestimate_statistics"):
        words.append("BatchNorm statistics taken anew")
    return f" – not the study's plain β-VAE but with {', '.join(words)}" if words else ""


def _gained_accuracy(transfers: Sequence[Transfer]) -> str:
    """Claim 2: accuracy beyond its error, and whether OMES is kept; beside it what was lost."""
    gained, kept, lines = 0, 0, []
    below = {DIRECT: 0, FINE_TUNED: 0}
    for t in transfers:
        gain = accuracy_difference(t.direct.result, t.tuned.result, "gbt", "all")
        change = omes_difference(t.direct.result, t.tuned.result)
        before = 100 * t.direct.result.mean_accuracy("gbt", "all")
        fine, held = gain.clear and gain.value > 0, change.value >= -TOLERANCE
        gained, kept = gained + fine, kept + held
        words = []
        for stage, model in ((DIRECT, t.direct), (FINE_TUNED, t.tuned)):
            fall = omes_difference(t.source.result, model.result)
            below[stage] += fall.clear and fall.value < 0
            words.append(f"{stage} {fall.as_score()}")
        lines.append(
            f"{t.title}: {_yes(fine)}, {before:.1f} {gain.in_points()}; OMES avg "
            f"{'kept' if held else 'lost'}, {change.as_score()} (from the Source's: "
            f"{', '.join(words)}){_from_photographs(t)}{_departures(t)}"
        )
    return _claim(
        "2. On real Targets modularity and compactness degrade (OMES avg); fine-tuning without "
        "labels wins back explicitness (mean GBT accuracy in %, all dimensions) and keeps the "
        "rest.",
        f"OMES avg is below the Source's by more than twice the standard error directly in "
        f"{below[DIRECT]} and after fine-tuning in {below[FINE_TUNED]} of {len(transfers)} "
        f"transfers. Against the direct encoder, accuracy rises by more than twice its standard "
        f"error in {gained}, and OMES falls by at most {TOLERANCE} in {kept}.",
        lines,
    )


def _from_photographs(t: Transfer) -> str:
    """Where the Source is not synthetic, in the same sentence."""
    return "" if t.synthetic else " – not from a synthetic Source but from photographs"


MEASURES: dict[str, Callable[[DatasetReport, DatasetReport], Difference]] = {
    "OMES avg": omes_difference,
    "GBT": lambda a, b: accuracy_difference(a, b, "gbt", "all"),
    "MLP": lambda a, b: accuracy_difference(a, b, "mlp", "all"),
}


def _equals(t: Transfer) -> list[Baseline]:
    """Baselines with an encoder like ours: one that was trained on more images is no equal."""
    return [b for b in t.rivals if b.result.posterior_std is not None]


def _beaten_baselines(transfers: Sequence[Transfer]) -> str:
    """Claim 3: by measure, whether an encoder is above every equal baseline beyond the error."""
    won = dict.fromkeys(MEASURES, 0)
    seen = dict.fromkeys(MEASURES, 0)
    lines = []
    for t in transfers:
        for stage, model in ((DIRECT, t.direct), (FINE_TUNED, t.tuned)):
            for name, difference in MEASURES.items():
                gaps = {b.name: difference(b.result, model.result) for b in _equals(t)}
                gaps = {rival: gap for rival, gap in gaps.items() if not math.isnan(gap.value)}
                if not gaps:
                    continue
                fine = all(gap.clear and gap.value > 0 for gap in gaps.values())
                seen[name] += 1
                won[name] += fine
                told = ", ".join(f"{rival} {_told(name, gap)}" for rival, gap in gaps.items())
                lines.append(f"{_yes(fine)}: {t.title}, {stage}, {name}: {told}")
    compared = sum(bool(_equals(t)) for t in transfers)
    tally = ", ".join(f"{name} {won[name]} of {seen[name]}" for name in MEASURES if seen[name])
    return _claim(
        "3. What was learnt on the Source helps: the encoder is above every baseline of the same "
        "architecture.",
        f"By more than twice the standard error of the difference: {tally} encoders, direct and "
        f"fine-tuned, of {compared} transfers. The differences are ours minus the baseline's; "
        "accuracies from all dimensions, in points. What each baseline is stands with its transfer."
        f"{_shared(transfers)}{_without_baselines(transfers)}{_measured_otherwise(transfers)}",
        lines,
    )


def _shared(transfers: Sequence[Transfer]) -> str:
    """Which networks several transfers are compared with, in a sentence: they fall together."""
    rivals = [b for t in transfers for b in _equals(t)]
    # Scores that are equal to the bit are of one network.
    met = Counter((f"{b.name} on {b.result.dataset}", b.result.omes().omes) for b in rivals)
    told = [f"{name} ({many} transfers)" for (name, _), many in met.items() if many > 1]
    if not told:
        return ""
    return (
        f" One network of one seed is met by several: {', '.join(told)}; *Over seeds* says how far "
        "another falls where that was measured."
    )


def _without_baselines(transfers: Sequence[Transfer]) -> str:
    """Which transfers were compared with nothing, in a sentence."""
    alone = [t.title for t in transfers if not _equals(t)]
    return f" Without baselines, and not counted: {', '.join(alone)}." if alone else ""


def _measured_otherwise(transfers: Sequence[Transfer]) -> str:
    """In what baselines were measured by another rule than ours, in a sentence each."""
    pairs = [(t, b) for t in transfers for b in _equals(t)]
    told = ""
    if any(b.result.evidence is None for _, b in pairs):
        told += (
            " Where the error of a baseline's OMES was not measured, it is taken to be as large as "
            "ours would be with as many pairs as the baseline's (it falls with their square root)."
        )
    others = {f"{b.name} of {t.title}" for t, b in pairs if split_note(t.tuned.result, b.result)}
    if others:
        told += (
            " The probes of these were not split as ours but by row, so that they were tested on "
            f"photographs seen in training, which favours them: {', '.join(sorted(others))}."
        )
    return told


def _told(measure: str, gap: Difference) -> str:
    return gap.as_score() if measure.startswith("OMES") else gap.in_points()
