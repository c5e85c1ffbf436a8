"""A decoder learnt anew from codes that stay as they are."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dviz.checkpoint import SOURCE, load_checkpoint, read_config, save_checkpoint
from dviz.data import load_dataset
from dviz.measuring.pictures import PICTURES
from dviz.measuring.report import read_report, write_report
from dviz.models.repaint import ignore_dimensions, with_new_decoder
from dviz.models.vae import VAE, VAEConfig, to_tensor
from tests.ui.material import NAMES, SHAPE

FLAGS = ["--batch-size", 8, "--threads", 1]


@pytest.fixture
def measured(checkpoints):
    """A small Source, measured."""
    return checkpoints / NAMES[0]


def encoder_of(folder):
    weights = load_file(folder / "model.safetensors")
    return {name: value for name, value in weights.items() if name.startswith("encoder.")}


def test_codes_and_what_is_said_of_them_stay_to_the_bit(measured, tmp_path, run_command):
    out = tmp_path / "painted"
    printed = run_command("paint", measured, "--output", out, "--steps", 30, *FLAGS).out
    before, after = encoder_of(measured), encoder_of(out)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    x = to_tensor(load_dataset("color-dsprites").sample(16, np.random.default_rng(1))[0])
    first, second = load_checkpoint(measured).model, load_checkpoint(out).model
    with torch.no_grad():
        assert all(map(torch.equal, first.encode(x), second.encode(x)))
    for name in ("probes.npz", "representations.npz", "classes.csv"):
        assert (measured / name).read_bytes() == (out / name).read_bytes()
    old, new = (read_report(f / "report.json").results["color-dsprites"] for f in (measured, out))
    assert (old.association, old.probes, old.scores) == (new.association, new.probes, new.scores)
    assert new.mse < 0.05  # of grey it is 0.23
    assert (old.painted, new.painted) == (0, 30 * 8)
    assert "mean squared error" in printed


def test_the_config_says_what_was_learnt_and_keeps_its_history(measured, tmp_path, run_command):
    run_command("paint", measured, "--output", tmp_path / "out", "--steps", 2, *FLAGS)
    config = read_config(tmp_path / "out")
    assert (config.name, config.kind) == ("out", SOURCE)
    assert config.architecture == replace(SHAPE, decoder="modulated")
    assert config.painted_on("color-dsprites") == 2 * 8
    assert config.painted_on("shapes3d") == 0
    assert config.learnt_architecture() == read_config(measured).architecture
    painting = config.painting
    assert (painting["update"], painting["objective"]) == ("decoder", "autoencoder")
    assert painting["seconds"] > 0
    run_command("paint", tmp_path / "out", "--output", tmp_path / "again", "--steps", 2, *FLAGS)
    assert read_config(tmp_path / "again").learnt_architecture() == config.learnt_architecture()


def test_a_stopped_run_goes_on_to_the_same_picture(measured, tmp_path, run_command, monkeypatch):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    flags = ["--steps", 8, "--codes", "samples", "--save-every", 4, *FLAGS]
    run_command("paint", measured, "--output", whole, *flags)

    def stop(*_):
        raise KeyboardInterrupt

    from dviz.training.learner import Learner

    step = Learner.step
    monkeypatch.setattr(Learner, "step", lambda self, n, b: step(self, n, b) if n < 5 else stop())
    with pytest.raises(SystemExit):
        run_command("paint", measured, "--output", halves, *flags)
    monkeypatch.undo()
    run_command("paint", measured, "--output", halves, "--resume", *flags)
    one, other = (load_file(folder / "model.safetensors") for folder in (whole, halves))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_decoder_of_the_same_kind_is_polished_unless_asked_for_a_fresh_one(
    measured, tmp_path, run_command
):
    flags = ["--decoder", "study", "--steps", 1, "--learning-rate", 1e-9, *FLAGS]
    run_command("paint", measured, "--output", tmp_path / "polished", *flags)
    run_command("paint", measured, "--output", tmp_path / "fresh", "--fresh", "--seed", 1, *flags)
    name = "decoder.start.0.weight"
    weights = [
        load_file(folder / "model.safetensors")[name]
        for folder in (measured, tmp_path / "polished", tmp_path / "fresh")
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_checkpoint_can_be_painted_in_its_own_folder(measured, tmp_path, run_command):
    own = shutil.copytree(measured, tmp_path / "source")
    run_command("paint", own, "--output", own, "--steps", 2, *FLAGS)
    assert json.loads((own / "config.json").read_text())["decoder"] == "modulated"
    assert read_report(own / "report.json").results["color-dsprites"].painted == 2 * 8
    assert encoder_of(own).keys() == encoder_of(measured).keys()


def test_what_was_said_of_the_decoder_before_goes_elsewhere_too(measured, tmp_path, run_command):
    own = shutil.copytree(measured, tmp_path / "source")
    report = read_report(own / "report.json")
    elsewhere = replace(report.results["color-dsprites"], dataset="things", painted=8, overlap=0.5)
    results = report.results | {"things": elsewhere}
    write_report(own / "report.json", replace(report, results=results))
    command = ["paint", own, "--output", own, "--steps", 2, *FLAGS]
    printed = run_command(*command).out
    (line,) = (line for line in printed.splitlines() if line.startswith("things: "))
    assert "of the decoder before and is gone" in line
    after = read_report(own / "report.json").results
    rest = {name: None for name in PICTURES} | {"painted": 0}
    assert after["things"] == replace(elsewhere, **rest)
    assert after["color-dsprites"].painted == 2 * 8
    assert "things: " not in run_command(*command, "--overwrite").out


def test_without_a_report_none_is_written(measured, tmp_path, run_command):
    own = shutil.copytree(measured, tmp_path / "source")
    (own / "report.json").unlink()
    run_command("paint", own, "--output", own, "--steps", 1, *FLAGS)
    assert not (own / "report.json").exists()


def test_the_colour_map_goes_with_the_decoder_it_was_made_for():
    model = VAE(VAEConfig(4, 3, recolour=True)).eval()
    painted = with_new_decoder(model, "modulated", seed=1)
    assert painted.config == VAEConfig(4, 3, decoder="modulated")
    assert not painted.training
    again = with_new_decoder(model, "modulated", seed=1)
    pairs = zip(painted.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)


def test_a_decoder_may_be_wider_than_its_encoder_and_stays_so(measured, tmp_path, run_command):
    wide, more = tmp_path / "wide", tmp_path / "more"
    run_command(
        "paint", measured, "--output", wide, "--filters", 12, "--fresh", "--steps", 2, *FLAGS
    )
    before, after = encoder_of(measured), encoder_of(wide)
    assert all(torch.equal(before[name], after[name]) for name in before)
    shape = read_config(wide).architecture
    assert (shape.decoder_filters, shape.painting_filters) == (12, 12)
    assert shape.filters == read_config(measured).architecture.filters != 12
    run_command("paint", wide, "--output", more, "--steps", 2, *FLAGS)
    assert read_config(more).architecture == shape
    learnt = read_config(more).learnt_architecture()
    assert learnt == read_config(measured).learnt_architecture()


@pytest.mark.parametrize("kind", ["study", "modulated"])
def test_ignored_dimensions_paint_nothing_and_learn_nothing(kind):
    model = VAE(replace(SHAPE, decoder=kind))
    ignored = torch.zeros(SHAPE.latent_size, dtype=torch.bool)
    ignored[[1, 3]] = True
    ignore_dimensions(model, ignored)
    z = torch.randn(4, SHAPE.latent_size)
    elsewhere = z + 3 * ignored
    optimiser = torch.optim.Adam(model.decoder.parameters(), 0.1)
    before = model.decode(z).detach()
    (model.decode(elsewhere) ** 2).sum().backward()
    optimiser.step()
    with torch.no_grad():
        assert torch.equal(model.decode(z), model.decode(elsewhere))
        assert not torch.equal(model.decode(z), before)


def test_a_draw_from_the_prior_is_painted_by_what_the_codes_move(measured, tmp_path, run_command):
    model = load_checkpoint(measured).model
    with torch.no_grad():  # its last dimension becomes a collapsed one
        head = model.encoder.head[-1]
        head.weight[SHAPE.latent_size - 1] = 0
    start = tmp_path / "collapsed"
    shutil.copytree(measured, start)
    save_checkpoint(start, model, read_config(measured))
    run_command("paint", start, "--output", tmp_path / "out", "--steps", 5, *FLAGS)
    painted = load_checkpoint(tmp_path / "out").model
    z = torch.randn(3, SHAPE.latent_size, generator=torch.Generator().manual_seed(0))
    moved = z.clone()
    moved[:, -1] += 3
    with torch.no_grad():
        assert torch.equal(painted.decode(z), painted.decode(moved))
        assert not torch.equal(painted.decode(z), painted.decode(z + 1))


def test_fine_tuning_is_not_offered_with_the_encoder_at_rest(measured, tmp_path, run_command):
    said = run_command(
        "transfer", "--checkpoint", measured, "--target", "dsprites", "--steps", 1, "--update",
        "decoder", "--output", tmp_path / "out", fails=True,
    ).err  # fmt: skip
    assert "dviz paint" in said
