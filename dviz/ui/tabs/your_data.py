"""Tab "Your data": anybody's codes and labels, measured as the shipped checkpoints are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from dviz.errors import CheckpointError, DataFileError
from dviz.limits import LIMITS
from dviz.measuring.files import ROLES, Labels
from dviz.metrics.omes import POOLINGS
from dviz.ui.core.library import Library
from dviz.ui.core.own_codes import OwnTable, Waiting, as_table, measure_in_turn
from dviz.ui.core.own_files import columns_of, read_files
from dviz.ui.parts import markup
from dviz.ui.parts.address import number, one_of
from dviz.ui.parts.blocks import plain_file
from dviz.ui.parts.closer import CHOICES, build_closer
from dviz.ui.parts.errors import friendly
from dviz.ui.parts.own_page import (
    PROBE_MODELS,
    column_rows,
    describe,
    downloads,
    heatmap_of,
    metric_table,
    probe_chart,
    progress,
    reference_rows,
    score_of,
    stopped,
    waiting,
)
from dviz.ui.parts.scores import alpha_slider, pooling_choice
from dviz.ui.tabs.base import Context, Tab

STATIC = Path(__file__).parent.parent / "static"
HELP = (
    "Codes of **any** model with labels: one CSV with a column a dimension and one a factor, or "
    "`representations.npz` (an array `mean`) with `classes.csv`. Files stay in this session."
)
EMPTY = "No codes yet: drop files in, or try an example."
READY = "OMES needs no training. The other metrics and the probes take up to a minute."
GONE = "the table was put away, as nobody looked at it for an hour; drop its files in again"
AT_ONCE = LIMITS.measure_at_once + LIMITS.measure_waiting + 1  # who wait are told how long
PUSHED = "{ push: true }"  # Back returns to what was before
SESSION = 3600  # seconds that a table nobody looks at is kept
Update = dict[Component, Any]


@dataclass(frozen=True)
class Parts:
    """What changes on the tab.

    Whose codes the address asks for is `asked`, whose are shown `lender`; None where they are a
    visitor's own.
    """

    table: gr.State
    asked: gr.State
    lender: gr.State
    columns: gr.HTML
    about: gr.HTML
    above: gr.HTML
    matrix: gr.Plot
    below: gr.HTML
    beside: gr.HTML
    measure: gr.Button
    stop: gr.Button
    numbers: gr.HTML
    titles: tuple[gr.HTML, ...]
    charts: tuple[gr.Plot, ...]

    @property
    def results(self) -> list[Component]:
        """What measuring changes."""
        return [self.measure, self.stop, self.numbers, *self.titles, *self.charts]

    @property
    def all(self) -> list[Component]:
        single = [getattr(self, f.name) for f in fields(self)]
        return [part for part in single if not isinstance(part, tuple)] + [
            *self.titles,
            *self.charts,
        ]


def build(tab: Context) -> None:
    """Build the tab's inside."""
    library = tab.library
    gr.Markdown(HELP, elem_classes="help")
    files, example, alpha, pooling = _build_inputs()
    parts = _build_parts()
    choices = build_closer(parts.table, tab.address, tab.refresh)
    tab.address.bind("own_alpha", alpha, number(0, 1), push=False)
    tab.address.bind("own_pooling", pooling, one_of(POOLINGS))
    tab.address.bind("own", parts.asked, one_of(library.names))

    @friendly
    def read(paths: list[str] | None, alpha: float, pooling: str) -> Update:
        return {**dropped(library, parts, paths, alpha, pooling), **afresh}

    @friendly
    def reread(paths: list[str], alpha: float, pooling: str, event: gr.EventData) -> Update:
        asked = dict(event._data["roles"])
        roles = {name: role for name, role in asked.items() if role in ROLES}
        table = read_files(paths, roles)
        return {**show_table(library, parts, table, alpha, pooling), **afresh}

    @friendly
    def try_example(key: str, alpha: float, pooling: str) -> Update:
        return {**lent(library, parts, key, alpha, pooling), **afresh}

    @friendly
    def arrive(
        own: str | None,
        before: str | None,
        table: OwnTable | None,
        paths: list[str] | None,
        alpha: float,
        pooling: str,
    ) -> Update:
        if own is None and before is not None:  # Back from an example to one's own
            return dropped(library, parts, paths, alpha, pooling)
        if own != before or (own and table is None):
            return lent(library, parts, own, alpha, pooling)
        return scored(library, parts, table, alpha, pooling)

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    scoring, afresh = [alpha, pooling], dict.fromkeys(choices)
    everything = [*parts.all, *choices]
    running = _measuring(parts, scoring)
    for changed in (files.upload, files.delete, files.clear):
        changed(read, [files, *scoring], everything, cancels=running, **quiet)
    parts.columns.select(reread, [files, *scoring], everything, cancels=running, **quiet)
    example.click(try_example, [tab.checkpoint, *scoring], everything, cancels=running, **quiet)
    _write_down(library, files, example)
    here = [parts.asked, parts.lender, parts.table, files, *scoring]
    gr.on(tab.refresh, arrive, here, everything, **quiet)
    live = {**quiet, "queue": False, "trigger_mode": "always_last"}
    texts = [parts.above, parts.below, parts.beside]
    rescore = partial(scored, library, parts)
    gr.on([alpha.input, pooling.input], rescore, [parts.table, *scoring], texts, **live)


