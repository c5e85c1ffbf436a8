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
from dviz.metrics.discrete import entropy
from dviz.metrics.metric import COMPACTNESS, MODULARITY, Entry, Metric, Row, Score, Table
from dviz.metrics.split import run_parallel, standardised, train_rows, unlearnable

NEIGHBOURS = 10
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
    information = np.full((codes.shape[1], len(names)), np.nan)
    scaled = standardised(codes)
    for j in varying:
        found = [neighbour_information(column, factors[:, j]) for column in scaled.T]
        information[:, j] = np.array(found) / entropy(factors[:, j : j + 1])[0]
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


def neighbour_information(values: np.ndarray, labels: np.ndarray, k: int = NEIGHBOURS) -> float:
    """I(value; label) in nats, at least 0, of values (N,) and labels (N,): Ross (2014).

    For each value the distance to its k-th neighbour of the same label, and how many values of any
    label lie nearer. Labels that occur once tell nothing and are left out. Neighbours are found by
    sorting, as there is one dimension only.
    """
    from scipy.special import digamma

    _, label, count = np.unique(labels, return_inverse=True, return_counts=True)
    kept = count[label] > 1
    values, label = values[kept], label[kept]
    if not len(values):
        return 0.0
    # Equal values, as stored codes of half precision are, would be neighbours at no distance.
    spread = 1e-10 * max(float(np.abs(values).mean()), 1.0)
    values = values + spread * np.random.default_rng(0).normal(size=len(values))
    order = np.lexsort((values, label))
    ordered, own = values[order], np.bincount(label)
    sizes = own[own > 0]
    near = np.minimum(k, sizes - 1)
    radius = np.concatenate(
        [
            _neighbour_distance(part, n)
            for part, n in zip(np.split(ordered, np.cumsum(sizes)[:-1]), near, strict=True)
        ]
    )
    # The neighbour itself does not count, whichever way a sum is rounded.
    radius = radius - 8 * np.finfo(np.float64).eps * np.abs(ordered).max()
    everything = np.sort(values)
    within = np.searchsorted(everything, ordered + radius, side="right")
    within -= np.searchsorted(everything, ordered - radius, side="left")
    share = sizes / sizes.sum()
    found = digamma(len(values)) + share @ digamma(near) - share @ digamma(sizes)
    return max(0.0, float(found - digamma(np.maximum(within, 1)).mean()))


def _neighbour_distance(ordered: np.ndarray, k: int) -> np.ndarray:
    """Distance of each of the sorted values (N,) to its k-th nearest, k < N, (N,)."""
    padded = np.concatenate([np.full(k, -np.inf), ordered, np.full(k, np.inf)])
    count, nearest = len(ordered), np.full(len(ordered), np.inf)
    for below in range(k + 1):  # so many of the k lie below
        low = padded[k - below : k - below + count]
        high = padded[2 * k - below : 2 * k - below + count]
        nearest = np.minimum(nearest, np.maximum(ordered - low, high - ordered))
    return nearest


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
