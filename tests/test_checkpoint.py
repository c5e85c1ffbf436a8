import json
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dviz.checkpoint import (
    CheckpointConfig,
    load_checkpoint,
    read_config,
    save_checkpoint,
    save_codes,
)
from dviz.errors import CheckpointError
from dviz.factors import Factor
from dviz.measuring.files import read_classes
from dviz.models.vae import ADDED, VAE, VAEConfig

ROOT = Path(__file__).parent.parent


@pytest.fixture
def model():
    """A model whose weights half precision holds exactly, as those of any saved one."""
    torch.manual_seed(0)
    model = VAE(VAEConfig(4, 3, decoder_hidden=5)).eval()
    model.load_state_dict({k: v.half() for k, v in model.state_dict().items()})
    return model


@pytest.fixture
def folder(tmp_path, model):
    config = CheckpointConfig(
        name="small",
        kind="fine-tuned",
        dataset="somewhere",
        factors=(Factor("shape", 2, ("square", "heart")), Factor("scale", 6)),
        architecture=model.config,
        training={"steps": 5, "k": "uniform"},
        parent="source",
        source="color-dsprites",
    )
    save_checkpoint(tmp_path / "small", model, config)
    return tmp_path / "small"


def change_config(folder, **changes):
    path = folder / "config.json"
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))


def test_what_is_saved_is_loaded(folder, model):
    loaded = load_checkpoint(folder)
    assert loaded.config == read_config(folder)
    assert loaded.config.space.names == ("shape", "scale")
    assert loaded.config.parent == "source"
    x = torch.rand(2, 3, 64, 64)
    assert (loaded.model(x) == model(x)).all()
    assert loaded.model(x).dtype == torch.float32
    assert not loaded.model.training


def test_a_sharper_architecture_and_a_cyclic_factor_are_kept(tmp_path):
    model = VAE(VAEConfig(4, 3, encoder="deep", decoder="modulated"))
    factors = (Factor("angle", 8, cyclic=True),)
    config = CheckpointConfig("sharp", "source", "somewhere", factors, model.config)
    save_checkpoint(tmp_path, model, config)
    loaded = load_checkpoint(tmp_path)
    assert loaded.config == config
    assert loaded.model.config == model.config


def test_weights_are_rounded_to_half_precision_once(folder, tmp_path):
    torch.manual_seed(1)
    exact = VAE(VAEConfig(4, 3)).eval()
    save_checkpoint(
        tmp_path / "half", exact, replace(read_config(folder), architecture=exact.config)
    )
    first = load_checkpoint(tmp_path / "half")
    save_checkpoint(tmp_path / "again", first.model, first.config)
    second = load_checkpoint(tmp_path / "again").model.state_dict()
    for name, value in first.model.state_dict().items():
        torch.testing.assert_close(value, exact.state_dict()[name], rtol=2**-11, atol=1e-7)
        assert (value == second[name]).all()


def test_weights_too_large_for_half_precision_are_kept_whole(folder, tmp_path):
    model = VAE(VAEConfig(4, 3))
    with torch.no_grad():
        model.decoder.start[0].bias[0] = 1e6
    save_checkpoint(
        tmp_path / "large", model, replace(read_config(folder), architecture=model.config)
    )
    bias = load_checkpoint(tmp_path / "large").model.decoder.start[0].bias
    assert (bias == model.decoder.start[0].bias).all()


def test_the_folder_is_a_hub_model_too(folder, model):
    loaded = VAE.from_pretrained(folder).eval()
    x = torch.rand(2, 3, 64, 64)
    assert (loaded(x) == model(x)).all()


def test_codes_beyond_half_precision_stay_finite(folder):
    sampled = np.array([[1e6, -1e6]], dtype=np.float32)
    save_codes(folder, np.zeros((1, 2), np.float32), sampled, np.zeros((1, 1), int), ["shape"])
    with np.load(folder / "representations.npz", allow_pickle=False) as arrays:
        assert arrays["sampled"].tolist() == [[65504, -65504]]


def test_codes_are_written_as_plain_arrays(folder):
    mean = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    classes = np.array([[0, 5], [1, 0], [1, 2], [0, 3]])
    save_codes(folder, mean, mean + 1, classes, ["shape", "scale"])
    with np.load(folder / "representations.npz", allow_pickle=False) as arrays:
        for name, codes in (("mean", mean), ("sampled", mean + 1)):
            np.testing.assert_allclose(arrays[name].astype(np.float32), codes, rtol=2**-11)
    assert (folder / "classes.csv").read_text() == "shape,scale\n0,5\n1,0\n1,2\n0,3\n"


def test_factors_may_be_called_anything(folder):
    codes, classes = np.zeros((2, 1), np.float32), np.array([[0, 1], [1, 0]])
    save_codes(folder, codes, codes, classes, ["größe", "size, mm"])
    labels = read_classes(folder / "classes.csv")
    assert labels.names == ("größe", "size, mm")
    np.testing.assert_array_equal(labels.classes, classes)


