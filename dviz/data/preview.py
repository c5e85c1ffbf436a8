"""What a dataset looks like: random samples, and each factor varied alone."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dviz.data.base import FactorDataset
from dviz.data.table import UNKNOWN, TableDataset

SIDE, GAP, LABEL, MARGIN = 64, 2, 110, 6
SAMPLES = "samples"
PAPER, INK = (250, 250, 250), (30, 30, 30)


def sheet_rows(
    dataset: FactorDataset, rng: np.random.Generator, columns: int = 10, samples: int = 2
) -> list[tuple[str, np.ndarray]]:
    """Rows of random samples, then one row a factor, varied alone, under the factor's name.

    Where a dataset is no grid, a row shows images that differ in that factor alone as far as there
    are any. Factors with one value have no row.

    Returns:
        Name and images, uint8 (≤ columns, 64, 64, 3), of each row.
    """
    rows = [(SAMPLES, dataset.sample(columns, rng)[0]) for _ in range(samples)]
    rows += [
        (f"{dataset.space.names[j]} ({dataset.space.sizes[j]})", _vary(dataset, j, columns, rng))
        for j in dataset.space.varying
    ]
    return rows


def _vary(
    dataset: FactorDataset, factor: int, columns: int, rng: np.random.Generator
) -> np.ndarray:
    if isinstance(dataset, TableDataset):
        return _vary_table(dataset, factor, columns, rng)
    return _vary_grid(dataset, factor, columns, rng)


def contact_sheet(
    dataset: FactorDataset, rng: np.random.Generator, columns: int = 10, samples: int = 2
) -> np.ndarray:
    """`sheet_rows` as one picture on white paper, uint8 (H, W, 3)."""
    return paste(sheet_rows(dataset, rng, columns, samples), columns)


def _vary_grid(
    dataset: FactorDataset, factor: int, columns: int, rng: np.random.Generator
) -> np.ndarray:
    """Images uint8 (≤ columns, 64, 64, 3) of one scene with `factor` from its first to its last."""
    count = min(columns, int(dataset.space.sizes[factor]))
    classes = np.repeat(dataset.space.sample(1, rng), count, axis=0)
    classes[:, factor] = np.linspace(0, dataset.space.sizes[factor] - 1, count).round()
    return dataset.render(classes, rng)


def _vary_table(
    dataset: TableDataset, factor: int, columns: int, rng: np.random.Generator
) -> np.ndarray:
    """As `_vary_grid`, of the largest set of images found that agree on all other factors."""
    table = dataset.table[(dataset.table != UNKNOWN).all(axis=1)]
    others = np.delete(table, factor, axis=1)
    best = np.empty((0, len(dataset.space)), dtype=np.int64)
    for row in others[rng.permutation(len(others))[:50]]:
        alike = np.unique(table[(others == row).all(axis=1)], axis=0)
        best = alike if len(alike) > len(best) else best
    chosen = np.unique(np.linspace(0, max(len(best) - 1, 0), columns).round().astype(int))
    return dataset.render(best[chosen[: len(best)]], rng)


def paste(rows: list[tuple[str, np.ndarray]], columns: int) -> np.ndarray:
    """Rows of ≤ `columns` images uint8 (N, 64, 64, 3) beside their names, uint8 (H, W, 3); the
    names take LABEL pixels, or as many as the longest needs."""
    step, font = SIDE + GAP, ImageFont.load_default(12)
    lines = [line for label, _ in rows for line in label.split("\n")]
    left = max([LABEL, *(math.ceil(font.getlength(line)) + 2 * MARGIN for line in lines)])
    sheet = Image.new("RGB", (left + columns * step + GAP, len(rows) * step + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    for y, (label, images) in enumerate(rows):
        top = GAP + y * step
        draw.text((left - MARGIN, top + SIDE // 2), label, INK, font, anchor="rm")
        for x, image in enumerate(images):
            sheet.paste(Image.fromarray(image), (left + x * step, top))
    return np.array(sheet)
