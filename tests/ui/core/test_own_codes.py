"""What somebody drops in, and what is measured of it."""

import json
from dataclasses import replace
from pathlib import Path
from weakref import WeakSet

import numpy as np
import pytest

from dviz.errors import DataFileError
from dviz.limits import LIMITS
from dviz.measuring.files import encode_labels
from dviz.metrics.association import association_matrix
from dviz.metrics.suite import METRICS, evaluate_all
from dviz.ui.core import own_codes as tables
from dviz.ui.core import own_files
from dviz.ui.core.fair import BusyError, Lane
from dviz.ui.core.own_codes import Waiting, as_table, measure_all, measure_in_turn
from dviz.ui.core.own_files import columns_of, read_files
from tests.measuring.study_files import write_classes, write_representations
from tests.metrics.tables import codes_of, uniform

FACTORS = uniform(480, sizes=(9, 8, 7))
NAMES = ["shape", "scale", "colour"]
CODES = codes_of("tangled", FACTORS).astype(np.float32)


@pytest.fixture
def two(tmp_path):
    paths = [str(tmp_path / "mine.npz"), str(tmp_path / "labels.csv")]
    write_representations(paths[0], CODES)
    write_classes(paths[1], NAMES, FACTORS)
    return paths


@pytest.fixture
def one(tmp_path):
    path = tmp_path / "table.csv"
    lines = [",".join([*(f"z{d}" for d in range(CODES.shape[1])), *NAMES])]
    lines += [
        ",".join(map(repr, [*z.tolist(), *f])) for z, f in zip(CODES, FACTORS.tolist(), strict=True)
    ]
    path.write_text("\n".join(lines))
    return [str(path)]


def test_two_files_in_any_order_and_one_table_are_the_same(two, one):
    read = [read_files(paths) for paths in (two, two[::-1], one)]
    for table in read:
        np.testing.assert_array_equal(table.codes, CODES)
        np.testing.assert_array_equal(table.labels.classes, FACTORS)
        np.testing.assert_allclose(table.association.matrix, association_matrix(CODES, FACTORS))


@pytest.mark.parametrize("which", [[], [0], [0, 0], [0, 1, 1]])
def test_other_files_than_needed(two, which):
    with pytest.raises(DataFileError, match="drop in two files, codes"):
        read_files([two[i] for i in which])


def test_a_large_table_is_read_elsewhere_and_is_the_same(two, one, tmp_path, monkeypatch):
    here = [read_files(two), read_files(one)], columns_of(one)
    monkeypatch.setattr(own_files, "LIMITS", replace(LIMITS, table_inside_bytes=1))
    for table, large in zip(here[0], (read_files(two), read_files(one)), strict=True):
        assert (large.name, large.labels.names, large.labels.values) == (
            table.name, table.labels.names, table.labels.values
        )  # fmt: skip
        assert np.array_equal(large.codes, table.codes)
        assert np.array_equal(large.association.matrix, table.association.matrix)
        assert np.array_equal(large.active, table.active)
    assert columns_of(one) == here[1]
    write_classes(two[1], NAMES, FACTORS[:-3])
    with pytest.raises(DataFileError, match=r"^labels\.csv: 477 rows of labels for 480"):
        read_files(two)


def test_a_picture_is_not_a_table(tmp_path):
    with pytest.raises(DataFileError, match=r"^got cat\.png; drop in"):
        read_files([str(tmp_path / "cat.png")])


def test_messages_name_the_file_and_not_its_folder(two, tmp_path):
    write_classes(two[1], NAMES, FACTORS[:-3])
    with pytest.raises(DataFileError, match=r"^labels\.csv: 477 rows of labels for 480") as error:
        read_files(two)
    assert str(tmp_path) not in str(error.value)


def test_an_array_that_unpacks_to_too_much_is_not_unpacked(two, monkeypatch):
    monkeypatch.setattr(own_files, "LIMITS", replace(LIMITS, npz_bytes=100))
    by_kind = {Path(path).suffix: path for path in two}
    with pytest.raises(DataFileError, match=r"unpacks to .* at most"):
        own_files.table_bytes(by_kind, {})


