"""Tab "Association (OMES)": which dimension encodes which factor, and how purely."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode

import gradio as gr
import numpy as np
import plotly.graph_objects as go
from gradio.components import Component

from dviz.checkpoint import DIRECT, FINE_TUNED
from dviz.lineage import STAGES
from dviz.measuring.report import DatasetReport
from dviz.metrics.omes import POOLINGS, OmesResult
from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import MAX_DIMENSIONS, Dimension
from dviz.ui.core.matrix import (
    CORRELATION,
    INFORMATION,
    WAYS,
    cell_in_words,
    change_in_words,
    changes_by_itself,
    information_in_words,
    ordered,
    reliability_in_words,
    seen_by,
    spans,
)
from dviz.ui.core.titles import titled
from dviz.ui.parts import markup
from dviz.ui.parts.address import number, one_of
from dviz.ui.parts.charts import association_heatmap, difference_heatmap
from dviz.ui.parts.errors import friendly
from dviz.ui.parts.scores import (
    alpha_slider,
    association_choice,
    factor_table,
    pooling_choice,
    totals,
)
from dviz.ui.parts.transfer import STAGE_NAMES
from dviz.ui.tabs.base import Context, Tab

IDEAL = "Ideal is one dark cell in every row and column; **OMES** rates that. Point at a cell for "
HELPS = {
    CORRELATION: (
        "**S** near 1: changing the factor (column) gives the dimension (row) a new value; 0: it "
        f"does not care. {IDEAL}its number in words; a hatched one is dark because its dimension "
        "changes by itself."
    ),
    INFORMATION: (
        "A cell near 1: the dimension (row) alone tells the value of the factor (column); 0: it "
        f"tells nothing of it. {IDEAL}its number in words."
    ),
}
NO_CHANGE = "What fine-tuning changed shows here where both states of a transfer were measured."


@dataclass(frozen=True)
class Stage:
    """One stage's column: a score above, the matrix, and a row a factor below."""

    column: gr.Column
    above: gr.HTML
    matrix: gr.Plot
    below: gr.HTML

    @property
    def texts(self) -> list[gr.HTML]:
        return [self.above, self.below]

    @property
    def parts(self) -> list[Component]:
        return [self.column, self.above, self.matrix, self.below]


def build(tab: Context) -> None:
    """Build the tab's inside."""
    help_words = gr.Markdown(HELPS[CORRELATION], elem_classes="help")
    with gr.Row(elem_classes="controls"):
        alpha, pooling = alpha_slider("alpha"), pooling_choice("pooling")
        by = association_choice("association-by")
    tab.address.bind("alpha", alpha, number(0, 1), push=False)
    tab.address.bind("pooling", pooling, one_of(POOLINGS))
    tab.address.bind("measure", by, one_of(WAYS))
    stages = _build_stages(markup.LOADING if tab.library.names else "")
    change_words = gr.HTML(apply_default_css=False, elem_id="change-words")
    change = gr.Plot(show_label=False, visible=False, elem_id="change-matrix")

    def entries_of(key: str, by: str) -> list[Entry]:
        return [seen_by(tab.library.get(name), by) for name in tab.library.lineage(key)]

    @friendly
    def show(key: str, alpha: float, pooling: str, by: str) -> dict[Component, Any]:
        entries = entries_of(key, by)
        updates = rescored(entries, alpha, pooling, by)
        for stage, entry in zip_longest(stages, entries):
            updates[stage.column] = gr.Column(visible=entry is not None)
            updates[stage.matrix] = matrix_of(entry)
        words, plot = change_of(entries)
        return {**updates, change_words: words, change: plot, help_words: HELPS[by]}

    def rescored(entries: list[Entry], alpha: float, pooling: str, by: str) -> dict[Component, Any]:
        updates: dict[Component, Any] = {}
        for stage, entry in zip_longest(stages, entries):
            texts = ("", "") if entry is None else score_of(entry, alpha, pooling, by)
            updates |= dict(zip(stage.texts, texts, strict=True))
        return updates

    @friendly
    def rescore(key: str, alpha: float, pooling: str, by: str) -> dict[Component, Any]:
        return rescored(entries_of(key, by), alpha, pooling, by)

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    scoring = [tab.checkpoint, alpha, pooling, by]
    columns = [part for stage in stages for part in stage.parts]
    everything = [*columns, change_words, change, help_words]
    texts = [text for stage in stages for text in stage.texts]
    live = {**quiet, "queue": False, "trigger_mode": "always_last"}
    gr.on(tab.refresh, show, scoring, everything, **quiet)
    gr.on([alpha.input, pooling.input], rescore, scoring, texts, **live)
    by.input(show, scoring, everything, **quiet)


def _build_stages(waiting: str) -> list[Stage]:
    """A column a stage; `waiting` stands there before anything has been shown."""
    stages = []
    with gr.Row(elem_classes="lineage aligned"):
        for number in range(len(STAGES)):
            with gr.Column(min_width=320, visible=number == 0) as column:
                above = gr.HTML(waiting, apply_default_css=False, elem_classes="score")
                matrix = gr.Plot(show_label=False, visible=False, elem_classes="matrix")
                below = gr.HTML(apply_default_css=False)
            stages.append(Stage(column, above, matrix, below))
    return stages