def _write_down(library: Library, files: gr.File, example: gr.Button) -> None:
    """Keep in the address whose codes are shown; what was chosen of others means nothing there."""
    first = json.dumps(next(iter(library.names), None))
    picked = f"window.dviz.read().checkpoint ?? {first}"
    gone = ", ".join(f"{name}: null" for name in CHOICES)
    example.click(None, js=f"() => window.dviz.write({{ own: {picked}, {gone} }}, {PUSHED})")
    for changed in (files.upload, files.delete, files.clear):
        changed(None, js=f"() => window.dviz.write({{ own: null, {gone} }}, {PUSHED})")


def _measuring(parts: Parts, scoring: list[Component]) -> Any:
    """Wire the two buttons; what runs, for others to cancel it."""

    @friendly
    def run(
        table: OwnTable | None, alpha: float, pooling: str, request: gr.Request
    ) -> Iterator[dict[Component, Any]]:
        if table is None:
            raise DataFileError(GONE)
        for step in measure_in_turn(table, alpha, pooling, request.session_hash):
            yield show_step(parts, step)

    def ended(numbers: str | None) -> Update:
        return {
            parts.measure: gr.Button(interactive=True),
            parts.stop: gr.Button(visible=False),
            parts.numbers: stopped(numbers or ""),
        }

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    buttons = [parts.measure, parts.stop, parts.numbers]
    running = parts.measure.click(
        run, [parts.table, *scoring], parts.results, concurrency_limit=AT_ONCE,
        concurrency_id="measuring", **quiet,
    )  # fmt: skip
    running.failure(ended, parts.numbers, buttons, **quiet)
    parts.stop.click(ended, parts.numbers, buttons, cancels=running, **quiet)
    # Its hour begins anew.
    parts.measure.click(lambda table: table, parts.table, parts.table, **quiet)
    return running


def _build_inputs() -> tuple[gr.File, gr.Button, gr.Slider, gr.Radio]:
    """Where files are dropped, the button for an example, α and pooling."""
    with gr.Row(elem_classes="uploads"):
        with gr.Column(scale=2, min_width=280):
            files = plain_file(
                label="Codes and labels",
                file_count="multiple",
                file_types=[".npz", ".csv"],
                height=110,
                elem_id="own-files",
            )
            example = gr.Button("Try an example", elem_id="own-borrow")
        with gr.Column(scale=3, min_width=280):
            return files, example, alpha_slider("own-alpha"), pooling_choice("own-pooling")


def _build_parts() -> Parts:
    scripts = "".join((STATIC / "js" / n).read_text("utf-8") for n in ("dom.js", "columns.js"))
    plain = {"apply_default_css": False}
    columns = gr.HTML(
        None,
        html_template=(STATIC / "columns.html").read_text("utf-8"),
        js_on_load=scripts,
        elem_id="own-columns",
        **plain,
    )
    about = gr.HTML(markup.note(EMPTY), elem_id="own-about", **plain)
    with gr.Row(elem_classes="lineage"):
        with gr.Column(min_width=320):
            above = gr.HTML(elem_classes="score", elem_id="own-score", **plain)
            below = gr.HTML(elem_id="own-factors", **plain)
        with gr.Column(min_width=320):
            matrix = gr.Plot(
                show_label=False, visible=False, elem_classes="matrix", elem_id="own-matrix"
            )
    beside = gr.HTML(elem_id="own-beside", **plain)
    with gr.Row(elem_classes="actions"):
        measure = gr.Button(
            "Measure everything", variant="primary", visible=False, elem_id="own-measure"
        )
        stop = gr.Button("Stop", visible=False, elem_id="own-stop")
    numbers, titles, charts = gr.HTML(elem_id="own-numbers", **plain), [], []
    with gr.Row(elem_classes="lineage"):
        for _ in PROBE_MODELS:
            with gr.Column(min_width=320):
                titles.append(gr.HTML(**plain))
                charts.append(gr.Plot(show_label=False, visible=False, elem_classes="accuracy"))
    table = gr.State(None, time_to_live=SESSION)
    return Parts(
        table, gr.State(None), gr.State(None), columns, about, above, matrix, below, beside,
        measure, stop, numbers, tuple(titles), tuple(charts),
    )  # fmt: skip


