"""DCI: disentanglement, completeness, informativeness (Eastwood & Williams 2018)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_names, check_table, jsonable
from dviz.metrics.boosting import boosted_trees
from dviz.metrics.metric import MODULARITY, Entry, Metric, Row, Score, Table
from dviz.metrics.split import run_parallel, standardised, train_rows, unlearnable

IMPORTANCES = ("trees", "lasso", "gbc")
LASSO_PENALTY = 0.02
LEAST_EXPLAINED = 0.01
"""Weights of a Lasso that explains less than this are noise: they say nothing of importance."""


@dataclass(frozen=True)
class DciResult:
    """All in [0, 1], higher is better; NaN where it could not be scored.

    Attributes:
        disentanglement: does each dimension matter to one factor only?
        completeness: does each factor need one dimension only?
        informativeness: is the factor predicted on rows not trained on?
        per_factor: for each factor name `completeness` and `informativeness`.
        per_dimension: disentanglement of each dimension, (D,).
        importance: (D, F), non-negative, each column adding up to 1 (or all 0).
        importances: which were used, one of `IMPORTANCES`.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    per_factor: dict[str, dict[str, float]]
    per_dimension: np.ndarray
    importance: np.ndarray
    importances: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for strict JSON: NaN becomes None."""
        return jsonable(vars(self))


def dci(
    codes: Any,
    factors: Any,
    *,
    names: Sequence[str] | None = None,
    importances: str = "trees",
    seed: int = 0,
    n_jobs: int = 1,
) -> DciResult:
    """Entropies of an importance matrix R (D, F), from predictors of each factor.

    Disentanglement of d: 1 - entropy of R[d, :] normalised to shares (base F), weighted by the
    share of d in all of R. Completeness of j: 1 - entropy of R[:, j] (base D), weighted likewise.

    Args:
        importances:
            "trees": gradient boosting as Locatello et al. 2019 (100 stages of trees of depth 3 on
            the log-loss, impurity importance), splits found by counting (see
            `dviz.metrics.boosting`); informativeness is its accuracy.
            "gbc": scikit-learn's GradientBoostingClassifier, theirs to the letter; several times
            slower.
            "lasso": absolute weights of a Lasso on standardised codes and class indices,
            informativeness is the explained variance, at least 0 (Eastwood & Williams); a factor
            of which less than 1% is explained has no importances.
        seed: of the trees.
        n_jobs: processes, one thread each.

    The first two thirds of the rows train, the last third tests. A factor with one value, or
    (but for "lasso") with too few rows per class, is left out (NaN). With one factor alone
    disentanglement is NaN, with one dimension completeness: nothing could be mixed or spread.
    """
    codes, factors = check_table(codes, factors)
    names = check_names(names, factors.shape[1])
    if importances not in IMPORTANCES:
        raise ValueError(f"importances must be one of {IMPORTANCES}, got {importances!r}")
    if len(codes) < 3:
        raise ValueError(f"codes must have at least 3 rows to train and test, got {len(codes)}")
    codes = standardised(codes)
    varying = np.flatnonzero((factors[: train_rows(len(codes))] != factors[:1]).any(axis=0))
    if importances != "lasso":
        varying = np.array([j for j in varying if not unlearnable(factors[:, j])], dtype=int)
    predictor = {"trees": _trees, "gbc": _gbc, "lasso": _lasso}[importances]
    # The factor with most values takes longest; it goes first so that no process idles.
    varying = varying[np.argsort([-len(np.unique(factors[:, j])) for j in varying], kind="stable")]
    fitted = run_parallel(predictor, [(codes, factors[:, j], seed) for j in varying], n_jobs)
    R = np.zeros((codes.shape[1], len(names)))
    informativeness = np.full(len(names), np.nan)
    for j, (importance, predicted) in zip(varying, fitted, strict=True):
        R[:, j] = importance / importance.sum() if importance.sum() > 0 else 0
        informativeness[j] = predicted
    return _result(R, varying, informativeness, names, importances)


def _result(
    R: np.ndarray, varying: np.ndarray, informativeness: np.ndarray, names: tuple, importances: str
) -> DciResult:
    known = R[:, varying]
    per_dimension = _one_minus_entropy(known.T)
    completeness = np.full(len(names), np.nan)
    completeness[varying] = _one_minus_entropy(known)
    total = known.sum()
    nothing = float("nan") if not len(varying) else 0.0
    return DciResult(
        float(per_dimension @ known.sum(axis=1) / total) if total > 0 else nothing,
        float(completeness[varying] @ known.sum(axis=0) / total) if total > 0 else nothing,
        float(informativeness[varying].mean()) if len(varying) else nothing,
        {
            name: {"completeness": float(completeness[j]), "informativeness": float(i)}
            for j, (name, i) in enumerate(zip(names, informativeness, strict=True))
        },
        per_dimension,
        R,
        importances,
    )


def _one_minus_entropy(columns: np.ndarray) -> np.ndarray:
    """1 - entropy of each column's shares, in the base of its length; 0 for a column of zeros.

    NaN where a column has one share alone: that is neither spread nor gathered.
    """
    if len(columns) < 2:
        return np.full(columns.shape[1], np.nan)
    total = columns.sum(axis=0)
    shares = np.divide(
        columns, total, out=np.full(columns.shape, 1 / len(columns)), where=total > 0
    )
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return 1 + (shares * logs).sum(axis=0) / np.log(len(columns))


def _trees(codes: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    train = train_rows(len(codes))
    importance, predicted = boosted_trees(codes[:train], labels[:train], codes[train:], seed)
    return importance, float((predicted == labels[train:]).mean())


def _gbc(codes: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    from sklearn.ensemble import GradientBoostingClassifier

    train = train_rows(len(codes))
    model = GradientBoostingClassifier(random_state=seed).fit(codes[:train], labels[:train])
    return model.feature_importances_, float(model.score(codes[train:], labels[train:]))


def _lasso(codes: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    from sklearn.linear_model import Lasso

    train = train_rows(len(codes))
    target = standardised(labels[:, None].astype(np.float64))[:, 0]
    model = Lasso(alpha=LASSO_PENALTY).fit(codes[:train], target[:train])
    residual = target[train:] - model.predict(codes[train:])
    spread = target[train:].var()
    explained = 1 - residual.var() / spread if spread > 0 else 0.0
    importance = np.abs(model.coef_) * (explained >= LEAST_EXPLAINED)
    return importance, max(0.0, float(explained))


def _run(t: Table) -> Entry:
    def found(kind: str) -> Entry:
        return dci(
            t.codes, t.factors, names=t.names, importances=kind, seed=t.seed, n_jobs=t.n_jobs
        ).to_dict()

    return {kind: found(kind) for kind in ("trees", "lasso")}


def _rows(entry: Entry, factors: list[str]) -> Iterator[Row]:
    for kind, part in entry.items():
        yield f"DCI disentanglement {kind}", part["disentanglement"], []
        for key in ("completeness", "informativeness"):
            per_factor = [part["per_factor"][name][key] for name in factors]
            yield f"DCI {key} {kind}", part[key], per_factor


METRIC = Metric(
    "dci",
    "DCI",
    _run,
    _rows,
    scores=(
        Score(
            "dci_disentanglement",
            "DCI disentanglement",
            "DCI",
            lambda entry: entry["trees"]["disentanglement"],
            MODULARITY,
        ),
        Score(
            "dci_completeness",
            "DCI completeness",
            "DCI completeness",
            lambda entry: entry["trees"]["completeness"],
        ),
    ),
    cost=15,
)
