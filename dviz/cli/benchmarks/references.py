"""Metrics once more in the plainest terms of scikit-learn, SciPy and loops: what ours is held
against. Codes (N, D) with class indices (N, F); the first two thirds of the rows train."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.stats import entropy, spearmanr
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score, roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

PAIRINGS = 20
# Sizes of Locatello et al.'s BetaVAE and FactorVAE scores
BATCH, TRAINED_ON, SCORED_ON = 64, 10_000, 5_000
CAPACITIES = (1, 2, 4, 8, 16, 32, 64)


def omes_by_random_pairs(codes: np.ndarray, factors: np.ndarray, seed: int = 0) -> float:
    """The study's program: groups of distinct label rows, halves paired at random, Pearson."""
    rng = np.random.default_rng(seed)
    _, kept = np.unique(factors, axis=0, return_index=True)
    codes, factors = codes[kept], factors[kept]
    S = np.zeros((codes.shape[1], factors.shape[1]))
    for j in range(factors.shape[1]):
        _, group = np.unique(np.delete(factors, j, axis=1), axis=0, return_inverse=True)
        first, second = [], []
        for rows in np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1]):
            for _ in range(PAIRINGS * len(rows) if len(rows) > 1 else 0):
                order = rng.permutation(rows)
                half = len(rows) // 2
                first.append(order[:half])
                second.append(order[half : 2 * half])
        x, y = codes[np.concatenate(first)], codes[np.concatenate(second)]
        for d in range(codes.shape[1]):
            S[d, j] = 1 - abs(np.corrcoef(x[:, d], y[:, d])[0, 1])
    S = S[codes.std(axis=0, ddof=1) >= 0.05]
    D, F = S.shape
    scores = []
    for j in range(F):
        os = [1 - np.mean([abs((k == j) - S[d, k]) for k in range(F)]) for d in range(D)]
        mes = [1 - np.mean([abs((e == d) - S[e, j]) for e in range(D)]) for d in range(D)]
        weight = S[:, j].sum()
        scores.append(
            sum((o + m) / 2 * s**2 for o, m, s in zip(os, mes, S[:, j], strict=True)) / weight
        )
    return float(np.mean(scores))


def mig(codes: np.ndarray, factors: np.ndarray) -> float:
    told = _binned_information(codes, factors, 20)
    ranked = np.sort(told, axis=0)
    return float(np.mean((ranked[-1] - ranked[-2]) / _entropies(factors)))


def modularity(codes: np.ndarray, factors: np.ndarray) -> float:
    squares = _binned_information(codes, factors, 20) ** 2
    largest = squares.max(axis=1)
    others = (squares.sum(axis=1) - largest) / (factors.shape[1] - 1)
    return float(np.mean(1 - others / largest))


def sap(codes: np.ndarray, factors: np.ndarray) -> float:
    codes, train, gaps = _scaled(codes), _train(codes), []
    for labels in factors.T:
        scores = []
        for column in codes.T[:, :, None]:
            model = LinearSVC(C=0.01, class_weight="balanced", dual=False)
            model.fit(column[:train], labels[:train])
            scores.append(model.score(column[train:], labels[train:]))
        gaps.append(np.diff(np.sort(scores)[-2:])[0])
    return float(np.mean(gaps))


def explicitness(codes: np.ndarray, factors: np.ndarray) -> float:
    codes, train, scores = _scaled(codes), _train(codes), []
    for labels in factors.T:
        model = LogisticRegression(max_iter=300).fit(codes[:train], labels[:train])
        chance = model.predict_proba(codes[train:])
        area = [
            roc_auc_score(labels[train:] == v, chance[:, i]) for i, v in enumerate(model.classes_)
        ]
        scores.append(max(2 * np.mean(area) - 1, 0))
    return float(np.mean(scores))


