"""Several processes are one process with the whole batch."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dviz.training import processes
from dviz.training.processes import Processes
from tests.training.problems import history

SCRIPTS = Path(__file__).parents[2] / "scripts"


class Second(Processes):
    """The second of two."""

    def __init__(self):
        super().__init__()
        self.rank, self.count = 1, 2


def test_processes_share_a_batch_without_overlap():
    assert Processes().slice(6) == slice(0, 6)
    assert Second().slice(6) == slice(3, 6)
    with pytest.raises(ValueError, match="batch_size is 7; allowed are multiples of 2"):
        Second().slice(7)


def test_two_processes_learn_what_one_learns(tmp_path, run_command):
    pytest.importorskip("accelerate")
    flags = "--dataset color-dsprites --filters 4 --batch-size 8 --steps 50 --threads 1"
    flags = [*flags.split(), "--labelled-images", "8"]
    run_command("train", *flags, "--output", tmp_path / "one")
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
    launcher += ["--num_processes", "2", "--num_machines", "1", "--main_process_port", "0"]
    launcher += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    command = [*launcher, SCRIPTS / "train.py", *flags, "--device", "cpu"]
    subprocess.run([*command, "--output", tmp_path / "two"], check=True, capture_output=True)
    (one,), (two,) = (history(tmp_path / name / "training") for name in ("one", "two"))
    assert one != two  # really two: sums in another order
    for name in ("loss", "reconstruction", "kl", "regression"):
        assert two[name] == pytest.approx(one[name], rel=1e-3, abs=1e-3)


def test_statistics_are_as_exact_in_half_precision(monkeypatch):
    monkeypatch.setattr(processes, "_mean_over_processes", lambda value: value)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 1)
    torch.manual_seed(0)
    plain, shared = torch.nn.BatchNorm2d(3), torch.nn.BatchNorm2d(3)
    Second().share_statistics(shared)
    x = torch.randn(4, 3, 5, 5) + 2
    expected, found = plain(x), shared(x.bfloat16())
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected, atol=0.03, rtol=0.02)
    torch.testing.assert_close(shared.running_mean, plain.running_mean, atol=1e-3, rtol=1e-2)
