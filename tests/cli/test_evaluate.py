"""The script as people run it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dviz.metrics.association import associate
from dviz.metrics.diagnostics import active_dimensions
from dviz.metrics.omes import omes
from tests.measuring.study_files import write_classes, write_representations
from tests.metrics.tables import codes_of, uniform

SCRIPT = Path(__file__).parents[2] / "scripts" / "evaluate.py"
FACTORS = uniform(1000, (12, 11, 10))
NAMES = ["shape", "scale", "colour"]


def run(*arguments):
    """In a process of its own."""
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.fixture
def printed(run_command):
    """Run the script in this process; what it printed."""
    return lambda *arguments: run_command("evaluate", *arguments).out


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    codes = codes_of("tangled", FACTORS)
    codes[:, 4] = 0
    write_representations(folder / "representations.npz", codes, codes[:, ::-1])
    write_classes(folder / "classes.csv", NAMES, FACTORS)
    rows = [",".join(map(str, [*z, *f])) for z, f in zip(codes, FACTORS, strict=True)]
    (folder / "table.csv").write_text("\n".join(["z0,z1,z2,z3,z4," + ",".join(NAMES), *rows]))
    return folder


@pytest.fixture
def both(files):
    return (
        "--representations", files / "representations.npz", "--classes", files / "classes.csv"
    )  # fmt: skip


def test_omes_as_json(files, both, printed):
    result = json.loads(printed("omes", *both, "--alpha", 0.3, "--pooling", "max", "--json"))
    assert list(result) == [
        "omes", "modularity", "compactness", "alpha", "pooling", "n_samples", "active", "factors",
        "dimensions", "columns", "association", "per_factor",
    ]  # fmt: skip
    with np.load(files / "representations.npz") as file:
        codes = file["mean"]
    expected = omes(associate(codes, FACTORS).matrix, 0.3, "max", active_dimensions(codes), NAMES)
    assert result["omes"] == pytest.approx(expected.omes)
    assert result["active"] == [0, 1, 2, 3]
    assert result["dimensions"] == [0, 1, 2, 3, 4]
    assert result["n_samples"] == len(FACTORS)
    np.testing.assert_allclose(result["association"], expected.association)
    assert list(result["per_factor"]) == result["factors"] == NAMES


def test_omes_for_people(both):
    found = run("omes", *both)
    assert found.returncode == 0
    assert found.stdout.startswith("OMES 0.")
    assert all(name in found.stdout for name in (*NAMES, "inactive", "pairs"))


def test_another_array_and_one_table(files, both, printed):
    sampled = json.loads(printed("omes", *both, "--key", "sampled", "--json"))
    assert sampled["active"] == [1, 2, 3, 4]
    table = json.loads(printed("omes", "--table", files / "table.csv", "--json"))
    mean = json.loads(printed("omes", *both, "--json"))
    assert table == mean


def test_a_table_s_columns_keep_their_names(tmp_path, printed):
    """Sorted as words, z10 comes before z2; it is still the one that holds the hue."""
    factors = np.argwhere(np.ones((8, 9, 10)))
    codes = {"z1": factors[:, 1], "z10": factors[:, 0], "z2": factors[:, 2]}
    table = pd.DataFrame(codes | dict(zip(["hue", "size", "turn"], factors.T, strict=True)))
    table.to_csv(tmp_path / "table.csv", index=False)
    lines = printed("omes", "--table", tmp_path / "table.csv").splitlines()
    assert [line.split()[0] for line in lines[3:6]] == ["z1", "z10", "z2"]
    assert next(line for line in lines if "dimension" in line).split()[1:] == ["z10", "z1", "z2"]


def test_metrics_as_json_and_for_people(both, printed, tmp_path):
    flags = ("--metrics", "omes,mig,beta_vae,modularity,diagnostics", "--seed", 3)
    result = json.loads(printed("metrics", *both, *flags, "--json"))
    assert result["seed"] == 3
    assert 0 < result["mig"]["score"] < 1
    found = run("metrics", *both, *flags, "--output", tmp_path / "report.json")
    assert "MIG" in found.stdout
    assert "BetaVAE" in found.stdout
    stored = json.loads((tmp_path / "report.json").read_text())
    assert stored.pop("seconds").keys() == result.pop("seconds").keys()
    assert stored == result


def test_help_gives_an_example():
    for command in ("omes", "metrics"):
        found = run(command, "--help")
        assert found.returncode == 0
        assert f"dviz evaluate {command}" in found.stdout


def test_errors_are_one_line(files, both, run_command, tmp_path):
    (tmp_path / "short.csv").write_text("shape\n1\n2\n")
    np.savez(tmp_path / "nan.npz", mean=np.array([[np.nan], [0], [1]]))
    np.savez(tmp_path / "two.npz", mean=np.array([[0.0], [1]]))
    representations = ("--representations", files / "representations.npz")
    short = ("--classes", tmp_path / "short.csv")
    for command, message in (
        (["omes"], "give --representations and --classes, or --table"),
        (["omes", *both, "--table", files / "table.csv"], "not both"),
        (["omes", *representations, "--classes", tmp_path / "none.csv"], "no such file"),
        (["omes", *representations, *short], "2 rows of labels"),
        (["omes", "--representations", tmp_path / "nan.npz", *short], "nan in row 0"),
        (["omes", "--representations", tmp_path / "two.npz", *short], "at least 3"),
        (["omes", *both, "--key", "logvar"], "no array 'logvar'"),
        (["omes", *both, "--alpha", "7"], "alpha must be between 0 and 1"),
        (["metrics", *both, "--metrics", "omes,fid"], "metrics must be 'all' or some of"),
    ):
        found = run_command("evaluate", *command, fails=True)
        assert found.out == "", command
        assert message in found.err
        assert found.err.count("\n") == 1, found.err


def test_a_process_of_its_own_ends_with_one_line_too(both):
    found = run("omes", *both, "--alpha", "7")
    assert found.returncode == 2
    assert found.stdout == ""
    assert found.stderr == "dviz evaluate: alpha must be between 0 and 1, got 7.0\n"
