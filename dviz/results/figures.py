"""The figures of the results page, from the reports of a zoo alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dviz.checkpoint import DIRECT, FINE_TUNED, SOURCE
from dviz.measuring.report import DatasetReport
from dviz.results import svg as drawings
from dviz.results.zoo import Model, Transfer, transfers_of

OVERVIEW = "figures/overview.svg"


def results_figures(models: Sequence[Model]) -> dict[str, str]:
    """The figures that `results_page` refers to: SVG by its path beside the page."""
    transfers = transfers_of(models)
    figures = {picture_of(t): drawings.matrices(_matrices(t)) for t in transfers}
    if transfers:
        rows = [_dots(t) for t in transfers]
        figures[OVERVIEW] = drawings.dots(["OMES avg", "mean GBT accuracy"], rows, "baselines")
    return figures


def picture_of(transfer: Transfer) -> str:
    """Where the association matrices of a transfer lie beside the page."""
    return f"figures/{transfer.tuned.config.name}.svg"


def _matrices(transfer: Transfer) -> list[drawings.Matrix]:
    stages = {
        f"Source: {transfer.source.config.dataset}": transfer.source.result,
        f"Direct: {transfer.direct.config.dataset}": transfer.direct.result,
        "Fine-tuned": transfer.tuned.result,
    }
    return [_matrix(title, result) for title, result in stages.items()]


def _matrix(title: str, result: DatasetReport) -> drawings.Matrix:
    """Active dimensions only, by the factor that each follows most, the strongest first."""
    S = result.association_matrix
    rows = np.flatnonzero(result.active)
    filled = np.nan_to_num(S)
    order = sorted(rows.tolist(), key=lambda d: (filled[d].argmax(), -filled[d].max()))
    return drawings.Matrix(title, S[order], [f"z{d}" for d in order], result.factors)


def _dots(transfer: Transfer) -> drawings.Dots:
    stages = {SOURCE: transfer.source, DIRECT: transfer.direct, FINE_TUNED: transfer.tuned}
    rivals = [baseline.result for baseline in transfer.rivals]
    axes = (lambda r: r.omes().omes, lambda r: r.mean_accuracy("gbt", "all"))
    return drawings.Dots(
        transfer.title,
        [{name: axis(model.result) for name, model in stages.items()} for axis in axes],
        [[axis(rival) for rival in rivals] for axis in axes],
    )
