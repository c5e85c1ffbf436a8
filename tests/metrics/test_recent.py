"""Metrics of 2020 to 2025: known answers, and agreement with slow references."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_selection import mutual_info_classif

from dviz.metrics.boosting import boosted_trees
from dviz.metrics.dci_es import CAPACITIES, dci_es, explicitness_of
from dviz.metrics.infomec import infomec
from dviz.metrics.information import information_matrix, neighbour_information
from dviz.metrics.omes import omes
from dviz.metrics.pairs import associate_pairs
from dviz.metrics.sufficiency import sufficiency
from dviz.metrics.udr import relative_strength, udr
from tests.metrics.tables import codes_of, uniform

FACTORS = uniform(1500, sizes=(6, 5, 4))
PERFECT = FACTORS + np.random.default_rng(0).uniform(-0.1, 0.1, FACTORS.shape)


def test_neighbour_information_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.integers(5, size=800)
    for values in (labels + rng.normal(size=800), rng.normal(size=800), labels + 0.0):
        expected = mutual_info_classif(
            values[:, None], labels, discrete_features=False, n_neighbors=10, random_state=0
        )[0]
        assert neighbour_information(values, labels) == pytest.approx(expected, abs=0.02)


def test_infomec_of_a_perfect_a_mixed_and_an_empty_code():
    perfect = infomec(PERFECT, FACTORS, n_jobs=1)
    assert perfect.modularity > 0.95
    assert perfect.compactness > 0.95
    assert perfect.explicitness > 0.9
    mixed = infomec(PERFECT @ np.array([[1, 1, 0], [1, -1, 0], [0, 0, 1.0]]), FACTORS, n_jobs=1)
    assert mixed.modularity < perfect.modularity - 0.2
    assert mixed.compactness < perfect.compactness - 0.1
    noise = infomec(codes_of("noise", FACTORS), FACTORS, n_jobs=1)
    assert noise.explicitness < 0.05
    assert noise.explicitness_in_sample >= noise.explicitness
    same = infomec(np.zeros((50, 2)), np.zeros((50, 1), int), n_jobs=1)
    assert np.isnan([same.modularity, same.compactness, same.explicitness]).all()


def test_a_minimal_code_says_nothing_else_and_a_sufficient_one_everything():
    whole = sufficiency(FACTORS, FACTORS)
    assert whole.minimality == pytest.approx(1)
    assert whole.sufficiency == pytest.approx(1)
    halved = sufficiency(FACTORS // 2, FACTORS)
    assert halved.minimality == pytest.approx(1)
    assert halved.sufficiency < 0.7
    both = sufficiency(FACTORS[:, :1] * 7 + FACTORS[:, 1:2], FACTORS[:, :2], bins=60)
    assert both.minimality < 0.7
    off = sufficiency(np.hstack([FACTORS, FACTORS]), FACTORS, active=np.arange(6) < 3)
    assert np.isnan(off.per_dimension[3:]).all()


def test_the_less_capacity_a_factor_needs_the_more_explicit_it_is():
    easy = dci_es(PERFECT, FACTORS, n_jobs=1)
    scrambled = np.random.default_rng(1).permutation(60)[np.arange(60)]
    hidden = FACTORS[:, 0] + 6 * np.random.default_rng(2).integers(10, size=len(FACTORS))
    hard = dci_es(scrambled[hidden][:, None], FACTORS[:, :1], n_jobs=1)
    assert 0 <= hard.explicitness < easy.explicitness <= 1
    assert easy.size == 1
    assert len(easy.curves["0"]) == 1 + len(CAPACITIES)
    assert np.isnan(explicitness_of([]))
    assert dci_es(np.hstack([PERFECT] * 2), FACTORS, n_jobs=1).size == 0.5


def test_models_with_the_same_latents_rank_above_one_that_mixes_them():
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(600, 4))
    shuffled = -2 * latents[:, [2, 0, 3, 1]] + 5
    mixed = latents @ np.linalg.qr(rng.normal(size=(4, 4)))[0]
    for kind in ("lasso", "spearman"):
        found = udr([latents, shuffled, mixed, latents * 3], kind=kind)
        assert found.scores.argmin() == 2
        assert (np.delete(found.scores, 2) > 0.7).all()
        assert np.isnan(np.diag(found.pairwise)).all()
    assert relative_strength(np.eye(3)) == 1
    kept = [np.array([True, True, False, False])] * 2
    assert udr([latents, latents], kept).pairwise[0, 1] == pytest.approx(
        udr([latents[:, :2], latents[:, :2]]).pairwise[0, 1]
    )
    with pytest.raises(ValueError, match="at least 2"):
        udr([latents])
    with pytest.raises(ValueError, match="kind"):
        udr([latents, latents], kind="pearson")


def test_correlation_and_information_disagree_where_each_is_blind():
    """Two values mirror each other (r = -1); a sum modulo n changes but tells neither part."""
    rng = np.random.default_rng(0)
    factors = rng.integers(0, [2, 12, 12], size=(4000, 3))
    codes = np.stack([factors[:, 0], (factors[:, 1] + factors[:, 2]) % 12], axis=1)
    first, second = [], []
    for j, size in enumerate((2, 12, 12)):
        other = factors.copy()
        other[:, j] = (other[:, j] + rng.integers(1, size, size=len(other))) % size
        again = np.stack([other[:, 0], (other[:, 1] + other[:, 2]) % 12], axis=1)
        first.append(codes)
        second.append(again)
    S, information = associate_pairs(first, second).matrix, information_matrix(codes, factors)
    assert S[0, 0] == pytest.approx(0, abs=1e-9)
    assert information[0, 0] == pytest.approx(1, abs=1e-2)
    assert (S[1, 1:] > 0.85).all()
    assert (information[1, 1:] < 0.05).all()
    assert omes(information).active == (0, 1)


def test_a_perfect_code_tells_all_of_a_factor_however_many_values_it_has():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, [100, 72, 18, 9, 2], size=(3000, 5))
    codes = np.column_stack([factors * 1e-6, rng.normal(size=3000)])
    found = information_matrix(codes + 1e-9 * rng.normal(size=codes.shape), factors)
    assert (np.diag(found) > 0.99).all()
    assert (found[-1] < 0.03).all()


@pytest.mark.parametrize("classes", [2, 5])
def test_boosting_is_that_of_scikit_learn(classes):
    rng = np.random.default_rng(0)
    labels = rng.integers(classes, size=400)
    codes = rng.normal(size=(400, 4)) + labels[:, None] * np.array([1, 0.5, 0, 0])
    importance, predicted = boosted_trees(codes[:300], labels[:300], codes[300:], stages=30)
    model = GradientBoostingClassifier(n_estimators=30, random_state=0)
    model.fit(codes[:300], labels[:300])
    assert importance == pytest.approx(model.feature_importances_, abs=0.02)
    assert (predicted == model.predict(codes[300:])).mean() > 0.9


def test_a_collapsed_model_takes_no_score_from_the_others():
    latents = np.random.default_rng(0).normal(size=(200, 3))
    masks = [np.ones(3, bool)] * 3 + [np.zeros(3, bool)]
    scores = udr([latents] * 4, masks).scores
    np.testing.assert_allclose(scores[:3], udr([latents] * 3).scores)
    assert np.isnan(scores[3])
