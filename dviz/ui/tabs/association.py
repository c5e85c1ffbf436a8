"""Tab "Association (OMES)": which dimension encodes which factor, and how purely."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from dviz.checkpoint import DIRECT, FINE_TUNED
from dviz.lineage import STAGES
from dviz.measuring.report import DatasetReport
from dviz.metrics.omes import OmesResult
from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import Dimension
from dviz.ui.core.matrix import (
    BY_FACTOR,
    BY_NUMBER,
    ceilings_in_words,
    cell_in_words,
    change_in_words,
    changes_by_itself,
    factor_spans,
    ideal,
    ordered,
    reliability_in_words,
    spans,
)
from dviz.ui.parts import markup
from dviz.ui.parts.charts import association_heatmap, difference_heatmap, score_chart
from dviz.ui.parts.errors import friendly
from dviz.ui.parts.scores import alpha_slider, factor_table, pooling_choice, totals
from dviz.ui.parts.transfer import STAGE_NAMES, target_choice, target_update
from dviz.ui.tabs.base import Context, Tab

HELP = (
    "**S** says how strongly a dimension (row) follows a factor (column): near 1, changing the "
    "factor gives the dimension a new value; at 0 it does not care. Ideal is one dark cell in "
    "every row and column. **OMES** (Overlap Multiple Encoding Scores) rates that: *modularity* "
    "falls where a dimension mixes factors, *compactness* where a factor is spread over several. "
    "Point at a cell for its number in words; a hatched one is dark because its dimension changes "
    "by itself."
)
NO_CHANGE = "What fine-tuning changed shows here where both states of a transfer were measured."


def build(tab: Context) -> None:
    """Build the tab's inside."""
    library, checkpoint, refresh = tab.library, tab.checkpoint, tab.refresh

    @friendly
    def show(
        key: str, alpha: float, pooling: str, order: str | None = None, target: str | None = None
    ) -> list[Any]:
        entries = [library.get(name) for name in library.lineage(key, target)]
        choice, order = order_update(entries, order)
        updates = [part for entry in entries for part in matrix_of(entry, order)]
        spare = len(STAGES) - len(entries)
        updates += [gr.Column(visible=False), gr.Plot(None, visible=False)] * spare
        plots = [bars_of(entry, pooling) for entry in entries]
        plots += [gr.Plot(None, visible=False)] * spare
        chosen = target_update(library, key, target)
        beside = beside_of(library.get(key), entries, order)
        return [chosen, choice, *updates, *plots, *texts_of(entries, alpha, pooling), *beside]

    @friendly
    def rescore(key: str, alpha: float, pooling: str, target: str | None) -> list[str]:
        names = library.lineage(key, target)
        return texts_of([library.get(name) for name in names], alpha, pooling)

    gr.Markdown(HELP, elem_classes="help")
    with gr.Row(elem_classes="controls"):
        alpha, pooling = alpha_slider("alpha"), pooling_choice("pooling")
        order = gr.Dropdown(
            [BY_FACTOR, BY_NUMBER], value=BY_FACTOR, label="Sort dimensions by",
            info="or by how closely they follow one factor", min_width=200, elem_id="order",
        )  # fmt: skip
    target = target_choice("association-target")
    columns, plots, texts = _build_stages(markup.LOADING if library.names else "")
    beside = _build_beside()

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    scoring = [checkpoint, alpha, pooling]
    everything = [target, order, *columns, *plots, *texts, *beside]
    gr.on(refresh, show, scoring, everything, **quiet)
    anew = [pooling.input, order.input, target.input]
    gr.on(anew, show, [*scoring, order, target], everything, **quiet)
    live = {**quiet, "queue": False, "trigger_mode": "always_last"}
    alpha.input(rescore, [*scoring, target], texts, **live)


def _build_stages(waiting: str) -> tuple[list[Any], list[Any], list[Any]]:
    """A column a stage: columns and matrices, bars, and the texts above and below; `waiting` stands
    there before anything has been shown."""
    columns, plots, texts = [], [], []
    with gr.Row(elem_classes="lineage aligned"):
        for stage in range(len(STAGES)):
            with gr.Column(min_width=320, visible=stage == 0) as column:
                above = gr.HTML(waiting, apply_default_css=False, elem_classes="score")
                matrix = gr.Plot(show_label=False, visible=False, elem_classes="matrix")
                bars = gr.Plot(show_label=False, visible=False, elem_classes="bars")
                below = gr.HTML(apply_default_css=False)
            columns += [column, matrix]
            plots.append(bars)
            texts += [above, below]
    return columns, plots, texts


def _build_beside() -> list[Any]:
    """The ideal matrix and what fine-tuning changed, each with words above."""
    parts = []
    with gr.Row(elem_classes="lineage aligned"):
        for name in ("ideal", "change"):
            with gr.Column(min_width=320):
                parts.append(gr.HTML(apply_default_css=False, elem_id=f"{name}-words"))
                parts.append(gr.Plot(show_label=False, visible=False, elem_id=f"{name}-matrix"))
    return parts


def order_update(entries: list[Entry], order: str | None) -> tuple[Any, str]:
    """What the order can be for these stages, and what it is."""
    factors = [name for entry in entries if entry.result for name in entry.result.factors]
    choices = [BY_FACTOR, BY_NUMBER, *dict.fromkeys(factors)]
    order = order if order in choices else BY_FACTOR
    return gr.Dropdown(choices, value=order), order


def association_of(entry: Entry, alpha: float, pooling: str) -> OmesResult:
    """OMES of an entry's own report.

    Raises:
        ValueError: `alpha` or `pooling` is not allowed.
    """
    return entry.result.omes(alpha, pooling)


