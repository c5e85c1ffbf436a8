"""Columns are guessed by name and by what they hold, and a person's word goes first."""

import numpy as np
import pytest

from dviz.errors import DataFileError
from dviz.measuring.columns import guess_columns
from dviz.measuring.files import read_table

ROWS = [
    (f"im{i}.png", f"{i / 7:.3f}", f"{np.sin(i):.4f}", ["box", "disc"][i % 2], str(i % 3), "x")
    for i in range(60)
]


@pytest.fixture
def write(tmp_path):
    def write(*header):
        path = tmp_path / "table.csv"
        lines = [",".join(header), *(",".join(row) for row in ROWS)]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def test_roles_are_guessed(write):
    found = guess_columns(write("file", "a", "b", "shape", "size", "same"))
    assert [c.role for c in found] == ["ignore", "code", "code", "label", "label", "ignore"]
    assert found[0].cells == ("im0.png", "im1.png", "im2.png")
    named = guess_columns(write("file", "z0", "angle", "shape", "size", "same"))
    assert [c.role for c in named] == ["ignore", "code", "ignore", "label", "label", "ignore"]


def test_a_number_for_every_row_is_no_label(tmp_path):
    path = tmp_path / "numbered.csv"
    path.write_text("id,a,size\n" + "".join(f"{i},{i / 7:.3f},{i % 3}\n" for i in range(60)))
    assert [c.role for c in guess_columns(path)] == ["ignore", "code", "label"]


def test_a_person_s_word_goes_first(write):
    path = write("file", "z0", "angle", "shape", "size", "same")
    roles = {"file": "ignore", "angle": "code", "size": "ignore", "same": "ignore"}
    codes, labels, columns = read_table(path, roles=roles)
    assert codes.shape == (60, 2)
    assert columns == ("z0", "angle")
    assert labels.names == ("shape",)
    with pytest.raises(DataFileError, match="codes"):
        read_table(path, roles={**roles, "z0": "label", "angle": "label"})
