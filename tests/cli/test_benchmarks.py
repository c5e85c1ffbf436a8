from dataclasses import replace

import numpy as np
import pytest
import torch

from dviz.cli import benchmark
from dviz.cli.benchmarks import agreement, intervals, split
from dviz.cli.benchmarks.decoders import told
from dviz.cli.common import ROOT
from dviz.factors import Factor, FactorSpace
from dviz.measuring.encoder import EncodedSample
from dviz.metrics.split import train_rows
from dviz.metrics.suite import reported_scores


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


def test_photographs_stay_whole_in_one_order_and_are_torn_in_the_other():
    photographs = np.repeat(np.arange(60), 20)
    codes = photographs[:, None].astype(np.float32)
    nothing = [float("nan")] * 4
    sample = EncodedSample(codes, None, codes, codes.astype(np.int64), *nothing, photographs)
    whole, mixed = split.orders(sample, 0)
    assert sorted(whole) == sorted(mixed)
    shared = []
    for order in (whole, mixed):
        found = split.rows_of(sample, order).photographs
        train = train_rows(len(order))
        shared.append(len({*found[:train]} & {*found[train:]}))
    assert shared[0] == 0
    assert shared[1] > 30
    with pytest.raises(ValueError, match="no photographs"):
        split.orders(replace(sample, photographs=None), 0)


def test_the_committed_pages_say_what_the_benchmarks_write():
    """Of the tables, which take minutes, only what follows from them in words."""
    page = (ROOT / "docs" / "agreement.md").read_text(encoding="utf-8")
    assert page.startswith(agreement.head(4000) + "\n\n| metric |")
    for title in ("OMES", *(score.title for score in reported_scores())):
        assert page.count(f"\n| {title} | ") >= len(agreement.WORLDS)
    page = (ROOT / "docs" / "intervals.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    told = intervals.too_narrow(rows[2:], 2000)
    assert told in page
    assert told.count("grouped photographs, drawn pairs") == 2
