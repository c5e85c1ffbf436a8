"""What every metric must answer on codes of known structure, and what must not change it."""

import numpy as np
import pytest

from dviz.metrics.association import association_matrix
from dviz.metrics.beta_vae import beta_vae
from dviz.metrics.dci import dci
from dviz.metrics.explicitness import explicitness
from dviz.metrics.factor_vae import factor_vae
from dviz.metrics.mig import mig
from dviz.metrics.modularity import modularity
from dviz.metrics.omes import omes
from dviz.metrics.sap import sap
from tests.metrics.tables import codes_of, uniform

FACTORS = uniform(1600)
SMALL = {"train": 600, "test": 300}


def omes_parts(codes, factors):
    result = omes(association_matrix(codes, factors, min_pairs=2))
    return {"OMES modularity": result.modularity, "OMES compactness": result.compactness}


def dci_parts(codes, factors, kind):
    result = dci(codes, factors, importances=kind)
    return {
        f"DCI disentanglement {kind}": result.disentanglement,
        f"DCI completeness {kind}": result.completeness,
        f"DCI informativeness {kind}": result.informativeness,
    }


def scores(codes, factors, trees=True) -> dict[str, float]:
    found = {
        "MIG": mig(codes, factors).score,
        "SAP": sap(codes, factors).score,
        "SAP continuous": sap(codes, factors, continuous=True).score,
        "modularity": modularity(codes, factors).score,
        "significant modularity": modularity(codes, factors).details["significant"],
        "explicitness": explicitness(codes, factors).score,
        "BetaVAE": beta_vae(codes, factors, **SMALL).score,
        "FactorVAE": factor_vae(codes, factors, **SMALL).score,
    }
    found |= omes_parts(codes, factors) | dci_parts(codes, factors, "lasso")
    return found | (dci_parts(codes, factors, "trees") if trees else {})


@pytest.fixture(scope="module")
def known() -> dict[str, dict[str, float]]:
    kinds = ("identity", "mixed", "rotated", "tangled", "noise")
    found = {kind: scores(codes_of(kind, FACTORS), FACTORS) for kind in kinds}
    duplicated = scores(codes_of("duplicated", FACTORS), FACTORS, trees=False)
    return found | {"duplicated": duplicated}


def test_identity_scores_one_where_the_maximum_is_one(known):
    identity = known["identity"]
    # SAP's linear classifiers cannot tell neighbouring classes on a line, silent dimensions count
    # 0 for modularity, and the correlation of partners that must differ keeps OMES below 1.
    below = {"SAP", "modularity", "significant modularity", "OMES modularity", "OMES compactness"}
    for name in identity.keys() - below:
        assert identity[name] == pytest.approx(1, abs=0.02), name
    own = uniform(2000, sizes=(3, 3))
    assert sap(own.astype(float), own).score > 0.6
    plain = modularity(codes_of("identity", FACTORS)[:, :3], FACTORS)
    assert plain.score == pytest.approx(1, abs=0.001)
    assert plain.details["significant"] == pytest.approx(1)


def test_noise_scores_nothing_or_chance(known):
    noise = known["noise"]
    for name in ("BetaVAE", "FactorVAE"):
        assert noise[name] == pytest.approx(1 / 3, abs=0.1), name
    # All of S is 1 for noise: 1 of F factors, 1 of D dimensions is right.
    assert noise["OMES modularity"] == pytest.approx(1 / 3, abs=0.03)
    assert noise["OMES compactness"] == pytest.approx(1 / 5, abs=0.03)
    # Accuracy of predictors that know nothing.
    assert noise["DCI informativeness trees"] == pytest.approx(
        np.mean(1 / np.array([6, 5, 4])), abs=0.05
    )
    elsewhere = {"BetaVAE", "FactorVAE", "OMES modularity", "OMES compactness"}
    elsewhere |= {"DCI informativeness trees", "modularity"}
    for name in noise.keys() - elsewhere:
        assert noise[name] == pytest.approx(0, abs=0.05), name


def test_duplicating_a_factor_lowers_compactness_alone(known):
    identity, duplicated = known["identity"], known["duplicated"]
    for name in ("OMES compactness", "MIG", "SAP continuous"):
        assert duplicated[name] < identity[name] - 0.03, name
    assert duplicated["OMES modularity"] == pytest.approx(identity["OMES modularity"], abs=0.02)
    per_dimension = modularity(codes_of("duplicated", FACTORS), FACTORS).details["per_dimension"]
    assert per_dimension[:4] == pytest.approx(1, abs=0.01)


def test_duplicating_a_factor_lowers_completeness_alone():
    # Two noisy copies: of two equal ones, a predictor may use just one.
    factors = uniform(1600, sizes=(4, 3, 2))
    noise = np.random.default_rng(0).normal(size=(len(factors), 2))
    once = codes_of("identity", factors)
    once[:, 0] += 0.3 * noise[:, 0]
    twice = once.copy()
    twice[:, 3] = codes_of("identity", factors)[:, 0] + 0.3 * noise[:, 1]
    for kind in ("lasso", "trees"):
        one, two = (dci(codes, factors, importances=kind) for codes in (once, twice))
        assert two.completeness < one.completeness - 0.05
        assert two.disentanglement > one.disentanglement - 0.02


