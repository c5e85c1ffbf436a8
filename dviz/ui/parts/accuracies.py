"""Every probe's accuracy of a lineage in tables, with baselines and what fine-tuning gained."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from dviz.checkpoint import DIRECT, FINE_TUNED, SOURCE
from dviz.measuring.differences import split_note
from dviz.measuring.report import ARC, Baseline
from dviz.ui.core.entry import Entry
from dviz.ui.core.titles import titled
from dviz.ui.parts import markup

MODELS = {"gbt": "Gradient-boosted trees", "mlp": "Neural network (MLP)"}
DIMENSIONS = ("all", ARC, "union", "pruned")  # what a probe reads, as tables call it
MEANINGS = (
    "All: every active dimension. Union: those associated with any factor. Pruned: the one "
    "associated with this factor."
)
ARC_MEANING = (
    " Arc: every active dimension, trained on two thirds of the circle of views and tested on the "
    "third never seen."
)
NOTHING = "No probe was measured; dviz evaluate measures them."


def accuracy_tables(entries: Sequence[Entry]) -> str:
    """A table for each kind of probe, on the Target and then on the Source."""
    measured = [entry for entry in entries if entry.result is not None and entry.result.probes]
    groups = [[e for e in measured if (e.config.stage == SOURCE) == own] for own in (False, True)]
    tables = [
        f"<h3>{name} on {escape(titled(group[0].result).title)}</h3>{table_of(group, model)}"
        for group in groups
        for model, name in MODELS.items()
        if any(has_model(entry, model) for entry in group)
    ]
    return "".join(tables) or markup.note(NOTHING)


def has_model(entry: Entry, model: str) -> bool:
    return any(probe.model == model for probe in entry.result.probes)


def table_of(entries: Sequence[Entry], model: str) -> str:
    """The chart's figures in per cent, with baselines and what fine-tuning gained."""
    factors = entries[0].result.factors
    encoders = [(b.name, b.description, b.result) for entry in entries for b in _baselines(entry)]
    encoders += [(entry.config.kind, entry.key, entry.result) for entry in entries]
    rows = [["chance", *_cells(entries[0].result.chances(factors))]]
    for name, description, result in encoders:
        for dimensions in DIMENSIONS:
            values = result.accuracies(model, dimensions, factors)
            cell = f'<span title="{escape(description)}">{escape(name)}, {dimensions}</span>'
            if not np.isnan(values).all():
                rows.append([cell, *_cells(values)])
    table = markup.table(
        ["Encoder, dimensions", *map(escape, factors), "mean"],
        rows + _gains(entries, factors, model),
        "Accuracy on held-out images, %",
        kind="numbers",
    )
    notes = [MEANINGS + (ARC_MEANING if any(e.result.arc for e in entries) else "")]
    notes += [_described(entry, b) for entry in entries for b in _baselines(entry)]
    return table + "".join(map(markup.note, notes))


def _described(entry: Entry, baseline: Baseline) -> str:
    """What a baseline is, and how its probes were split where that was otherwise."""
    split = split_note(entry.result, baseline.result)
    words = f"; its probes were {split}" if split else ""
    return f"{baseline.name}: {baseline.description.rstrip('.')}{words}."


def _gains(entries: Sequence[Entry], factors: Sequence[str], model: str) -> list[list[str]]:
    by_kind = {entry.config.stage: entry.result for entry in entries}
    if not {DIRECT, FINE_TUNED} <= set(by_kind):
        return []
    rows = []
    for dimensions in DIMENSIONS:
        before, after = (
            by_kind[kind].accuracies(model, dimensions, factors) for kind in (DIRECT, FINE_TUNED)
        )
        if not np.isnan(after - before).all():
            rows.append([f"gain, {dimensions}", *_cells(after - before, signed=True)])
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
