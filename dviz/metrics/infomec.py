"""InfoM, InfoE and InfoC (Hsu et al. 2023, "Disentanglement via latent quantization").

Modularity and compactness from the mutual information of every latent with every factor, estimated
from nearest neighbours instead of bins; explicitness as the share of a factor's entropy that a
linear classifier takes away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_names, check_table, jsonable
from dviz.metrics.information import neighbour_shares
from dviz.metrics.metric import COMPACTNESS, MODULARITY, Entry, Metric, Row, Score, Table
from dviz.metrics.split import run_parallel, standardised, train_rows, unlearnable

ACTIVE_RANGE = 1 / 20
"""A latent counts as active where its range exceeds this share of the widest (their code)."""


@dataclass(frozen=True)
class InfoMecResult:
    """All at most 1, higher is better; NaN where it cannot be told.

    Attributes:
        modularity: InfoM, how much of what each active latent tells is about one factor.
        compactness: InfoC, how much of what is told about each factor one latent tells.
        explicitness: InfoE, on rows not trained on; below 0 where that is worse than guessing.
        explicitness_in_sample: on the rows trained on, as published.
        per_factor: InfoE of each factor.
        information: I(z_d; j) / H(j), float64 (D, F); active: bool (D,).
    """

    modularity: float
    compactness: float
    explicitness: float
    explicitness_in_sample: float
    per_factor: dict[str, float]
    information: np.ndarray
    active: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Plain values for strict JSON: NaN becomes None."""
        return jsonable(vars(self))


def infomec(
    codes: Any, factors: Any, *, names: Sequence[str] | None = None, n_jobs: int = 1
) -> InfoMecResult:
    """InfoMEC of codes (N, D) and class indices (N, F).

    InfoM averages over active latents the largest share of a latent's information about one factor,
    InfoC averages over factors the largest share by one latent, each rescaled so that an even
    spread is 0. InfoE is 1 - cross-entropy / log K of an unpenalised logistic regression with
    balanced classes on standardised latents, averaged over factors; the first two thirds of the
    rows train. Factors with one value are left out.
    """
    codes, factors = check_table(codes, factors)
    names = check_names(names, factors.shape[1])
    ranges = np.ptp(codes, axis=0)
    active = ranges > ranges.max() * ACTIVE_RANGE
    varying = np.flatnonzero((factors != factors[:1]).any(axis=0))
    scaled = standardised(codes)
    information = neighbour_shares(scaled, factors)
    told = information[np.ix_(active, varying)]
    explicit = np.full((len(names), 2), np.nan)
    jobs = [(scaled, factors[:, j]) for j in varying]
    explicit[varying] = np.reshape(run_parallel(_explicitness, jobs, n_jobs), (-1, 2))
    known = explicit[~np.isnan(explicit[:, 0])]
    held_out, in_sample = known.mean(axis=0) if len(known) else (np.nan, np.nan)
    per_factor = dict(zip(names, explicit[:, 0].tolist(), strict=True))
    return InfoMecResult(
        _concentration(told.T),
        _concentration(told),
        float(held_out),
        float(in_sample),
        per_factor,
        information,
        active,
    )


def _concentration(information: np.ndarray) -> float:
    """Mean over columns (A, B) of the largest share, from 0 (an even spread) to 1."""
    count = len(information)
    total = information.sum(axis=0)
    shares = information.max(axis=0, initial=0)[total > 0] / total[total > 0]
    if count < 2 or not len(shares):
        return float("nan")
    return float((shares.mean() - 1 / count) / (1 - 1 / count))


def _explicitness(codes: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """1 - cross-entropy / log K on the last third, and on the first two."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    train = train_rows(len(codes))
    classes = np.unique(labels[:train])
    if unlearnable(labels) or len(classes) < 2:
        return float("nan"), float("nan")
    # As good as no penalty, and the optimum exists where classes are separable.
    model = LogisticRegression(C=1e6, class_weight="balanced", max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 100 steps are part of the definition
        model.fit(codes[:train], labels[:train])
    shares: list[float] = []
    for rows in (slice(train, None), slice(train)):
        seen = np.isin(labels[rows], classes)
        place = np.searchsorted(classes, labels[rows][seen])
        chance = model.predict_proba(codes[rows][seen])[np.arange(len(place)), place]
        told = np.log(np.maximum(chance, 1e-15)).mean() if len(place) else np.nan
        shares.append(1 + float(told) / np.log(len(classes)))
    return shares[0], shares[1]


def _rows(entry: Entry, factors: list[str]) -> Iterator[Row]:
    yield "InfoM (modularity)", entry["modularity"], []
    yield "InfoC (compactness)", entry["compactness"], []
    parts = [entry["per_factor"][name] for name in factors]
    yield "InfoE (explicitness)", entry["explicitness"], parts
    yield "InfoE in sample", entry["explicitness_in_sample"], []


def _run(t: Table) -> Entry:
    return infomec(t.codes, t.factors, names=t.names, n_jobs=t.n_jobs).to_dict()


METRIC = Metric(
    "infomec",
    "InfoMEC",
    _run,
    _rows,
    scores=(
        Score("infom", "InfoM", "InfoM", lambda entry: entry["modularity"], MODULARITY),
        Score("infoc", "InfoC", "InfoC", lambda entry: entry["compactness"], COMPACTNESS),
        Score("infoe", "InfoE", "InfoE", lambda entry: entry["explicitness"]),
    ),
    cost=6,
)