def test_tables_of_all_sessions_together_are_bounded(two, monkeypatch):
    room = 2.5 * read_files(two).nbytes
    monkeypatch.setattr(own_files, "LIMITS", replace(LIMITS, tables_bytes=int(room)))
    monkeypatch.setattr(own_files, "_HELD", WeakSet())
    kept = [read_files(two)]
    with pytest.raises(BusyError, match="tables take all the memory"):
        kept += [read_files(two) for _ in range(3)]
    assert 1 <= len(kept) <= 2
    kept.clear()
    assert read_files(two).nbytes > 0


def test_sizes_a_page_can_take():
    labels = encode_labels(["a"], [["1", "2"] * 10])
    for codes, words in ((np.zeros((20, 129)), "129 dimensions"), (np.zeros((2, 3)), "2 rows")):
        with pytest.raises(DataFileError, match=words):
            as_table("x", codes, encode_labels(["a"], [["1", "2"]]) if len(codes) < 3 else labels)
    many = encode_labels([f"f{i}" for i in range(33)], [["1", "2"] * 10] * 33)
    with pytest.raises(DataFileError, match="33 factors"):
        as_table("x", np.zeros((20, 3)), many)


def test_measuring_runs_every_metric_and_agrees_with_evaluate_all(two, monkeypatch):
    quick = {name: METRICS[name] for name in ("omes", "mig", "modularity", "diagnostics")}
    monkeypatch.setattr(tables, "ORDER", tuple(quick))
    table = read_files(two)
    steps = list(measure_all(table, 0.3, "max", seed=4))
    assert [step for step, _ in steps] == [*quick, None]
    result = steps[-1][1]
    assert set(quick) <= set(result)
    whole = evaluate_all(
        CODES, FACTORS, names=NAMES, metrics=list(quick), alpha=0.3, pooling="max", seed=4
    )
    assert result["omes"] == whole["omes"]
    assert result["omes"]["omes"] == pytest.approx(table.omes(0.3, "max").omes)
    assert result["mig"]["score"] == pytest.approx(whole["mig"]["score"])  # order is nothing to it
    assert set(result["seconds"]) == set(quick)


def test_every_metric_has_its_turn():
    assert sorted(tables.ORDER) == sorted(METRICS)


def test_a_long_table_is_trained_on_in_part_and_scored_whole(two, monkeypatch):
    monkeypatch.setattr(tables, "ORDER", ("omes", "mig"))
    monkeypatch.setattr(tables, "MAX_TRAINED_ROWS", 100)
    table = read_files(two)
    result = list(measure_all(table, 0.5, "avg"))[-1][1]
    assert result["n_samples"] == 480
    assert result["rows_trained_on"] == 100
    assert result["omes"]["omes"] == pytest.approx(table.omes(0.5, "avg").omes)


def test_measuring_in_turn_agrees_with_measuring_here(two, monkeypatch):
    monkeypatch.setattr(tables, "ORDER", ("omes", "mig"))
    table = read_files(two)
    here = list(measure_all(table, 0.3, "max"))[-1][1]
    steps = [step for step in measure_in_turn(table, 0.3, "max", "ada") if step is not None]
    there = steps[-1][1]
    assert steps[-1][0] is None
    for name in ("omes", "mig"):
        assert there[name] == json.loads(json.dumps(here[name]))


def test_others_wait_and_nobody_measures_twice_at_once(two, monkeypatch):
    monkeypatch.setattr(tables, "MEASURING", Lane("measurements", at_once=1, waiting=1, seconds=9))
    table = read_files(two)
    first = measure_in_turn(table, 0.5, "avg", "ada")
    assert next(first) is None or next(first)
    with pytest.raises(BusyError, match="one of your measurements is running"):
        next(measure_in_turn(table, 0.5, "avg", "ada"))
    second = measure_in_turn(table, 0.5, "avg", "eve")
    assert next(second) == Waiting(1, 9)
    with pytest.raises(BusyError, match="about 18 s"):
        next(measure_in_turn(table, 0.5, "avg", "eva"))
    first.close()
    assert not isinstance(next(second), Waiting)
    second.close()
