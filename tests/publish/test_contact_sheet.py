import shutil

import numpy as np
import pytest
from PIL import Image

from dviz.checkpoint import REPORT, load_checkpoint
from dviz.data import load_dataset
from dviz.data.preview import GAP, LABEL, SIDE
from dviz.measuring.report import read_report
from dviz.publish.contact_sheet import COLUMNS, checkpoint_sheet
from tests.ui.material import NAMES


def tile(sheet, row, column):
    top, left = GAP + row * (SIDE + GAP), LABEL + column * (SIDE + GAP)
    return sheet[top : top + SIDE, left : left + SIDE]


def test_samples_then_reconstructions_then_a_row_a_dimension(checkpoints):
    checkpoint, dataset = load_checkpoint(checkpoints / NAMES[0]), load_dataset("color-dsprites")
    result = read_report(checkpoint.folder / REPORT).results[dataset.name]
    active = np.flatnonzero(result.active)
    sheet = checkpoint_sheet(checkpoint, dataset, seed=3)
    assert sheet.shape[0] == (2 + len(active)) * (SIDE + GAP) + GAP
    samples, _ = dataset.sample(COLUMNS, np.random.default_rng(3))
    assert all((tile(sheet, 0, n) == samples[n]).all() for n in range(COLUMNS))
    encoder = checkpoint.representation
    codes = encoder.encode(samples).mean
    assert (tile(sheet, 1, 5) == encoder.decode(codes[5:6])[0]).all()
    moved = codes[:1].copy()
    moved[0, active[-1]] = result.high[active[-1]]
    last = tile(sheet, 1 + len(active), COLUMNS - 1)
    assert np.abs(last.astype(int) - encoder.decode(moved)[0]).max() <= 1
    without = checkpoint_sheet(checkpoint, dataset, seed=3, images=False)
    assert (tile(without, 0, 5) == tile(sheet, 1, 5)).all()


def test_the_command_writes_a_small_file_and_says_what_pictures_are_worth(
    checkpoints, tmp_path, run_command
):
    said = run_command(
        "preview", "--checkpoint", checkpoints / NAMES[0], "--output", tmp_path / "sheet.png"
    ).out
    assert "mean squared error" in said
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.mode == "P"


def test_what_was_never_measured_has_no_sheet(checkpoints, tmp_path, run_command):
    folder = shutil.copytree(checkpoints / NAMES[0], tmp_path / NAMES[0])
    (folder / REPORT).unlink()
    said = run_command(
        "preview", "--checkpoint", folder, "--output", tmp_path / "x.png", fails=True
    )
    assert "no report on color-dsprites" in said.err


@pytest.mark.parametrize("flags", [[], ["dsprites", "--checkpoint", "somewhere"]])
def test_it_is_one_or_the_other(tmp_path, run_command, flags):
    said = run_command("preview", *flags, "--output", tmp_path / "x.png", fails=True)
    assert "--checkpoint" in said.err
