"""A transfer on the page: its lineage, its distance, and what went well or wrong, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr
import numpy as np

from dviz.checkpoint import DIRECT, FINE_TUNED, SOURCE
from dviz.lineage import STAGES
from dviz.measuring.diagnosis import Finding, diagnose
from dviz.measuring.report import Baseline, DistanceReport
from dviz.ui.core.entry import Entry
from dviz.ui.core.library import Library
from dviz.ui.parts import markup

STAGE_NAMES = {SOURCE: "Source", DIRECT: "Target, direct", FINE_TUNED: "Target, fine-tuned"}
WAYS = {SOURCE: "trained with weak labels", DIRECT: "weights copied", FINE_TUNED: "no labels used"}
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
NO_DISTANCE = "How far the Target lies from the Source was not measured."
NOTHING_TO_SAY = "Nothing was measured of these checkpoints, so nothing can be said of them."


def target_choice(elem_id: str) -> gr.Radio:
    """Which Target to look at, where a Source has several; see `target_update`."""
    return gr.Radio([], label="Target", visible=False, elem_id=elem_id)


def target_update(library: Library, key: str, target: str | None = None) -> Any:
    """What `target_choice` offers of a checkpoint."""
    targets = library.targets(key)
    value = target if target in targets else next(iter(targets), None)
    return gr.Radio(targets, value=value, visible=len(targets) > 1)


def lineage_of(entries: Sequence[Entry]) -> str:
    """Source → direct → fine-tuned, each with its figures."""
    steps = "".join(f"<li>{_step(entry)}</li>" for entry in entries)
    return f'<ol class="lineage-line" aria-label="Lineage">{steps}</ol>'


def _step(entry: Entry) -> str:
    config = entry.config
    steps = config.training.get("steps")
    way = WAYS.get(config.kind, "")
    if isinstance(steps, int) and config.kind != DIRECT:
        way = f"{steps:,} steps, {way}"
    return (
        f'<h3 class="stage-title {escape(config.kind)}">'
        f"{escape(STAGE_NAMES.get(config.kind, config.kind))}"
        f"<small>{escape(config.dataset)}</small></h3>"
        f"<p>{escape(entry.key)}</p><p>{escape(way)}</p><p>{escape(_figures(entry))}</p>"
    )


def _figures(entry: Entry) -> str:
    result = entry.result
    if result is None:
        return "nothing measured"
    score = result.omes().omes
    read = result.mean_accuracy("gbt", "all")
    probes = "" if np.isnan(read) else f" · probes {markup.percent(read)}"
    return f"OMES {score:.2f}{probes}"


def findings_of(entries: Sequence[Entry]) -> str:
    """The diagnosis of a lineage."""
    found = diagnosed(entries)
    if not found:
        return markup.note(NOTHING_TO_SAY)
    return f'<ul class="findings">{"".join(map(_finding, found))}</ul>'


def diagnosed(entries: Sequence[Entry]) -> list[Finding]:
    """What the reports of a lineage say."""
    results = {entry.config.stage: entry.result for entry in entries}
    stages = (results.get(stage) for stage in STAGES)
    return diagnose(*stages, distance_in(entries), baselines_in(entries))


def _finding(finding: Finding) -> str:
    return (
        f'<li class="is-{finding.kind}"><span aria-hidden="true">{SIGNS[finding.kind]}</span>'
        f"<div><b>{escape(finding.title)}</b><p>{escape(finding.text)}</p></div></li>"
    )


def distance_in(entries: Sequence[Entry]) -> DistanceReport | None:
    """The distance in the first of these reports that has one."""
    return next((e.report.distance for e in entries if e.report.distance is not None), None)


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
    title = f"From {found.source} to {found.target}, as {found.encoder} sees them"
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
        f"{found.elbo_drop:,.0f} nats",
        f"{found.pixel_frechet:,.2f}",
    ]
