"""Datasets read from official files go through training, transfer and measurement as any other."""

import pytest

from dviz.cli import evaluate, train, transfer
from dviz.data.mpi3d import Mpi3dToy
from dviz.measuring.report import read_report
from tests.data.material import write_cars, write_mpi3d, write_norb


def _mpi3d(root):
    for name in ("mpi3d_toy.npz", "mpi3d_real.npz"):
        write_mpi3d(root / name, 6 * 6 * 2 * 3 * 3 * 2 * 2)


@pytest.mark.parametrize(
    ("write", "source", "target"),
    [
        (_mpi3d, "mpi3d-toy", "mpi3d-real"),
        (write_norb, "smallnorb", "smallnorb"),
        (write_cars, "cars3d", "cars3d"),
    ],
)
def test_twenty_steps(tmp_path, monkeypatch, write, source, target):
    monkeypatch.setattr(Mpi3dToy, "positions", 2)
    write(tmp_path)
    steps = ["--steps", "20", "--batch-size", "2", "--threads", "1", "--data-root", str(tmp_path)]
    first, tuned = str(tmp_path / "first"), str(tmp_path / "tuned")
    shape = ["--filters", "4", "--decoder-hidden", "0"]
    train.main(["--dataset", source, "--output", first, *shape, *steps])
    transfer.main(["--checkpoint", first, "--target", target, "--output", tuned, *steps])
    sizes = ["--images", "60", "--pairs", "20", "--jobs", "1", "--data-root", str(tmp_path)]
    evaluate.main(["checkpoint", tuned, *sizes])
    result = read_report(tmp_path / "tuned" / "report.json").results[target]
    assert len(result.factors) in (3, 5, 7)
    assert result.num_images == 60
