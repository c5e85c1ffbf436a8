"""Files of codes and labels as the study's authors write them."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def write_representations(
    path: str | Path, mean: np.ndarray, sampled: np.ndarray | None = None
) -> None:
    """Codes (N, D): float32 arrays `mean` and, where given, `sampled`."""
    arrays = {"mean": mean} | ({} if sampled is None else {"sampled": sampled})
    np.savez_compressed(path, **{key: array.astype(np.float32) for key, array in arrays.items()})


def write_classes(path: str | Path, names: Sequence[str], classes: np.ndarray) -> None:
    """Class indices (N, F): a header of factor names and N rows."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *classes.tolist()])
