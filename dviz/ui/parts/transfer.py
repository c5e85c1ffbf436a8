"""A transfer on the page: its lineage, its distance, and what went well or wrong, as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape

from dviz.checkpoint import DIRECT, EXTERNAL, FINE_TUNED, SOURCE
from dviz.lineage import STAGES
from dviz.measuring.diagnosis import Finding, diagnose
from dviz.measuring.report import Baseline, DatasetReport, DistanceReport
from dviz.ui.core.entry import Entry
from dviz.ui.core.titles import title_of, titled
from dviz.ui.core.verdict import TARGET_ONLY, Slope, probe_model, slopes, verdict
from dviz.ui.parts import markup
from dviz.ui.parts.accuracies import accuracy_tables
from dviz.ui.parts.slopes import shows_errors, slope_chart

STAGE_NAMES = {
    SOURCE: "Source",
    EXTERNAL: "External model",
    DIRECT: "Target, direct",
    FINE_TUNED: "Target, fine-tuned",
}
NO_VERDICT = "There is no transfer of this checkpoint here to judge."
SIGNS = {"good": "✓", "warning": "!", "note": "i"}
DISTANCES = (
    (
        "Outside of the Source's range",
        "of the Target's images have a code beyond the central 99% of the Source's somewhere",
    ),
    (
        "Fréchet distance of codes",
        "between two Gaussians fitted to the codes; 0 where they are alike",
    ),
    (
        "Kernel distance of codes (MMD²)",
        "sees any difference of shape; p by permutation",
    ),
    ("ELBO lost", "an image: how much worse the Source's model explains the Target"),
    (
        "Fréchet distance of pixels",
        "of images shrunk to 8 × 8: how different they look, whatever a model makes of it",
    ),
)
WHISKERS = "A line through a dot is two standard errors, where these are larger than the dot. "
WITHIN_DOTS = "Two standard errors are smaller than a dot. "
ONE_TRAINING = (
    "All of it is of these checkpoints: after another training OMES differs by about 0.02 to 0.05 "
    "(standard deviation over five seeds, in two transfers)."
)
NO_DISTANCE = "How far the Target lies from the Source was not measured."
NOTHING_TO_SAY = "Nothing was measured of these checkpoints, so nothing can be said of them."


def transfer_page(entries: Sequence[Entry]) -> str:
    """One transfer: its verdict, a chart a factor, and all the rest folded away."""
    last = entries[-1]
    results = {e.config.stage: e.result for e in entries if e.result is not None}
    alone = next((b.result for b in last.report.baselines if b.name == TARGET_ONLY), None)
    sentences = verdict(results, alone)
    words = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    charts = slopes(results, alone)
    figures = "".join(slope_chart(s, "" if s.name == "OMES" else "%") for s in charts)
    missing = "".join(
        markup.note(f"{e.key} {e.why_no_result}.") for e in entries if e.result is None
    )
    return (
        f'<section class="transfer"><h2>{_route(entries)}</h2>'
        f'<div class="verdict-line">{words or markup.note(NO_VERDICT)}</div>{missing}'
        f'<div class="slopes">{figures}</div>{_legend(charts, results)}'
        f"<details><summary>Why: what the reports say, and how far the Target lies</summary>"
        f"{findings_of(entries)}{distance_of(entries)}</details>"
        f"<details><summary>Every accuracy, with baselines</summary>"
        f"{accuracy_tables(entries)}</details></section>"
    )


def _route(entries: Sequence[Entry]) -> str:
    """For example "3D Shapes → COIL-100 Augmented"."""
    names = [entry.title for entry in entries]
    if entries[0].config.stage != SOURCE and entries[-1].config.source:
        names.insert(0, entries[-1].source_title)
    return " → ".join(escape(name) for name in dict.fromkeys(names))


def _legend(charts: Sequence[Slope], results: Mapping[str, DatasetReport]) -> str:
    if len(charts) < 2:
        return ""
    last = [results[stage] for stage in STAGES if stage in results][-1]
    name = {"gbt": "gradient-boosted trees", "mlp": "an MLP"}[probe_model(last)]
    errors = ""
    if any(slope.errors for slope in charts):
        errors = WHISKERS if any(map(shows_errors, charts)) else WITHIN_DOTS
    return markup.note(
        f"OMES in [0, 1]; for each factor the share of held-out images that {name} read right from "
        f"all dimensions. {errors}A Source has a point where it has a factor of the same meaning. "
        f"{ONE_TRAINING}"
    )


def findings_of(entries: Sequence[Entry]) -> str:
    """The diagnosis of a lineage."""
    found = diagnosed(entries)
    if not found:
        return markup.note(NOTHING_TO_SAY)
    return f'<ul class="findings">{"".join(map(_finding, found))}</ul>'


def diagnosed(entries: Sequence[Entry]) -> list[Finding]:
    """What the reports of a lineage say."""
    results = {e.config.stage: titled(e.result) for e in entries if e.result is not None}
    stages = (results.get(stage) for stage in STAGES)
    baselines = [replace(b, result=titled(b.result)) for b in baselines_in(entries)]
    return diagnose(*stages, distance_in(entries), baselines)


def _finding(finding: Finding) -> str:
    return (
        f'<li class="is-{finding.kind}"><span aria-hidden="true">{SIGNS[finding.kind]}</span>'
        f"<div><b>{escape(finding.title)}</b><p>{escape(finding.text)}</p></div></li>"
    )


def distance_in(entries: Sequence[Entry]) -> DistanceReport | None:
    """The distance in the first of these reports that has one, its datasets by their titles."""
    found = next((e.report.distance for e in entries if e.report.distance is not None), None)
    if found is None:
        return None
    return replace(found, source=title_of(found.source), target=title_of(found.target))


def baselines_in(entries: Sequence[Entry]) -> list[Baseline]:
    """What the last of these is compared with."""
    return entries[-1].report.baselines if entries else []


def distance_of(entries: Sequence[Entry]) -> str:
    """The distances between Source and Target, with what each means; or that there are none."""
    if all(entry.config.stage == SOURCE for entry in entries):
        return ""
    found = distance_in(entries)
    if found is None:
        return markup.note(NO_DISTANCE)
    title = f"From {found.source} to {found.target}, as the Source sees them"
    note = f"{found.num_images:,} images of each, seed {found.seed}; nobody looked at a label."
    cells = [
        [escape(what), escape(value), escape(meaning)]
        for (what, meaning), value in zip(DISTANCES, _values(found), strict=True)
    ]
    table = markup.table(["Distance", "Value", "What it says"], cells, title, kind="distances")
    return table + markup.note(note)


def _values(found: DistanceReport) -> list[str]:
    """What stands beside each of DISTANCES."""
    return [
        markup.percent(found.outside),
        f"{found.frechet:,.2f}",
        f"{found.mmd:.4f} (p = {found.mmd_p_value:.2g})",
        found.elbo_drop_in_words,
        f"{found.pixel_frechet:,.2f}",
    ]
