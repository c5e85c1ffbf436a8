"""Which images of a sample train and which test, where rows are not independent.

Several images may be made of one photograph, and a probe that has seen one of them knows the
others. So all images of a photograph fall on one side. Harder still: a third of the circle of views
is held out, and an object has to be known again from sides never seen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dviz.data.base import FactorDataset
from dviz.measuring.report import BY_PHOTOGRAPH, BY_ROW

TRAINING_SHARE = 2 / 3


class Split(NamedTuple):
    """Which images train, bool (N,), and which belong together (N,); see `probe_factors`."""

    train: np.ndarray | None = None
    groups: np.ndarray | None = None


def split_by_photograph(photographs: np.ndarray | None, seed: int) -> Split:
    """How probes of a random sample, made of these photographs (N,), are trained and tested.

    To be asked anew of the images whose label is known: photographs of one side may have none.
    """
    return Split(training_rows(photographs, seed), photographs)


def kind_of_split(photographs: np.ndarray | None, seed: int) -> str:
    """What reports call that split."""
    return BY_ROW if training_rows(photographs, seed) is None else BY_PHOTOGRAPH


def training_rows(photographs: np.ndarray | None, seed: int) -> np.ndarray | None:
    """Images that train, bool (N,): those of two thirds of the photographs.

    At least two test, as one alone has no error. None, so that the first two thirds of the images
    train, where images stand for themselves or there are fewer than three photographs.

    Args:
        photographs: which each image of a random sample was made of, (N,); None: each of its own.
    """
    if photographs is None:
        return None
    _, group = np.unique(photographs, return_inverse=True)
    order = np.random.default_rng([seed, 7]).permutation(group.max() + 1)
    train = order[group] < min(TRAINING_SHARE * len(order), len(order) - 2)
    return train if train.any() else None


def outside_arc(dataset: FactorDataset, classes: np.ndarray) -> np.ndarray | None:
    """Images that train where those in the held-out arc test, bool (N,); None where none is."""
    arc = dataset.in_arc(classes)
    return None if arc is None or arc.all() or not arc.any() else ~arc
