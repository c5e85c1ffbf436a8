"""An OMES result on the page, and the controls that change what it weighs."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from dviz.metrics.omes import POOLINGS, OmesResult
from dviz.ui import markup

ALPHA_INFO = "1 is modularity alone, 0 is compactness alone; the study uses 0.5"
POOLING_INFO = "over dimensions: a weighted mean, or the best one"


def alpha_slider(elem_id: str) -> gr.Slider:
    """α from 0 to 1."""
    return gr.Slider(0, 1, 0.5, step=0.05, label="α", info=ALPHA_INFO, elem_id=elem_id, buttons=[])


def pooling_choice(elem_id: str) -> gr.Radio:
    """ "avg" or "max"."""
    return gr.Radio(
        list(POOLINGS), value="avg", label="Pooling", info=POOLING_INFO, elem_id=elem_id
    )


def totals(score: OmesResult) -> str:
    """OMES, modularity and compactness as HTML."""
    cells = "".join(
        f'<div class="total {name.lower()}"><dt>{name}</dt><dd>{markup.decimal(value)}</dd></div>'
        for name, value in (
            ("OMES", score.omes),
            ("Modularity", score.modularity),
            ("Compactness", score.compactness),
        )
    )
    return f'<dl class="totals">{cells}</dl>'


def factor_table(score: OmesResult) -> str:
    """A row a factor as HTML: the dimension that encodes it, and its scores."""
    rows = [_factor_row(name, values) for name, values in score.per_factor.items()]
    header = ["Factor", "Encoded by", "OMES", "Mod.", "Comp."]
    return markup.table(header, rows, kind="score-table")


def _factor_row(name: str, values: dict[str, Any]) -> list[str]:
    if values["reason"]:
        return [escape(name), escape(values["reason"]), "–", "–", "–"]
    return [
        escape(name),
        f"z{values['associated_dimension']} · {values['association']:.2f}",
        f"{markup.meter(values['omes'])} {values['omes']:.2f}",
        f"{values['modularity']:.2f}",
        f"{values['compactness']:.2f}",
    ]