def matrix_of(entry: Entry, order: str = BY_FACTOR) -> list[Any]:
    """Updates of a column and its plot."""
    if entry.result is None:
        return [gr.Column(visible=True), gr.Plot(None, visible=False)]
    plot = gr.Plot(heatmap_of(entry, entry.result, order), visible=True)
    return [gr.Column(visible=True), plot]


def heatmap_of(entry: Entry, result: DatasetReport, order: str = BY_FACTOR) -> go.Figure:
    """The active rows of S, each cell with its meaning and its interval."""
    shown = ordered(entry.dimensions, result, order)
    S, low_high = result.association_matrix, spans(result)
    restless = changes_by_itself(result)

    def words(d: Dimension, j: int) -> str:
        span = None if low_high is None else (low_high[0][d.index, j], low_high[1][d.index, j])
        S_dj = S[d.index, j]
        factor, size = escape(result.factors[j]), result.sizes[j]
        return cell_in_words(d.name, factor, S_dj, size, span, bool(restless[d.index, j]))

    hover = [[words(d, j) for j in range(len(result.factors))] for d in shown]
    rows = [d.index for d in shown]
    names = [d.name for d in shown]
    return association_heatmap(S[rows], names, result.factors, hover, restless[rows])


def bars_of(entry: Entry, pooling: str) -> Any:
    """Modularity and compactness of each factor, as an update of a plot."""
    if entry.result is None:
        return gr.Plot(None, visible=False)
    factors = entry.result.factors
    score = association_of(entry, 0.5, pooling)
    values = {
        part: np.array([score.per_factor[name][part] for name in factors])
        for part in ("modularity", "compactness")
    }
    return gr.Plot(score_chart(factors, values, factor_spans(entry.result, pooling)), visible=True)


def texts_of(entries: list[Entry], alpha: float, pooling: str) -> list[str]:
    """What stands above and below each stage's matrix; empty for stages that are not there."""
    texts = [text for entry in entries for text in score_of(entry, alpha, pooling)]
    return texts + [""] * (2 * (len(STAGES) - len(entries)))


def score_of(entry: Entry, alpha: float, pooling: str) -> tuple[str, str]:
    """HTML above the matrix (title, OMES, modularity, compactness) and below (a row a factor)."""
    if entry.result is None:
        return _title(entry) + _missing(entry), ""
    score = association_of(entry, alpha, pooling)
    above = (
        _title(entry)
        + totals(score)
        + markup.note(reliability_in_words(entry.result, alpha, pooling))
    )
    return above, factor_table(score) + _footnote(entry)


def beside_of(entry: Entry, entries: list[Entry], order: str) -> list[Any]:
    """Updates of what `_build_beside` made: words and plots of the ideal and of the change."""
    return [*_ideal_of(entry, order), *_change_of(entries, order)]


def _ideal_of(entry: Entry, order: str) -> list[Any]:
    result = entry.result
    if result is None:
        return ["", gr.Plot(None, visible=False)]
    shown = ordered(entry.dimensions, result, order)
    rows = ideal(result)[[d.index for d in shown]]
    words = (
        f"<h2>Ideal<small>of {escape(entry.key)}: every factor alone on a dimension of its "
        "own</small></h2>"
    )
    ceilings = ceilings_in_words(result)
    figure = association_heatmap(rows, [d.name for d in shown], result.factors)
    return [words + (markup.note(ceilings) if ceilings else ""), gr.Plot(figure, visible=True)]


def _change_of(entries: list[Entry], order: str) -> list[Any]:
    stages = {entry.config.stage: entry for entry in entries if entry.result is not None}
    before, after = stages.get(DIRECT), stages.get(FINE_TUNED)
    title = "<h2>Changed by fine-tuning<small>S after − S before</small></h2>"
    if before is None or after is None or not _comparable(before.result, after.result):
        return [title + markup.note(NO_CHANGE), gr.Plot(None, visible=False)]
    shown = ordered(after.dimensions, after.result, order)
    names, factors = [d.name for d in shown], after.result.factors
    old, new = (e.result.association_matrix[[d.index for d in shown]] for e in (before, after))
    hover = [
        [
            change_in_words(name, escape(factor), old[i, j], new[i, j])
            for j, factor in enumerate(factors)
        ]
        for i, name in enumerate(names)
    ]
    figure = difference_heatmap(new - old, names, factors, hover)
    return [title, gr.Plot(figure, visible=True)]


def _comparable(before: DatasetReport, after: DatasetReport) -> bool:
    return before.factors == after.factors and len(before.active) == len(after.active)


def _title(entry: Entry) -> str:
    stage = STAGE_NAMES.get(entry.config.kind, entry.config.kind)
    on = entry.result.title if entry.result else entry.config.dataset
    return (
        f'<h2 class="stage-title {escape(entry.config.kind)}">{escape(stage)}'
        f"<small>measured on {escape(on)}</small></h2>"
    )


def _footnote(entry: Entry) -> str:
    result = entry.result
    inactive = [d.name for d in entry.dimensions if not d.active]
    left_out = f" Inactive and left out: {', '.join(inactive)}." if inactive else ""
    return markup.note(
        f"From {result.num_pairs:,} pairs of images a factor, seed {result.seed}.{left_out}"
    )


def _missing(entry: Entry) -> str:
    return markup.note(
        f"{entry.key} came without a report, so its association with factors is not known. "
        "`dviz evaluate` measures it."
    )


TAB = Tab("Association (OMES)", "association", build)
