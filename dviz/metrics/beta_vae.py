"""The BetaVAE score (Higgins et al. 2017, "beta-VAE: learning basic visual concepts")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_names, check_table
from dviz.metrics.metric import single
from dviz.metrics.result import MetricResult
from dviz.metrics.sampling import SharedRows
from dviz.metrics.split import standardised

_CHUNK = 256


def beta_vae(
    codes: Any,
    factors: Any,
    *,
    names: Sequence[str] | None = None,
    batch: int = 64,
    train: int = 10_000,
    test: int = 5_000,
    seed: int = 0,
) -> MetricResult:
    """Which factor was held fixed? Accuracy of a linear classifier, from 1 / F (chance) to 1.

    One point: a factor drawn at random, `batch` pairs of rows that share its value (a random row,
    and another with that value; see `dviz.metrics.sampling`), the mean of |z - z'| over the
    pairs (D,). A logistic regression is trained on `train` such points and scored on `test`
    others (sizes of Locatello et al. 2019). Codes are standardised first. Factors with one value
    are left out, and those of which no two rows share one; with fewer than two left there is
    nothing to tell (NaN). `per_factor`: accuracy where that factor was fixed; `details`: `chance`.
    Were a row its own partner, as it may be with a generator, few rows a value would give the
    factor away: their codes do not differ at all.
    """
    from sklearn.linear_model import LogisticRegression

    codes, factors = check_table(codes, factors)
    names = check_names(names, factors.shape[1])
    known = [SharedRows(column) for column in factors.T]
    varies = (factors != factors[:1]).any(axis=0)
    varying = [j for j in np.flatnonzero(varies) if len(known[j].paired)]
    if len(varying) < 2:
        return MetricResult(float("nan"), {name: float("nan") for name in names})
    rng = np.random.default_rng(seed)
    codes = standardised(codes)
    points, fixed = _points(codes, [known[j] for j in varying], batch, train + test, rng)
    model = LogisticRegression(max_iter=300).fit(points[:train], fixed[:train])
    hit = model.predict(points[train:]) == fixed[train:]
    parts = dict.fromkeys(names, float("nan"))
    for k, j in enumerate(varying):
        own = hit[fixed[train:] == k]
        parts[names[j]] = float(own.mean()) if len(own) else float("nan")
    return MetricResult(float(hit.mean()), parts, {"chance": 1 / len(varying)})


def _points(
    codes: np.ndarray,
    shared: list[SharedRows],
    batch: int,
    count: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """`count` feature vectors (count, D) and which factor each had fixed (count,)."""
    fixed = rng.integers(len(shared), size=count)
    points = np.empty((count, codes.shape[1]))
    for k, rows_of in enumerate(shared):
        for chunk in np.array_split(np.flatnonzero(fixed == k), count // _CHUNK + 1):
            first = rng.choice(rows_of.paired, size=(len(chunk), batch))
            second = rows_of.draw_other(first, rng)
            points[chunk] = np.abs(codes[first] - codes[second]).mean(axis=1)
    return points, fixed


METRIC = single(
    "beta_vae",
    "BetaVAE score",
    lambda t: beta_vae(t.codes, t.factors, names=t.names, seed=t.seed).to_dict(),
    cost=4,
)
