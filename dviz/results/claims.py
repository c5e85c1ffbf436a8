"""The study's claims, held against the reports of a zoo: a verdict each, with its numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from dviz.checkpoint import DIRECT, FINE_TUNED
from dviz.measuring.differences import (
    ERRORS,
    Difference,
    accuracy_difference,
    omes_difference,
    split_note,
)
from dviz.measuring.report import Baseline, DatasetReport
from dviz.results.seeds import TARGET_ONLY, OverSeeds, Spread
from dviz.results.zoo import Model, Transfer

TOLERANCE = 0.05  # by which modularity or OMES may fall and still count as kept
POOLINGS = ("avg", "max")


def verdicts(transfers: Sequence[Transfer], seeds: OverSeeds | None = None) -> str:
    """Markdown: each claim, in how many transfers it holds, and the numbers behind that.

    Args:
        seeds: what sweeps say of baselines, see `dviz.results.seeds.over_seeds`.
    """
    claims = (
        _kept_modularity([t for t in transfers if t.noisy]),
        _gained_accuracy([t for t in transfers if t.real]),
        _beaten_baselines(transfers, seeds or OverSeeds()),
    )
    return "\n\n".join(claims)


def _claim(text: str, verdict: str, lines: Sequence[str]) -> str:
    if not lines:
        return f"**{text}** Not measured yet."
    return f"**{text}** {verdict}\n\n" + "\n".join(f"- {line}" for line in lines)


def _yes(fine: bool) -> str:
    return "yes" if fine else "no"


def _kept(changes: Sequence[Difference]) -> str:
    """Whether scores fell by no more than TOLERANCE; "open" where their errors leave that so."""
    errors = [ERRORS * _known(c.error) for c in changes]
    if all(c.value - error >= -TOLERANCE for c, error in zip(changes, errors, strict=True)):
        return "yes"
    lost = any(c.value + error < -TOLERANCE for c, error in zip(changes, errors, strict=True))
    return "no" if lost else "open"


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
            held = _kept(changes)
            kept[stage] += held == "yes"
            told = ", ".join(f"{p} {c.as_score()}" for p, c in zip(POOLINGS, changes, strict=True))
            words.append(f"{stage} {held} ({told})")
        lines.append(f"{t.title}: {'; '.join(words)}{_departures(t)}")
    return _claim(
        "1. Modularity survives where the Target has the same factors, noise added.",
        f"It is kept directly in {kept[DIRECT]} and after fine-tuning in {kept[FINE_TUNED]} of "
        f"{len(transfers)} transfers: it counts as kept where it falls by at most {TOLERANCE} from "
        "the Source's with either pooling, twice its standard error included; open is what that "
        "error leaves so.",
        lines,
    )


def _departures(t: Transfer) -> str:
    """In what the fine-tuning departs from the study's plain β-VAE, in the same sentence."""
    training = t.tuned.config.training
    words = []
    if training.get("decoder_first"):
        words.append("the decoder alone at first")
    kept = training.get("freeze_statistics") and not training.get("reestimate_statistics")
    if kept and not t.tuned.config.architecture.looks_through:
        words.append("the Source's BatchNorm statistics")
    if training.get("beta") != t.source.config.training.get("beta"):
        words.append("another β than the Source's")
    if training.get("replay"):
        words.append("replay of Source images")
    if training.get("update", "all") != "all":
        words.append(f"updates of {str(training['update']).replace('-', ' ')} only")
    if training.get("untied_beta", training.get("beta")) != training.get("beta"):
        words.append("a larger β where no factor is tied")
    if (loss := training.get("reconstruction", "bernoulli")) != "bernoulli":
        words.append(f"a {loss} loss of pictures")
    if training.get("reestimate_statistics"):
        words.append("BatchNorm statistics taken anew")
    return f" – not the study's plain β-VAE but with {', '.join(words)}" if words else ""


KEPT = {"yes": "kept", "no": "lost", "open": "kept or lost"}