def borrowed(library: Library, key: str) -> OwnTable:
    """The stored codes of a checkpoint, as if somebody had dropped them in.

    Raises:
        CheckpointError: it has none.
    """
    entry = library.get(key)
    if entry.sample is None:
        raise CheckpointError(f"{key} {entry.why_no_codes}")
    codes, classes = entry.sample
    factors = entry.config.factors
    labels = Labels(tuple(f.name for f in factors), classes, tuple(f.values for f in factors))
    return as_table(key, codes, labels)


def dropped(
    library: Library, parts: Parts, paths: list[str] | None, alpha: float, pooling: str
) -> Update:
    """Updates for files that were dropped in, or taken away."""
    columns = columns_of(paths or [])
    roles = {column.name: column.role for column in columns}
    table = read_files(paths, roles) if paths else None
    shown = {parts.columns: column_rows(columns), parts.asked: None, parts.lender: None}
    return {**show_table(library, parts, table, alpha, pooling), **shown}


def lent(library: Library, parts: Parts, key: str | None, alpha: float, pooling: str) -> Update:
    """Updates for the codes of a checkpoint as an example; files that were dropped in stay."""
    shown = {parts.columns: column_rows([]), parts.asked: key, parts.lender: key}
    table = borrowed(library, key) if key else None
    return {**show_table(library, parts, table, alpha, pooling), **shown}


def show_table(
    library: Library, parts: Parts, table: OwnTable | None, alpha: float, pooling: str
) -> Update:
    """Updates for a table that was just dropped in, or taken away."""
    there = table is not None
    return {
        parts.table: table,
        parts.about: describe(table) if there else markup.note(EMPTY),
        parts.matrix: gr.Plot(heatmap_of(table) if there else None, visible=there),
        parts.measure: gr.Button(visible=there, interactive=True),
        parts.stop: gr.Button(visible=False),
        parts.numbers: markup.note(READY) if there else "",
        **dict.fromkeys(parts.titles, ""),
        **{chart: gr.Plot(None, visible=False) for chart in parts.charts},
        **scored(library, parts, table, alpha, pooling),
    }


def scored(
    library: Library, parts: Parts, table: OwnTable | None, alpha: float, pooling: str
) -> Update:
    """Updates of what depends on α and pooling."""
    above, below = score_of(table, alpha, pooling)
    beside = reference_rows(library, table, alpha, pooling)
    return {parts.above: above, parts.below: below, parts.beside: beside}


def show_step(parts: Parts, step: Waiting | tuple[str | None, dict[str, Any]] | None) -> Update:
    """Updates of what `measure_in_turn` yields; nothing changes with a mere sign of life."""
    if step is None:
        return {parts.numbers: gr.skip()}
    if isinstance(step, Waiting):
        return {
            parts.measure: gr.Button(interactive=False),
            parts.stop: gr.Button(visible=True),
            parts.numbers: waiting(step),
        }
    return show_result(parts, *step)


def show_result(parts: Parts, metric: str | None, result: dict[str, Any]) -> Update:
    """Updates while metrics run: `metric` is the one at work, None when all are done."""
    done = metric is None
    words = [] if metric is None else [progress(metric, result.get("remaining"))]
    if result:
        words.append(metric_table(result))
    if done:
        words.append(downloads(result))
    updates: Update = {
        parts.measure: gr.Button(interactive=done),
        parts.stop: gr.Button(visible=not done),
        parts.numbers: "".join(words),
    }
    models = zip(PROBE_MODELS.items(), parts.titles, parts.charts, strict=True)
    for (model, name), title, chart in models:
        if "probes" in result:
            updates[title] = f"<h2>{name}: accuracy on held-out rows</h2>"
            updates[chart] = gr.Plot(probe_chart(result, model), visible=True)
    return updates


TAB = Tab("Your data", "your", build)