def test_mixing_two_factors_lowers_modularity_alone(known):
    identity, mixed = known["identity"], known["mixed"]
    for name in ("OMES modularity", "DCI disentanglement trees"):
        assert mixed[name] < identity[name] - 0.05, name
    for name in ("OMES compactness", "DCI completeness trees"):
        assert mixed[name] > identity[name] - 0.02, name
    summed = codes_of("identity", FACTORS)
    summed[:, 0], summed[:, 1] = summed[:, 0] + summed[:, 1], 0
    result = dci(summed, FACTORS, importances="lasso")
    assert result.disentanglement < 0.7
    assert result.completeness == pytest.approx(1, abs=0.01)


def test_mixing_two_factors_lowers_the_modularity_of_their_dimension():
    per_dimension = modularity(codes_of("mixed", FACTORS), FACTORS).details["per_dimension"]
    assert per_dimension[0] < 0.75
    assert per_dimension[2] == pytest.approx(1, abs=0.01)


def test_a_rotation_lowers_both(known):
    for name in known["identity"].keys() - {"SAP", "modularity", "significant modularity"}:
        if not name.startswith(("explicitness", "DCI informativeness", "BetaVAE", "FactorVAE")):
            assert known["rotated"][name] < known["identity"][name] - 0.05, name


def test_a_rotation_leaves_what_can_be_read_off(known):
    for name in ("explicitness", "DCI informativeness lasso"):
        assert known["rotated"][name] == pytest.approx(known["identity"][name], abs=0.02)


@pytest.mark.parametrize("change", ["permute", "flip", "affine"])
def test_changes_of_the_codes_that_change_nothing(known, change):
    codes = codes_of("tangled", FACTORS)
    changed = {
        "permute": codes[:, [3, 0, 4, 1, 2]],
        "flip": codes * [1, -1, 1, -1, -1],
        "affine": codes * [1, 8, 2, 0.5, 4] + [0, 100, -3, 0.5, 1],
    }[change]
    after = scores(changed, FACTORS, trees=change == "affine")
    for name, value in after.items():
        assert value == pytest.approx(known["tangled"][name], abs=0.025), name


def test_relabelling_classes_changes_nothing_where_classes_have_no_order(known):
    relabelled = np.array([50, -2, 7, 3, 1000, 4])[FACTORS]
    after = scores(codes_of("tangled", FACTORS), relabelled, trees=False)
    ordered = {"SAP continuous"} | {name for name in after if "lasso" in name}
    for name in after.keys() - ordered:
        assert after[name] == pytest.approx(known["tangled"][name], abs=0.01), name


def test_the_same_seed_gives_the_same_score():
    codes = codes_of("tangled", FACTORS)
    for metric in (beta_vae, factor_vae):
        first, second, other = (metric(codes, FACTORS, seed=s, **SMALL).score for s in (1, 1, 2))
        assert first == second
        assert other == pytest.approx(first, abs=0.1)


@pytest.mark.parametrize(
    "metric",
    [mig, sap, explicitness, beta_vae, factor_vae, lambda c, f, names: dci(c, f, names=names)],
)
def test_a_factor_with_one_value_is_left_out(metric):
    factors = uniform(400, sizes=(3, 3, 2))
    codes = codes_of("identity", factors)
    steady = np.concatenate([factors, np.full((400, 1), 7)], axis=1)
    names = ["shape", "scale", "colour", "steady"]
    result = metric(codes, steady, names=names)
    score = result.score if hasattr(result, "score") else result.disentanglement
    plain = metric(codes, factors, names=names[:3])
    assert score == pytest.approx(plain.score if hasattr(plain, "score") else plain.disentanglement)
    part = result.per_factor["steady"]
    assert all(np.isnan(value) for value in (part.values() if isinstance(part, dict) else [part]))


def test_a_constant_dimension_is_harmless():
    codes = codes_of("identity", FACTORS[:600])
    codes[:, 4] = 0.1
    found = scores(codes, FACTORS[:600], trees=False)
    assert all(np.isfinite(value) for value in found.values())
    assert found["MIG"] > 0.9


def test_one_dimension_and_one_factor():
    codes, factors = FACTORS[:300, :1].astype(float), FACTORS[:300, :1]
    assert mig(codes, factors).score == pytest.approx(1)
    assert sap(codes, factors, continuous=True).score == pytest.approx(1)
    found = dci(codes, factors)
    assert found.informativeness == pytest.approx(1)
    assert np.isnan([found.disentanglement, found.completeness]).all()
    assert explicitness(codes, factors).score > 0.5
    assert np.isnan(modularity(codes, factors).score)
    assert np.isnan(beta_vae(codes, factors).score)
    assert np.isnan(factor_vae(codes, factors).score)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: dci(np.eye(4), np.arange(4)[:, None], importances="forest"),
            "importances must be",
        ),
        (lambda: mig(np.eye(4), np.arange(4)[:, None], bins=1), "bins must be at least 2"),
        (lambda: sap(np.eye(2), np.arange(2)[:, None]), "at least 3 rows"),
        (lambda: dci(np.eye(2), np.arange(2)[:, None]), "at least 3 rows"),
        (lambda: explicitness(np.eye(2), np.arange(2)[:, None]), "at least 3 rows"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
