"""Tab "Your data": anybody's codes and labels, measured as the shipped checkpoints are."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterator
from html import escape
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from dviz.errors import CheckpointError
from dviz.limits import LIMITS
from dviz.measuring.files import Labels
from dviz.metrics.omes import POOLINGS
from dviz.metrics.suite import METRICS
from dviz.metrics.summary import notes, score_rows
from dviz.palette import BLUE, GREEN, ORANGE
from dviz.ui.core.inspector import MAX_DIMENSIONS
from dviz.ui.core.library import Library
from dviz.ui.core.own_codes import (
    ORDER,
    OwnTable,
    Waiting,
    as_table,
    measure_in_turn,
    read_files,
)
from dviz.ui.parts import markup
from dviz.ui.parts.address import number, one_of
from dviz.ui.parts.charts import Bars, accuracy_chart, association_heatmap
from dviz.ui.parts.errors import friendly
from dviz.ui.parts.scores import alpha_slider, factor_table, pooling_choice, totals
from dviz.ui.tabs.base import Context, Tab

HELP = (
    "Codes of **any** model, with labels, are all that is needed: drop in `representations.npz` "
    "(an array `mean`, one row per image) and `classes.csv` (a header of factor names, one row per "
    "image), or one CSV with columns `z0, z1, …` and one for each factor. Labels may be numbers or "
    "words. The files stay in this page's session."
)
EMPTY = "No codes yet: drop files in, or take those of the checkpoint picked above."
READY = "OMES above needs no training. The other metrics and the probes take up to a minute."
PROBE_SETS = {"all": ("all", BLUE), "union": ("union", GREEN), "pruned": ("pruned", ORANGE)}
PROBE_MODELS = {"gbt": "Gradient-boosted trees", "mlp": "Neural network (MLP)"}
AT_ONCE = LIMITS.measure_at_once + LIMITS.measure_waiting + 1  # who wait are told how long
SESSION = 3600  # seconds that a table nobody looks at is kept


def build(tab: Context) -> None:
    """Build the tab's inside."""
    library, checkpoint = tab.library, tab.checkpoint

    @friendly
    def read(paths: list[str] | None, alpha: float, pooling: str) -> list[Any]:
        return show_table(read_files(paths) if paths else None, alpha, pooling)

    @friendly
    def borrow(key: str, alpha: float, pooling: str) -> list[Any]:
        return show_table(borrowed(library, key), alpha, pooling)

    def rescore(table: OwnTable | None, alpha: float, pooling: str) -> tuple[str, str]:
        return score_of(table, alpha, pooling)

    @friendly
    def run(
        table: OwnTable, alpha: float, pooling: str, request: gr.Request
    ) -> Iterator[list[Any]]:
        for step in measure_in_turn(table, alpha, pooling, request.session_hash):
            yield show_step(step)

    gr.Markdown(HELP, elem_classes="help")
    table = gr.State(None, time_to_live=SESSION)
    files, own, alpha, pooling = _build_inputs()
    tab.address.bind("own_alpha", alpha, number(0, 1), push=False)
    tab.address.bind("own_pooling", pooling, one_of(POOLINGS))
    about, matrix, above, below = _build_association()
    measure, stop, numbers, *charts = _build_metrics()

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    scoring = [alpha, pooling]
    fresh = [table, about, matrix, above, below, measure, stop, numbers, *charts]
    found = [measure, stop, numbers, *charts]
    running = measure.click(
        run, [table, *scoring], found, concurrency_limit=AT_ONCE, concurrency_id="measuring",
        **quiet,
    )  # fmt: skip
    running.failure(
        lambda: [gr.Button(interactive=True), gr.Button(visible=False)], None, found[:2], **quiet
    )
    stop.click(
        lambda: [gr.Button(interactive=True), gr.Button(visible=False)], None, found[:2],
        cancels=running, **quiet,
    )  # fmt: skip
    for changed in (files.upload, files.delete, files.clear):
        changed(read, [files, *scoring], fresh, cancels=running, **quiet)
    own.click(borrow, [checkpoint, *scoring], fresh, cancels=running, **quiet)
    live = {**quiet, "queue": False, "trigger_mode": "always_last"}
    gr.on([alpha.input, pooling.input], rescore, [table, *scoring], [above, below], **live)


