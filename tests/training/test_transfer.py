"""Ways of carrying a model to a Target, and stopping in time."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from dviz.checkpoint import SOURCE, CheckpointConfig, read_config, save_checkpoint
from dviz.data import load_dataset
from dviz.errors import DatasetError
from dviz.files import write_json
from dviz.models.objectives import OBJECTIVES
from dviz.models.vae import to_tensor
from dviz.training.batches import draw_batch, held_out_images
from dviz.training.config import TrainingConfig
from dviz.training.learner import held_out_loss
from dviz.training.loop import train
from dviz.training.processes import Processes
from dviz.training.samples import sample_sheet
from dviz.training.schedule import weights_at
from dviz.training.statistics import reestimate_statistics
from tests.data.material import write_folder
from tests.training.problems import fresh, history, weights

CONFIG = TrainingConfig(steps=6, batch_size=8, learning_rate=3e-3, supervision="none", beta=1.0)


def moved(model, before):
    """Names of everything in the model that is not as it was."""
    return {name for name, value in model.state_dict().items() if (value != before[name]).any()}


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def is_statistic(name):
    return "running" in name or "num_batches" in name


def test_encoder_only_leaves_the_decoder(squares, tmp_path):
    model = fresh()
    before = state(model)
    train(model, squares, replace(CONFIG, update="encoder"), tmp_path)
    changed = moved(model, before)
    assert changed
    assert all(name.startswith("encoder.") for name in changed)
    assert all(weight.requires_grad for weight in model.parameters())


def test_frozen_statistics_stay(squares, tmp_path):
    model = fresh()
    before = state(model)
    train(model, squares, replace(CONFIG, freeze_statistics=True), tmp_path)
    assert not any(map(is_statistic, moved(model, before)))


def test_reestimated_statistics_are_those_of_the_target(squares):
    model = fresh().eval()
    before = state(model)
    reestimate_statistics(model, squares, 512, seed=0)
    assert all(map(is_statistic, moved(model, before)))
    assert not model.training
    images, _ = squares.sample(2000, np.random.default_rng(9))
    with torch.no_grad():
        first = model.encoder.convolutions[0](to_tensor(images))
    norm = model.encoder.convolutions[1]
    assert torch.allclose(norm.running_mean, first.mean((0, 2, 3)), atol=0.01)
    assert torch.allclose(norm.running_var, first.var((0, 2, 3)), rtol=0.1, atol=1e-4)
    assert norm.momentum == 0.1


def test_reestimated_statistics_do_not_depend_on_those_before(squares):
    one, other = fresh(), fresh()
    with torch.no_grad():
        other.encoder.convolutions[1].running_mean.fill_(7)
    for model in (one, other):
        reestimate_statistics(model, squares, 100, seed=0)
    assert (weights(one) == weights(other)).all()


def test_a_run_never_sees_its_held_out_images(squares):
    config = replace(CONFIG, patience=1, held_out=10_000, batch_size=256)
    held_out = held_out_images(squares, config)
    assert len(held_out.images) == 25  # a tenth of the dataset
    known = to_tensor(squares.images(np.arange(256))).flatten(1)
    for step in range(3):
        batch = draw_batch(squares, config, step, 4, "cpu", Processes(), held_out=held_out)
        seen = torch.cdist(batch.x.flatten(1), known).argmin(1).numpy()
        assert not np.isin(seen, held_out.indices).any()


def test_of_a_single_image_none_can_be_held_out(tmp_path):
    write_folder(tmp_path / "one", ["image", "photo00.png"])
    dataset = load_dataset("folder", tmp_path / "one")
    with pytest.raises(DatasetError, match=r"one has one image.*--patience 0"):
        held_out_images(dataset, replace(CONFIG, patience=1))
    assert held_out_images(dataset, CONFIG) is None


def test_it_stops_when_the_held_out_loss_does_not_fall_and_goes_back(squares, tmp_path):
    """A rate that grows absurd after a few steps: the best weights are early ones."""
    model = fresh()
    config = replace(
        CONFIG, steps=400, learning_rate=0.3, clip=1e3, patience=3, check_every=5, held_out=20
    )
    done = train(model, squares, config, tmp_path).steps
    assert done < 400
    losses = {line["step"]: line["held_out"] for line in history(tmp_path) if "held_out" in line}
    best = min(losses, key=losses.get)
    assert done == best + 15
    held_out = held_out_images(squares, config)
    objective = OBJECTIVES[config.objective](config, 4, squares.num_images, "cpu")
    final = weights_at(config.steps, config, 4, tied=3)
    loss = held_out_loss(model, objective, held_out, final, config.seed)
    assert loss == pytest.approx(losses[best], rel=1e-5)
    again = fresh()
    assert train(again, squares, config, tmp_path, resume=True).steps == done
    assert (weights(again) == weights(model)).all()


def test_a_sheet_shows_images_reconstructions_and_every_dimension(squares, tmp_path):
    model = fresh(latent_size=3)
    sheet = sample_sheet(model, squares)
    assert sheet.shape == (5 * 64, 8 * 64, 3)
    assert sheet.dtype == np.uint8
    assert model.training
    train(model, squares, CONFIG, tmp_path, sheet_every=3)
    assert [p.name for p in sorted((tmp_path / "samples").iterdir())] == [
        "step-000003.png",
        "step-000006.png",
    ]


def test_event_files_hold_the_history(squares, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(fresh(), squares, CONFIG, tmp_path, tensorboard=True)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    (scalar,) = events.Scalars("reconstruction")
    last = history(tmp_path)[-1]
    assert (scalar.step, scalar.value) == (6, pytest.approx(last["reconstruction"]))
    assert {f"kl/{d}" for d in range(4)} <= set(events.Tags()["scalars"])


@pytest.fixture
def source(tmp_path):
    dataset, model = load_dataset("color-dsprites"), fresh(latent_size=8, filters=4)
    config = CheckpointConfig(
        "source", SOURCE, dataset.name, dataset.space.factors, model.config, source=dataset.name
    )
    save_checkpoint(tmp_path / "source", model, config)
    return tmp_path / "source"


def test_the_lineage_is_a_chain_of_checkpoints(source, tmp_path, run_command):
    target = ["--target", "dsprites", "--threads", 1]
    direct, tuned = tmp_path / "direct", tmp_path / "tuned"
    run_command(
        "transfer", "--checkpoint", source, *target, "--output", direct,
        "--reestimate-statistics", 64,
    )  # fmt: skip
    flags = ["--steps", 3, "--batch-size", 8, "--encoder-rate", 0.3]
    run_command("transfer", "--checkpoint", direct, *target, "--output", tuned, *flags)
    first, second = read_config(direct), read_config(tuned)
    assert (first.kind, first.parent, first.source) == ("direct", "source", "color-dsprites")
    assert (second.kind, second.parent, second.source) == (
        "fine-tuned", "direct", "color-dsprites",
    )  # fmt: skip
    assert first.training == {"reestimate_statistics": 64, "seed": 0}
    assert second.training["encoder_rate"] == 0.3
    assert "objective" not in second.training  # at rest


def test_labelled_images_keep_the_source_s_dimensions_for_factors_of_the_same_name(
    source, tmp_path, run_command
):
    run_command(
        "transfer", "--checkpoint", source, "--target", "dsprites", "--output", tmp_path / "out",
        "--steps", 2, "--batch-size", 8, "--labelled-images", 16, "--threads", 1,
    )  # fmt: skip
    training = json.loads((tmp_path / "out" / "config.json").read_text())["training"]
    assert training["ties"] == [1, 2, 3, 4, 5]  # colour, the first of the Source, is not varied
    assert training["labelled_images"] == 16
    assert 0 < training["seconds"] < 600
    assert "torch" in training["machine"]


def test_dimensions_that_the_source_left_untied_can_be_kept_quiet(source, tmp_path, run_command):
    flags = ["--target", "dsprites", "--steps", 2, "--batch-size", 8, "--untied-beta", 32]
    tuned, again = tmp_path / "tuned", tmp_path / "again"
    for parent, output in ((source, tuned), (tuned, again)):
        run_command(
            "transfer", "--checkpoint", parent, *flags, "--output", output, "--threads", 1
        )  # fmt: skip
        assert read_config(output).training["untied_beta"] == 32
        assert read_config(output).training["tied"] == 6


def test_labelled_images_are_read_off_where_a_circle_s_source_keeps_each_factor(
    source, tmp_path, run_command
):
    config = read_config(source)
    write_json(
        source / "config.json",
        replace(config, training={"supervision": "labels", "cyclic_dimensions": 2}).to_dict(),
    )
    run_command(
        "transfer", "--checkpoint", source, "--target", "noisy-color-dsprites", "--output",
        tmp_path / "out", "--steps", 1, "--batch-size", 4, "--labelled-images", 8, "--threads", 1,
    )  # fmt: skip
    owners = config.space.ties(2)
    first = [owners.index(j) for j in range(len(config.factors))]
    assert first != list(range(len(first)))
    assert read_config(tmp_path / "out").training["ties"] == first
