import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from dviz.data import load_dataset
from dviz.errors import CheckpointError
from dviz.models.vae import VAE, VAEConfig
from dviz.training.config import TrainingConfig
from dviz.training.loop import train
from dviz.training.schedule import beta_at, learning_rate_at
from tests.data.material import write_folder

CONFIG = TrainingConfig(steps=12, batch_size=4, learning_rate=3e-3, seed=5)


@pytest.fixture(scope="module")
def dataset():
    return load_dataset("color-dsprites")


def fresh(seed=0):
    torch.manual_seed(seed)
    return VAE(VAEConfig(4, 8))


def weights(model):
    return torch.cat([value.flatten().float() for value in model.state_dict().values()])


def history(folder):
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


class KilledError(Exception):
    pass


def train_and_die_at(step, model, dataset, config, folder):
    """Train until the progress of `step` is shown; then fail, as a killed process would."""

    def die(progress):
        if progress.step >= step:
            raise KilledError

    with pytest.raises(KilledError):
        train(model, dataset, config, folder, save_every=7, on_step=die)


@pytest.mark.parametrize("supervision", ["labels", "adaptive", "none"])
def test_a_resumed_run_is_the_uninterrupted_run(dataset, tmp_path, supervision):
    config = replace(CONFIG, supervision=supervision)
    whole, broken, resumed = fresh(), fresh(), fresh(seed=99)
    train(whole, dataset, config, tmp_path / "whole")
    train_and_die_at(10, broken, dataset, config, tmp_path / "broken")
    train(resumed, dataset, config, tmp_path / "broken", resume=True)
    assert (weights(whole) == weights(resumed)).all()
    assert history(tmp_path / "whole") == history(tmp_path / "broken")


def test_time_is_counted_on_over_a_break(dataset, tmp_path):
    train_and_die_at(10, fresh(), dataset, CONFIG, tmp_path / "a")
    state = tmp_path / "a" / "state.safetensors"
    with safe_open(state, "pt") as file:
        metadata, tensors = file.metadata(), {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    before = json.loads(metadata["notes"])
    assert 0 < before["seconds"] < 60
    metadata["notes"] = json.dumps(before | {"seconds": 1000.0})
    save_file(tensors, state, metadata)
    outcome = train(fresh(), dataset, CONFIG, tmp_path / "a", resume=True)
    assert outcome.steps == CONFIG.steps
    assert 1000 < outcome.seconds < 1060
    again = train(fresh(), dataset, CONFIG, tmp_path / "a", resume=True)
    assert again.seconds == pytest.approx(outcome.seconds, abs=1)


def test_same_seed_same_weights_other_seed_other_weights(dataset, tmp_path):
    runs = []
    for i, seed in enumerate((5, 5, 6)):
        model = fresh()
        train(model, dataset, replace(CONFIG, seed=seed), tmp_path / str(i))
        runs.append(weights(model))
    assert (runs[0] == runs[1]).all()
    assert (runs[0] != runs[2]).any()


def test_training_lowers_the_loss(dataset, tmp_path):
    model, losses = fresh(), []
    config = replace(CONFIG, steps=120, batch_size=8, learning_rate=5e-3)
    train(model, dataset, config, tmp_path, on_step=lambda p: losses.append(p.reconstruction))
    assert np.mean(losses[-3:]) < 0.9 * losses[0]


def test_resuming_with_other_settings_is_refused(dataset, tmp_path):
    train(fresh(), dataset, CONFIG, tmp_path)
    with pytest.raises(CheckpointError, match=r"other settings \(beta: 2\.0 → 4\.0\)"):
        train(fresh(), dataset, replace(CONFIG, beta=4.0), tmp_path, resume=True)


def test_resuming_on_pictures_or_labels_that_changed_is_refused(tmp_path):
    pictures, run = write_folder(tmp_path / "mine"), tmp_path / "run"
    config = replace(CONFIG, steps=2, supervision="none")
    train(fresh(), load_dataset("folder", pictures), config, run)
    train(fresh(), load_dataset("folder", pictures), config, run, resume=True)
    labels = (pictures / "labels.csv").read_text()
    for changed in (
        labels.replace("red", "rot"),
        labels.replace("photo00.png,red", "photo00.png,blue"),
    ):
        (pictures / "labels.csv").write_text(changed)
        with pytest.raises(CheckpointError, match=r"other settings \(content: "):
            train(fresh(), load_dataset("folder", pictures), config, run, resume=True)
    (pictures / "labels.csv").write_text(labels)
    shutil.copy(pictures / "photo01.png", pictures / "photo00.png")
    with pytest.raises(CheckpointError, match=r"other settings \(content: "):
        train(fresh(), load_dataset("folder", pictures), config, run, resume=True)
    (pictures / "labels.csv").write_text(labels.rsplit("photo23", 1)[0])
    with pytest.raises(CheckpointError, match="images: 24 → 23"):
        train(fresh(), load_dataset("folder", pictures), config, run, resume=True)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_state(dataset, tmp_path):
    model = fresh()
    train(model, dataset, CONFIG, tmp_path)
    saved = (tmp_path / "state.safetensors").read_bytes()
    with torch.no_grad():
        next(model.parameters()).fill_(math.nan)
    with pytest.raises(FloatingPointError, match="lower learning rate"):
        train(model, dataset, CONFIG, tmp_path)
    assert (tmp_path / "state.safetensors").read_bytes() == saved


def test_one_cycle_rises_then_falls():
    config = replace(CONFIG, steps=100, learning_rate=1.0)
    rates = [learning_rate_at(step, config) for step in range(100)]
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) == 10
    assert (np.diff(rates[:11]) > 0).all()
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[-1] < 1e-4
    assert learning_rate_at(50, replace(config, schedule="constant")) == 1.0


