"""Bounds on what strangers send: they can be set, they are documented, and they hold."""

import json
import re
import struct
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from dviz.errors import CheckpointError, DataFileError
from dviz.files import check_archive
from dviz.limits import LIMITS, Limits, table
from dviz.measuring.files import read_classes, read_representations, read_table
from dviz.schema import ConfigShape, check_shape, read_object

DOCS = Path(__file__).parents[1] / "docs" / "limits.md"
SMALL = replace(
    LIMITS, csv_cells=40, csv_rows=8, csv_columns=6, csv_categories=3, text_characters=10
)


def test_every_bound_has_a_reason_and_stands_in_the_docs():
    assert all(bound.metadata["reason"] and bound.metadata["unit"] for bound in fields(Limits))
    assert table() in DOCS.read_text("utf-8"), "run python -m dviz.limits and put its table there"


def test_a_bound_is_set_by_the_environment():
    found = Limits.from_environment({"DVIZ_LIMIT_JSON_DEPTH": "8", "HOME": "/"})
    assert (found.json_depth, found.json_values) == (8, LIMITS.json_values)


@pytest.mark.parametrize(
    ("name", "value"), [("JSON_DEPTH", "0"), ("JSON_DEPTH", "many"), ("JASON_DEPTH", "8")]
)
def test_a_bound_that_is_none_is_refused_at_the_start(name, value):
    with pytest.raises(ValueError, match=f"DVIZ_LIMIT_{name}"):
        Limits.from_environment({f"DVIZ_LIMIT_{name}": value})


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["a,b"] + ["1,2"] * 9, "rows, the limit is 8"),
        ([",".join("abcdefg"), ",".join("1234567")], "columns, the limit is 6"),
        (["a,b,c,d,e,f"] + ["1,2,3,4,5,6"] * 7, "cells, the limit is 40"),
        (["a", "1", "2", "3", "4"], "'a' has 4 values, the limit is 3"),
        (["a", "x" * 11, "1"], "a word of more than 10 characters"),
    ],
)
def test_tables_beyond_the_limits_are_refused_by_their_counts(tmp_path, lines, words):
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataFileError, match=words):
        read_classes(path, limits=SMALL)
    assert read_classes(path).names[0] == "a"  # a person's own table at the command line passes


def test_a_table_within_the_limits_is_read_as_without_them(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("z0,z1,a\n" + "0.5,1.5,x\n2,3,y\n" * 3)
    codes, labels, _ = read_table(path)
    bound, same, _ = read_table(path, SMALL)
    assert np.array_equal(codes, bound)
    assert np.array_equal(labels.classes, same.classes)


def test_an_archive_is_told_by_its_directory(tmp_path):
    path = tmp_path / "codes.npz"
    np.savez_compressed(path, **{f"a{i}": np.zeros(2000) for i in range(5)})
    check_archive(path, members=5, unpacked=100_000)
    with pytest.raises(ValueError, match="holds 5 arrays, the limit is 4"):
        check_archive(path, members=4, unpacked=100_000)
    with pytest.raises(ValueError, match="unpacks to"):
        check_archive(path, members=5, unpacked=10_000)
    with pytest.raises(DataFileError, match="holds 5 arrays"):
        read_representations(path, key="a0", limits=replace(LIMITS, npz_members=4))


def test_a_directory_of_very_many_entries_is_not_read(tmp_path):
    path = tmp_path / "many.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3000):
            archive.writestr(str(number), b"")
    with pytest.raises(ValueError, match="more than 16 arrays"):
        check_archive(path, members=16, unpacked=1_000_000)
    content = bytearray(path.read_bytes())
    place = content.rfind(b"PK\5\6")
    content[place + 12 : place + 16] = struct.pack("<I", 2**32 - 1)  # a lie changes nothing
    path.write_bytes(content)
    with pytest.raises(ValueError, match="more than 16 arrays"):
        check_archive(path, members=16, unpacked=1_000_000)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "nests deeper"),
        ('{"a":' * 40 + "1" + "}" * 40, "nests deeper than 32 levels"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e999}', "not finite"),
        ('{"a": 1' + "0" * 30 + "}", "more than 64 bits"),
        ("[1]", "not a JSON object"),
        ('{"a": "' + "x" * 5000 + '"}', "larger than 1,000 bytes"),
    ],
)
def test_json_of_strangers_is_bounded(tmp_path, text, words):
    path = tmp_path / "config.json"
    path.write_text(text)
    most = 1_000 if "x" in text else 1_000_000
    with pytest.raises(ValueError, match=re.escape(words)):
        read_object(path, most)


def test_values_of_all_factors_times_dimensions_are_bounded():
    config = {
        "name": "a", "kind": "source", "dataset": "d", "source": "", "version": "1",
        "parent": None, "training": {}, "painting": {}, "latent_size": 1024, "filters": 4,
        "factors": [
            {"name": f"f{n}", "size": 10_000, "values": [], "cyclic": False} for n in range(3)
        ],
    }  # fmt: skip
    with pytest.raises(CheckpointError, match=r"30,720,000, the limit is 20,000,000") as caught:
        check_shape(ConfigShape, config, "config.json is not ours")
    assert "\n" not in str(caught.value)
    check_shape(ConfigShape, json.loads(json.dumps(config | {"latent_size": 10})), "")
