"""Every classical metric against its paper, written out once more in the plainest terms.

The formulas that have one value are compared exactly. The two scores that draw from a generator
are compared with a real one: the full grid of factors, sampled factor by factor.
"""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score, roc_auc_score
from sklearn.svm import LinearSVC

from dviz.metrics.beta_vae import beta_vae
from dviz.metrics.dci import dci
from dviz.metrics.explicitness import explicitness
from dviz.metrics.factor_vae import factor_vae
from dviz.metrics.mig import mig
from dviz.metrics.modularity import modularity
from dviz.metrics.sap import sap
from dviz.metrics.split import standardised
from tests.metrics.tables import DIMENSIONS, SIZES, codes_of, grid, uniform

KINDS = ("identity", "rotated", "tangled")
ROWS, TRAIN = 1500, 1000


@pytest.fixture(params=KINDS)
def table(request):
    factors = uniform(ROWS, seed=3)
    silent = 0.001 * np.random.default_rng(5).normal(size=(ROWS, DIMENSIONS))
    return codes_of(request.param, factors, seed=4) + silent, factors


def information(codes, factors):
    """I(z_d; j) over 20 bins, by scikit-learn."""
    bins = [np.digitize(z, np.histogram(z, 20)[1][:-1]) for z in codes.T]
    return np.array([[mutual_info_score(label, b) for label in factors.T] for b in bins])


def test_mig(table):
    codes, factors = table
    gaps = []
    for j, column in enumerate(information(codes, factors).T):
        first, second = sorted(column, reverse=True)[:2]
        gaps.append((first - second) / mutual_info_score(factors[:, j], factors[:, j]))
    assert mig(codes, factors).score == pytest.approx(np.mean(gaps), abs=1e-3)


def test_modularity(table):
    codes, factors = table
    parts = []
    for row in information(codes, factors):
        best = row.argmax()
        template = np.where(np.arange(len(row)) == best, row, 0)
        parts.append(1 - ((row - template) ** 2).sum() / (row[best] ** 2 * (len(row) - 1)))
    assert modularity(codes, factors).score == pytest.approx(np.mean(parts), abs=1e-3)


def test_sap(table):
    codes, factors = table
    z = standardised(codes)
    gaps, squared = [], []
    for label in factors.T:
        accuracies = []
        for column in z.T:
            svm = LinearSVC(C=0.01, class_weight="balanced").fit(
                column[:TRAIN, None], label[:TRAIN]
            )
            accuracies.append(svm.score(column[TRAIN:, None], label[TRAIN:]))
        gaps.append(np.diff(sorted(accuracies)[-2:])[0])
        squared.append(
            np.diff(sorted(np.corrcoef(z_d, label)[0, 1] ** 2 for z_d in codes.T)[-2:])[0]
        )
    assert sap(codes, factors).score == pytest.approx(np.mean(gaps), abs=0.01)
    assert sap(codes, factors, continuous=True).score == pytest.approx(np.mean(squared))


def entropy_terms(R):
    """Disentanglement and completeness of an importance matrix, in loops."""
    D, F = R.shape
    disentanglement = completeness = 0.0
    for d in range(D):
        p = R[d] / R[d].sum() if R[d].sum() > 0 else np.full(F, 1 / F)
        own = 1 + sum(x * np.log(x) / np.log(F) for x in p if x > 0)
        disentanglement += own * R[d].sum() / R.sum()
    for j in range(F):
        p = R[:, j] / R[:, j].sum()
        own = 1 + sum(x * np.log(x) / np.log(D) for x in p if x > 0)
        completeness += own * R[:, j].sum() / R.sum()
    return disentanglement, completeness


def test_dci_entropies(table):
    codes, factors = table
    factors = factors // 2  # fewer classes, fewer trees
    for kind in ("trees", "lasso"):
        result = dci(codes, factors, importances=kind)
        expected = entropy_terms(result.importance)
        assert (result.disentanglement, result.completeness) == pytest.approx(expected)


