"""Probes that are as sure of themselves as they are right on what they have not seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from dviz.metrics.arrays import check_codes
from dviz.metrics.mlp import Mlp
from dviz.metrics.probes import Probe, fit_probe
from dviz.metrics.split import train_rows

WIDEST = 10.0  # factor by which logits are stretched or pressed at most


def fit_calibrated(codes: Any, labels: Any, train: Any = None, seed: int = 0) -> Probe:
    """A perceptron fitted to all rows, as sure of itself as it is right on rows it has not seen.

    Temperature scaling (Guo et al. 2017): one fitted to the rows that `train`, bool (N,) (by
    default the first two thirds), is asked about the others, and logits are divided by what makes
    their labels most likely. What is read stays what it was.
    """
    codes, labels = check_codes(codes), np.asarray(labels)
    if train is None:
        train = np.arange(len(codes)) < train_rows(len(codes))
    whole = fit_probe(codes, labels, "mlp", seed)
    held_in = fit_probe(codes[train], labels[train], "mlp", seed)
    T, mlp = temperature(held_in, codes[~train], labels[~train]), whole.predictor
    assert isinstance(mlp, Mlp)
    return replace(whole, predictor=mlp.tempered(T), temperature=T)


def temperature(probe: Probe, codes: Any, labels: Any) -> float:
    """What to divide a probe's logits by so that labels (N,) of codes (N, D) are most likely.

    In [1 / WIDEST, WIDEST]. Rows of a class that the probe never saw do not count; 1 where no
    others are.
    """
    seen = np.isin(labels, probe.classes)
    if not seen.any() or len(probe.classes) == 1:
        return 1.0
    logits = np.log(np.maximum(probe.predict_proba(np.asarray(codes)[seen]), 1e-30))
    true = np.searchsorted(probe.classes, np.asarray(labels)[seen])[:, None]

    def surprise(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        right = np.take_along_axis(scaled, true, axis=1)[:, 0]
        return float((logsumexp(scaled, axis=1) - right).mean())

    bounds = (-np.log(WIDEST), np.log(WIDEST))
    return float(np.exp(minimize_scalar(surprise, bounds=bounds, method="bounded").x))