def _build_inputs() -> tuple[gr.File, gr.Button, gr.Slider, gr.Radio]:
    """Where files are dropped, the button for the checkpoint's own codes, α and pooling."""
    with gr.Row(elem_classes="uploads"):
        with gr.Column(scale=2, min_width=280):
            files = gr.File(
                label="Codes and labels",
                file_count="multiple",
                file_types=[".npz", ".csv"],
                height=150,
                elem_id="own-files",
            )
            own = gr.Button("Take the checkpoint's own codes", size="sm", elem_id="own-borrow")
        with gr.Column(scale=3, min_width=280):
            return files, own, alpha_slider("own-alpha"), pooling_choice("own-pooling")


def _build_association() -> tuple[gr.HTML, gr.Plot, gr.HTML, gr.HTML]:
    """What was read, its matrix, and its score above a table a row a factor."""
    about = gr.HTML(markup.note(EMPTY), elem_id="own-about", apply_default_css=False)
    with gr.Row(elem_classes="lineage"):
        with gr.Column(min_width=320):
            matrix = gr.Plot(
                show_label=False, visible=False, elem_classes="matrix", elem_id="own-matrix"
            )
        with gr.Column(min_width=320):
            above = gr.HTML(apply_default_css=False, elem_classes="score", elem_id="own-score")
            below = gr.HTML(apply_default_css=False, elem_id="own-factors")
    return about, matrix, above, below


def _build_metrics() -> list[Any]:
    """Two buttons, the table of metrics, and for each kind of probe a title and a chart."""
    with gr.Row(elem_classes="actions"):
        measure = gr.Button(
            "Measure everything", variant="primary", visible=False, elem_id="own-measure"
        )
        stop = gr.Button("Stop", visible=False, elem_id="own-stop")
    parts = [measure, stop, gr.HTML(apply_default_css=False, elem_id="own-numbers")]
    with gr.Row(elem_classes="lineage"):
        for _ in PROBE_MODELS:
            with gr.Column(min_width=320):
                parts.append(gr.HTML(apply_default_css=False))
                parts.append(gr.Plot(show_label=False, visible=False, elem_classes="accuracy"))
    return parts


def borrowed(library: Library, key: str) -> OwnTable:
    """The stored codes of a checkpoint, as if somebody had dropped them in.

    Raises:
        CheckpointError: it came without any.
    """
    entry = library.get(key)
    if entry.sample is None:
        raise CheckpointError(f"{key} came without codes; dviz evaluate writes them")
    codes, classes = entry.sample
    factors = entry.config.factors
    labels = Labels(tuple(f.name for f in factors), classes, tuple(f.values for f in factors))
    return as_table(key, codes, labels)


def show_table(table: OwnTable | None, alpha: float, pooling: str) -> list[Any]:
    """Updates of everything on the tab for a table that was just dropped in, or taken away."""
    there = table is not None
    about = describe(table) if there else markup.note(EMPTY)
    plot = gr.Plot(heatmap_of(table), visible=True) if there else gr.Plot(None, visible=False)
    buttons = [gr.Button(visible=there, interactive=True), gr.Button(visible=False)]
    charts = ["", gr.Plot(None, visible=False)] * len(PROBE_MODELS)
    note = markup.note(READY) if there else ""
    return [table, about, plot, *score_of(table, alpha, pooling), *buttons, note, *charts]


def describe(table: OwnTable) -> str:
    """One line on what was read."""
    count, width = table.codes.shape
    classes = table.labels.classes.T
    factors = ", ".join(
        f"{name} ({len(np.unique(column))})"
        for name, column in zip(table.labels.names, classes, strict=True)
    )
    return (
        f'<p class="summary"><b>{escape(table.name)}</b>: {count:,} rows · {width} dimensions, '
        f"{int(table.active.sum())} active · factors and their values: {escape(factors)}</p>"
    )


def heatmap_of(table: OwnTable) -> go.Figure:
    """Active rows of S; the first ones where there are very many."""
    shown = np.flatnonzero(table.active)[:MAX_DIMENSIONS]
    names = [f"z{d}" for d in shown]
    return association_heatmap(table.association.matrix[shown], names, table.labels.names)


def score_of(table: OwnTable | None, alpha: float, pooling: str) -> tuple[str, str]:
    """HTML of the totals, and of a row a factor."""
    if table is None:
        return "", ""
    score = table.omes(alpha, pooling)
    pairs = dict(zip(table.labels.names, table.association.pairs.tolist(), strict=True))
    words = ", ".join(f"{name} {count:,}" for name, count in pairs.items())
    note = markup.note(
        "S in closed form, over every pair of rows that differ in one factor alone. Pairs behind "
        f"each factor: {words}."
    )
    return totals(score), factor_table(score) + note


