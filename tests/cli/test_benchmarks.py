import numpy as np
import pytest
import torch

from dviz.cli import benchmark
from dviz.cli.benchmarks.decoders import told
from dviz.factors import Factor, FactorSpace


def test_a_decoder_is_told_every_factor_as_it_can_use_it():
    space = FactorSpace([Factor("shape", 3), Factor("angle", 4, cyclic=True), Factor("x", 32)])
    classes = np.stack([space.sizes - 1, np.zeros(3, np.int64), [1, 1, 16]])
    numbers = told(space, classes)
    assert numbers.shape == (3, 3 + 2 + 1)
    assert (numbers[:, :3].argmax(1) == torch.tensor([2, 0, 1])).all()
    assert torch.allclose(numbers[:, 3:5].norm(dim=1), torch.tensor(2.0).sqrt())
    assert torch.allclose((numbers[0, 3:5] * numbers[1, 3:5]).sum(), torch.tensor(0.0), atol=1e-6)
    assert numbers[0, 5] == -numbers[1, 5] > 0


@pytest.mark.parametrize("name", benchmark.BENCHMARKS)
def test_help_gives_an_example(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        benchmark.main([name, "--help"])
    assert stopped.value.code == 0
    assert f"example:\n  dviz benchmark {name}" in capsys.readouterr().out