def test_dci_trees_stand_for_scikit_learns():
    factors = uniform(450, sizes=(3, 2, 2), seed=3)
    for kind in ("rotated", "tangled"):
        codes = codes_of(kind, factors, seed=4)
        models = [
            GradientBoostingClassifier(random_state=0).fit(codes[:300], y[:300]) for y in factors.T
        ]
        R = np.stack([model.feature_importances_ for model in models], axis=1)
        accuracy = np.mean(
            [m.score(codes[300:], y[300:]) for m, y in zip(models, factors.T, strict=True)]
        )
        exact, fast = dci(codes, factors, importances="gbc"), dci(codes, factors)
        expected = (*entropy_terms(R), accuracy)
        found = (exact.disentanglement, exact.completeness, exact.informativeness)
        assert found == pytest.approx(expected, abs=0.01)
        found = (fast.disentanglement, fast.completeness, fast.informativeness)
        assert found == pytest.approx(expected, abs=0.06)


def test_explicitness(table):
    codes, factors = table
    z = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    areas = []
    for label in factors.T:
        model = LogisticRegression(max_iter=300).fit(z[:TRAIN], label[:TRAIN])
        probability = model.predict_proba(z[TRAIN:])
        areas.append(roc_auc_score(label[TRAIN:], probability, multi_class="ovr", average="macro"))
    result = explicitness(codes, factors)
    assert list(result.details["auc"].values()) == pytest.approx(areas, abs=1e-3)
    assert result.score == pytest.approx(2 * np.mean(areas) - 1, abs=2e-3)


class Generator:
    """Draws every factor on its own and looks its code up in a full grid."""

    def __init__(self, codes, seed):
        self.codes, self.rng = codes, np.random.default_rng(seed)

    def factors(self, rows):
        return np.stack([self.rng.integers(size, size=rows) for size in SIZES], axis=1)

    def encode(self, factors):
        return self.codes[np.ravel_multi_index(factors.T, SIZES)]


@pytest.mark.parametrize("kind", [*KINDS, "noise"])
def test_beta_vae_score_of_a_generator(kind):
    codes = codes_of(kind, grid(), seed=4)
    draw = Generator(standardised(codes), seed=5)
    points, fixed = [], draw.rng.integers(3, size=900)
    for j in fixed:
        first, second = draw.factors(64), draw.factors(64)
        second[:, j] = first[:, j]
        points.append(np.abs(draw.encode(first) - draw.encode(second)).mean(axis=0))
    model = LogisticRegression(max_iter=300).fit(points[:600], fixed[:600])
    expected = model.score(points[600:], fixed[600:])
    found = beta_vae(codes, grid(), train=600, test=300, seed=6).score
    assert found == pytest.approx(expected, abs=4 * sampling_error(expected, 300))


@pytest.mark.parametrize("kind", [*KINDS, "noise"])
def test_factor_vae_score_of_a_generator(kind):
    codes = codes_of(kind, grid(), seed=4)
    draw = Generator(codes, seed=5)
    active = np.flatnonzero(codes.std(axis=0) >= 0.05)
    votes = np.zeros((2, len(active), 3))
    for i in range(900):
        j = draw.rng.integers(3)
        factors = draw.factors(64)
        factors[:, j] = factors[0, j]
        shares = draw.encode(factors)[:, active].var(axis=0) / codes[:, active].var(axis=0)
        votes[int(i >= 600), shares.argmin(), j] += 1
    winner = votes[0].argmax(axis=1)
    expected = votes[1][np.arange(len(active)), winner].sum() / 300
    found = factor_vae(codes, grid(), train=600, test=300, seed=6).score
    assert found == pytest.approx(expected, abs=4 * sampling_error(expected, 300))


def sampling_error(share: float, count: int) -> float:
    """Standard error of the difference of two shares near `share`, never quite 0."""
    share = min(max(share, 0.02), 0.98)
    return (2 * share * (1 - share) / count) ** 0.5


def test_beta_vae_of_noise_is_chance_however_few_rows_share_a_value():
    """Rows that were their own partners would give such a factor away."""
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(9, size=600), rng.integers(100, size=600)], axis=1)
    found = beta_vae(rng.normal(size=(600, 6)), factors, train=2000, test=1000, seed=1)
    assert found.score == pytest.approx(0.5, abs=0.12)
    alone = np.stack([factors[:, 0], np.arange(600), factors[:, 1]], axis=1)
    parts = beta_vae(rng.normal(size=(600, 6)), alone, train=500, test=200, seed=1).per_factor
    assert np.isnan(parts["1"])
    assert not np.isnan([parts["0"], parts["2"]]).any()
