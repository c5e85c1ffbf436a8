"""SAP, separated attribute predictability (Kumar et al. 2018, "Variational inference of
disentangled latent concepts from unlabeled observations")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_names, check_table
from dviz.metrics.metric import COMPACTNESS, single
from dviz.metrics.result import MetricResult
from dviz.metrics.split import run_parallel, standardised, train_rows, unlearnable


def sap(
    codes: Any,
    factors: Any,
    *,
    names: Sequence[str] | None = None,
    continuous: bool = False,
    n_jobs: int = 1,
) -> MetricResult:
    """Mean over factors of the gap between the two dimensions that predict it best, in [0, 1].

    Each (dimension, factor) is scored by a linear classifier on that dimension alone (accuracy of
    a class-balanced linear SVM with C = 0.01, trained on the first two thirds of the rows and
    tested on the last; Locatello et al. 2019), or, where the factors are `continuous`, by the
    squared correlation of the two. Codes are standardised first, so that their scale is no matter
    of the classifier's penalty. A factor with one value, or with too few rows per class, is
    left out (NaN). `details`: `scores` (D, F).
    """
    codes, factors = check_table(codes, factors)
    names = check_names(names, factors.shape[1])
    if len(codes) < 3:
        raise ValueError(f"codes must have at least 3 rows to train and test, got {len(codes)}")
    codes = standardised(codes)
    score = _squared_correlations if continuous else _accuracies
    varying = np.flatnonzero((factors != factors[:1]).any(axis=0))
    if not continuous:
        varying = np.array([j for j in varying if not unlearnable(factors[:, j])], dtype=int)
    scores = np.full((codes.shape[1], len(names)), np.nan)
    columns = run_parallel(score, [(codes, factors[:, j]) for j in varying], n_jobs)
    for j, column in zip(varying, columns, strict=True):
        scores[:, j] = column
    ranked = np.sort(np.concatenate([np.zeros((1, len(names))), scores]), axis=0)
    gaps = np.where(np.isnan(scores[0]), np.nan, ranked[-1] - ranked[-2])
    mean = float(gaps[varying].mean()) if len(varying) else float("nan")
    return MetricResult(mean, dict(zip(names, gaps.tolist(), strict=True)), {"scores": scores})


def _accuracies(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Accuracy of a linear SVM on each dimension alone, (D,)."""
    from sklearn.svm import LinearSVC

    train = train_rows(len(codes))
    known = labels[:train]
    if (known == known[0]).all():
        return np.full(codes.shape[1], (labels[train:] == known[0]).mean())
    accuracies = []
    for column in codes.T[:, :, None]:
        model = LinearSVC(C=0.01, class_weight="balanced", dual=False).fit(column[:train], known)
        accuracies.append((model.predict(column[train:]) == labels[train:]).mean())
    return np.array(accuracies)


def _squared_correlations(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Squared Pearson correlation of each standardised dimension with the factor, (D,)."""
    label = standardised(labels[:, None].astype(np.float64))[:, 0]
    return (codes * label[:, None]).mean(axis=0) ** 2


METRIC = single(
    "sap",
    "SAP",
    lambda t: sap(t.codes, t.factors, names=t.names, n_jobs=t.n_jobs).to_dict(),
    measures=COMPACTNESS,
    cost=8,
)
