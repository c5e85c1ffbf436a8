"""What the tab "Your data" shows of a table, as HTML and charts."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dviz.checkpoint import REPORT, SOURCE
from dviz.errors import CheckpointError
from dviz.measuring.columns import Column
from dviz.measuring.files import ROLES
from dviz.measuring.report import DatasetReport, read_report
from dviz.metrics.metric import Row
from dviz.metrics.suite import METRICS
from dviz.metrics.summary import notes, score_rows
from dviz.palette import GREY, PURPLE, SKY
from dviz.ui.core.inspector import MAX_DIMENSIONS
from dviz.ui.core.library import Library
from dviz.ui.core.matrix import calibrated_in_words, cell_in_words, dark_by_itself
from dviz.ui.core.own_codes import ORDER, OwnTable, Waiting
from dviz.ui.core.own_findings import findings
from dviz.ui.parts import markup
from dviz.ui.parts.charts import Bars, accuracy_chart, association_heatmap
from dviz.ui.parts.downloads import csv_text, links
from dviz.ui.parts.scores import factor_table, totals

HATCHED = "A hatched cell is dark because its dimension changes by itself."
BESIDE = (
    "Beside the models that come with this page, by OMES calibrated for noise and ceilings: OMES "
    "itself cannot reach 1 where a factor has few values, so it compares datasets unfairly."
)
STOPPED = "Stopped: not everything was measured."
PROBE_SETS = {"all": ("all", GREY), "union": ("union", SKY), "pruned": ("pruned", PURPLE)}
PROBE_MODELS = {"gbt": "Gradient-boosted trees", "mlp": "Neural network (MLP)"}


def describe(table: OwnTable) -> str:
    """One line on what was read."""
    count, width = table.codes.shape
    classes, active = table.labels.classes.T, int(table.active.sum())
    some = f", the first {MAX_DIMENSIONS} have rows" if active > MAX_DIMENSIONS else ""
    factors = ", ".join(
        f"{name} ({len(np.unique(column))})"
        for name, column in zip(table.labels.names, classes, strict=True)
    )
    return (
        f'<p class="summary"><b>{escape(table.name)}</b>: {count:,} rows · {width} dimensions, '
        f"{active} active{some} · factors and their values: {escape(factors)}</p>"
    )


def heatmap_of(table: OwnTable) -> go.Figure:
    """Active rows of S, each cell in words; the first ones where there are very many."""
    shown = np.flatnonzero(table.active)[:MAX_DIMENSIONS]
    names = [escape(table.called(d)) for d in shown]
    S, sizes = table.association.matrix, [len(np.unique(c)) for c in table.labels.classes.T]
    restless = dark_by_itself(S, table.calibrated, table.signal)
    hover = [
        [
            cell_in_words(name, escape(factor), S[d, j], sizes[j], by_itself=bool(restless[d, j]))
            for j, factor in enumerate(table.labels.names)
        ]
        for d, name in zip(shown, names, strict=True)
    ]
    return association_heatmap(S[shown], names, table.labels.names, hover, restless[shown])


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
    words = "".join(f"<li>{escape(line)}</li>" for line in findings(table))
    told = f'<ul class="own-findings">{words}</ul>' if words else ""
    by_factor = factor_table(score, table.called)
    rows = f"<details><summary>Scores by factor</summary>{by_factor}{note}</details>"
    known = table.omes_calibrated(alpha, pooling).omes
    hatched = dark_by_itself(table.association.matrix, table.calibrated, table.signal)
    note_on_cells = f" {HATCHED}" if hatched[table.active].any() else ""
    beside = "" if np.isnan(known) else markup.note(calibrated_in_words(known) + note_on_cells)
    return totals(score) + beside + told, rows


def metric_table(result: dict[str, Any]) -> str:
    """A row a metric, its parts factor by factor beside it."""
    factors = result["factors"]
    rows = [
        [escape(label), *(_cell(value) for value in [score, *(parts or [None] * len(factors))])]
        for label, score, parts in _rows(result)
    ]
    header = ["Metric", "score", *map(escape, factors)]
    remarks = "".join(map(markup.note, _remarks(result)))
    return markup.table(header, rows, kind="numbers") + remarks


def _rows(result: dict[str, Any]) -> list[Row]:
    """Every metric's; those of OMES say of which α and pooling, since the controls move on."""
    rows = score_rows(result)
    if "omes" not in result:
        return rows
    alpha, pooling = result["omes"]["alpha"], result["omes"]["pooling"]
    how = {"OMES": f"α {alpha:g}, {pooling}", "OMES calibrated": f"α {alpha:g}, {pooling}"}
    how |= {"OMES modularity": pooling, "OMES compactness": pooling}
    return [(f"{row[0]} ({how[row[0]]})" if row[0] in how else row[0], *row[1:]) for row in rows]


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
    rows = ([label, score, *parts] for label, score, parts in _rows(result))
    table = csv_text(["metric", "score", *result["factors"]], rows)
    return links({"report.json": json.dumps(result, indent=1), "metrics.csv": table})


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def waiting(step: Waiting) -> str:
    others = "one measurement" if step.ahead == 1 else f"{step.ahead} measurements"
    return _status(f"Busy: {others} of others first, about {step.seconds} s …")


