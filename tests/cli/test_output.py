"""What lies in a folder is not lost to a command that writes there."""

import shutil
from dataclasses import replace

import pytest
from safetensors.torch import load_file, save_file

from dviz.checkpoint import DIRECT, SOURCE, read_config
from dviz.cli.common import _check_readable
from dviz.errors import TrainingError
from dviz.factors import Factor
from dviz.training.learner import Learner
from tests.ui.material import NAMES

FLAGS = ["--batch-size", 4, "--threads", 1]


@pytest.fixture
def full(checkpoints, tmp_path):
    """A measured Source with a baseline beside its report."""
    folder = shutil.copytree(checkpoints / NAMES[0], tmp_path / "full")
    (folder / "baselines/random").mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    return folder


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "command",
    [
        ["train", "--dataset", "color-dsprites", "--filters", 4, "--steps", 1, *FLAGS],
        ["transfer", "--checkpoint", "SOURCE", "--target", "dsprites"],
        ["transfer", "--checkpoint", "SOURCE", "--target", "dsprites", "--steps", 1, *FLAGS],
        ["paint", "SOURCE", "--steps", 1, *FLAGS],
    ],
    ids=["train", "direct", "fine-tune", "paint"],
)
def test_a_folder_with_a_checkpoint_is_refused_and_stays_as_it_was(
    checkpoints, full, run_command, command
):
    before = files(full)
    said = [checkpoints / NAMES[0] if word == "SOURCE" else word for word in command]
    assert "holds a checkpoint already" in run_command(*said, "--output", full, fails=True).err
    assert files(full) == before


def test_nothing_that_was_said_of_a_replaced_checkpoint_stays(checkpoints, full, run_command):
    command = ["transfer", "--checkpoint", checkpoints / NAMES[0], "--target", "dsprites"]
    assert read_config(full).kind == SOURCE
    run_command(*command, "--output", full, "--overwrite")
    assert read_config(full).kind == DIRECT
    assert {path.name for path in full.iterdir()} == {
        "model.safetensors", "config.json", "notes.txt",
    }  # fmt: skip


def test_a_stopped_run_is_not_begun_anew_unasked(tmp_path, run_command, monkeypatch):
    out = tmp_path / "out"
    command = ["train", "--dataset", "color-dsprites", "--filters", 4, "--output", out, *FLAGS]
    command += ["--save-every", 1]

    def stop(*_):
        raise KeyboardInterrupt

    step = Learner.step
    monkeypatch.setattr(Learner, "step", lambda self, n, b: step(self, n, b) if n < 2 else stop())
    with pytest.raises(SystemExit):
        run_command(*command, "--steps", 4)
    monkeypatch.undo()
    state = out / "training/state.safetensors"
    before = state.read_bytes()
    assert "go on with --resume" in run_command(*command, "--steps", 3, fails=True).err
    assert state.read_bytes() == before
    run_command(*command, "--steps", 4, "--resume")
    assert (out / "config.json").exists()


def test_a_run_is_not_resumed_from_another_parent(checkpoints, tmp_path, run_command):
    parent = shutil.copytree(checkpoints / NAMES[0], tmp_path / "parent")
    command = ["transfer", "--checkpoint", parent, "--target", "dsprites", "--steps", 1, *FLAGS]
    command += ["--output", tmp_path / "tuned"]
    run_command(*command)
    run_command(*command, "--resume")
    weights = load_file(parent / "model.safetensors")
    weights["encoder.head.2.bias"] += 1
    save_file(weights, parent / "model.safetensors")
    assert "other settings (start: " in run_command(*command, "--resume", fails=True).err


@pytest.mark.parametrize("command", ["train", "transfer", "paint"])
def test_without_a_run_to_resume_nothing_is_replaced(checkpoints, full, run_command, command):
    before = files(full)
    said = {
        "train": ["--dataset", "color-dsprites", "--filters", 4],
        "transfer": ["--checkpoint", checkpoints / NAMES[0], "--target", "dsprites"],
        "paint": [checkpoints / NAMES[0]],
    }[command]
    flags = ["--steps", 1, *FLAGS, "--resume", "--output", full]
    assert "no run to resume" in run_command(command, *said, *flags, fails=True).err
    assert files(full) == before