def _gained_accuracy(transfers: Sequence[Transfer]) -> str:
    """Claim 2: accuracy beyond its error, and whether OMES is kept; beside it what was lost."""
    gained, kept, lines = 0, 0, []
    below = {DIRECT: 0, FINE_TUNED: 0}
    for t in transfers:
        gain = accuracy_difference(t.direct.result, t.tuned.result, "gbt", "all")
        change = omes_difference(t.direct.result, t.tuned.result)
        before = 100 * t.direct.result.mean_accuracy("gbt", "all")
        fine, held = gain.clear and gain.value > 0, _kept([change])
        gained, kept = gained + fine, kept + (held == "yes")
        words = []
        for stage, model in ((DIRECT, t.direct), (FINE_TUNED, t.tuned)):
            fall = omes_difference(t.source.result, model.result)
            known = _calibrated_fall(t, model)
            below[stage] += t.synthetic and fall.clear and fall.value < 0 and not known >= 0
            told = "" if math.isnan(known) else f", calibrated {known:+.3f}"
            words.append(f"{stage} {fall.as_score()}{told}")
        lines.append(
            f"{t.title}: {_yes(fine)}, {before:.1f} {gain.in_points()}; OMES avg "
            f"{KEPT[held]}, {change.as_score()} (from the Source's: "
            f"{', '.join(words)}){_from_photographs(t)}{_departures(t)}"
        )
    return _claim(
        "2. On real Targets modularity and compactness degrade (OMES avg); fine-tuning without "
        "labels wins back explicitness (mean GBT accuracy in %, all dimensions) and keeps the "
        "rest.",
        f"OMES avg is below the Source's by more than twice the standard error directly in "
        f"{below[DIRECT]} and after fine-tuning in {below[FINE_TUNED]} of "
        f"{sum(t.synthetic for t in transfers)} transfers from a synthetic Source, also when both "
        "are calibrated, as a perfect code reaches another OMES on another dataset. Against the "
        "direct encoder, accuracy rises by more than twice its standard error in "
        f"{gained} of {len(transfers)}, and OMES falls by at most {TOLERANCE}, twice its error "
        f"included, in {kept}.",
        lines,
    )


def _calibrated_fall(t: Transfer, model: Model) -> float:
    """By how much calibrated OMES differs from the Source's; NaN where it was not measured."""
    here, there = model.result.omes_calibrated(), t.source.result.omes_calibrated()
    return math.nan if here is None or there is None else here.omes - there.omes


def _from_photographs(t: Transfer) -> str:
    """Where photographs had a part in the Source, in the same sentence."""
    network = t.source.config.architecture.looks_through
    if network:
        return f" – from a synthetic Source behind {network}, which learnt from photographs"
    return "" if t.synthetic else " – not from a synthetic Source but from photographs"


OVER_SEEDS = {"OMES avg": "OMES avg", "GBT": "GBT, all", "MLP": "MLP, all"}
MEASURES: dict[str, Callable[[DatasetReport, DatasetReport], Difference]] = {
    "OMES avg": omes_difference,
    "GBT": lambda a, b: accuracy_difference(a, b, "gbt", "all"),
    "MLP": lambda a, b: accuracy_difference(a, b, "mlp", "all"),
}


def _equals(t: Transfer, *stages: str) -> list[Baseline]:
    """Baselines of stages, by default of both, with an encoder like ours."""
    return _alike(b for stage in stages or (DIRECT, FINE_TUNED) for b in t.rivals_of(stage))


def _alike(baselines: Iterable[Baseline]) -> list[Baseline]:
    """Those with an encoder like ours: one that was trained on more images is no equal."""
    return [b for b in baselines if b.result.posterior_std is not None]


def _gap(name: str, t: Transfer, stage: str, b: Baseline, seeds: OverSeeds) -> Difference:
    """Ours minus a baseline's, and its error.

    Where both were trained from several seeds, their mean difference, and as its error half of its
    95% interval over ERRORS; where the baseline alone was, ours minus its mean, and the interval
    that one more of its networks falls into is part of the error likewise. Of the Target alone
    another network's seeds tell how far apart those of one seed may lie.
    """
    label, way = OVER_SEEDS[name], (t.source.config.name, b.result.dataset)
    if gain := _gain(name, t, stage, b.name, seeds):
        return Difference(gain.mean, gain.reach / ERRORS)
    ours = (t.direct if stage == DIRECT else t.tuned).result
    assert ours is not None
    gap = MEASURES[name](b.result, ours)
    over = seeds.level(*way, b.name).get(label)
    apart = seeds.apart(b.result.dataset).get(label) if b.name == TARGET_ONLY else None
    if math.isnan(gap.value) or (over is None and apart is None):
        return gap
    if over is None:
        return Difference(gap.value, math.hypot(_known(gap.error), apart.reach_beside_one / ERRORS))
    one = MEASURES[name](b.result, b.result)  # of the baseline itself, twice its variance
    noise = max(_known(gap.error) ** 2 - _known(one.error) ** 2 / 2, 0)
    value = gap.value + _score(name, b.result) - over.mean
    return Difference(value, math.hypot(math.sqrt(noise), over.reach_of_one / ERRORS))


def _gain(name: str, t: Transfer, stage: str, rival: str, seeds: OverSeeds) -> Spread | None:
    """Ours minus a baseline's over seeds of both; None where one or both have one seed."""
    way = (t.source.config.name, t.tuned.config.dataset)
    return seeds.gain(*way, stage, rival).get(OVER_SEEDS[name])


def _known(error: float) -> float:
    return 0 if math.isnan(error) else error