def association_of(entry: Entry, alpha: float, pooling: str) -> OmesResult:
    """OMES of an entry's own report.

    Raises:
        ValueError: `alpha` or `pooling` is not allowed.
    """
    return entry.result.omes(alpha, pooling)


def matrix_of(entry: Entry | None) -> Any:
    """An update of a stage's plot."""
    unknown = entry is None or entry.result is None
    if unknown or np.isnan(entry.result.association_matrix).all():
        return gr.Plot(None, visible=False)
    return gr.Plot(heatmap_of(entry, entry.result), visible=True)


def heatmap_of(entry: Entry, result: DatasetReport) -> go.Figure:
    """The active rows of S, each cell with its meaning and its interval."""
    shown = ordered(entry.dimensions, result)
    S, low_high = result.association_matrix, spans(result)
    restless = changes_by_itself(result)

    def words(d: Dimension, j: int) -> str:
        span = None if low_high is None else (low_high[0][d.index, j], low_high[1][d.index, j])
        S_dj = S[d.index, j]
        factor, size = escape(result.factors[j]), result.sizes[j]
        if not result.num_pairs:
            return information_in_words(d.name, factor, S_dj)
        return cell_in_words(d.name, factor, S_dj, size, span, bool(restless[d.index, j]))

    hover = [[words(d, j) for j in range(len(result.factors))] for d in shown]
    rows = [d.index for d in shown]
    names = [d.name for d in shown]
    figure = association_heatmap(S[rows], names, result.factors, hover, restless[rows])
    linked = [dimension_link(entry.key, d) for d in shown]
    return figure.update_yaxes(tickvals=names, ticktext=linked)


def dimension_link(key: str, dimension: Dimension) -> str:
    """A dimension's name as a way to the page of it."""
    to = urlencode({"checkpoint": key, "tab": "dimension", "dim": dimension.index})
    return f'<a href="?{escape(to)}">{dimension.name}</a>'


def score_of(entry: Entry, alpha: float, pooling: str, by: str = CORRELATION) -> tuple[str, str]:
    """HTML above the matrix (title, OMES, modularity, compactness) and below (a row a factor)."""
    if entry.result is None:
        return _title(entry) + _missing(entry), ""
    score = association_of(entry, alpha, pooling)
    above = (
        _title(entry)
        + totals(score)
        + markup.note(reliability_in_words(entry.result, alpha, pooling, by))
    )
    rows = f"<details><summary>Scores by factor</summary>{factor_table(score)}</details>"
    return above, rows + _footnote(entry)


def change_of(entries: list[Entry]) -> tuple[str, Any]:
    """Words and a plot of what fine-tuning changed."""
    stages = {entry.config.stage: entry for entry in entries if entry.result is not None}
    before, after = stages.get(DIRECT), stages.get(FINE_TUNED)
    by_pairs = after is None or after.result.num_pairs > 0
    what = "S" if by_pairs else "mutual information"
    title = (
        f"<h2>Changed by fine-tuning<small>{what} after − {what} before; empty where a dimension "
        "was not in use before</small></h2>"
    )
    if before is None or after is None or not _comparable(before.result, after.result):
        return title + markup.note(NO_CHANGE), gr.Plot(None, visible=False)
    shown = ordered(after.dimensions, after.result)
    names, factors = [d.name for d in shown], after.result.factors
    rows = [d.index for d in shown]
    old, new = (e.result.association_matrix[rows] for e in (before, after))
    idle = ~np.array(before.result.active)[rows]  # S of a dimension that stood still says nothing
    old = np.where(idle[:, None], np.nan, old)
    hover = [
        [
            change_in_words(name, escape(factor), old[i, j], new[i, j], bool(idle[i]), what)
            for j, factor in enumerate(factors)
        ]
        for i, name in enumerate(names)
    ]
    figure = difference_heatmap(new - old, names, factors, hover)
    return title, gr.Plot(figure, visible=True)


def _comparable(before: DatasetReport, after: DatasetReport) -> bool:
    return before.factors == after.factors and len(before.active) == len(after.active)


def _title(entry: Entry) -> str:
    stage = STAGE_NAMES.get(entry.config.kind, entry.config.kind)
    result = None if entry.result is None else titled(entry.result)
    words = "not measured" if result is None else f"measured on {result.title}"
    if result is None or entry.title != result.dataset:
        words = f"{entry.title}, {words}"
    return (
        f'<h2 class="stage-title {escape(entry.config.kind)}">{escape(stage)}'
        f"<small>{escape(words)}</small></h2>"
    )


def _footnote(entry: Entry) -> str:
    result = entry.result
    inactive = [d.name for d in entry.dimensions if not d.active]
    left_out = f" Inactive and left out: {', '.join(inactive)}." if inactive else ""
    active = len(entry.dimensions) - len(inactive)
    if active > MAX_DIMENSIONS:
        left_out = f" Rows: the first {MAX_DIMENSIONS} of {active} active dimensions.{left_out}"
    source = f"From {result.num_pairs:,} pairs of images a factor"
    if not result.num_pairs:
        source = f"From {result.num_images:,} codes and their labels"
    return markup.note(f"{source}, seed {result.seed}.{left_out}")


def _missing(entry: Entry) -> str:
    return markup.note(f"Association with factors is not known: {entry.key} {entry.why_no_result}.")


TAB = Tab("Association (OMES)", "association", build)
