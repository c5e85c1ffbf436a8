"""Every dataset through the scripts, as a person would run them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dviz.checkpoint import read_config
from dviz.cli import main
from dviz.data import list_datasets
from dviz.data.isaac3d import SIZES, Isaac3D
from dviz.factors import Factor, FactorSpace
from dviz.measuring.report import read_report
from tests.data.material import write_coil, write_folder, write_rgbd

SCRIPTS = Path(__file__).parents[2] / "scripts"
SMALL = ("--filters", "4", "--decoder-hidden", "0", "--batch-size", "2", "--steps", "8")
COSTLY = {"arm3d", "shapes3d"}  # a scene takes long the first time; few images are enough


def write_isaac(root, monkeypatch):
    """Isaac3D with all its labels, but one picture that stands for all."""
    space = FactorSpace([Factor(name, size) for name, size in SIZES.items()])
    folder = root / "isaac3d" / "images"
    folder.mkdir(parents=True)
    classes = space.classes(np.arange(space.num_combinations))
    np.save(folder.parent / "labels.npy", (classes / (space.sizes - 1)).astype(np.float32))
    picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    Image.fromarray(picture).save(folder / "000000.png")
    monkeypatch.setattr(Isaac3D, "_path", lambda self, row: folder / "000000.png")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_coil(folder)
    write_rgbd(folder)
    write_folder(folder / "mine")
    with pytest.MonkeyPatch.context() as patch:
        write_isaac(folder, patch)
        yield folder


@pytest.fixture
def call(run_command):
    """Run a script's `main` with these arguments; what it printed."""
    return lambda *arguments: run_command(*arguments).out


@pytest.fixture(scope="module")
def source(tmp_path_factory, root):
    folder = tmp_path_factory.mktemp("source") / "source"
    main(["train", "--dataset", "color-dsprites", "--output", str(folder), *SMALL])
    return folder


ELSEWHERE = ("cars3d", "mpi3d", "smallnorb")  # with files of their own in test_new_datasets


@pytest.mark.parametrize("name", [n for n in list_datasets() if not n.startswith(ELSEWHERE)])
def test_every_dataset_is_a_source_and_a_target(name, root, source, call, tmp_path):
    asked = "folder:mine" if name == "folder" else name
    few = ("--steps", "8", "--batch-size", "1" if name in COSTLY else "2")
    data = ("--data-root", root)
    call("train", "--dataset", asked, "--output", tmp_path / "a", *data, *SMALL, *few)
    call(
        "transfer", "--checkpoint", source, "--target", asked, "--output", tmp_path / "b",
        *data, *few,
    )  # fmt: skip
    for folder, kind in (("a", "source"), ("b", "fine-tuned")):
        config = read_config(tmp_path / folder)
        assert (config.dataset, config.kind) == (asked, kind)
        assert config.training["steps"] == 8
    assert read_config(tmp_path / "b").source == "color-dsprites"


def test_a_folder_gets_its_report(root, source, call, tmp_path):
    call("transfer", "--checkpoint", source, "--target", "folder", "--output", tmp_path / "x",
         "--data-root", root / "mine")  # fmt: skip
    call("evaluate", "checkpoint", tmp_path / "x", "--data-root", root / "mine", "--jobs", 1)
    result = read_report(tmp_path / "x" / "report.json").results["folder:mine"]
    assert result.num_images == 24
    assert result.factors == ["colour", "level"]
    assert np.isnan(result.association_matrix).all(), "24 images are too few to say anything"
    probes = {(p.factor, p.model, p.dimensions) for p in result.probes}
    assert ("level", "gbt", "all") in probes
    assert str(root) not in (tmp_path / "x" / "report.json").read_text()


def test_gaps_keep_an_image_out_of_one_factor_alone(source, call, tmp_path):
    folder = write_folder(tmp_path / "gaps")
    lines = (folder / "labels.csv").read_text().splitlines()
    lines[1:7] = [line[: line.rindex(",") + 1] for line in lines[1:7]]
    write_folder(folder, lines)
    call("transfer", "--checkpoint", source, "--target", f"folder:{folder}",
         "--output", tmp_path / "x")  # fmt: skip
    call("evaluate", "checkpoint", tmp_path / "x", "--data-root", folder, "--jobs", 1)
    result = read_report(tmp_path / "x" / "report.json").results["folder:gaps"]
    # Six of 24 labels of `level` are unknown: 6 rows are left to test it, and 8 for `colour`.
    for factor, tested, other in (("level", 6, 8), ("colour", 8, 6)):
        shares = np.array([p.accuracy for p in result.probes if p.factor == factor])
        assert whole(tested * shares).all()
        assert not whole(other * shares).all()
    rows = (tmp_path / "x" / "classes.csv").read_text().splitlines()
    assert len(rows) == 1 + 18
    assert not any("-1" in row for row in rows)


def whole(counts):
    return np.isclose(counts, counts.round(), atol=1e-2)


def test_without_labels_codes_and_reconstruction_are_measured(source, call, tmp_path):
    folder = write_folder(tmp_path / "plain", rows=False)
    call("transfer", "--checkpoint", source, "--target", "folder", "--output", tmp_path / "x",
         "--data-root", folder, "--steps", 3, "--batch-size", 4)  # fmt: skip
    printed = call("evaluate", "checkpoint", tmp_path / "x", "--data-root", folder)
    assert "no labels, so no scores" in printed
    result = read_report(tmp_path / "x" / "report.json").results["folder:plain"]
    assert result.factors == []
    assert result.probes == []
    assert result.mse > 0


def test_preview_writes_a_sheet(call, tmp_path):
    path = tmp_path / "sheet.png"
    printed = call("preview", "dsprites", "--output", path, "--columns", 4)
    assert "737,280 images" in printed
    with Image.open(path) as image:
        assert image.width > 4 * 64


def test_preview_says_what_labels_leave_out(run_command, tmp_path):
    folder = write_folder(tmp_path / "mine", ["image,colour", "photo00.png,red", "photo01.png,red"])
    where = ("--data-root", folder, "--output", tmp_path / "sheet.png")
    out, told = run_command("preview", "folder", *where)
    assert "folder:mine (your folder): 2 images" in out
    assert told.startswith("folder:mine: left out: 22 pictures without a line in labels.csv")


def test_the_list_says_what_is_there(root, call):
    listed = json.loads(call("download", "--list", "--json", "--data-root", root))
    found = {row["name"]: row for row in listed["datasets"]}
    assert set(found) == set(list_datasets())
    assert found["coil100"]["there"]
    assert not found["dsprites"]["there"]
    assert found["dsprites"]["procedural"]
    assert all(row["licence"] for row in found.values())
    printed = call("download", "--list", "--data-root", root)
    assert all(name in printed for name in found)


def test_what_cannot_be_fetched_says_so(run_command, tmp_path):
    for name, message in (("isaac3d", "by hand from"), ("arm3d", "it needs none")):
        assert message in run_command("download", name, "--data-root", tmp_path, fails=True).err
