import numpy as np
import pytest

from dviz.errors import DataFileError
from dviz.measuring.files import (
    encode_labels,
    read_classes,
    read_representations,
    read_table,
)
from dviz.measuring.probe_files import load_probes, save_probes
from dviz.metrics.probes import fit_probe
from tests.measuring.study_files import write_classes, write_representations

NAMES = ("shape", "a, b", 'the "last"')


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def damaged(content, rng):
    """A copy with a few other bytes, or with its end missing."""
    found = bytearray(content)
    for place in rng.integers(len(found), size=rng.integers(1, 9)):
        found[place] = rng.integers(256)
    return bytes(found[: rng.integers(1, len(found) + 1)] if rng.random() < 0.3 else found)


@pytest.mark.parametrize("name", ["representations.npz", "probes.npz"])
def test_however_a_file_is_damaged_it_is_read_or_refused(name, tmp_path):
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(60, 3)).astype(np.float32)
    path = tmp_path / name
    if name == "probes.npz":
        save_probes(path, {"x": fit_probe(codes, rng.integers(3, size=60), "mlp", 0)})
    else:
        write_representations(path, codes, codes)
    whole = path.read_bytes()
    read = load_probes if name == "probes.npz" else read_representations
    refused = 0
    for _ in range(300):
        path.write_bytes(damaged(whole, rng))
        try:
            read(path)
        except DataFileError:
            refused += 1
    assert refused > 100


# --- what is written is read ----------------------------------------------------------------------


def test_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    mean, sampled = rng.normal(size=(2, 12, 4)).astype(np.float32)
    classes = rng.integers(5, size=(12, 3))
    write_representations(tmp_path / "representations.npz", mean, sampled)
    write_classes(tmp_path / "classes.csv", NAMES, classes)
    np.testing.assert_array_equal(read_representations(tmp_path / "representations.npz"), mean)
    np.testing.assert_array_equal(
        read_representations(tmp_path / "representations.npz", "sampled"), sampled
    )
    labels = read_classes(tmp_path / "classes.csv", rows=12)
    assert labels.names == NAMES
    np.testing.assert_array_equal(labels.classes, classes)
    assert labels.classes.dtype == np.int64
    assert labels.values == ((), (), ())


# --- labels as people have them -------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "shape,scale\n1,0\n0,2\n",
        "\ufeffshape,scale\r\n1,0\r\n0,2\r\n",
        "shape;scale\n1;0\n0;2",
        "shape\tscale\n1\t0\n\n0\t2\n\n",
        " shape , scale\n1.0, 0\n 0.0,2e0\n",
        ",shape,scale\n0,1,0\n1,0,2\n",
        '"shape","scale"\n"1","0"\n"0","2"\n',
    ],
)
def test_the_same_labels_in_many_hands(tmp_path, text):
    labels = read_classes(write(tmp_path / "classes.csv", text), rows=2)
    assert labels.names == ("shape", "scale")
    assert labels.classes.tolist() == [[1, 0], [0, 2]]


def test_words_and_fractions_are_numbered_in_their_order():
    labels = encode_labels(
        ["shape", "zoom", "mixed"],
        [["cube", "ball", "cube"], ["10.5", "0.5", "2"], ["1", "two", "1"]],
    )
    assert labels.classes.tolist() == [[1, 2, 0], [0, 0, 1], [1, 1, 0]]
    assert labels.values == (("ball", "cube"), ("0.5", "2", "10.5"), ("1", "two"))


def test_values_that_differ_in_late_digits_have_names_of_their_own():
    labels = encode_labels(["year"], [["2019.00001", "2019.00002", "2019.5"]])
    assert labels.values == (("2019.00001", "2019.00002", "2019.5"),)


def test_numbered_columns_are_a_header_where_the_rows_tell(tmp_path):
    path = write(tmp_path / "classes.csv", "0,1\n4,5\n6,7\n")
    assert read_classes(path, rows=2).names == ("0", "1")
    with pytest.raises(DataFileError, match="first line holds numbers"):
        read_classes(path)


