"""Tables of the results page: Sources and transfers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dviz.measuring.differences import older_trees, split_note
from dviz.measuring.report import ARC, BY_PHOTOGRAPH, DatasetReport
from dviz.metrics.metric import COMPACTNESS, MODULARITY
from dviz.metrics.suite import shown_scores
from dviz.results.figures import picture_of
from dviz.results.markdown import decimal, gains, percent, percents, table
from dviz.results.zoo import Model, Transfer

PROBES = tuple(
    (model, dims) for model in ("gbt", "mlp") for dims in ("all", ARC, "union", "pruned")
)
POOLINGS = ("avg", "max")


def sources(models: Iterable[Model]) -> str:
    """A row a Source, measured on its own dataset."""
    others = shown_scores()
    header = ["Source", "images", "OMES", "modularity", "compactness"]
    header += [*(score.label for score in others), "active", "steps"]
    rows = []
    for model in models:
        result = model.result
        rows.append(
            [
                model.config.name
                + (f" ({model.labelled:,} labelled images)" if model.labelled else ""),
                result.origin or "–",
                *(_both(result, what) for what in ("omes", "modularity", "compactness")),
                *(decimal(result.score(score.key)) for score in others),
                f"{sum(result.active)} of {len(result.active)}",
                f"{model.config.training.get('steps', 0):,}",
            ]
        )
    return table(header, rows) if rows else ""


def transfer_section(transfer: Transfer) -> str:
    """How it was trained and measured, its accuracies, its scores and its picture."""
    parts = [
        f"### {transfer.title}",
        _training(transfer),
        _baselines(transfer),
        _accuracies(transfer),
        _scores(transfer),
        f"![association matrices of {transfer.title}]({picture_of(transfer)})",
    ]
    return "\n\n".join(filter(None, parts))


def _baselines(transfer: Transfer) -> str:
    """What each baseline is, a line each, with its pairs where they are others than ours."""
    ours = transfer.tuned.result.num_pairs
    lines = []
    for b in transfer.rivals:
        fewer = "" if b.result.num_pairs == ours else f" {b.result.num_pairs:,} pairs a factor."
        lines.append(f"- {b.name}: {b.description}{fewer}")
    return "\n".join(["Baselines:\n", *lines]) if lines else ""


def _accuracies(transfer: Transfer) -> str:
    before, after = transfer.direct.result, transfer.tuned.result
    factors = before.factors
    rows = []
    for probe in PROBES:
        first, second = (result.accuracies(*probe, factors) for result in (before, after))
        if not np.isnan(second - first).all():
            rows.append([_probe_name(*probe), *gains(first, second)])
    rows.append(["chance", *percents(before.chances(factors))])
    rows += [
        [
            f"{b.name}: {_probe_name(*probe)}{_split_apart(after, b.result)}",
            *percents(b.result.accuracies(*probe, factors)),
        ]
        for b in transfer.rivals
        for probe in PROBES
        if "all" in probe and not np.isnan(b.result.accuracies(*probe, factors)).all()
    ]
    return table(["", *factors, "mean"], rows)


def _split_apart(ours: DatasetReport, baseline: DatasetReport) -> str:
    note = split_note(ours, baseline)
    return f" ({note})" if note else ""


def _probe_name(model: str, dimensions: str) -> str:
    return f"{model.upper()}, {dimensions}"


def _training(transfer: Transfer) -> str:
    model, direct = transfer.tuned, transfer.direct.config
    training, result = model.config.training, model.result
    trained = f"{recipe(training)}, seed {training.get('seed', 0)}{_took(training)}"
    painted = direct.painted_on(direct.dataset)
    if painted and model.config.parent == direct.name:
        trained += (
            f", after the decoder alone learnt {painted:,} images from the direct transfer's codes"
        )
    measured = (
        f"{result.num_images:,} images of {result.title} and {result.num_pairs:,} pairs a "
        f"factor, seed {result.seed} ({result.machine})"
    )
    return f"`{model.config.name}`: {trained}. Measured on {measured}.{_split(result)}"


def _split(result: DatasetReport) -> str:
    """How its probes were split, where it was not by row."""
    if result.split != BY_PHOTOGRAPH:
        return ""
    return f" Probes are split by photograph.{_arc(result)}"


def _arc(result: DatasetReport) -> str:
    """What holding out a third of the circle costs most, fine-tuned; "" where that is not known."""
    seen, unseen = (result.accuracies("mlp", dims) for dims in ("all", ARC))
    if np.isnan(seen - unseen).all():
        return ""
    j = int(np.nanargmax(seen - unseen))
    return (
        " Arc: trained on two thirds of the circle of views, tested on the third never seen; of "
        f"{result.factors[j]} the MLP then reads {percent(unseen[j])} instead of "
        f"{percent(seen[j])}, fine-tuned."
    )


def recipe(training: dict[str, Any]) -> str:
    """ "40,000 steps, β 2"."""
    return f"{training.get('steps', 0):,} steps, β {training.get('beta', 0):g}"


def _took(training: dict[str, Any]) -> str:
    return f", {training['seconds'] / 60:.0f} min" if "seconds" in training else ""


def _scores(transfer: Transfer) -> str:
    """Modularity and compactness, each beside the classic metric of the same, as in the study."""
    beside = {kind: shown_scores(kind)[0] for kind in (MODULARITY, COMPACTNESS)}
    encoders = [
        ("Source", transfer.source.result),
        ("direct", transfer.direct.result),
        ("fine-tuned", transfer.tuned.result),
    ]
    encoders += [(b.name, b.result) for b in transfer.rivals]
    rows = [
        [
            name,
            _both(result, "modularity"),
            decimal(result.score(beside[MODULARITY].key)),
            _both(result, "compactness"),
            decimal(result.score(beside[COMPACTNESS].key)),
            _both(result, "omes"),
        ]
        for name, result in encoders
    ]
    header = ["", "modularity: OS", beside[MODULARITY].label]
    header += ["compactness: MES", beside[COMPACTNESS].label, "OMES"]
    older = [b.name for b in transfer.rivals if older_trees(b.result)]
    note = f"\n\nDCI of {', '.join(older)}: with the trees of an earlier version." if older else ""
    return table(header, rows) + note


def _both(result: DatasetReport, what: str) -> str:
    return " / ".join(decimal(getattr(result.omes(pooling=p), what)) for p in POOLINGS)
