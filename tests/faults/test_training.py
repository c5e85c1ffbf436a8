"""Training under faults: killed anywhere, no room, no permission, files that break, odd clocks."""

import multiprocessing
import random
import signal
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from dviz.checkpoint import (
    load_checkpoint,
)
from dviz.data.h5_images import H5Images
from dviz.errors import DatasetError, TrainingError
from dviz.measuring.shards import find_shards
from dviz.training.loop import train
from tests.faults.work import (
    CONFIG,
    counted,
    on_a_full_disk,
    run_to_the_end,
    save_a_checkpoint,
    save_a_report,
    save_a_shard,
)
from tests.training.problems import Squares, fresh, weights

FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["tests.faults.work"])


def ends(target, *arguments):
    """The exit code of ``target`` in a process of its own; a signal's number, negative."""
    process = FORK.Process(target=target, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def test_killed_at_random_moments_training_ends_at_the_same_bits(tmp_path):
    """Killed past all handlers, wherever it is: in a step, in a save, at its start.

    A moment is a number of calls, so that a fast machine is killed as surely as a slow one.
    """
    whole, broken, rng = tmp_path / "whole", tmp_path / "broken", random.Random(3)
    assert ends(counted, whole, False) == 0
    calls = int((whole / "calls").read_text())
    for kill in range(3):
        moment = rng.randint(calls // 20, calls // 3)
        assert ends(counted, broken, kill > 0, moment) == -signal.SIGKILL
    assert ends(run_to_the_end, broken, True) == 0
    assert torch.equal(torch.load(whole / "end.pt"), torch.load(broken / "end.pt"))


@pytest.mark.parametrize("save", [save_a_checkpoint, save_a_report, save_a_shard])
def test_without_room_the_old_file_stays_whole(tmp_path, save):
    if save is save_a_shard:
        pytest.importorskip("pyarrow")
    save(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    process = FORK.Process(target=on_a_full_disk, args=(save, tmp_path, None))
    process.start()
    process.join()
    assert process.exitcode == 7, "it was told"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    if save is save_a_checkpoint:
        assert load_checkpoint(tmp_path).config.name == "a"
    if save is save_a_shard:
        assert find_shards(f"{tmp_path}/*.parquet").num_rows == 20_000


def test_two_trainings_into_one_folder_refuse_each_other_and_harm_nothing(tmp_path):
    first = FORK.Process(target=run_to_the_end, args=(tmp_path, False))
    first.start()
    deadline = time.monotonic() + 60
    while not (tmp_path / "state.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    if first.exitcode is None:
        with pytest.raises(TrainingError, match="another run is training"):
            train(fresh(), Squares(), CONFIG, tmp_path, save_every=3)
    first.join()
    assert first.exitcode == 0
    assert (tmp_path / "end.pt").exists()


def test_a_folder_that_takes_no_files_is_refused_in_a_line():
    """Kernel folders take none, not even from root."""
    folder = Path("/sys/kernel/dviz")
    if not folder.parent.is_dir():
        pytest.skip("needs /sys")
    with pytest.raises((TrainingError, OSError)) as caught:
        train(fresh(), Squares(), CONFIG, folder, save_every=3)
    assert "\n" not in str(caught.value)


class InFile(Squares):
    """Squares in an HDF5 file that is read as training goes on."""

    def __init__(self, path):
        super().__init__()
        self._stored = H5Images(path, self.space)
        self.reads = 0

    def render(self, classes, rng=None):
        self.reads += 1
        if self.reads == 20:
            with open(self._stored.path, "r+b") as file:
                file.truncate(300_000)
        return self._stored.read(self.space.index(classes))


def test_a_file_cut_off_in_the_middle_of_an_epoch_stops_in_a_line_and_loses_nothing(tmp_path):
    path, squares = tmp_path / "squares.h5", Squares()
    classes = squares.space.classes(np.arange(256))
    with h5py.File(path, "w") as file:
        file["labels"] = classes
        file.create_dataset("images", data=squares.render(classes), chunks=(4, 64, 64, 3))
    whole = path.read_bytes()
    run = tmp_path / "run"
    with pytest.raises(DatasetError) as caught:
        train(fresh(), InFile(path), CONFIG, run, save_every=3)
    assert "\n" not in str(caught.value)
    path.write_bytes(whole)
    model, other = fresh(), fresh()
    train(model, Squares(), CONFIG, run, save_every=3, resume=True)
    train(other, Squares(), CONFIG, tmp_path / "other", save_every=3)
    assert torch.equal(weights(model), weights(other))


def test_a_clock_that_runs_backwards_changes_nothing(tmp_path, monkeypatch):
    model, other = fresh(), fresh()
    train(other, Squares(), CONFIG, tmp_path / "other")
    now = [2e9]

    def backwards():
        now[0] -= 3600
        return now[0]

    monkeypatch.setattr(time, "time", backwards)
    outcome = train(model, Squares(), CONFIG, tmp_path / "run", save_every=3)
    assert torch.equal(weights(model), weights(other))
    assert outcome.seconds >= 0