def test_missing_files_are_named(folder, tmp_path):
    with pytest.raises(CheckpointError, match=r"no config\.json in checkpoint nowhere"):
        load_checkpoint(tmp_path / "nowhere")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"has no model\.safetensors; other kinds"):
        load_checkpoint(folder)


def test_broken_weights_are_refused(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="broken or only partly downloaded"):
        load_checkpoint(folder)


def test_a_colour_map_is_kept(folder, model):
    coloured = model.with_colours()
    torch.nn.init.constant_(coloured.decoder.colours.weight, 0.25)
    config = replace(read_config(folder), architecture=coloured.config)
    save_checkpoint(folder, coloured, config)
    code = torch.zeros(1, 3)
    for loaded in (load_checkpoint(folder).model, VAE.from_pretrained(folder).eval()):
        assert torch.equal(loaded.decode(code), coloured.decode(code))


@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_weights_that_do_not_fit_are_refused(folder, change):
    tensors = load_file(folder / "model.safetensors")
    name = "encoder.convolutions.1.num_batches_tracked"
    if change == "missing":
        del tensors[name]
    elif change == "extra":
        tensors["other"] = torch.zeros(1)
    else:
        tensors[name] = torch.zeros(2)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="does not fit its config") as error:
        load_checkpoint(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"filters": None}, "not a dviz checkpoint's"),
        ({"filters": 10**12}, "allowed are whole numbers 4 to 1024"),
        ({"filters": 8}, "does not fit its config"),
        ({"factors": [{"name": "a"}]}, "not a dviz checkpoint's"),
        ({"latent_size": 0}, "not a dviz checkpoint's"),
        ({"decoder_hidden": True}, "not a dviz checkpoint's"),
        ({"recolour": 1}, "allowed are true and false"),
        ({"recolour": True}, "does not fit its config"),
        ({"factors": [{"name": "a", "size": 3.5, "values": []}]}, "not a dviz checkpoint's"),
        ({"factors": [{"name": "a", "size": 2, "values": []}] * 2}, "not a dviz checkpoint's"),
        ({"training": 3}, "not a dviz checkpoint's"),
    ],
)
def test_odd_configs_are_refused(folder, changes, message):
    change_config(folder, **changes)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(folder)


FIRST = {"filters", "latent_size", "decoder_hidden", "recolour", "encoder", "decoder"}


def test_what_checkpoints_of_this_format_always_said_and_what_came_later_is_all_there_is():
    assert {setting.name for setting in fields(VAEConfig)} == FIRST | ADDED.keys()
    assert {name: getattr(VAEConfig(), name) for name in ADDED} == ADDED


def test_one_of_before_a_setting_existed_is_as_it_was(folder):
    config = read_config(folder)
    written = json.loads((folder / "config.json").read_text())
    for name in ADDED:
        del written[name]
    (folder / "config.json").write_text(json.dumps(written))
    assert load_checkpoint(folder).config == config


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "null", "[" * 100_000])
def test_a_config_that_is_no_json_object_is_refused(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"config\.json of checkpoint small"):
        read_config(folder)


def run(name, *arguments):
    """Run a script as a person would, in a process of its own."""
    command = [sys.executable, f"scripts/{name}.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_scripts_train_resume_and_transfer(tmp_path, run_command):
    source, direct, tuned = (tmp_path / name for name in ("source", "direct", "tuned"))
    train = ["--dataset", "color-dsprites", "--output", source]
    train += ["--filters", "4", "--steps", "4", "--batch-size", "2", "--threads", "1"]
    assert run("train", *train).returncode == 0
    run_command("train", *train, "--resume")
    transfer = ["--checkpoint", source, "--target", "color-dsprites", "--threads", "1"]
    run_command("transfer", *transfer, "--output", direct)
    done = run_command("transfer", *transfer, "--output", tuned, "--steps", 4, "--batch-size", 2)
    assert "loss" in done.err
    kinds = [read_config(f).kind for f in (source, direct, tuned)]
    assert kinds == ["source", "direct", "fine-tuned"]
    assert read_config(tuned).parent == "source"
    weights = [load_file(f / "model.safetensors") for f in (source, direct, tuned)]
    assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])
    assert any((weights[0][name] != weights[2][name]).any() for name in weights[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "mnist"], "no dataset 'mnist'"),
        (["--dataset", "color-dsprites", "--latent-size", "3"], "at least 6"),
        (["--dataset", "color-dsprites", "--k", "9"], "k is 9"),
    ],
)
def test_training_answers_mistakes_in_one_line(tmp_path, run_command, arguments, message):
    error = run_command("train", *arguments, "--output", tmp_path / "x", fails=True).err
    assert message in error.splitlines()[-1]
    assert "Traceback" not in error
    assert not (tmp_path / "x" / "config.json").exists()


def test_a_script_on_its_own_answers_a_mistake_in_one_line_too(tmp_path):
    asked = ("--checkpoint", "nowhere", "--target", "mnist", "--output", tmp_path / "x")
    done = run("transfer", *asked)
    assert done.returncode == 2
    assert "no config.json" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x" / "config.json").exists()