def of_boosters(codes: np.ndarray, factors: np.ndarray) -> dict[str, float]:
    """Locatello et al.'s DCI, and how often its predictors are right: scikit-learn's booster, all
    100 stages."""
    codes, train = _scaled(codes), _train(codes)
    columns, right = [], []
    for labels in factors.T:
        model = GradientBoostingClassifier(random_state=0).fit(codes[:train], labels[:train])
        columns.append(model.feature_importances_)
        right.append(model.score(codes[train:], labels[train:]))
    R = np.array(columns).T
    D, F = R.shape
    return {
        "DCI disentanglement": float((1 - entropy(R.T + 1e-11, base=F)) @ R.sum(axis=1) / R.sum()),
        "DCI completeness": float((1 - entropy(R + 1e-11, base=D)) @ R.sum(axis=0) / R.sum()),
        "GBT probe, all": float(np.mean(right)),
    }


def dci_es_explicitness(codes: np.ndarray, factors: np.ndarray) -> float:
    """A model of its own for every capacity; the area by trapezoids."""
    codes, train, scores = _scaled(codes), _train(codes), []
    for labels in factors.T:
        prior = np.bincount(labels[:train]) / train
        losses = [-np.log(prior[labels[train:]]).mean()]
        for rounds in CAPACITIES:
            model = HistGradientBoostingClassifier(
                max_iter=rounds, early_stopping=False, l2_regularization=10.0
            ).fit(codes[:train], labels[:train])
            losses.append(log_loss(labels[train:], model.predict_proba(codes[train:])))
        best = np.minimum.accumulate(losses)
        capacity = np.log2(np.array([0, *CAPACITIES]) + 1)
        area = np.trapezoid(best - min(losses), capacity)
        scores.append(1 - area / (0.5 * (capacity[-1] - capacity[0]) * losses[0]))
    return float(np.mean(scores))


def beta_vae(codes: np.ndarray, factors: np.ndarray) -> float:
    codes = _scaled(codes)
    points, fixed = [], []
    for factor, rows, rng in _fixed_factors(factors):
        first = rng.integers(len(codes), size=BATCH)
        second = [rng.choice(rows[factors[row, factor]]) for row in first]
        points.append(np.abs(codes[first] - codes[second]).mean(axis=0))
        fixed.append(factor)
    model = LogisticRegression(max_iter=300).fit(points[:TRAINED_ON], fixed[:TRAINED_ON])
    return float(model.score(points[TRAINED_ON:], fixed[TRAINED_ON:]))


def factor_vae(codes: np.ndarray, factors: np.ndarray) -> float:
    active = codes.std(axis=0, ddof=1) >= 0.05
    codes = codes[:, active] / codes[:, active].std(axis=0)
    least, fixed = [], []
    for factor, rows, rng in _fixed_factors(factors):
        value = factors[rng.integers(len(codes)), factor]
        least.append(codes[rng.choice(rows[value], size=BATCH)].var(axis=0).argmin())
        fixed.append(factor)
    votes = np.zeros((codes.shape[1], factors.shape[1]))
    np.add.at(votes, (least[:TRAINED_ON], fixed[:TRAINED_ON]), 1)
    return float(np.mean(votes.argmax(axis=1)[least[TRAINED_ON:]] == fixed[TRAINED_ON:]))


def mlp_accuracy(codes: np.ndarray, factors: np.ndarray) -> float:
    codes, train, scores = _scaled(codes), _train(codes), []
    for labels in factors.T:
        model = MLPClassifier((256, 256), early_stopping=True, random_state=0)
        model.fit(codes[:train], labels[:train])
        scores.append(model.score(codes[train:], labels[train:]))
    return float(np.mean(scores))


def infom(codes: np.ndarray, factors: np.ndarray) -> float:
    told = _neighbour_information(codes, factors)
    shares = told.max(axis=1) / told.sum(axis=1)
    return float((shares.mean() - 1 / factors.shape[1]) / (1 - 1 / factors.shape[1]))


def infoc(codes: np.ndarray, factors: np.ndarray) -> float:
    told = _neighbour_information(codes, factors)
    shares = told.max(axis=0) / told.sum(axis=0)
    return float((shares.mean() - 1 / len(told)) / (1 - 1 / len(told)))


