import json

import numpy as np
import pytest

from dviz.metrics.suite import METRICS, evaluate_all
from tests.metrics.tables import codes_of, uniform


def test_everything_on_one_table():
    factors = uniform(900, sizes=(9, 8, 7))
    seen = []
    result = evaluate_all(
        codes_of("tangled", factors), factors, names=["a", "b", "c"], n_jobs=1, progress=seen.append
    )
    json.dumps(result, allow_nan=False)
    assert seen == list(METRICS) == list(result["seconds"])
    assert result.keys() >= {"n_samples", "active", "factors", "dimensions", "seed", *METRICS}
    low, high = result["omes"]["interval"]["omes"]
    assert low < result["omes"]["omes"] < high
    assert result["omes"]["per_factor"]["a"]["pairs"] > 10
    assert np.shape(result["omes"]["association"]) == (5, 3)
    assert result["dci"].keys() == {"trees", "lasso"}


def test_some_metrics_by_name():
    factors = uniform(200)
    codes = codes_of("identity", factors)
    result = evaluate_all(codes, factors, metrics=["mig", "diagnostics"])
    assert list(result["seconds"]) == ["mig", "diagnostics"]
    assert result["active"] == [0, 1, 2]
    assert result["diagnostics"]["active_dimensions"] == 3


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("codes", "factors"),
    [
        (np.random.default_rng(0).normal(size=(10, 2)), uniform(10)),
        (np.zeros((30, 2)), uniform(30)),
        (np.random.default_rng(0).normal(size=(30, 2)), np.zeros((30, 2), int)),
        (np.random.default_rng(0).normal(size=(30, 1)), np.arange(30)[:, None]),
        (np.random.default_rng(0).normal(size=(3, 1)), np.array([[0], [1], [1]])),
    ],
    ids=["ten rows", "constant codes", "constant factors", "a class per row", "three rows"],
)
def test_poor_tables_give_a_result_all_the_same(codes, factors):
    result = evaluate_all(codes, factors, n_jobs=1)
    json.dumps(result, allow_nan=False)
    assert result.keys() >= METRICS.keys()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": "fid"}, "metrics must be 'all' or some of"),
        ({"metrics": []}, "metrics must be 'all' or some of"),
        ({"alpha": 2}, "alpha must be"),
        ({"factors": np.zeros((5, 1), int)}, "a row for each"),
        ({"codes": np.zeros((2, 1)), "factors": np.zeros((2, 1), int)}, "at least 3 rows"),
    ],
)
def test_bad_arguments(arguments, message):
    factors = uniform(20)
    table = {"codes": codes_of("noise", factors), "factors": factors}
    with pytest.raises(ValueError, match=message):
        evaluate_all(**table | arguments)
