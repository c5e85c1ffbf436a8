"""Tab "Probes & transfer": how well factors can be read off, before and after fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from dviz.checkpoint import DIRECT, FINE_TUNED, SOURCE
from dviz.measuring.report import Baseline
from dviz.palette import GREY, STAGE_COLOURS
from dviz.ui.core.entry import Entry
from dviz.ui.parts import markup
from dviz.ui.parts.charts import Bars, accuracy_chart
from dviz.ui.parts.errors import friendly
from dviz.ui.parts.transfer import (
    distance_of,
    findings_of,
    lineage_of,
    target_choice,
    target_update,
)
from dviz.ui.tabs.base import Context, Tab

HELP = (
    "A **probe** is a small classifier that reads one factor off the codes of images it was not "
    "trained on. It may use *all* active dimensions, or only the *one* associated with the factor: "
    "where that costs little, the factor sits in one place. The line across a factor's bars is "
    "**chance**. Above the charts stands what these figures add up to."
)
MODELS = {"gbt": "Gradient-boosted trees", "mlp": "Neural network (MLP)"}
DIMENSIONS = {"all": "all", "pruned": "one"}  # dimensions a probe reads, and how it is called


def build(tab: Context) -> None:
    """Build the tab's inside."""
    library, checkpoint, refresh = tab.library, tab.checkpoint, tab.refresh

    @friendly
    def show(key: str, target: str | None = None) -> list[Any]:
        entries = [library.get(name) for name in library.lineage(key, target)]
        targets = [entry for entry in entries if entry.config.stage != SOURCE]
        sources = [entry for entry in entries if entry.config.stage == SOURCE]
        words = lineage_of(entries), findings_of(entries), distance_of(entries)
        sections = [*section("On the Target", targets), *section("On the Source", sources)]
        return [target_update(library, key, target), *words, *sections]

    gr.Markdown(HELP, elem_classes="help")
    target = target_choice("probes-target")
    waiting = markup.LOADING if library.names else ""
    lineage = gr.HTML(waiting, apply_default_css=False, elem_id="lineage")
    findings = gr.HTML(apply_default_css=False, elem_id="findings")
    distance = gr.HTML(apply_default_css=False, elem_id="distance")
    outputs = [target, lineage, findings, distance, *_build_section(), *_build_section()]
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on(refresh, show, checkpoint, outputs, **quiet)
    target.input(show, [checkpoint, target], outputs, **quiet)


def _build_section() -> list[Any]:
    """A heading with a summary, then for each kind of probe a title, a chart and a table."""
    parts = [gr.HTML(apply_default_css=False)]
    with gr.Row(elem_classes="lineage"):
        for _ in MODELS:
            with gr.Column(min_width=320):
                parts.append(gr.HTML(apply_default_css=False))
                parts.append(gr.Plot(show_label=False, visible=False, elem_classes="accuracy"))
                parts.append(gr.HTML(apply_default_css=False))
    return parts


def section(heading: str, entries: Sequence[Entry]) -> list[Any]:
    """Updates of what `_build_section` made."""
    measured = [entry for entry in entries if entry.result is not None and entry.result.probes]
    updates: list[Any] = [summary(heading, entries, measured)]
    for model, name in MODELS.items():
        if any(has_model(entry, model) for entry in measured):
            chart = gr.Plot(chart_of(measured, model), visible=True)
            updates += [f"<h3>{name}</h3>", chart, table_of(measured, model)]
        else:
            updates += ["", gr.Plot(None, visible=False), ""]
    return updates


def has_model(entry: Entry, model: str) -> bool:
    return any(probe.model == model for probe in entry.result.probes)