def show_step(step: Waiting | tuple[str | None, dict[str, Any]] | None) -> list[Any]:
    """Updates of what `measure_in_turn` yields; nothing changes with a mere sign of life."""
    charts = [gr.skip()] * (2 * len(PROBE_MODELS))
    if step is None:
        return [gr.skip(), gr.skip(), gr.skip(), *charts]
    if isinstance(step, Waiting):
        return [gr.Button(interactive=False), gr.Button(visible=True), waiting(step), *charts]
    return show_result(*step)


def waiting(step: Waiting) -> str:
    others = "one measurement" if step.ahead == 1 else f"{step.ahead} measurements"
    return markup.note(f"Busy: {others} of others first, about {step.seconds} s …")


def show_result(metric: str | None, result: dict[str, Any]) -> list[Any]:
    """Updates while metrics run: `metric` is the one at work, None when all are done."""
    done = metric is None
    buttons = [gr.Button(interactive=done), gr.Button(visible=not done)]
    parts = [] if done else [progress(metric, result.get("remaining"))]
    if result:
        parts.append(metric_table(result))
    if done:
        parts.append(downloads(result))
    charts: list[Any] = []
    for model, name in PROBE_MODELS.items():
        if "probes" in result:
            chart = gr.Plot(probe_chart(result, model), visible=True)
            charts += [f"<h3>{name}: accuracy on held-out rows</h3>", chart]
        else:
            charts += ["", gr.Plot(None, visible=False)]
    return [*buttons, "".join(parts), *charts]


def progress(metric: str, remaining: float | None = None) -> str:
    """Which metric runs, the how-manieth it is, and how long the rest may take."""
    wait = "" if remaining is None else f", about {max(1, round(remaining))} s left"
    step = ORDER.index(metric)
    return (
        f'<p class="note" role="status">{markup.meter(step / len(ORDER))} '
        f"{step + 1} of {len(ORDER)}: {METRICS[metric].title}{wait} …</p>"
    )


def metric_table(result: dict[str, Any]) -> str:
    """A row a metric, its parts factor by factor beside it."""
    factors = result["factors"]
    rows = [
        [escape(label), *(_cell(value) for value in [score, *(parts or [None] * len(factors))])]
        for label, score, parts in score_rows(result)
    ]
    header = ["Metric", "score", *map(escape, factors)]
    remarks = "".join(map(markup.note, _remarks(result)))
    return markup.table(header, rows, kind="numbers") + remarks


def _remarks(result: dict[str, Any]) -> list[str]:
    lines = notes(result)
    rows = result["rows_trained_on"]
    if rows < result["n_samples"]:
        lines.append(
            f"All but OMES on {rows:,} random rows of {result['n_samples']:,} (seed "
            f"{result['seed']}); dviz evaluate metrics takes them all."
        )
    return lines


def probe_chart(result: dict[str, Any], model: str) -> go.Figure:
    """Accuracy per factor from all active dimensions, the associated ones, and the one."""
    factors = result["factors"]
    parts = [result["probes"]["per_factor"][name] for name in factors]
    series = []
    for dimensions, (words, colour) in PROBE_SETS.items():
        scores = [part["probes"].get(model, {}).get(dimensions, {}) for part in parts]
        values, errors = (
            np.array([score.get(key) for score in scores], dtype=np.float64)
            for key in ("accuracy", "standard_error")
        )
        series.append(Bars(words, colour, values, errors))
    chance = np.array([part["chance"] for part in parts], dtype=np.float64)
    return accuracy_chart(series, factors, chance)


def downloads(result: dict[str, Any]) -> str:
    """Links that hold the report themselves, so that no file of anybody's stays on the server."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["metric", "score", *result["factors"]])
    writer.writerows([label, score, *parts] for label, score, parts in score_rows(result))
    files = {
        "report.json": ("application/json", json.dumps(result, indent=1)),
        "metrics.csv": ("text/csv", table.getvalue()),
    }
    links = " ".join(
        f'<a class="download" download="{name}" href="data:{kind};base64,'
        f'{base64.b64encode(text.encode()).decode()}">Download {name}</a>'
        for name, (kind, text) in files.items()
    )
    return f'<p class="note">{links}</p>'


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


TAB = Tab("Your data", "your", build)