def test_beta_warms_up_and_tells_tied_from_untied():
    config = replace(CONFIG, steps=80, beta=2.0, untied_beta=8.0, beta_warmup=0.125)
    assert beta_at(4, config, 4, 3).tolist() == [1.0, 1.0, 1.0, 4.0]
    assert beta_at(10, config, 4, 3).tolist() == [2.0, 2.0, 2.0, 8.0]
    assert beta_at(0, replace(config, beta_warmup=0.0), 2, 2).tolist() == [2.0, 2.0]
    alone = replace(config, supervision="none")
    assert beta_at(79, alone, 4, 3).tolist() == [2.0] * 4
    # In fine-tuning the Source says which were tied, whatever the Target's factors are.
    assert beta_at(79, replace(alone, tied=2), 4, 3).tolist() == [2.0, 2.0, 8.0, 8.0]


def test_odd_settings_are_refused(dataset, tmp_path):
    with pytest.raises(ValueError, match="supervision is 'strong'"):
        replace(CONFIG, supervision="strong")
    with pytest.raises(ValueError, match="schedule is 'steps'"):
        replace(CONFIG, schedule="steps")
    with pytest.raises(ValueError, match="at least 6"):
        train(VAE(VAEConfig(4, 3)), dataset, CONFIG, tmp_path)


def test_the_encoder_stands_still_while_the_decoder_goes_first(dataset, tmp_path):
    model, config = fresh(), replace(CONFIG, supervision="none", steps=4, decoder_first=1.0)
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    train(model, dataset, config, tmp_path)
    moved = {name for name, weight in model.named_parameters() if (weight != before[name]).any()}
    assert moved
    assert all(name.startswith("decoder.") for name in moved)


HALF = {"precision": "bfloat16"}
COMPILED = pytest.param(
    HALF | {"compile": True},
    marks=pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++"),
)


@pytest.mark.parametrize("option", [{"channels_last": True}, HALF, COMPILED])
def test_options_for_speed_change_the_loss_by_rounding_only(dataset, tmp_path, option):
    lines = []
    for name, more in (("plain", {}), ("fast", option)):
        train(fresh(), dataset, replace(CONFIG, **more), tmp_path / name)
        lines.append(history(tmp_path / name)[-1]["reconstruction"])
    assert lines[0] == pytest.approx(lines[1], rel=0.01)


@pytest.mark.parametrize(("update", "codes"), [("all", torch.bfloat16), ("decoder", torch.float32)])
def test_a_frozen_encoder_gives_a_decoder_the_codes_it_will_be_given(
    dataset, tmp_path, update, codes
):
    model, seen = fresh(), []
    model.encoder.register_forward_hook(lambda _, __, posterior: seen.append(posterior[0]))
    settings = replace(CONFIG, steps=2, supervision="none", update=update, precision="bfloat16")
    train(model, dataset, settings, tmp_path)
    assert {mean.dtype for mean in seen} == {codes}


def test_batches_drawn_ahead_are_the_same(dataset, tmp_path):
    plain, ahead = fresh(), fresh()
    train(plain, dataset, CONFIG, tmp_path / "plain")
    train(ahead, dataset, CONFIG, tmp_path / "ahead", prefetch=True)
    assert (weights(plain) == weights(ahead)).all()
