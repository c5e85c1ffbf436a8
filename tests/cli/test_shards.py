"""Scores of codes in Parquet shards are those of all their rows, in whatever file they come."""

import json

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from dviz.measuring.shards import find_shards, sample_rows, write_shard

NAMES = ("shape", "scale", "hue")
SIZES = (10, 9, 8)
SAMPLE = 200


def codes_of(classes, seed=0):
    rng = np.random.default_rng(seed)
    codes = classes @ rng.standard_normal((3, 4)) + 0.5 * rng.standard_normal((len(classes), 4))
    return codes.astype(np.float32)


def put(folder, codes, classes):
    """Three shards, and the same rows as a table."""
    for k, rows in enumerate(np.array_split(np.arange(len(codes)), 3)):
        write_shard(folder / f"part-{k}.parquet", codes[rows], classes[rows], NAMES)
    np.savez(folder / "codes.npz", mean=codes)
    lines = [",".join(NAMES), *(",".join(map(str, row)) for row in classes)]
    (folder / "classes.csv").write_text("\n".join(lines) + "\n")
    return f"{folder}/*.parquet"


def measured(run_command, *asked):
    return json.loads(run_command("evaluate", "metrics", *asked, "--json").out)


GRID = np.argwhere(np.ones(SIZES))
DRAWN = np.random.default_rng(1).integers(0, SIZES, (900, 3))


@pytest.mark.parametrize(
    "classes",
    [DRAWN, np.r_[GRID[10:], GRID[40:60]], GRID],
    ids=["labels repeat", "hardly any repeat", "a whole grid"],
)
def test_all_that_is_said_of_omes_is_of_all_rows(tmp_path, run_command, classes):
    pattern = put(tmp_path, codes_of(classes), classes)
    plain = ("--representations", tmp_path / "codes.npz", "--classes", tmp_path / "classes.csv")
    whole = measured(run_command, *plain, "--metrics", "omes")
    asked = ("--representations", pattern, "--metrics", "omes,mig", "--sample", SAMPLE)
    streamed = measured(run_command, *asked)
    assert streamed["rows_trained_on"] == SAMPLE
    for key in ("n_samples", "active"):
        assert streamed[key] == whole[key]
    one, other = streamed["omes"], whole["omes"]
    assert one.keys() == other.keys()
    assert bool(one["interval"]) == (classes is not GRID)
    for key, (low, high) in one["interval"].items():
        assert low <= one[key] <= high
        assert (low, high) == pytest.approx(other["interval"][key], abs=1e-6)
    assert one["signal"] == pytest.approx(other["signal"], abs=1e-6)
    factors = one["calibrated"].pop("per_factor"), other["calibrated"].pop("per_factor")
    assert factors[0] == pytest.approx(factors[1], abs=1e-6)
    assert one["calibrated"] == pytest.approx(other["calibrated"], abs=1e-6)


def test_a_dimension_that_moves_outside_of_the_sample_is_active(tmp_path, run_command):
    codes = codes_of(DRAWN)
    codes[:, 3] = 0
    pattern = put(tmp_path, codes, DRAWN)
    seen, _ = sample_rows(find_shards(pattern), SAMPLE, 0)
    missed = np.flatnonzero(~np.isin(codes[:, 0], seen[:, 0]))[0]
    codes[missed, 3] = 10
    asked = ("--representations", put(tmp_path, codes, DRAWN), "--metrics", "omes", "--sample")
    found = measured(run_command, *asked, SAMPLE)
    assert found["active"] == found["omes"]["active"] == [0, 1, 2, 3]


def test_the_table_says_how_many_rows_the_other_metrics_saw(tmp_path, run_command):
    pattern = put(tmp_path, codes_of(DRAWN), DRAWN)
    asked = ("--representations", pattern, "--metrics", "omes,mig", "--sample", SAMPLE)
    head = run_command("evaluate", "metrics", *asked).out.splitlines()[0]
    assert head == "900 samples, 4 of 4 dimensions active; all but OMES on 200 of them"
    plain = ("--representations", tmp_path / "codes.npz", "--classes", tmp_path / "classes.csv")
    head = run_command("evaluate", "metrics", *plain, "--metrics", "mig").out.splitlines()[0]
    assert head == "900 samples, 4 of 4 dimensions active"


@pytest.mark.parametrize("count", [0, -5])
def test_a_sample_of_nothing_is_refused_in_words(tmp_path, run_command, count):
    pattern = put(tmp_path, codes_of(DRAWN), DRAWN)
    asked = ("--representations", pattern, "--metrics", "mig", "--sample", count)
    assert (
        "rows were asked for: at least 3"
        in run_command("evaluate", "metrics", *asked, fails=True).err
    )


def test_a_dimension_of_words_is_named(tmp_path, run_command):
    table = {"z0": ["a", "b", "c"] * 9, "z1": [0.5, 1.5, 2.5] * 9, "shape": [0, 1, 2] * 9}
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(
        pyarrow.table(table), tmp_path / "words.parquet"
    )
    asked = ("--representations", tmp_path / "words.parquet", "--metrics", "mig")
    assert (
        "column z0 holds no numbers" in run_command("evaluate", "metrics", *asked, fails=True).err
    )
