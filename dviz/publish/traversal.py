"""The picture on a model card: every active dimension of one code, moved from end to end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from dviz.checkpoint import CODES, REPORT, TRAVERSAL, CheckpointConfig, load_checkpoint
from dviz.files import atomic_path
from dviz.measuring.circles import measured_circles
from dviz.measuring.files import read_representations
from dviz.measuring.report import DatasetReport, read_report
from dviz.models.vae import VAE
from dviz.representations.base import Representation
from dviz.representations.build import as_representation

COLUMNS = 9


@dataclass(frozen=True)
class Row:
    """A code moved along an active dimension, or around the circle of two.

    Attributes:
        dimensions: those that move.
        codes: float32 (columns, D).
    """

    dimensions: tuple[int, ...]
    codes: np.ndarray

    @property
    def name(self) -> str:
        return ", ".join(f"z{d}" for d in self.dimensions)


def rows_of(
    config: CheckpointConfig, result: DatasetReport, code: np.ndarray, columns: int
) -> list[Row]:
    """`code` (D,) moved along every active dimension from its low to its high.

    Two dimensions that are the plane of a cyclic factor's circle move together, once around it:
    straight across, a code would leave what images reach.
    """
    circles = {c.dimensions[0]: c for c in measured_circles(config, result)}
    seconds = {c.dimensions[1] for c in circles.values()}
    rows = []
    for d in (int(d) for d in np.flatnonzero(result.active) if d not in seconds):
        codes = np.tile(np.asarray(code, dtype=np.float32), (columns, 1))
        if d in circles:
            both = circles[d].dimensions
            codes[:, both] = circles[d].at(np.linspace(-np.pi, np.pi, columns))
            rows.append(Row(both, codes))
        else:
            codes[:, d] = np.linspace(result.low[d], result.high[d], columns)
            rows.append(Row((d,), codes))
    return rows


def traversal_sheet(model: VAE | Representation, rows: list[Row]) -> np.ndarray:
    """The codes of A rows decoded to pictures of H × W, uint8 (A · H, 9 · W, 3)."""
    codes = np.concatenate([row.codes for row in rows])
    pictures = as_representation(model).decode(codes)
    height, width = pictures.shape[1:3]
    tiles = pictures.reshape(len(rows), COLUMNS, height, width, 3).transpose(0, 2, 1, 3, 4)
    return tiles.reshape(len(rows) * height, COLUMNS * width, 3)


def write_traversal(folder: str | Path) -> bool:
    """Write the `traversal_sheet` of a checkpoint's first stored code into its folder.

    Returns:
        Whether there was enough to draw it: a decoder, codes, a report with an active dimension.

    Raises:
        CheckpointError: weights, config or report cannot be read.
        DataFileError: the codes cannot be read.
    """
    checkpoint = load_checkpoint(folder)
    model = checkpoint.representation
    path = checkpoint.folder / CODES
    result = read_report(checkpoint.folder / REPORT).results.get(checkpoint.config.dataset)
    if result is None or not (model.has_decoder and any(result.active) and path.exists()):
        return False
    code = read_representations(path)[0]
    sheet = traversal_sheet(model, rows_of(checkpoint.config, result, code, COLUMNS))
    with atomic_path(checkpoint.folder / TRAVERSAL) as temporary:
        Image.fromarray(sheet).quantize(128).save(temporary, format="PNG", optimize=True)
    return True