def test_one_table_of_codes_and_labels(tmp_path):
    text = "z0,shape,Z_1,dim 2\n0.5,cube,-1,1e-3\n1.5,ball,2,0\n2,cube,3,0\n"
    codes, labels, columns = read_table(write(tmp_path / "table.csv", text))
    assert codes.dtype == np.float32
    np.testing.assert_allclose(codes, [[0.5, -1, 1e-3], [1.5, 2, 0], [2, 3, 0]])
    assert labels.names == ("shape",)
    assert labels.classes[:, 0].tolist() == [1, 0, 1]
    assert columns == ("z0", "Z_1", "dim 2")


# --- one clear line for everything else -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rows", "message"),
    [
        ("", None, "the file is empty"),
        ("\n \n", None, "the file is empty"),
        ("shape,scale\n", None, "a header but no rows"),
        ("1,0\n0,2\n", 2, "1 rows of labels for 2 codes .is the header missing"),
        ("cube,red\nball,blue\n", 2, "is the header missing"),
        ("3,7\n0,2\n", None, "first line holds numbers"),
        ("shape,scale\n1,0\n", 5, "1 rows of labels for 5 codes"),
        ("shape,scale\n1,0\n2\n", None, "1 cells on line 3, 2 needed"),
        ("shape,scale\n1,0\n2,3,4\n", None, "3 cells on line 3, 2 needed"),
        ("shape,scale\n1,0\n\n,3\n", None, "no label for 'shape' on line 4"),
        ("shape,scale\n1,nan\n", None, "no label for 'scale' on line 2"),
        ("shape,shape\n1,2\n", None, "must be present and differ"),
        ("shape,\n1,2\n", None, "must be present and differ"),
    ],
)
def test_bad_classes(tmp_path, text, rows, message):
    path = write(tmp_path / "classes.csv", text)
    with pytest.raises(DataFileError, match=message) as error:
        read_classes(path, rows)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_classes_that_are_no_text(tmp_path):
    with pytest.raises(DataFileError, match="not a text file in UTF-8"):
        read_classes(write(tmp_path / "classes.csv", "shape\n1\n", "utf-16"))
    with pytest.raises(DataFileError, match="no such file"):
        read_classes(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3), r"shape \(N, D\)"),
        (np.zeros((0, 2)), r"shape \(N, D\)"),
        (np.array([["a"]]), "numbers"),
        (np.array([[0.0, np.nan]]), "nan in row 0, dimension 1"),
        (np.array([[np.inf], [0.0]]), "inf in row 0, dimension 0"),
        (np.array([[{}]], dtype=object), "plain arrays"),
    ],
)
def test_bad_representations(tmp_path, array, message):
    np.savez(tmp_path / "r.npz", mean=array)
    with pytest.raises(DataFileError, match=message):
        read_representations(tmp_path / "r.npz")


def test_representations_that_are_none(tmp_path):
    with pytest.raises(DataFileError, match="no such file"):
        read_representations(tmp_path / "none.npz")
    with pytest.raises(DataFileError, match="not a readable"):
        read_representations(write(tmp_path / "text.npz", "hello"))
    with pytest.raises(DataFileError, match="not a readable"):
        read_representations(write(tmp_path / "empty.npz", ""))
    np.savez(tmp_path / "r.npz", mu=np.zeros((2, 2)))
    with pytest.raises(DataFileError, match="no array 'mean'; it holds mu"):
        read_representations(tmp_path / "r.npz")
    np.save(tmp_path / "single.npy", np.zeros((2, 2)))
    with pytest.raises(DataFileError, match="a single array"):
        read_representations(tmp_path / "single.npy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shape,scale\n1,2\n", "columns z0, z1, ... .codes. and others"),
        ("z0,z1\n1,2\n", "every column is one"),
        ("z0,z0,shape\n1,2,0\n", "columns of codes must differ, got z0, z0"),
        ("z0,shape\n1,2\nx,3\n", "column 'z0', line 3: 'x' is not a number"),
        ("z0,shape\nnan,2\n", "nan in row 0"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    with pytest.raises(DataFileError, match=message):
        read_table(write(tmp_path / "table.csv", text))
