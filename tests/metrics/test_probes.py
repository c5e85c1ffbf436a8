import json

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.neural_network import MLPClassifier

from dviz.errors import DataFileError
from dviz.measuring.probe_files import load_probes, save_probes
from dviz.metrics.probes import METRIC, MODELS, Probe, fit_probe, probe_factors
from dviz.metrics.trees import Trees, fit_booster
from tests.metrics.tables import codes_of, uniform

SIZES = (4, 3, 2)
FACTORS = uniform(600, sizes=SIZES)


# --- one probe ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("classes", [1, 2, 3, 20])
def test_probabilities_for_any_number_of_classes(model, classes):
    rng = np.random.default_rng(0)
    labels = rng.permutation(classes * 10)[:classes][rng.integers(classes, size=400)]
    codes = np.stack([labels + 0.1 * rng.normal(size=400), rng.normal(size=400)], axis=1)
    probe = fit_probe(codes, labels, model)
    probability = probe.predict_proba(codes)
    assert probability.shape == (400, len(probe.classes))
    np.testing.assert_array_equal(probe.classes, np.unique(labels))
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert ((probability >= 0) & (probability <= 1)).all()
    np.testing.assert_array_equal(probe.predict(codes), probe.classes[probability.argmax(axis=1)])
    if classes <= 3:
        assert (probe.predict(codes) == labels).mean() > 0.97


