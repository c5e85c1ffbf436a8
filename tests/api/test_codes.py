"""What anybody asks of their own codes, and that nothing heavy is needed for it."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

import dviz
from dviz.api.codes import _class_indices
from dviz.metrics.association import associate
from dviz.metrics.diagnostics import active_dimensions
from dviz.metrics.omes import omes

GRID = np.argwhere(np.ones((6, 7, 8)))  # enough pairs of each factor
NAMES = ["shape", "size", "hue"]


def codes_of(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return GRID @ rng.normal(size=(3, 4)) + rng.normal(scale=0.3, size=(len(GRID), 4))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.sampled_from(["avg", "max"]), st.floats(0, 1))
def test_omes_is_the_metric_on_active_dimensions(seed, pooling, alpha):
    codes = np.hstack([codes_of(seed), np.zeros((len(GRID), 1))])
    found = dviz.omes(codes, GRID, pooling=pooling, alpha=alpha)
    S = associate(codes, GRID).matrix
    assert float(found) == found.omes == omes(S, alpha, pooling, active_dimensions(codes)).omes
    assert found.active == (0, 1, 2, 3)


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(len(GRID))))
def test_the_order_of_rows_does_not_matter(order):
    codes = codes_of(0)
    assert dviz.omes(codes[order], GRID[order]).omes == pytest.approx(dviz.omes(codes, GRID).omes)


def test_labels_may_be_words_or_numbers_or_a_frame_that_names_them():
    words = np.array(["ant", "bee", "cow", "dog", "elk", "fox", "gnu", "hen"])[GRID]
    frame = pd.DataFrame({"shape": words[:, 0], "size": GRID[:, 1] / 2, "hue": GRID[:, 2]})
    expected = dviz.omes(codes_of(1), GRID, names=NAMES)
    for found in (
        dviz.omes(codes_of(1), words, names=NAMES),
        dviz.omes(codes_of(1), frame),
        dviz.omes(pd.DataFrame(codes_of(1)), frame),
    ):
        assert found.to_dict() == expected.to_dict()
    single = np.arange(len(GRID))
    one, column = (dviz.omes(codes_of(1), labels) for labels in (single, single[:, None]))
    assert np.isnan([one.omes, column.omes]).all()
    assert "only factor" in one.per_factor["0"]["reason"]


def test_rows_that_pandas_names_differently_are_not_paired():
    frame = pd.DataFrame(GRID, columns=NAMES)
    shuffled = pd.DataFrame(codes_of(1)).sample(frac=1, random_state=0)
    for factors in (frame, frame["size"]):
        with pytest.raises(ValueError, match=r"same index.*factors\.loc\[codes\.index\]"):
            dviz.omes(shuffled, factors)
    with pytest.raises(ValueError, match="a row for each"):
        dviz.omes(shuffled[1:], frame)
    aligned = dviz.omes(shuffled, frame.loc[shuffled.index])
    assert aligned.omes == pytest.approx(dviz.omes(codes_of(1), GRID).omes)


def with_gap(kind, gap):
    column = pd.DataFrame(GRID, columns=NAMES)["size"].astype(kind)
    column[7] = gap
    return pd.DataFrame({"shape": GRID[:, 0], "size": column})


@pytest.mark.parametrize(
    ("factors", "got"),
    [
        (with_gap(float, np.nan), "none"),
        (with_gap(float, None), "none"),
        (with_gap("Int64", pd.NA), "none"),
        (with_gap(str, None).astype(object), "none"),
        (with_gap(str, np.nan).to_numpy(), "none"),
        (np.ma.array(GRID, mask=np.arange(GRID.size).reshape(GRID.shape) == 22), "none"),
        (with_gap(float, np.inf), "inf"),
    ],
)
def test_a_missing_label_is_named(factors, got):
    words = f"must have a label in every row, got {got} in row 7 of factor 1; leave such rows out"
    with pytest.raises(ValueError, match=words):
        dviz.omes(codes_of(0), factors)


def test_a_missing_number_in_a_code_is_named():
    frame = pd.DataFrame(codes_of(0)).astype("Float64")
    frame.iloc[7, 1] = pd.NA
    masked = np.ma.array(codes_of(0), mask=np.arange(4 * len(GRID)).reshape(-1, 4) == 29)
    for codes in (frame, frame.astype(object), masked):
        with pytest.raises(ValueError, match="finite, got nan at row 7, dimension 1"):
            dviz.omes(codes, GRID)


def test_codes_may_be_tensors_of_any_type_or_objects_or_masked_nowhere():
    codes = torch.tensor(codes_of(1)).bfloat16()
    expected = dviz.omes(codes.double().numpy(), GRID).to_dict()
    array = codes.float().numpy()
    for same in (codes, array.astype(object), np.ma.array(array)):
        assert dviz.omes(same, GRID).to_dict() == expected
    assert dviz.omes(array, torch.tensor(GRID)).to_dict() == expected


@pytest.mark.parametrize(
    ("codes", "factors", "words"),
    [
        (codes_of(0)[1:], GRID, "a row for each"),
        (codes_of(0), np.zeros((2, 2, 2)), r"factors must be \(N, F\)"),
        (np.full((336, 4), np.inf), GRID, "finite"),
        (np.array([["a"]]), GRID[:1], "codes must hold numbers"),
    ],
)
def test_what_is_refused_is_said(codes, factors, words):
    with pytest.raises(ValueError, match=words):
        dviz.omes(codes, factors)


def test_a_measurement_is_a_table_and_strict_json():
    codes = np.hstack([codes_of(2), np.zeros((len(GRID), 1))])
    found = dviz.measure(codes, GRID, names=NAMES, metrics=["omes", "mig", "dci"], n_jobs=1)
    frame = found.to_frame()
    assert list(frame.columns) == ["score", *NAMES]
    assert frame.loc["MIG", "score"] == pytest.approx(found["mig"]["score"])
    assert frame.loc["OMES", "hue"] == found["omes"]["per_factor"]["hue"]["omes"]
    json.dumps(found.to_dict(), allow_nan=False)
    text = repr(found)
    assert text.startswith("336 samples, 4 of 5 dimensions active")
    assert f"{found['mig']['score']:.3f}" in text
    html = found._repr_html_()
    assert all(f"<th>{name}</th>" in html for name in frame.columns)


def test_names_are_text_in_html():
    found = dviz.measure(codes_of(0), GRID[:, :1], names=["<b>"], metrics="mig")
    assert "<b>" not in found._repr_html_()


def test_a_factor_left_out_is_explained():
    factors = np.column_stack([GRID, np.zeros(len(GRID), int)])
    found = dviz.measure(codes_of(0), factors, names=[*NAMES, "still"], metrics="omes")
    assert "still: takes one value only" in repr(found)


WITHOUT = """
import sys
from importlib.machinery import PathFinder
class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] not in {missing}:
            return super().find_spec(name, path, target)
sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
"""
HEAVY = ("torch", "gradio", "plotly", "PIL", "h5py", "huggingface_hub", "pydantic")


def run(code: str, missing: tuple[str, ...] = HEAVY) -> str:
    program = WITHOUT.format(missing=missing) + code
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_metrics_need_nothing_heavy():
    out = run(
        "import dviz, numpy as np\n"
        "grid = np.argwhere(np.ones((3, 4)))\n"
        "print(float(dviz.omes(grid, grid)))\n"
        "print(dviz.measure(np.tile(grid, (3, 1)), np.tile(grid, (3, 1)), n_jobs=1))\n"
    )
    assert "MIG" in out
    assert "probe gbt all" in out
    assert "needs torch, which is missing" in out


def test_importing_dviz_imports_nothing_heavy():
    out = run(f"import dviz, sys\nprint([m for m in {('numpy', *HEAVY)} if m in sys.modules])")
    assert out.strip() == "[]"


@pytest.mark.parametrize(
    ("call", "missing", "extra"),
    [
        ("dviz.load('color-dsprites')", "torch", "train"),
        ("dviz.datasets()", "h5py", "train"),
        ("dviz.launch()", "gradio", "app"),
    ],
)
def test_what_is_not_installed_is_named_with_what_installs_it(call, missing, extra):
    code = f"import dviz\ntry: {call}\nexcept Exception as error: print(type(error), error)"
    out = run(code, (missing,))
    assert f"NotInstalledError'> dviz.{call[5:].partition('(')[0]} needs {missing}" in out
    assert f"pip install '.[{extra}]'" in out


def test_a_command_says_it_too():
    code = "from dviz.cli import main\ntry: main(['app'])\nexcept SystemExit as e: print(e.code)"
    assert run(code, ("gradio",)).strip() == "2"


def test_columns_of_a_frame_keep_their_own_types():
    rng = np.random.default_rng(0)
    digit, other = rng.integers(5, size=400), rng.integers(4, size=400)
    codes = np.stack([digit, other], axis=1) + 0.05 * rng.normal(size=(400, 2))
    plain = dviz.omes(codes, np.stack([digit, other], axis=1)).omes
    large = pd.DataFrame({"id": 2**60 + digit, "b": other.astype(float)})
    assert dviz.omes(codes, large).omes == plain
    assert dviz.omes(codes, np.stack([4096 * digit + 2.0**63, other], axis=1)).omes > 0  # hashes
    words = np.array(["low", "medium", "high", "very high", "extreme"])
    ordered = pd.Categorical(words[digit], words, ordered=True)
    frame = pd.DataFrame({"level": ordered, "b": other})
    direct = dviz.measure(codes, np.stack([digit, other], axis=1), metrics=["dci"])
    told = dviz.measure(codes, frame, metrics=["dci"])
    assert told.to_frame().equals(direct.to_frame().set_axis(told.to_frame().columns, axis=1))


@pytest.mark.parametrize("dates", [True, False])
def test_gaps_of_any_type_are_refused(dates):
    rows = np.arange(40) % 4
    column = pd.to_datetime(pd.Series(rows), unit="D") if dates else pd.Series(rows).astype(str)
    column[7] = None
    frame = pd.DataFrame({"when": column, "b": np.arange(40) % 3})
    with pytest.raises(ValueError, match=r"label in every row, got none in row 7 of factor 0"):
        dviz.omes(np.random.default_rng(0).normal(size=(40, 2)), frame)


def test_lists_are_no_labels():
    frame = pd.DataFrame({"colour": [(0, 0, 255)] * 4})
    with pytest.raises(ValueError, match="labels of factor 0 are lists"):
        dviz.omes(np.eye(4), frame)


def test_a_column_that_stands_still_is_no_second_factor():
    rng = np.random.default_rng(0)
    digit = rng.integers(10, size=2000)
    codes = rng.normal(size=(2000, 3))
    codes[:, 0] = digit
    alone = dviz.omes(codes, np.stack([digit, np.zeros_like(digit)], axis=1))
    assert np.isnan(alone.omes)
    assert "only factor" in alone.per_factor["0"]["reason"]


def test_intervals_are_given_only_where_they_hold():
    whole = np.argwhere(np.ones((20, 20)))
    values = whole - 9.5
    codes = np.stack([values[:, 0] * (1 + 0.1 * values[:, 1]), values.sum(axis=1)], axis=1)
    assert "95%" not in str(dviz.measure(codes, whole, metrics=["omes"]))  # nothing is open
    part = np.random.default_rng(0).permutation(400)[:300]
    assert "95%" in str(dviz.measure(codes[part], whole[part], metrics=["omes"]))
    few = np.random.default_rng(0).integers((2, 3), size=(600, 2))
    noisy = few + np.random.default_rng(1).normal(size=few.shape)
    assert "95%" not in str(dviz.measure(noisy, few, metrics=["omes"]))  # of three groups


def test_numbers_as_words_are_in_the_order_of_the_numbers():
    factors = np.argwhere(np.ones((12, 21)))
    codes = factors + 0.01 * np.random.default_rng(0).normal(size=factors.shape)
    words, numbers = (dviz.omes(codes, labels) for labels in (factors.astype(str), factors))
    assert not np.isnan(words.association).any()
    assert (words.association == numbers.association).all()
    words, numbers = (
        dviz.measure(codes, labels, metrics=["sap"])["sap"]
        for labels in (factors.astype(str), factors)
    )
    assert words == numbers


def test_a_table_sorted_by_a_factor_is_measured_like_any_other():
    factors = np.repeat(np.argwhere(np.ones((2, 25))), 8, axis=0)
    codes = factors + 0.1 * np.random.default_rng(0).normal(size=factors.shape)
    options = {"metrics": ["explicitness"], "names": ["half", "place"], "n_jobs": 1}
    found = dviz.measure(codes, factors, **options)["explicitness"]
    assert found["per_factor"]["half"] > 0.9
    found = dviz.measure(codes, factors, shuffle=False, **options)["explicitness"]
    assert found["per_factor"]["half"] is None, "the last third holds one of its two values"


def test_likely_wrong_calls_are_shown_the_way():
    for first, second in (
        (PCA(2), "shapes3d"),
        (lambda x: x, None),
        ("color-dsprites", "shapes3d"),
    ):
        with pytest.raises(ValueError, match=r"measure\(encode=model, dataset="):
            dviz.measure(first, second)
    with pytest.raises(ValueError, match="scores=False"):
        dviz.measure(encode=PCA(2), dataset="shapes3d", metrics=["omes"])
    factors = np.argwhere(np.ones((10, 20)))
    assert dviz.measure(factors * 0.5, factors, metrics="mig", jobs=1)["mig"]["score"] > 0.99


def test_a_frame_of_codes_is_measured_and_long_names_stay_apart():
    factors = np.argwhere(np.ones((10, 20)))
    frame = pd.DataFrame(factors * 0.5)
    assert dviz.measure(frame, factors, metrics="mig")["mig"]["score"] > 0.99
    long = np.array([["100000000000000001"], ["100000000000000002"], ["3"]])
    assert np.array_equal(_class_indices(long[:, 0], 0), [0, 1, 2])
