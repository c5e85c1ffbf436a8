"""A checkpoint at a glance: images, what it makes of them, and what each dimension does."""

from __future__ import annotations

import numpy as np

from dviz.checkpoint import REPORT, Checkpoint
from dviz.data.base import FactorDataset
from dviz.data.preview import SIDE, paste
from dviz.errors import CheckpointError
from dviz.measuring.report import DatasetReport, read_report
from dviz.publish.traversal import Row, rows_of
from dviz.representations.pictures import fit

COLUMNS = 12


def checkpoint_sheet(
    checkpoint: Checkpoint, dataset: FactorDataset, seed: int = 0, images: bool = True
) -> np.ndarray:
    """Samples, their reconstructions, and the first sample's code moved along each dimension.

    Args:
        images: whether to show the samples themselves, which for some photographs is not allowed
            where the sheet may be passed on.

    Returns:
        uint8 (H, W, 3): 12 columns under the names of the rows, on white; active dimensions only,
        from their 1st to their 99th percentile, two that are a circle once around it. A name that
        the picture belies is in brackets.

    Raises:
        CheckpointError: it has no decoder, or was never measured on `dataset`.
    """
    name, encoder = checkpoint.config.name, checkpoint.representation
    result = read_report(checkpoint.folder / REPORT).results.get(dataset.name)
    if result is None or not encoder.has_decoder:
        raise CheckpointError(f"{name} has no decoder, or no report on {dataset.name}")
    samples, _ = dataset.sample(COLUMNS, np.random.default_rng(seed))
    codes = encoder.encode(samples).mean

    def painted(some: np.ndarray) -> np.ndarray:
        return fit(encoder.decode(some), (SIDE, SIDE), 3)

    rows = [("images", samples)] if images else []
    rows.append(("painted", painted(codes)))
    for row in rows_of(checkpoint.config, result, codes[0], COLUMNS):
        rows.append((_label(result, row), painted(row.codes)))
    return paste(rows, COLUMNS)


def _label(result: DatasetReport, row: Row) -> str:
    labels = result.labels()
    names = ",\n".join(dict.fromkeys(name for d in row.dimensions for name in labels.get(d, [])))
    if any(result.label_holds(d) is False for d in row.dimensions):
        names = f"({names})"
    return f"{row.name} {names}".strip()
