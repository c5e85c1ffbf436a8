"""The study's tables and claims, from the files of a folder of checkpoints: Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from dviz.checkpoint import SOURCE
from dviz.results import pictures, published, rankings, tables
from dviz.results import seeds as sweeps
from dviz.results.claims import verdicts
from dviz.results.figures import OVERVIEW
from dviz.results.zoo import Model, transfers_of

HEAD = (
    "Made by `python scripts/reproduce.py` from the `report.json` and `config.json` of every "
    "checkpoint in `checkpoints/`, the tables in `checkpoints/seeds/` and what was seen on contact "
    "sheets, `checkpoints/remarks.json`; the study's own figures are in "
    "`dviz/results/published.py`. Accuracies in %; in tables of transfers that before fine-tuning, "
    "and in brackets what fine-tuning added. OMES at α = 0.5 as avg / max pooling. One model each, "
    "of one seed, unless said otherwise: outside of *Over seeds*, ± is the standard error of the "
    "images and pairs that were drawn, and says nothing of another seed; on photographs with many "
    "images each that of OMES is a little small ([intervals.md](intervals.md)), and so is that of "
    "probes in reports from before it counted photographs. Where probes are "
    "split by photograph, they are tested on photographs that they have not seen; an encoder that "
    "was trained on that dataset has seen them all."
)


def read_seeds(root: str | Path) -> pd.DataFrame | None:
    """The rows of every `seeds/*.csv` below `root`: results.csv of a sweep over seeds."""
    found = [pd.read_csv(path) for path in sorted(Path(root).glob("seeds/*.csv"))]
    return pd.concat(found, ignore_index=True) if found else None


def results_page(
    models: Sequence[Model],
    seeds: pd.DataFrame | None = None,
    remarks: Mapping[str, str] | None = None,
) -> str:
    """The whole page; the same reports give the same text, byte for byte.

    Args:
        seeds: of `read_seeds`; remarks: of `dviz.results.pictures.read_remarks`.
    """
    transfers = transfers_of(models)
    alone = {(t.source.config.name, t.tuned.config.dataset): t.alone for t in transfers}
    parts = [
        "# Results",
        HEAD,
        f"![OMES and GBT accuracy of every transfer]({OVERVIEW})" if transfers else "",
        "## Claims",
        verdicts(transfers, sweeps.over_seeds(seeds, alone)),
        "## Sources",
        tables.sources(m for m in models if m.config.kind == SOURCE),
        "## Transfers",
        *(tables.transfer_section(transfer) for transfer in transfers),
        "## Pictures",
        pictures.section(models, remarks or {}),
        "## Over seeds",
        sweeps.section(seeds),
        "## The study's Shapes3D → Isaac3D beside ours",
        published.beside_ours(transfers),
        "## Does OMES agree with other metrics?",
        rankings.agreement(models),
        "## Does distance foretell transfer?",
        rankings.distances(transfers) or "Not measured yet.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
