"""The picture on a model card: every active dimension of one code, moved from end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from dviz.checkpoint import CODES, REPORT, TRAVERSAL, load_checkpoint
from dviz.files import atomic_path
from dviz.measuring.files import read_representations
from dviz.measuring.report import DatasetReport, read_report
from dviz.models.vae import VAE, to_images

COLUMNS = 9


@torch.no_grad()
def traversal_sheet(model: VAE, result: DatasetReport, code: np.ndarray) -> np.ndarray:
    """Decode `code` with one active dimension at a time moved from its low to its high.

    Args:
        result: says which dimensions are active, and between which values to move them.
        code: (D,), the start.

    Returns:
        uint8 (A · 64, 9 · 64, 3): a row for each of the A active dimensions, in their order.
    """
    active = np.flatnonzero(result.active)
    codes = np.tile(np.asarray(code, dtype=np.float32), (len(active), COLUMNS, 1))
    for row, d in enumerate(active):
        codes[row, :, d] = np.linspace(result.low[d], result.high[d], COLUMNS)
    device = next(model.parameters()).device
    pictures = to_images(model.decode(torch.from_numpy(codes.reshape(-1, len(code))).to(device)))
    side = pictures.shape[1]
    rows = pictures.reshape(len(active), COLUMNS, side, side, 3).transpose(0, 2, 1, 3, 4)
    return rows.reshape(len(active) * side, COLUMNS * side, 3)


def write_traversal(folder: str | Path) -> bool:
    """Write the `traversal_sheet` of a checkpoint's first stored code into its folder.

    Returns:
        Whether there was enough to draw it: codes, and a report with an active dimension.

    Raises:
        CheckpointError: weights, config or report cannot be read.
        DataFileError: the codes cannot be read.
    """
    checkpoint = load_checkpoint(folder)
    path = checkpoint.folder / CODES
    result = read_report(checkpoint.folder / REPORT).results.get(checkpoint.config.dataset)
    if result is None or not any(result.active) or not path.exists():
        return False
    sheet = traversal_sheet(checkpoint.model, result, read_representations(path)[0])
    with atomic_path(checkpoint.folder / TRAVERSAL) as temporary:
        Image.fromarray(sheet).quantize(128).save(temporary, format="PNG", optimize=True)
    return True
