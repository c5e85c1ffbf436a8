"""A grid of runs: what is in it, what happens when some fail, and the real thing on Ray."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dviz.cli import grid, sweep
from dviz.errors import DatasetError

SCRIPTS = Path(__file__).parents[2] / "scripts"
SPEC = {
    "sources": ["color-dsprites", "dsprites"],
    "objectives": ["beta-vae", "factor-vae"],
    "betas": [1],
    "seeds": [0, 1],
}


def test_the_grid_holds_every_combination_once(tmp_path):
    spec = grid.Spec(**SPEC, targets=["noisy-dsprites"], transfers={"direct": {}, "tuned": {}})
    cells = grid.cells_of(spec, tmp_path)
    assert len(cells) == len({cell.name for cell in cells}) == 8 + 8 * 2
    names = [cell.name for cell in cells]
    for cell in cells:
        assert cell.parent is None or names.index(cell.parent) < names.index(cell.name)


def test_a_recipe_with_a_beta_of_its_own_is_run_once(tmp_path):
    spec = grid.Spec(["dsprites"], betas=[1, 2], recipes={"default": {}, "strong": {"beta": 8}})
    cells = grid.cells_of(spec, tmp_path)
    assert sorted(cell.place["beta"] for cell in cells) == [1, 2, 8]


def test_a_command_names_what_lies_here_as_one_would_type_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (cell,) = grid.cells_of(grid.Spec(["dsprites"]), tmp_path / "sweeps")
    assert f"--output sweeps/{cell.name}" in cell.command()


def test_flags_of_a_recipe_win_over_those_of_all(tmp_path):
    spec = grid.Spec(
        ["dsprites"],
        train={"steps": 5, "compile": True},
        recipes={"short": {"steps": 2}},
        transfers={"tuned": {"freeze_statistics": False}},
        targets=["dsprites"],
    )
    source, tuned = grid.cells_of(spec, tmp_path)
    assert source.flags[source.flags.index("--steps") + 1] == "2"
    assert "--compile" in source.flags
    assert "--no-freeze-statistics" in tuned.flags


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("betas: [1]", "must name its sources; its keys are sources, objectives"),
        ("sources: [a]\nsede: [1]", "there is no key 'sede'; choose from"),
        ("sources: [a]\nseeds: 3", "seeds is 3; a list is expected"),
        ("sources: [", "is not YAML"),
        ("sources: [a]\nevaluate: {images: 40}", "evaluate: there is no key 'images'; choose from"),
    ],
)
def test_bad_specs_say_what_is_wrong(tmp_path, text, message):
    (tmp_path / "spec.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        grid.read_spec(tmp_path / "spec.yaml")


def test_flags_that_no_script_knows_stop_a_sweep_before_it_starts(tmp_path):
    (cell,) = grid.cells_of(grid.Spec(["dsprites"], train={"stepz": 1}), tmp_path)
    with pytest.raises(SystemExit):
        sweep.check(cell)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"sources": ["no-such"]}, "no dataset 'no-such'"),
        ({"targets": ["no-such"]}, "no dataset 'no-such'"),
        ({"targets": ["noisy-dsprites"], "baselines": ["no-such"]}, "--only is 'no-such'"),
    ],
)
def test_names_that_nobody_knows_stop_a_sweep_before_it_starts(tmp_path, more, message):
    cells = grid.cells_of(grid.Spec(**{"sources": ["dsprites"], **more}), tmp_path)
    with pytest.raises((ValueError, DatasetError), match=message):
        list(map(sweep.check, cells))


def test_the_summary_is_mean_and_deviation_over_seeds():
    place = {
        "recipe": "default",
        "objective": "beta-vae",
        "beta": 1,
        "target": None,
        "baseline": None,
    }
    rows = [
        {**place, "source": source, "transfer": None, "seed": seed, "omes_avg": omes}
        for source, seed, omes in (("a", 0, 0.2), ("a", 1, 0.4), ("b", 0, 0.7))
    ]
    summary = grid.summary_table(grid.results_table(rows))
    assert summary["seeds"].tolist() == [2, 1]
    assert summary["omes_avg_mean"].tolist() == pytest.approx([0.3, 0.7])
    assert summary["omes_avg_sd"][0] == pytest.approx(0.1 * 2**0.5)
    assert len(list(grid.summary_lines(summary))) == 2


class Pretended:
    """Stands for Ray: a cell fails as often as `failures` says, then gives a row."""

    def __init__(self, failures):
        self.failures, self.started = dict(failures), []

    def start(self, cell):
        self.started.append(cell.name)
        return f"{cell.name} {len(self.started)}"

    def result(self, handle):
        name = handle.split()[0]
        if self.failures.get(name, 0) > 0:
            self.failures[name] -= 1
            raise OSError("a worker died")
        return {"name": name}

    def drive(self, cells, rows, retries):
        return sweep.drive(
            cells, rows, retries, start=self.start, finish=lambda running: running[0],
            result=self.result,
        )  # fmt: skip


def test_failed_cells_are_retried_and_reported_and_their_transfers_wait():
    def cell(name, parent=None):
        return grid.Cell(name, "train", [], {}, parent)

    cells = [cell("a"), cell("b"), cell("a2", "a"), cell("b2", "b"), cell("c2", "c")]
    rows, ray = {"c": {"name": "c"}}, Pretended({"a": 1, "b": 3})
    failed = ray.drive(cells, rows, retries=2)
    assert failed == ["b", "b2"]
    assert {name for name, row in rows.items() if row} == {"a", "a2", "c", "c2"}
    assert ray.started.count("a") == 2
    assert ray.started.count("b") == 3
    assert "b2" not in ray.started


def test_a_sweep_survives_a_killed_worker_and_repeats_nothing(tmp_path):
    """2 × 2 × 2 cells on two workers; one is killed in the middle of a cell."""
    pytest.importorskip("ray")
    train = {"filters": 4, "decoder-hidden": 0, "steps": 120, "batch-size": 8, "save-every": 10}
    spec = SPEC | {"train": train | {"discriminator-units": 16}}
    spec |= {"evaluate": {"num_images": 60, "num_pairs": 60, "probes": False}}
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))  # JSON is YAML
    output = tmp_path / "out"
    command = [sys.executable, SCRIPTS / "sweep.py", tmp_path / "spec.yaml", "--output", output]
    command += ["--workers", "2"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        os.kill(worker_in_mid_cell(output), signal.SIGKILL)
        _, log = running.communicate(timeout=400)
    finally:
        running.kill()
    assert running.returncode == 0, log
    assert "trying again" in log
    done = sorted(output.glob("*/cell.json"))
    assert len(done) == 8
    assert log.count("finished ") == 8 + 1  # and the line that says none was before
    assert len((output / "results.csv").read_text().splitlines()) == 1 + 8
    assert len((output / "summary.csv").read_text().splitlines()) == 1 + 4

    before = [path.stat().st_mtime_ns for path in done]
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "8 of them finished before" in again.stderr
    assert [path.stat().st_mtime_ns for path in done] == before


def worker_in_mid_cell(output):
    """Process id of a worker whose cell has saved its first state but is not done."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for note in output.glob("*/running.json"):
            if (note.parent / "training" / "state.safetensors").exists():
                return json.loads(note.read_text())["pid"]
        time.sleep(0.005)
    raise AssertionError("no cell began")


def test_a_way_or_a_recipe_without_flags_is_one(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text("sources: [dsprites]\ntransfers:\n  direct:\nrecipes:\n  default:\n")
    spec = grid.read_spec(path)
    assert (spec.transfers, spec.recipes) == ({"direct": {}}, {"default": {}})
    path.write_text("sources: [dsprites]\ntransfers: {direct: 3}\n")
    with pytest.raises(ValueError, match="transfers: direct is no mapping"):
        grid.read_spec(path)
