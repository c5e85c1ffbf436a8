"""The study's own table of Shapes3D → Isaac3D, beside ours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dviz.results.markdown import gains, table
from dviz.results.tables import recipe
from dviz.results.zoo import Transfer

# Published: the study's Shapes3D → Isaac3D, GBT, mean of 20 models: accuracy in % before
# fine-tuning and gain by it, from all dimensions and pruned, per factor, the mean last.
ISAAC3D = (
    "object shape",
    "object scale",
    "camera height",
    "robot x-move",
    "robot y-move",
    "lighting intensity",
    "lighting y-dir",
    "object colour",
    "wall colour",
)
PUBLISHED = {
    "all": (
        (34.9, 54.0, 39.2, 33.9, 23.0, 83.6, 85.4, 29.8, 78.1, 51.3),
        (5.1, 34.6, 17.4, 29.6, 4.3, 14.0, 12.7, 13.9, 18.9, 16.7),
    ),
    "pruned": (
        (33.8, 40.1, 33.5, 24.7, 21.6, 69.4, 67.5, 27.0, 61.5, 42.1),
        (3.6, 24.1, 11.1, 15.3, 2.7, 17.3, 14.4, 7.3, 16.6, 12.5),
    ),
}
BESIDE = {"all": ("all",), "pruned": ("union", "pruned")}
"""Which of our sets of dimensions stand below a published row."""
PROTOCOL = (
    "The study: the genuine Isaac3D, 20 models of 400,000 steps with 128 filters, 50,000 steps of "
    "fine-tuning. Ours: arm3d, a ray-cast stand-in with the same nine factors, one model with the "
    "recipe of its config.json: {recipe}. The figures may be compared in kind, not in height. "
    "Their paper says that a pruned probe reads the one dimension associated with its factor; "
    "their code gives every probe the union of these, so the published row stands above our union."
)


def beside_ours(transfers: Sequence[Transfer]) -> str:
    """Markdown: the published figures and ours, where ours were measured."""
    ours = [t for t in transfers if t.title == "shapes3d → arm3d"]
    rows = []
    for name, (before, gain) in PUBLISHED.items():
        cells = [f"{b:.1f} ({g:+.1f})" for b, g in zip(before, gain, strict=True)]
        rows.append([f"published, {name}", *cells])
        rows += [row for transfer in ours for row in _rows(transfer, BESIDE[name])]
    both = table(["GBT", *ISAAC3D, "mean"], rows)
    if not ours:
        return f"{both}\n\nOurs has not been measured yet."
    return f"{both}\n\n{PROTOCOL.format(recipe=_recipes(ours[0]))}"


def _rows(transfer: Transfer, sets: Sequence[str]) -> list[list[str]]:
    """A row for each of the sets of dimensions that were measured before and after."""
    found = {}
    for dimensions in sets:
        found[dimensions] = tuple(
            model.result.accuracies("gbt", dimensions, ISAAC3D)
            for model in (transfer.direct, transfer.tuned)
        )
    known = {name: pair for name, pair in found.items() if not np.isnan(pair[1] - pair[0]).all()}
    return [[f"ours, {name}", *gains(*pair)] for name, pair in known.items()]


def _recipes(transfer: Transfer) -> str:
    """What ours was made with, Source and fine-tuning."""
    source, tuned = transfer.source.config, transfer.tuned.config
    return (
        f"{source.architecture.filters} filters, {recipe(source.training)} on pairs that differ "
        f"in {'one factor' if source.training.get('k') == 1 else 'a random subset of factors'}, "
        f"then {recipe(tuned.training)} of fine-tuning; {tuned.training.get('batch_size', 0)} "
        f"images a step, measured on {transfer.tuned.result.num_images:,}"
    )
