"""The E and S of DCI-ES (Eastwood et al. 2023, "DCI-ES: an extended disentanglement framework with
connections to identifiability").

Explicitness: how much capacity a predictor needs before it reads a factor off as well as it can.
Size: how few latents there are for the factors. D, C and I are those of `dviz.metrics.dci`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_names, check_table, jsonable
from dviz.metrics.metric import Entry, Metric, Row, Score, Table
from dviz.metrics.split import run_parallel, standardised, train_rows, unlearnable

CAPACITIES = (1, 2, 4, 8, 16, 32, 64)
"""Rounds of boosted trees, the capacities at which the loss is looked at beside none at all."""


@dataclass(frozen=True)
class DciEsResult:
    """Attributes:
    explicitness: mean over factors of E, in [0, 1]: 1 where the least capacity does.
    size: factors / latents that vary, at most 1 where there are more latents than factors.
    per_factor: E of each factor; NaN for one left out.
    curves: for each factor the held-out loss at capacities 0 (the factor's entropy) and
        `CAPACITIES`, nats.
    """

    explicitness: float
    size: float
    per_factor: dict[str, float]
    curves: dict[str, list[float]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for strict JSON: NaN becomes None."""
        return jsonable(vars(self))


def dci_es(
    codes: Any,
    factors: Any,
    *,
    names: Sequence[str] | None = None,
    active: Any = None,
    seed: int = 0,
    n_jobs: int = 1,
) -> DciEsResult:
    """E and S of codes (N, D) and class indices (N, F).

    E is 1 - 2 A / (capacity range · loss without any code), A the area between the best loss so far
    and the best of all, over log₂(capacity + 1); the probes are gradient-boosted trees whose
    capacity is their number of rounds (one of the paper's families is trees). The first two thirds
    of the rows train, the last tests.

    Args:
        active: bool (D,), latents that count for the size; those that vary by default.
    """
    codes, factors = check_table(codes, factors)
    names = check_names(names, factors.shape[1])
    varies = codes.std(axis=0) > 0 if active is None else np.asarray(active)
    scaled = standardised(codes)
    jobs = [(scaled, column, seed) for column in factors.T]
    curves = [np.array(curve) for curve in run_parallel(loss_curve, jobs, n_jobs)]
    scores = [explicitness_of(curve) for curve in curves]
    known = [score for score in scores if not np.isnan(score)]
    latents = int(varies.sum())
    return DciEsResult(
        float(np.mean(known)) if known else float("nan"),
        len(known) / latents if latents else float("nan"),
        dict(zip(names, scores, strict=True)),
        {name: curve.tolist() for name, curve in zip(names, curves, strict=True)},
    )


def loss_curve(codes: np.ndarray, labels: np.ndarray, seed: int) -> list[float]:
    """Held-out cross-entropy in nats at capacity 0 and at each of `CAPACITIES`; [] if unknown."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    train = train_rows(len(codes))
    classes, targets = np.unique(labels[:train], return_inverse=True)
    seen = np.isin(labels[train:], classes)
    if unlearnable(labels) or len(classes) < 2 or not seen.any():
        return []
    truth = np.searchsorted(classes, labels[train:][seen])
    test, own = codes[train:][seen], np.arange(int(seen.sum()))
    model = HistGradientBoostingClassifier(
        max_iter=max(CAPACITIES),
        early_stopping=False,
        min_samples_leaf=int(np.clip(train // 50, 1, 20)),
        l2_regularization=10.0,
        random_state=seed,
    ).fit(codes[:train], targets)
    prior = np.bincount(targets) / train
    losses = [-float(np.log(prior[truth]).mean())]
    stages = enumerate(model.staged_predict_proba(test), start=1)
    for rounds, chance in islice(stages, max(CAPACITIES)):
        if rounds in CAPACITIES:
            losses.append(-float(np.log(np.maximum(chance[own, truth], 1e-12)).mean()))
    return losses


def explicitness_of(losses: Any) -> float:
    """E of a loss curve over capacities 0 and `CAPACITIES`; NaN for an empty one.

    >>> explicitness_of([1.0, 0, 0, 0, 0, 0, 0, 0]) > explicitness_of([1.0, 1, 1, 1, 1, 1, 1, 0])
    True
    """
    losses = np.asarray(losses, dtype=np.float64)
    if not len(losses) or losses[0] <= 0:
        return float("nan")
    capacity = np.log2(np.array([0, *CAPACITIES]) + 1.0)
    excess = np.minimum.accumulate(losses) - losses.min()
    area = float(((excess[1:] + excess[:-1]) / 2) @ np.diff(capacity))
    return 1 - 2 * area / float((capacity[-1] - capacity[0]) * losses[0])


def _rows(entry: Entry, factors: list[str]) -> Iterator[Row]:
    parts = [entry["per_factor"][name] for name in factors]
    yield "DCI-ES explicitness", entry["explicitness"], parts
    yield "DCI-ES size", entry["size"], []


def _run(t: Table) -> Entry:
    return dci_es(
        t.codes, t.factors, names=t.names, active=t.active, seed=t.seed, n_jobs=t.n_jobs
    ).to_dict()


METRIC = Metric(
    "dci_es",
    "DCI-ES",
    _run,
    _rows,
    scores=(Score("dci_es_explicitness", "DCI-ES explicitness", "E", lambda e: e["explicitness"]),),
    cost=8,
)
