"""How true every checkpoint's pictures are: to their images, and to the names on its sliders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from dviz.checkpoint import CheckpointConfig
from dviz.errors import CheckpointError
from dviz.measuring.report import DatasetReport
from dviz.results.markdown import table
from dviz.results.zoo import Model

HEADER = [
    "checkpoint", "squared error", "overlap", "colour error", "true labels", "decoder from codes",
]  # fmt: skip
NOTE = (
    "Squared error: a pixel, colours in [0, 1]. Overlap: intersection over union of an object on "
    'black with its reconstruction; colour error: mean absolute, within the object; "–": not '
    "measured, as where a dataset shows no single object on black. True labels: a "
    "slider named after a factor is moved from end to end, its pictures are encoded again, and the "
    "factor that moves most must be the one on the label. Decoder from codes: images, with "
    "repeats, from whose frozen codes alone the decoder learnt or went on learning, and a "
    "checkpoint's filters; its "
    'error then says how much of a picture the codes hold. "–": it did not; of a direct transfer '
    "it is the Source's. A loss named there is what it learnt by in place of the likelihood of "
    "pixels."
)


SHEETS = "figures/sheets"  # beside the page: contact sheets of `dviz preview --checkpoint`


def read_remarks(root: str | Path) -> dict[str, str]:
    """What a person saw on each checkpoint's contact sheet, of `remarks.json` below `root`.

    Raises:
        CheckpointError: it is no JSON object of words by name.
    """
    path = Path(root) / "remarks.json"
    if not path.exists():
        return {}
    try:
        remarks = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path.name} cannot be read ({error})") from error
    if not isinstance(remarks, dict) or not all(isinstance(r, str) for r in remarks.values()):
        raise CheckpointError(f"{path.name} has to hold a sentence for each checkpoint by name")
    return remarks


def section(models: Sequence[Model], remarks: Mapping[str, str]) -> str:
    """The share of true labels, a row a checkpoint or painted baseline, and what was looked at."""
    seen = [
        f"- [{name}]({SHEETS}/{name}.png): {remarks[name]}"
        for name in (model.config.name for model in models)
        if name in remarks
    ]
    looked = "Contact sheets, and what looks wrong on them:\n\n" + "\n".join(seen) if seen else ""
    parts = [_share_of_true_labels(models), table(HEADER, _rows(models)), NOTE, looked]
    return "\n\n".join(filter(None, parts))


def _rows(models: Sequence[Model]) -> list[list[str]]:
    rows, seen = [], set()
    for model in models:
        *cells, painted = _cells(model.result)
        if model.result.painted:
            painted += f" ({model.config.architecture.painting_filters})"
        rows.append([model.config.name, *cells, painted + _loss(model.config)])
        for baseline in model.report.baselines_on(model.config.dataset):
            name = f"{baseline.name}, on {baseline.result.dataset}"
            if baseline.result.painted and name not in seen:
                seen.add(name)
                rows.append([name, *_cells(baseline.result)])
    return rows


def _loss(config: CheckpointConfig) -> str:
    """What else than the likelihood of pixels a decoder learnt by; "" where nothing else."""
    learnt = config.painting if config.painted_on(config.dataset) else config.training
    loss = learnt.get("reconstruction", "bernoulli")
    return "" if loss == "bernoulli" else f", {loss}"


def _share_of_true_labels(models: Sequence[Model]) -> str:
    """One sentence over all checkpoints; "" where it was measured of none."""
    counts = [model.result.true_labels() for model in models]
    true, told = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    if not told:
        return ""
    return f"{true} of {told} labels ({true / told:.0%}) are true of the picture."


def _cells(result: DatasetReport) -> list[str]:
    true, told = result.true_labels()
    return [
        "–" if result.mse is None else f"{result.mse:.4f}",
        *("–" if x is None else f"{x:.3f}" for x in (result.overlap, result.colour_error)),
        f"{true} of {told}" if told else "–",
        f"{result.painted:,}" if result.painted else "–",
    ]