def _score(name: str, result: DatasetReport) -> float:
    if name.startswith("OMES"):
        return result.omes().omes
    return result.mean_accuracy(name.lower(), "all")


def _beaten_baselines(transfers: Sequence[Transfer], seeds: OverSeeds) -> str:
    """Claim 3: by measure, whether an encoder is above every equal baseline beyond the error."""
    won, sure, seen = (dict.fromkeys(MEASURES, 0) for _ in range(3))
    lines = []
    for t in transfers:
        for stage in (DIRECT, FINE_TUNED):
            for name in MEASURES:
                gaps = {b.name: _gap(name, t, stage, b, seeds) for b in _equals(t, stage)}
                gaps = {rival: gap for rival, gap in gaps.items() if not math.isnan(gap.value)}
                if not gaps:
                    continue
                fine = all(gap.clear and gap.value > 0 for gap in gaps.values())
                seen[name] += 1
                won[name] += fine
                sure[name] += fine and any(_gain(name, t, stage, b, seeds) for b in gaps)
                told = ", ".join(f"{rival} {_told(name, gap)}" for rival, gap in gaps.items())
                lines.append(f"{_yes(fine)}: {t.title}, {stage}, {name}: {told}")
    compared = sum(bool(_equals(t)) for t in transfers)
    tally = ", ".join(
        f"{name} {won[name]} of {seen[name]}{f' ({sure[name]} over seeds)' if sure[name] else ''}"
        for name in MEASURES
        if seen[name]
    )
    remarks = (
        _over_seeds(transfers, seeds),
        _shared(transfers, seeds),
        _without_baselines(transfers),
        _measured_otherwise(transfers),
    )
    return _claim(
        "3. What was learnt on the Source helps: the encoder is above every baseline of the same "
        "architecture.",
        f"By more than twice the standard error of the difference: {tally} encoders, direct and "
        f"fine-tuned, of {compared} transfers. The differences are ours minus the baseline's; "
        "accuracies from all dimensions, in points. What each baseline is stands with its "
        "transfer; one that learnt on the Source stands beside the direct encoder only where it "
        f"was not fine-tuned either.{''.join(remarks)}",
        lines,
    )


def _over_seeds(transfers: Sequence[Transfer], seeds: OverSeeds) -> str:
    """Which baselines count with several seeds, in a sentence."""
    both, alone, apart = {}, {}, {}
    for t in transfers:
        for b in _equals(t):
            way, label = (t.source.config.name, b.result.dataset), OVER_SEEDS["GBT"]
            if gain := seeds.gain(*way, FINE_TUNED, b.name).get(label):
                both[f"{t.title} and {b.name} ({gain.seeds} seeds)"] = True
            elif level := seeds.level(*way, b.name).get(label):
                alone[f"{b.name} on {b.result.dataset} ({level.seeds} seeds)"] = True
            elif b.name == TARGET_ONLY and seeds.apart(b.result.dataset):
                apart[t.title] = True
    told = ""
    if both:
        told += (
            f" Of {', '.join(both)} the difference is the mean over seeds, and its error a quarter "
            "of that mean's 95% interval: twice the error reaches its end."
        )
    if alone:
        told += (
            f" Of {', '.join(alone)}, beside another encoder of that architecture, of one seed, "
            "the mean counts, and a quarter of the 95% interval of one more seed belongs to the "
            "error."
        )
    if apart:
        told += (
            f" Those of {' and of '.join(apart)} are other networks, of one seed each; their "
            "scores are taken to scatter over seeds as widely, and a quarter of the 95% interval "
            "of one more beside the one belongs to the error."
        )
    return told + " What is compared otherwise is of one seed." if told else ""


def _shared(transfers: Sequence[Transfer], seeds: OverSeeds) -> str:
    """Which networks several transfers are compared with, in a sentence: they fall together."""
    # Scores that are equal to the bit are of one network.
    met = Counter(
        (f"{b.name} on {b.result.dataset}", b.result.omes().omes)
        for t in transfers
        for b in _alike(t.rivals)
        if not seeds.level(t.source.config.name, b.result.dataset, b.name)
    )
    told = [f"{name} ({many} transfers)" for (name, _), many in met.items() if many > 1]
    if not told:
        return ""
    return f" One network of one seed is met by several: {', '.join(told)}."


def _without_baselines(transfers: Sequence[Transfer]) -> str:
    """Which transfers were compared with nothing, in a sentence."""
    alone = [t.title for t in transfers if not _equals(t)]
    return f" Without baselines, and not counted: {', '.join(alone)}." if alone else ""


def _measured_otherwise(transfers: Sequence[Transfer]) -> str:
    """In what baselines were measured by another rule than ours, in a sentence each."""
    pairs = [(t, b) for t in transfers for b in _alike(t.rivals)]
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