def test_trees_answer_as_scikit_learns_booster_does():
    codes = codes_of("tangled", FACTORS)
    for labels in (FACTORS[:, 0], FACTORS[:, 0] > 2):
        booster = fit_booster(codes, labels.astype(int), seed=0)
        probability = fit_probe(codes, labels, "gbt", seed=0).predict_proba(codes)
        np.testing.assert_allclose(probability, booster.predict_proba(codes), atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_a_seed_is_the_whole_of_the_randomness(model):
    codes = codes_of("tangled", FACTORS)
    first, second = (
        fit_probe(codes, FACTORS[:, 0], model, seed=3).predict_proba(codes) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("model", MODELS)
def test_rare_classes_are_kept(model):
    codes = codes_of("tangled", FACTORS)
    labels = np.r_[[97], FACTORS[1:-1, 0], [98]]
    probe = fit_probe(codes, labels, model)
    assert {97, 98} <= set(probe.classes.tolist())
    assert np.isfinite(probe.predict_proba(codes)).all()


@pytest.mark.parametrize("model", MODELS)
def test_ten_rows_and_a_constant_dimension(model):
    codes = np.c_[np.arange(10) % 2, np.full(10, 0.3)]
    probe = fit_probe(codes, np.arange(10) % 2, model)
    assert np.isfinite(probe.predict_proba(codes)).all()


def test_one_row_at_a_time_is_as_good_as_all_at_once():
    codes = codes_of("tangled", FACTORS)
    for model in MODELS:
        probe = fit_probe(codes, FACTORS[:, 0], model)
        together = probe.predict_proba(codes[:5])
        alone = np.concatenate([probe.predict_proba(codes[i : i + 1]) for i in range(5)])
        np.testing.assert_allclose(alone, together, atol=1e-6)


# --- stored ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def probes():
    codes = codes_of("tangled", FACTORS)
    fitted = {f"factor/{m}": fit_probe(codes, FACTORS[:, 0], m) for m in MODELS}
    fitted["two classes"] = fit_probe(codes, FACTORS[:, 0] > 2)
    return fitted | {"one class, é": fit_probe(codes, np.zeros(len(codes), int))}


def test_stored_probes_answer_the_same(probes, tmp_path):
    codes = codes_of("tangled", FACTORS)
    save_probes(tmp_path / "probes.npz", probes)
    loaded = load_probes(tmp_path / "probes.npz")
    assert list(loaded) == list(probes)
    for name, probe in probes.items():
        # Trees are stored exactly, networks in half precision.
        tolerance = 0.002 if probe.model == "mlp" else 0
        np.testing.assert_allclose(
            loaded[name].predict_proba(codes), probe.predict_proba(codes), rtol=0, atol=tolerance
        )
        np.testing.assert_array_equal(loaded[name].classes, probe.classes)


@pytest.mark.parametrize("damage", ["cycle", "feature", "roots", "shape", "missing", "object"])
def test_a_file_that_would_mislead_the_walk_is_refused(probes, tmp_path, damage):
    path = tmp_path / "probes.npz"
    save_probes(path, {"shape": probes["factor/gbt"]})
    with np.load(path) as file:
        arrays = dict(file)
    if damage == "cycle":
        arrays["0.left"] = arrays["0.left"] * 0
    elif damage == "feature":
        arrays["0.feature"] = arrays["0.feature"] + 99
    elif damage == "roots":
        arrays["0.roots"] = arrays["0.roots"] - 1
    elif damage == "shape":
        arrays["0.value"] = arrays["0.value"][:-1]
    elif damage == "missing":
        del arrays["0.threshold"]
    else:
        arrays["0.classes"] = np.array([{}], dtype=object)
    np.savez(path, **arrays)
    with pytest.raises(DataFileError, match="not a file of probes"):
        load_probes(path)


def test_a_missing_and_a_broken_file(tmp_path):
    with pytest.raises(DataFileError, match="no such file"):
        load_probes(tmp_path / "none.npz")
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(DataFileError, match="not a file of probes"):
        load_probes(tmp_path / "broken.npz")


# --- all factors ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tangled():
    return probe_factors(
        codes_of("tangled", FACTORS), FACTORS, names=["shape", "scale", "colour"], n_jobs=1
    )


def test_rows_that_are_the_same_count_once_in_the_error_where_that_is_known():
    """Every row four times over, all of them on one side."""
    labels = uniform(300, sizes=(3,))
    codes = labels + np.random.default_rng(0).normal(size=(300, 2))
    many, photographs = np.repeat(np.arange(300), 4), np.repeat(np.arange(300), 4)

    def error(codes, labels, groups=None):
        found = probe_factors(
            codes, labels, names=["a"], dimensions="all", models="mlp", n_jobs=1, groups=groups
        )
        return found.per_factor["a"]["probes"]["mlp"]["all"]

    known = error(codes[many], labels[many], photographs)
    blind = error(codes[many], labels[many])
    assert known["accuracy"] == blind["accuracy"] < 0.95
    assert known["standard_error"] == pytest.approx(2 * blind["standard_error"], rel=0.01)


def test_the_parts_of_a_result(tangled):
    assert (tangled.train, tangled.test) == (400, 200)
    plain = tangled.to_dict()
    json.dumps(plain, allow_nan=False)
    for j, part in enumerate(tangled.per_factor.values()):
        assert part["classes"] == SIZES[j]
        assert part["uniform"] == pytest.approx(1 / part["classes"])
        values, counts = np.unique(FACTORS[:400, j], return_counts=True)
        assert part["chance"] == (FACTORS[400:, j] == values[counts.argmax()]).mean()
        for sets in part["probes"].values():
            for score in sets.values():
                a, error = score["accuracy"], score["standard_error"]
                # The mean of several perceptrons is off by less than one of them.
                assert 0 < error <= (a * (1 - a) / 199) ** 0.5 + 1e-12
                assert score["balanced_accuracy"] == pytest.approx(a, abs=0.1)
            a, error = (sets["all"][key] for key in ("accuracy", "standard_error"))
            assert error == pytest.approx((a * (1 - a) / 199) ** 0.5)
            assert len(sets["pruned"]["dimensions"]) == 1
            assert set(sets["pruned"]["dimensions"]) <= set(sets["union"]["dimensions"])
            assert set(sets["union"]["dimensions"]) <= set(sets["all"]["dimensions"])
            assert sets["all"]["accuracy"] > sets["pruned"]["accuracy"]
    for model, sets in tangled.mean.items():
        parts = [part["probes"][model]["all"]["accuracy"] for part in tangled.per_factor.values()]
        assert sets["all"]["accuracy"] == pytest.approx(np.mean(parts))


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_not_below_scikit_learns_own_probes(tangled):
    codes = codes_of("tangled", FACTORS)
    rivals = {
        "gbt": GradientBoostingClassifier(random_state=0),
        "mlp": MLPClassifier((256, 256), max_iter=60, random_state=0),
    }
    for model, rival in rivals.items():
        theirs = [rival.fit(codes[:400], y[:400]).score(codes[400:], y[400:]) for y in FACTORS.T]
        assert tangled.mean[model]["all"]["accuracy"] > np.mean(theirs) - 0.02, model


def test_identity_codes_are_read_off_one_dimension():
    result = probe_factors(codes_of("identity", FACTORS), FACTORS, dimensions="pruned", n_jobs=1)
    for model in MODELS:
        assert result.mean[model]["pruned"]["accuracy"] > 0.99
    assert [p["probes"]["gbt"]["pruned"]["dimensions"] for p in result.per_factor.values()] == [
        [0],
        [1],
        [2],
    ]


def test_noise_is_read_at_chance():
    result = probe_factors(codes_of("noise", FACTORS), FACTORS, dimensions="all", n_jobs=1)
    for model in MODELS:
        assert result.mean[model]["all"]["accuracy"] == pytest.approx(result.chance, abs=0.08)


def test_processes_and_their_number_change_nothing():
    codes, factors = codes_of("tangled", FACTORS[:200]), FACTORS[:200, 1:]
    one, two = (probe_factors(codes, factors, n_jobs=n, models="gbt") for n in (1, 2))
    assert one.to_dict() == two.to_dict()


def test_factors_that_cannot_be_probed_say_why():
    codes, own = codes_of("identity", FACTORS[:200]), FACTORS[:200]
    factors = np.c_[own[:, 0], np.zeros(200, int), np.arange(200)]
    result = probe_factors(codes, factors, names=["shape", "steady", "row"], n_jobs=1)
    assert result.per_factor["shape"]["reason"] is None
    assert result.per_factor["steady"]["reason"] == "takes one value only"
    assert "too few rows per class" in result.per_factor["row"]["reason"]
    assert np.isnan(result.per_factor["row"]["probes"]["gbt"]["all"]["accuracy"])
    shape = result.per_factor["shape"]["probes"]["gbt"]["all"]["accuracy"]
    assert result.mean["gbt"]["all"]["accuracy"] == shape


def test_a_sorted_table_tells_of_unseen_classes_and_shuffling_mends_it():
    order = np.argsort(FACTORS[:, 0], kind="stable")
    codes, factors = codes_of("identity", FACTORS)[order], FACTORS[order, :1]
    options = {"dimensions": "all", "models": "gbt", "n_jobs": 1}
    as_it_is = probe_factors(codes, factors, **options)
    shuffled = probe_factors(codes, factors, shuffle=True, **options)
    assert as_it_is.per_factor["0"]["unseen"] > 0.5
    assert any("random order" in note for note in METRIC.notes(as_it_is.to_dict()))
    assert not any("random order" in note for note in METRIC.notes(shuffled.to_dict()))
    assert as_it_is.mean["gbt"]["all"]["accuracy"] < 0.5
    assert shuffled.per_factor["0"]["unseen"] == 0
    assert shuffled.mean["gbt"]["all"]["accuracy"] > 0.99


def test_explicit_dimensions_and_given_association():
    codes = codes_of("identity", FACTORS)
    options = {"models": ["gbt"], "n_jobs": 1}
    result = probe_factors(codes, FACTORS, dimensions=[0, 2], **options)
    assert result.per_factor["0"]["probes"]["gbt"]["explicit"]["dimensions"] == [0, 2]
    assert result.per_factor["0"]["probes"]["gbt"]["explicit"]["accuracy"] > 0.99
    assert result.per_factor["1"]["probes"]["gbt"]["explicit"]["accuracy"] < 0.5
    swapped = np.zeros((5, 3))
    swapped[[1, 0, 2], [0, 1, 2]] = 1
    result = probe_factors(codes, FACTORS, dimensions="pruned", association=swapped, **options)
    assert result.per_factor["0"]["probes"]["gbt"]["pruned"]["dimensions"] == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": "forest"}, "model must be one of"),
        ({"dimensions": "most"}, "dimensions must be among"),
        ({"dimensions": [7]}, "between 0 and 4"),
        ({"dimensions": []}, "dimensions must be among"),
        ({"names": ["a"]}, "3 different names"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        probe_factors(codes_of("noise", FACTORS), FACTORS, **arguments)


def test_bad_arrays():
    with pytest.raises(ValueError, match="at least 3 rows"):
        probe_factors(np.zeros((2, 1)), np.zeros((2, 1), int))
    probe = fit_probe(codes_of("noise", FACTORS), FACTORS[:, 0])
    with pytest.raises(ValueError, match="must have 5 dimensions"):
        probe.predict_proba(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="labels must have a row"):
        fit_probe(np.zeros((2, 1)), [0, 1, 2])


def test_a_column_that_is_constant_but_for_rounding_tells_nothing():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=300)
    codes = np.stack([labels + 0.1 * rng.normal(size=300), np.full(300, 0.1)], axis=1)
    probe = fit_probe(codes, labels, "mlp")
    nudged = codes + np.array([0, 1e-9])
    np.testing.assert_array_equal(probe.predict(nudged), probe.predict(codes))


@pytest.mark.parametrize(("nodes", "fine"), [(150, True), (1000, False)])
def test_stored_trees_may_not_be_chains(tmp_path, nodes, fine):
    """Every code would walk down all of it."""
    index = np.arange(nodes, dtype=np.int32)
    after, zeros = np.minimum(index + 1, nodes - 1).astype(np.int32), np.zeros(nodes)
    roots = np.zeros((3, 1), dtype=np.int32)
    trees = Trees(np.zeros(1), roots, 0 * index, zeros, after, after, zeros)
    path = tmp_path / "probes.npz"
    save_probes(path, {"x": Probe("gbt", np.arange(2), 4, trees)})
    if fine:
        assert load_probes(path)["x"].predict(np.zeros((2, 4))).shape == (2,)
    else:
        with pytest.raises(DataFileError, match="nodes deep"):
            load_probes(path)
