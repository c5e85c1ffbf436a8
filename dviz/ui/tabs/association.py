"""Tab "Association (OMES)": which dimension encodes which factor, and how purely."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from dviz.figures import association_heatmap
from dviz.metrics.omes import OmesResult, omes
from dviz.report import DatasetReport
from dviz.ui import markup
from dviz.ui.errors import friendly
from dviz.ui.inspector import MAX_DIMENSIONS, by_factor
from dviz.ui.library import STAGES, Entry, Library
from dviz.ui.scores import alpha_slider, factor_table, pooling_choice, totals

HELP = (
    "**S** says how strongly a dimension (row) follows a factor (column): 1 means changing the "
    "factor decorrelates it, 0 means it does not care. Ideal is one dark cell in every row and "
    "column. **OMES** scores that: *modularity* falls where a dimension mixes factors, "
    "*compactness* falls where a factor is spread over dimensions."
)
STAGE_NAMES = {"source": "Source", "direct": "Target, direct", "fine-tuned": "Target, fine-tuned"}


def build_tab(library: Library, checkpoint: gr.Dropdown, refresh: list[Any]) -> None:
    """Build the tab's inside; for the arguments see the Traverse tab."""

    @friendly
    def matrices(key: str, alpha: float, pooling: str) -> list[Any]:
        updates = [part for name in library.lineage(key) for part in matrix_of(library.get(name))]
        spare = len(STAGES) - len(updates) // 2
        updates += [gr.Column(visible=False), gr.Plot(None, visible=False)] * spare
        return [*updates, *scores(key, alpha, pooling)]

    @friendly
    def scores(key: str, alpha: float, pooling: str) -> list[str]:
        names = library.lineage(key)
        texts = [text for n in names for text in score_of(library.get(n), alpha, pooling)]
        return texts + [""] * (2 * (len(STAGES) - len(names)))

    gr.Markdown(HELP, elem_classes="help")
    with gr.Row(elem_classes="controls"):
        alpha, pooling = alpha_slider("alpha"), pooling_choice("pooling")
    panels, texts = [], []
    with gr.Row(elem_classes="lineage"):
        for stage in range(len(STAGES)):
            with gr.Column(min_width=320, visible=stage == 0) as column:
                above = gr.HTML(apply_default_css=False, elem_classes="score")
                matrix = gr.Plot(show_label=False, visible=False, elem_classes="matrix")
                below = gr.HTML(apply_default_css=False)
            panels += [column, matrix]
            texts += [above, below]

    inputs = [checkpoint, alpha, pooling]
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on(refresh, matrices, inputs, [*panels, *texts], **quiet)
    live = {**quiet, "queue": False, "trigger_mode": "always_last"}
    gr.on([alpha.input, pooling.input], scores, inputs, texts, **live)


def association_of(entry: Entry, alpha: float, pooling: str) -> OmesResult:
    """OMES of an entry's own report.

    Raises:
        ValueError: `alpha` or `pooling` is not allowed.
    """
    result = entry.result
    return omes(
        result.association_matrix,
        alpha=alpha,
        pooling=pooling,
        active=np.array(result.active),
        names=result.factors,
    )


def matrix_of(entry: Entry) -> list[Any]:
    """Updates of a column and its plot."""
    if entry.result is None:
        return [gr.Column(visible=True), gr.Plot(None, visible=False)]
    return [gr.Column(visible=True), gr.Plot(heatmap_of(entry, entry.result), visible=True)]


def heatmap_of(entry: Entry, result: DatasetReport) -> go.Figure:
    """The active rows of S, in the order of the factors they encode."""
    shown = by_factor([d for d in entry.dimensions if d.active], result.factors)[:MAX_DIMENSIONS]
    S = result.association_matrix[[d.index for d in shown]]
    return association_heatmap(S, [d.name for d in shown], result.factors)


def score_of(entry: Entry, alpha: float, pooling: str) -> tuple[str, str]:
    """HTML above the matrix (title, OMES, modularity, compactness) and below (a row a factor)."""
    if entry.result is None:
        return _title(entry) + _missing(entry), ""
    score = association_of(entry, alpha, pooling)
    return _title(entry) + totals(score), factor_table(score) + _footnote(entry)


def _title(entry: Entry) -> str:
    stage = STAGE_NAMES.get(entry.config.kind, entry.config.kind)
    on = entry.result.dataset if entry.result else entry.config.dataset
    return (
        f'<h3 class="stage-title {escape(entry.config.kind)}">{escape(stage)}'
        f"<small>measured on {escape(on)}</small></h3>"
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
        "`python scripts/evaluate.py` measures it."
    )
