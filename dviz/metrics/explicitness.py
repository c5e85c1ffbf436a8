"""Explicitness (Ridgeway & Mozer 2018, "Learning deep disentangled embeddings")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_names, check_table
from dviz.metrics.metric import single
from dviz.metrics.result import MetricResult
from dviz.metrics.split import run_parallel, standardised, train_rows, unlearnable


def explicitness(
    codes: Any, factors: Any, *, names: Sequence[str] | None = None, n_jobs: int = 1
) -> MetricResult:
    """Can a linear classifier read each factor off all dimensions? Mean over factors, in [0, 1].

    A multinomial logistic regression on standardised codes, trained on the first two thirds of
    the rows; the area under the ROC curve of each class against the rest on the last third,
    averaged over classes and factors and rescaled so that chance is 0: 2 AUC - 1, at least 0. A
    factor with one value in either part, or with too few rows per class, is left out (NaN).
    `details`: `auc` per factor.
    """
    codes, factors = check_table(codes, factors)
    names = check_names(names, factors.shape[1])
    if len(codes) < 3:
        raise ValueError(f"codes must have at least 3 rows to train and test, got {len(codes)}")
    codes = standardised(codes)
    areas = np.array(run_parallel(_auc, [(codes, column) for column in factors.T], n_jobs))
    scores = np.maximum(2 * areas - 1, 0)
    known = scores[~np.isnan(scores)]
    score = float(known.mean()) if len(known) else float("nan")
    auc = dict(zip(names, areas.tolist(), strict=True))
    return MetricResult(score, dict(zip(names, scores.tolist(), strict=True)), {"auc": auc})


def _auc(codes: np.ndarray, labels: np.ndarray) -> float:
    """Mean one-against-rest AUC over the classes that both parts hold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    train = train_rows(len(codes))
    known, truth = labels[:train], labels[train:]
    if unlearnable(labels) or (known == known[0]).all() or (truth == truth[0]).all():
        return float("nan")
    model = LogisticRegression(max_iter=300).fit(codes[:train], known)
    probability = model.predict_proba(codes[train:])
    areas = [
        roc_auc_score(truth == value, probability[:, i])
        for i, value in enumerate(model.classes_)
        if (truth == value).any()
    ]
    return float(np.mean(areas)) if areas else float("nan")


METRIC = single(
    "explicitness",
    "Explicitness",
    lambda t: explicitness(t.codes, t.factors, names=t.names, n_jobs=t.n_jobs).to_dict(),
    cost=6,
)
