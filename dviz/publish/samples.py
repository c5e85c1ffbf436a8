"""Codes, labels and thumbnails as one Parquet file, in the conventions of dataset viewers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dviz.checkpoint import CLASSES, CODES, CheckpointConfig, read_config, read_thumbnails
from dviz.data import dataset_info, load_dataset
from dviz.errors import DatasetError
from dviz.files import atomic_path
from dviz.measuring.files import read_classes, read_representations

MAX_PICTURES = 2_000


def write_samples(folder: Path, path: Path) -> int:
    """Write the stored codes of a checkpoint, and what they are codes of, as Parquet.

    A row an image: `image` (PNG, where a dataset here draws it or thumbnails came along; then at
    most 2000 rows), the code as columns `z0`, `z1`, …, and the value of every factor in words.
    `pandas.read_parquet("hf://…")`, the Hub's viewer and embedding-atlas read it as it is.

    Returns:
        Rows written; 0 where there are no codes, and then no file.

    Raises:
        DvizError: codes, labels or thumbnails are broken.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    config = read_config(folder)
    if not (folder / CODES).exists() or not (folder / CLASSES).exists():
        path.unlink(missing_ok=True)
        return 0
    codes, classes = read_representations(folder / CODES), read_classes(folder / CLASSES).classes
    images = _images(folder, config, classes)
    rows = len(codes) if images is None else len(images)
    columns: dict[str, Any] = {}
    features: dict[str, Any] = {}
    if images is not None:
        columns["image"] = [{"bytes": _png(image), "path": None} for image in images]
        features["image"] = {"_type": "Image"}
    for d in range(codes.shape[1]):
        columns[f"z{d}"] = codes[:rows, d].astype(np.float32)
        features[f"z{d}"] = {"dtype": "float32", "_type": "Value"}
    for factor, values in zip(config.factors, classes.T, strict=True):
        columns[factor.name] = [factor.label(int(value)) for value in values[:rows]]
        features[factor.name] = {"dtype": "string", "_type": "Value"}
    table = pa.table(columns).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return rows


def _images(folder: Path, config: CheckpointConfig, classes: np.ndarray) -> np.ndarray | None:
    """The pictures of the first rows, uint8 (M, 64, 64, 3); None where nothing here draws them."""
    stored = read_thumbnails(folder)
    if stored is not None:
        return stored[: min(len(classes), MAX_PICTURES)]
    try:
        if dataset_info(config.dataset).needs_files:
            return None
        dataset = load_dataset(config.dataset)
    except DatasetError:
        return None
    if tuple(dataset.space.factors) != tuple(config.factors):
        return None
    return dataset.render(classes[:MAX_PICTURES], np.random.default_rng(0))


def _png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()
