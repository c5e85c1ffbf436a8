"""An OMES result on the page, and the controls that change what it weighs."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr
import numpy as np

from dviz.metrics.omes import POOLINGS, OmesResult
from dviz.ui.core.inspector import NOTABLE
from dviz.ui.core.matrix import CORRELATION, WAYS
from dviz.ui.parts import markup

ALPHA_INFO = "from compactness alone (0) to modularity alone (1); the study uses 0.5"
BY_INFO = "S of image pairs, or how much of the factor's entropy the dimension tells"
POOLING_INFO = "a factor's score over its dimensions: a weighted mean, or the best one"


def alpha_slider(elem_id: str) -> gr.Slider:
    """α from 0 to 1."""
    return gr.Slider(0, 1, 0.5, step=0.05, label="α", info=ALPHA_INFO, elem_id=elem_id, buttons=[])


def pooling_choice(elem_id: str) -> gr.Radio:
    """ "avg" or "max"."""
    return gr.Radio(
        list(POOLINGS), value="avg", label="Pooling", info=POOLING_INFO, elem_id=elem_id
    )


def association_choice(elem_id: str) -> gr.Radio:
    """What a cell of the matrix is: `WAYS` of `dviz.ui.core.matrix`."""
    return gr.Radio(
        list(WAYS), value=CORRELATION, label="Association by", info=BY_INFO, elem_id=elem_id
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


def factor_table(score: OmesResult, called: Callable[[int], str] = "z{}".format) -> str:
    """A row a factor as HTML: the dimension associated with it, as `called`, and its scores."""
    strongest = _strongest(score)
    rows = [
        _factor_row(name, values, strongest[name], called)
        for name, values in score.per_factor.items()
    ]
    header = ["Factor", "Encoded by", "OMES", "Mod.", "Comp."]
    return markup.table(header, rows, kind="score-table")


def _strongest(score: OmesResult) -> dict[str, tuple[int, float]]:
    """The active dimension that follows each factor most, and its S."""
    S = np.full_like(score.association, -1.0)
    active = list(score.active)
    S[active] = np.nan_to_num(score.association[active])
    best = S.argmax(axis=0)
    return {name: (int(best[j]), float(S[best[j], j])) for j, name in enumerate(score.per_factor)}


def _factor_row(
    name: str, values: dict[str, Any], strongest: tuple[int, float], called: Callable[[int], str]
) -> list[str]:
    if values["reason"]:
        return [escape(name), escape(values["reason"]), "–", "–", "–"]
    return [
        escape(name),
        _encoded_by(values, strongest, called),
        f"{markup.meter(values['omes'])} {values['omes']:.2f}",
        f"{values['modularity']:.2f}",
        f"{values['compactness']:.2f}",
    ]


def _encoded_by(
    values: dict[str, Any], strongest: tuple[int, float], called: Callable[[int], str]
) -> str:
    """The associated dimension, or that there is none worth the name, with the reason on top."""
    if values["association"] >= NOTABLE:
        name = escape(called(values["associated_dimension"]))
        return f"{name} · {values['association']:.2f}"
    d, S = strongest
    name = escape(called(d))
    if S < NOTABLE:
        return f'<span title="{name} follows it most, with an S of {S:.2f}">none</span>'
    why = f"{name} follows it most (S {S:.2f}), but other factors too"
    return f'<span title="{why}">shared · {name} {S:.2f}</span>'