def progress(metric: str, remaining: float | None = None) -> str:
    """Which metric runs, the how-manieth it is, and how long the rest may take."""
    wait = "" if remaining is None else f", about {max(1, round(remaining))} s left"
    step = ORDER.index(metric)
    words = f"{step + 1} of {len(ORDER)}: {METRICS[metric].title}{wait} …"
    return _status(f"{markup.meter(step / len(ORDER))} {words}")


def _status(html: str) -> str:
    return f'<p class="note" role="status">{html}</p>'


def stopped(numbers: str) -> str:
    """What stood below the buttons while it was measured; in place of `progress` and `waiting`
    that it was stopped."""
    words = markup.note(STOPPED)
    return words + re.sub(r'<p class="note" role="status">.*?</p>', "", numbers.replace(words, ""))


def reference_rows(library: Library, table: OwnTable | None, alpha: float, pooling: str) -> str:
    """These codes among the shipped Sources, by calibrated OMES, those without one last."""
    if table is None:
        return ""
    own = table.omes(alpha, pooling)
    count = len(own.per_factor)
    rated = sum(part["reason"] is None for part in own.per_factor.values())
    part = f" <small>{rated} of {count} factors</small>" if rated < count else ""
    name = f"<b>{escape(table.name)}</b>{part}"
    scores = [(name, table.omes_calibrated(alpha, pooling).omes, own)]
    for key, result in _sources(library):
        known = result.omes_calibrated(alpha, pooling)
        title, small = library.title(key), f" <small>{escape(key)}</small>"
        name = escape(title) + (small if key != title else "")
        scores.append((name, np.nan if known is None else known.omes, result.omes(alpha, pooling)))
    scores.sort(key=lambda row: np.nan_to_num([-row[1], -row[2].omes], nan=1.0).tolist())
    rows = [
        [name, *map(markup.decimal, (known, score.omes, score.modularity, score.compactness))]
        for name, known, score in scores
    ]
    header = ["Model", "OMES calibrated", "OMES", "modularity", "compactness"]
    return markup.table(header, rows, BESIDE, kind="numbers")


def _sources(library: Library) -> list[tuple[str, DatasetReport]]:
    """Reports of the shipped Sources on their own dataset."""
    found = []
    for key, config in library.configs.items():
        if config.kind != SOURCE or library.root is None:
            continue
        try:
            result = read_report(library.root / key / REPORT).results.get(config.dataset)
        except CheckpointError:
            continue
        if result is not None and result.factors:
            found.append((key, result))
    return found


def column_rows(columns: list[Column]) -> dict[str, Any]:
    """What the preview of columns shows; JSON-able."""
    return {
        "roles": list(ROLES),
        "columns": [{"name": c.name, "cells": list(c.cells), "role": c.role} for c in columns],
    }
