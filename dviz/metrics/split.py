"""What the metrics that train something share: split, scaling, processes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def train_rows(rows: int) -> int:
    """The study's split: the first two thirds train (rounded up), at least one row tests."""
    return min(-(-2 * rows // 3), rows - 1)


def standardised(codes: np.ndarray) -> np.ndarray:
    """Codes (N, D) with mean 0 and standard deviation 1 per dimension; a constant one is 0."""
    centred = codes - codes.mean(axis=0)
    scale = centred.std(axis=0)
    constant = scale <= 1e-12 * np.abs(codes).max(axis=0)
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, scale))


def unlearnable(labels: np.ndarray, train: int | None = None) -> str | None:
    """Why no classifier can be trained for one factor (N,), or None; `train` rows train."""
    classes = len(np.unique(labels))
    train = train_rows(len(labels)) if train is None else train
    if classes == 1:
        return "takes one value only"
    if 2 * classes > train:
        return f"takes {classes} values over {train} training rows: too few rows per class"
    return None


def run_parallel(function: Callable, arguments: Sequence[tuple], n_jobs: int) -> list[Any]:
    """`function` of each tuple of arguments, in order, in up to `n_jobs` processes.

    Every call gets one thread: the tables are too small to share one call among several, and
    results then do not depend on the number of cores.
    """
    from joblib import Parallel, delayed, parallel_config
    from threadpoolctl import threadpool_limits

    n_jobs = max(1, min(n_jobs, len(arguments)))
    if n_jobs == 1:
        with threadpool_limits(1):
            return [function(*each) for each in arguments]
    # A process that has grown, as what trains trees does, is replaced and its calls are kept.
    replaced = "A worker stopped while some jobs were given to the executor"
    warnings.filterwarnings("ignore", replaced, UserWarning)
    with parallel_config(backend="loky", inner_max_num_threads=1):
        return list(
            Parallel(n_jobs=n_jobs, batch_size=1)(delayed(function)(*each) for each in arguments)
        )


def release_workers() -> None:
    """End the idle processes that `run_parallel` keeps for its next call.

    For programs that stay: the processes hold memory, and outlive one that is ended by a signal.
    """
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


def error_of_mean(values: np.ndarray, groups: np.ndarray | None = None) -> float:
    """Standard error of the mean of values (N,), those of a group (N,) rising and falling together.

    NaN where there is one group alone, which tells nothing of others.

    >>> round(error_of_mean(np.array([0.0, 1.0, 1.0, 0.0])), 3)
    0.289
    >>> round(error_of_mean(np.array([0.0, 1.0, 1.0, 0.0]), np.array([3, 7, 7, 3])), 3)
    0.5
    """
    surplus = values - values.mean()
    if groups is not None:
        surplus = np.bincount(np.unique(groups, return_inverse=True)[1], surplus)
    count = len(surplus)
    if count < 2:
        return float("nan")
    return float(np.sqrt((surplus**2).sum() * count / (count - 1)) / len(values))