def test_a_copy_may_be_done_again_and_takes_what_was_made_of_it_away(
    checkpoints, tmp_path, run_command
):
    out = tmp_path / "copy"
    command = ["transfer", "--checkpoint", checkpoints / NAMES[0], "--target", "dsprites"]
    run_command(*command, "--output", out)
    (out / "onnx").mkdir()
    (out / "onnx/encoder.onnx").write_bytes(b"of the weights before")
    run_command(*command, "--output", out, "--resume")
    assert not (out / "onnx/encoder.onnx").exists()


def test_a_decoder_painted_since_is_not_lost_to_a_resumed_training(tmp_path, run_command):
    out = tmp_path / "out"
    train = ["train", "--dataset", "color-dsprites", "--filters", 4, "--output", out, *FLAGS]
    run_command(*train, "--steps", 1)
    paint = ["paint", out, "--output", out, "--fresh", "--filters", 4, "--steps", 1, *FLAGS]
    run_command(*paint)
    before = (out / "model.safetensors").read_bytes()
    assert "painted anew since" in run_command(*train, "--steps", 1, "--resume", fails=True).err
    run_command(*paint, "--resume")  # done already: the same again
    assert (out / "model.safetensors").read_bytes() == before


def test_what_could_not_be_loaded_again_is_not_learnt(checkpoints):
    config = read_config(checkpoints / NAMES[0])
    many = replace(config, factors=(Factor("identity", 10_177), *config.factors))
    _check_readable(config)
    with pytest.raises(TrainingError, match=r"could not be loaded again.*docs/limits\.md"):
        _check_readable(many)


def test_a_copy_is_not_done_again_of_another_parent_nor_over_a_painted_decoder(
    checkpoints, tmp_path, run_command
):
    parent = shutil.copytree(checkpoints / NAMES[0], tmp_path / "parent")
    out, copy = tmp_path / "copy", ["transfer", "--target", "dsprites", "--resume"]
    copy += ["--output", out, "--checkpoint"]
    run_command(*copy, parent)
    config = (parent / "config.json").read_text()
    name = read_config(parent).name
    (parent / "config.json").write_text(config.replace(f'"name": "{name}"', '"name": "another"'))
    before = files(out)
    assert "no run to resume" in run_command(*copy, parent, fails=True).err
    (parent / "config.json").write_text(config)
    assert files(out) == before
    flags = ["--fresh", "--filters", 4, "--steps", 1, *FLAGS]
    run_command("paint", out, "--output", out, *flags)
    before = files(out)
    assert "painted anew since" in run_command(*copy, parent, fails=True).err
    assert files(out) == before


def test_measurements_of_other_weights_do_not_stay_after_a_stopped_replacement(
    full, run_command, monkeypatch
):
    command = ["train", "--dataset", "color-dsprites", "--filters", 4, "--output", full, *FLAGS]
    command += ["--steps", 4, "--save-every", 1]
    assert (full / "report.json").exists()
    step = Learner.step

    def stops(learner, number, batch):
        if number == 2:
            raise KeyboardInterrupt
        return step(learner, number, batch)

    monkeypatch.setattr(Learner, "step", stops)
    with pytest.raises(SystemExit):
        run_command(*command, "--overwrite")
    monkeypatch.undo()
    assert (full / "report.json").exists()
    run_command(*command, "--resume")
    assert {path.name for path in full.iterdir()} == {
        "model.safetensors", "config.json", "notes.txt", "training",
    }  # fmt: skip
    (full / "report.json").write_text("of these weights")
    run_command(*command, "--resume")  # done already: the same again
    assert (full / "report.json").exists()
