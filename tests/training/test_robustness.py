"""What can go wrong in a run loses nothing, and says what it was."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from dviz.checkpoint import load_checkpoint
from dviz.errors import CheckpointError, TrainingError
from dviz.files import atomic_path
from dviz.models.vae import VAE, VAEConfig
from dviz.training.config import TrainingConfig
from dviz.training.lock import only_run_in
from dviz.training.loop import train
from tests.training.problems import fresh, history, weights

SCRIPTS = Path(__file__).parents[2] / "scripts"
CONFIG = TrainingConfig(steps=12, batch_size=4, learning_rate=3e-3, seed=5)


def script(name, *arguments):
    command = [sys.executable, SCRIPTS / f"{name}.py", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def killed(folder, name, *arguments):
    """Run a script and kill it, past all handlers, once it has written its first state."""
    process = script(name, *arguments, "--output", folder)
    state = folder / "training" / "state.safetensors"
    deadline = time.monotonic() + 60
    while not state.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, process.stderr.read()
    assert not (folder / "model.safetensors").exists()


def test_killed_and_resumed_is_never_killed(tmp_path, run_command):
    """Training, then fine-tuning, both killed in the middle: the same bytes in the end."""
    train_flags = "--dataset color-dsprites --filters 4 --decoder-hidden 0 --batch-size 4"
    train_flags = [*train_flags.split(), "--threads", 1, "--steps", 400, "--save-every", 200]
    run_command("train", *train_flags, "--output", tmp_path / "whole")
    killed(tmp_path / "broken", "train", *train_flags)
    run_command("train", *train_flags, "--output", tmp_path / "broken", "--resume")
    assert_same(tmp_path / "whole", tmp_path / "broken")

    flags = f"--checkpoint {tmp_path / 'whole'} --target dsprites --steps 400 --batch-size 4"
    flags = [*flags.split(), "--threads", 1, "--save-every", 200, "--decoder-first", 0.5]
    run_command("transfer", *flags, "--output", tmp_path / "tuned")
    killed(tmp_path / "broken-tuned", "transfer", *flags)
    run_command("transfer", *flags, "--output", tmp_path / "broken-tuned", "--resume")
    assert_same(tmp_path / "tuned", tmp_path / "broken-tuned")


def assert_same(one, other):
    for name in ("model.safetensors", "training/history.jsonl"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    states = [load_file(folder / "training" / "state.safetensors") for folder in (one, other)]
    assert states[0].keys() == states[1].keys()
    assert all((states[0][name] == states[1][name]).all() for name in states[0])


@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "factor-vae", "discriminator_units": 8},
        {"ema": 0.9, "labelled_images": 5},
        {"supervision": "none", "patience": 9, "check_every": 2, "held_out": 8},
        {"labelled": 0.5, "objective": "beta-tcvae"},
        {"supervision": "none", "update": "encoder", "reestimate_statistics": 20},
    ],
)
def test_every_option_resumes_exactly(squares, tmp_path, settings):
    config = replace(CONFIG, **settings)
    whole, resumed = fresh(), fresh(seed=0)

    def fail(progress):
        raise ZeroDivisionError

    train(whole, squares, config, tmp_path / "whole")
    with pytest.raises(ZeroDivisionError):
        train(fresh(), squares, config, tmp_path / "broken", save_every=7, on_step=fail)
    train(resumed, squares, config, tmp_path / "broken", resume=True)
    assert (weights(whole) == weights(resumed)).all()
    assert history(tmp_path / "whole") == history(tmp_path / "broken")


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_an_interrupted_run_saves_its_state_and_can_go_on(squares, tmp_path, number, error):
    whole, resumed = fresh(), fresh()
    before = signal.getsignal(number)
    train(whole, squares, CONFIG, tmp_path / "whole")
    with pytest.raises(error):
        train(
            fresh(), squares, CONFIG, tmp_path / "broken",
            on_step=lambda progress: os.kill(os.getpid(), number),
        )  # fmt: skip
    assert signal.getsignal(number) is before
    assert (tmp_path / "broken" / "state.safetensors").exists()
    train(resumed, squares, CONFIG, tmp_path / "broken", resume=True)
    assert (weights(whole) == weights(resumed)).all()


def test_two_runs_in_one_folder_refuse_each_other(squares, tmp_path):
    def second(progress):
        with pytest.raises(TrainingError, match="another run is training"):
            train(fresh(), squares, CONFIG, tmp_path)

    train(fresh(), squares, CONFIG, tmp_path, on_step=second)
    train(fresh(), squares, CONFIG, tmp_path)  # the first has let go


def test_a_dead_owner_holds_no_folder(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from dviz.training.lock import only_run_in\n"
        f"with only_run_in(Path({str(tmp_path)!r})): print('held', flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=SCRIPTS.parent
    )
    assert owner.stdout.readline() == "held\n"
    with pytest.raises(TrainingError), only_run_in(tmp_path):
        pass
    owner.kill()
    owner.wait()
    with only_run_in(tmp_path):
        pass


def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("target", ["state.save_file", "history.json.dumps"])
def test_a_full_disk_loses_nothing(squares, tmp_path, monkeypatch, target):
    model, whole = fresh(), fresh()
    train(whole, squares, CONFIG, tmp_path / "whole")
    train(fresh(), squares, CONFIG, tmp_path / "run", save_every=5)
    saved = load_file(tmp_path / "run" / "state.safetensors")
    with monkeypatch.context() as patch:
        patch.setattr(f"dviz.training.{target}", full)
        with pytest.raises(TrainingError, match=r"No space left.*make room and go on"):
            train(model, squares, CONFIG, tmp_path / "run")
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left == {".lock", "history.jsonl", "state.safetensors"}
    kept = load_file(tmp_path / "run" / "state.safetensors")
    assert all((kept[name] == value).all() for name, value in saved.items())
    train(model, squares, CONFIG, tmp_path / "run", resume=True)
    assert (weights(whole) == weights(model)).all()


def test_a_torn_last_line_of_the_history_is_forgotten(squares, tmp_path):
    train(fresh(), squares, CONFIG, tmp_path)
    whole = history(tmp_path)
    with (tmp_path / "history.jsonl").open("a") as file:
        file.write('{"step": 13, "lo')
    train(fresh(), squares, CONFIG, tmp_path, resume=True)
    assert history(tmp_path) == whole


@pytest.mark.parametrize("damage", ["cut", "no tensors", "not ours"])
def test_a_broken_state_is_refused(squares, tmp_path, damage):
    train(fresh(), squares, CONFIG, tmp_path)
    path = tmp_path / "state.safetensors"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    else:
        header = {"__metadata__": {"step": "3", "settings": "{}"} if damage == "no tensors" else {}}
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"other settings|cannot be resumed from"):
        train(fresh(), squares, CONFIG, tmp_path, resume=True)
    assert path.read_bytes() == before


def test_a_state_of_before_an_option_existed_is_resumed(squares, tmp_path):
    train(fresh(), squares, replace(CONFIG, steps=12), tmp_path)
    path = tmp_path / "state.safetensors"
    with safe_open(path, framework="pt") as file:
        settings = json.loads(file.metadata()["settings"])
    later = ("objective", "ema", "encoder_rate", "ties", "decoder_filters", "images", "content")
    for name in later:
        del settings[name]
    with atomic_path(path) as temporary:
        save_file(load_file(path), temporary, {"step": "12", "settings": json.dumps(settings)})
    assert train(fresh(), squares, CONFIG, tmp_path, resume=True).steps == CONFIG.steps


def test_a_loss_that_is_not_finite_leaves_the_last_good_weights(squares, tmp_path):
    model, config = fresh(), replace(CONFIG, steps=40)
    good = {}

    def spoil(progress):
        if progress.step == 20:
            good.update({k: v.clone() for k, v in model.state_dict().items()})
        if progress.step == 30:
            with torch.no_grad():
                model.decoder.start[0].weight.fill_(torch.nan)

    with pytest.raises(FloatingPointError, match="weights of step 20 are kept"):
        train(model, squares, config, tmp_path, save_every=20, on_step=spoil)
    assert all((model.state_dict()[name] == value).all() for name, value in good.items())


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("train", "--dataset nope", "there is no dataset 'nope'; choose from"),
        ("train", "--dataset dsprites --objective gan", "invalid choice: 'gan'"),
        ("train", "--dataset dsprites --k 6", "k is 6; allowed are 'uniform' and 1 to 5"),
        ("train", "--dataset dsprites --k some", "k is 'some'; allowed are 'uniform' and whole"),
        ("train", "--dataset dsprites --latent-size 3", "latent_size is 3; tying.*at least 5"),
        ("train", "--dataset dsprites --batch-size 0", "batch_size is 0; allowed"),
        ("train", "--dataset dsprites --save-every -1", "save_every is -1; allowed"),
        ("train", "--dataset dsprites --device abacus", "--device abacus cannot be used here"),
        ("train", "--dataset dsprites --threads 0", "--threads is 0; allowed"),
        ("transfer", "--checkpoint nowhere --target dsprites", "there is no config.json in"),
        ("transfer", "--checkpoint {made} --target nope", "there is no dataset 'nope'"),
        ("transfer", "--checkpoint {made} --target dsprites --steps -3", "steps is -3; allowed"),
        (
            "transfer",
            "--checkpoint {made} --target dsprites --steps 0 --beta 8",
            "--beta is of a fine-tuning",
        ),
        ("transfer", "--checkpoint {made} --target dsprites --ema 2 --steps 1", "ema is 2.0; allo"),
        (
            "transfer",
            "--checkpoint {made} --target dsprites --steps 1 --labelled-images 4",
            "a dimension for each of the 5 factors.*latent_size 4",
        ),
    ],
)
def test_bad_input_is_one_clear_line(made, tmp_path, run_command, name, arguments, message):
    flags = arguments.format(made=made).split()
    error = run_command(name, "--steps", 1, *flags, "--output", tmp_path / "out", fails=True).err
    (line,) = (line for line in error.splitlines() if f"dviz {name}: " in line)  # but for the usage
    assert re.search(message, line)
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_the_checkpoint_itself_is_not_overwritten(made, run_command):
    before = (made / "config.json").read_bytes()
    error = run_command(
        "transfer", "--checkpoint", made, "--target", "dsprites", "--output", made, fails=True
    ).err
    assert "the checkpoint itself" in error
    assert (made / "config.json").read_bytes() == before


def test_only_the_sources_encoder_is_replayed(made, tmp_path, run_command):
    tuned = tmp_path / "tuned"
    flags = ["--target", "dsprites", "--steps", 1, "--batch-size", 2]
    run_command("transfer", "--checkpoint", made, *flags, "--output", tuned)
    flags += ["--replay", 1, "--output", tmp_path / "again"]
    error = run_command("transfer", "--checkpoint", tuned, *flags, fails=True).err
    assert "start from its Source" in error


def test_resuming_a_model_of_another_size_is_refused(squares, tmp_path):
    train(fresh(latent_size=4), squares, CONFIG, tmp_path)
    with pytest.raises(CheckpointError, match="latent_size: 4 → 5"):
        train(fresh(latent_size=5), squares, CONFIG, tmp_path, resume=True)


def test_a_target_of_another_image_shape_is_refused(squares, tmp_path):
    class Grey(type(squares)):
        def render(self, classes, rng=None):
            return super().render(classes, rng)[..., 0]

    with pytest.raises(ValueError, match=r"images must be uint8 \(N, H, W, 3\), got uint8 \(4, 64"):
        train(fresh(), Grey(), CONFIG, tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    from dviz.checkpoint import SOURCE, CheckpointConfig, save_checkpoint
    from tests.training.problems import Squares

    folder = tmp_path_factory.mktemp("made") / "source"
    config = CheckpointConfig(
        "source", SOURCE, "squares", Squares().space.factors, VAEConfig(4, 4), source="squares"
    )
    save_checkpoint(folder, VAE(VAEConfig(4, 4)), config)
    return folder


def test_a_finished_checkpoint_loads(made):
    assert load_checkpoint(made).config.name == "source"