def summary(heading: str, entries: Sequence[Entry], measured: Sequence[Entry]) -> str:
    """The section's heading, and in words what its figures say or why there are none."""
    if not entries:
        return ""
    dataset = entries[0].config.dataset
    title = f'<h2 class="section">{escape(heading)}<small>{escape(dataset)}</small></h2>'
    lines = [_in_words(entry) for entry in measured]
    lines += [
        f"{entry.key} has no probe accuracies in its report; dviz evaluate measures them."
        for entry in entries
        if entry not in measured
    ]
    if {entry.config.kind for entry in entries} == {DIRECT}:
        lines.append("There is no fine-tuned checkpoint of this transfer here to compare with.")
    return title + "".join(markup.note(line) for line in lines)


def _in_words(entry: Entry) -> str:
    result = entry.result
    model = "gbt" if has_model(entry, "gbt") else "mlp"
    every, one = (result.mean_accuracy(model, dimensions) for dimensions in DIMENSIONS)
    chance = float(np.nanmean(result.chances()))
    return (
        f"{entry.config.kind.capitalize()}: {MODELS[model].lower()} read a factor right in "
        f"{markup.percent(every)} of {result.num_images // 3:,} held-out images from all "
        f"dimensions, {markup.percent(one)} from one (mean over factors; chance "
        f"{markup.percent(chance)}; seed {result.seed})."
    )


def chart_of(entries: Sequence[Entry], model: str) -> go.Figure:
    """Accuracy per factor of one kind of probe, from all dimensions and from one."""
    factors = entries[0].result.factors
    series = []
    for entry in entries:
        colour = STAGE_COLOURS.get(entry.config.stage, GREY)
        for dimensions, words in DIMENSIONS.items():
            values = entry.result.accuracies(model, dimensions, factors)
            errors = entry.result.errors(model, dimensions, factors)
            name = f"{entry.config.kind}, {words}"
            series.append(Bars(name, colour, values, errors, faint=dimensions != "all"))
    return accuracy_chart(series, factors, entries[0].result.chances(factors))


def table_of(entries: Sequence[Entry], model: str) -> str:
    """The chart's figures in per cent, with baselines and what fine-tuning gained."""
    factors = entries[0].result.factors
    encoders = [(b.name, b.description, b.result) for entry in entries for b in _baselines(entry)]
    encoders += [(entry.config.kind, entry.key, entry.result) for entry in entries]
    rows = [["chance", *_cells(entries[0].result.chances(factors))]]
    for name, description, result in encoders:
        for dimensions, words in DIMENSIONS.items():
            cell = f'<span title="{escape(description)}">{escape(name)}, {words}</span>'
            rows.append([cell, *_cells(result.accuracies(model, dimensions, factors))])
    table = markup.table(
        ["Encoder, dimensions", *map(escape, factors), "mean"],
        rows + _gains(entries, factors, model),
        "Accuracy on held-out images, %",
        kind="numbers",
    )
    baselines = [b for entry in entries for b in _baselines(entry)]
    notes = [markup.note(f"{b.name}: {b.description.rstrip('.')}.") for b in baselines]
    return table + "".join(notes)


def _gains(entries: Sequence[Entry], factors: Sequence[str], model: str) -> list[list[str]]:
    by_kind = {entry.config.stage: entry.result for entry in entries}
    if not {DIRECT, FINE_TUNED} <= set(by_kind):
        return []
    rows = []
    for dimensions, words in DIMENSIONS.items():
        before, after = (
            by_kind[kind].accuracies(model, dimensions, factors) for kind in (DIRECT, FINE_TUNED)
        )
        rows.append([f"gain, {words}", *_cells(after - before, signed=True)])
    return rows


def _baselines(entry: Entry) -> list[Baseline]:
    """Baselines measured on the dataset of the entry's own result."""
    return entry.report.baselines_on(entry.result.dataset)


def _cells(values: np.ndarray, signed: bool = False) -> list[str]:
    """Shares in per cent, and their mean last."""
    known = values[~np.isnan(values)]
    mean = known.mean() if len(known) else np.nan
    form = "{:+.1f}" if signed else "{:.1f}"
    return ["–" if np.isnan(v) else form.format(round(100 * v, 1) + 0.0) for v in [*values, mean]]


TAB = Tab("Probes & transfer", "probes", build)