def infoe(codes: np.ndarray, factors: np.ndarray) -> float:
    codes, train, shares = _scaled(codes), _train(codes), []
    for labels in factors.T:
        model = LogisticRegression(penalty=None, class_weight="balanced", max_iter=100)
        model.fit(codes[:train], labels[:train])
        lost = log_loss(labels[train:], model.predict_proba(codes[train:]), labels=model.classes_)
        shares.append(1 - lost / np.log(len(model.classes_)))
    return float(np.mean(shares))


def minimality(codes: np.ndarray, factors: np.ndarray) -> float:
    told = _binned_information(codes, factors, 15)
    return float(np.mean(told.max(axis=1) / _entropies(_bins(codes, 15))))


def sufficiency(codes: np.ndarray, factors: np.ndarray) -> float:
    told = _binned_information(codes, factors, 15)
    return float(np.mean(told.max(axis=0) / _entropies(factors)))


def udr_lasso(codes: np.ndarray, other: np.ndarray) -> float:
    """How one-to-one two models' codes of the same images are."""
    R = np.abs(Lasso(alpha=0.1).fit(_scaled(codes), _scaled(other)).coef_).T
    return _one_to_one(R)


def udr_spearman(codes: np.ndarray, other: np.ndarray) -> float:
    width = codes.shape[1]
    return _one_to_one(np.abs(spearmanr(codes, other).statistic[:width, width:]))


REFERENCES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "OMES": omes_by_random_pairs,
    "MIG": mig,
    "SAP": sap,
    "Modularity (Ridgeway)": modularity,
    "Explicitness": explicitness,
    "BetaVAE score": beta_vae,
    "FactorVAE score": factor_vae,
    "DCI-ES explicitness": dci_es_explicitness,
    "InfoM": infom,
    "InfoC": infoc,
    "InfoE": infoe,
    "Minimality": minimality,
    "Sufficiency": sufficiency,
    "MLP probe, all": mlp_accuracy,
}


def every_reference(codes: np.ndarray, factors: np.ndarray) -> dict[str, float]:
    """All that there are of one code, by the metrics' titles."""
    found = {title: reference(codes, factors) for title, reference in REFERENCES.items()}
    return found | of_boosters(codes, factors)


def _fixed_factors(
    factors: np.ndarray,
) -> Iterator[tuple[int, list[np.ndarray], np.random.Generator]]:
    """A factor drawn for each point, the rows of each of its values, and what to draw with."""
    rng = np.random.default_rng(1)
    rows = [[np.flatnonzero(f == value) for value in range(f.max() + 1)] for f in factors.T]
    for _ in range(TRAINED_ON + SCORED_ON):
        factor = int(rng.integers(factors.shape[1]))
        yield factor, rows[factor], rng


def _train(codes: np.ndarray) -> int:
    return -(-2 * len(codes) // 3)


def _scaled(codes: np.ndarray) -> np.ndarray:
    return StandardScaler().fit_transform(codes)


def _bins(codes: np.ndarray, bins: int) -> np.ndarray:
    edges = [np.linspace(z.min(), z.max(), bins + 1)[1:-1] for z in codes.T]
    return np.stack([np.digitize(z, e) for z, e in zip(codes.T, edges, strict=True)], axis=1)


def _binned_information(codes: np.ndarray, factors: np.ndarray, bins: int) -> np.ndarray:
    counts = _bins(codes, bins)
    return np.array([[mutual_info_score(b, f) for f in factors.T] for b in counts.T])


def _neighbour_information(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    ranges = np.ptp(codes, axis=0)
    codes = _scaled(codes)[:, ranges > ranges.max() / 20]
    settings = {"discrete_features": False, "n_neighbors": 10, "random_state": 0}
    told = [mutual_info_classif(codes, labels, **settings) for labels in factors.T]
    return np.stack(told, axis=1) / _entropies(factors)


def _entropies(factors: np.ndarray) -> np.ndarray:
    return np.array([mutual_info_score(f, f) for f in factors.T])


def _one_to_one(R: np.ndarray) -> float:
    halves = [np.mean(np.nan_to_num(R.max(axis=a) ** 2 / R.sum(axis=a))) for a in (0, 1)]
    return float(np.mean(halves))
