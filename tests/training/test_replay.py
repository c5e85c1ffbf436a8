"""The Source's images over pixels of the Target, and its decoder in the Target's colours."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dviz.models.vae import VAEConfig, to_tensor
from dviz.training.config import TrainingConfig
from dviz.training.loop import train
from dviz.training.replay import Replay, background_colour, start_colours
from tests.training.problems import Squares, codes, fresh, history

CONFIG = TrainingConfig(
    steps=6, batch_size=8, learning_rate=3e-3, supervision="none", freeze_statistics=True
)


class NoisySquares(Squares):
    """The squares before noise: every background pixel any colour."""

    name = "noisy-squares"

    def render(self, classes, rng=None):
        images = super().render(classes)
        noise = rng.integers(0, 256, images.shape, dtype=np.uint8)
        return np.where(images > 0, images, noise)


@pytest.fixture(scope="module")
def noisy():
    return NoisySquares()


def sample(dataset, n=16):
    return to_tensor(dataset.sample(n, np.random.default_rng(1))[0])


def generator():
    return torch.Generator().manual_seed(0)


def test_a_scene_stays_and_what_lies_behind_becomes_the_target(squares):
    images, target = sample(squares), torch.full((2, 3, 64, 64), 0.25)
    target[1] = 0.75
    shown = Replay(fresh(), squares, "cpu", 0).over(images, target, generator())
    scene = images > 0.3  # below, a colour is neither scene nor background
    assert (shown[scene] == images[scene]).all()
    behind = shown[images == 0]
    assert set(behind.tolist()) == {0.25, 0.75}
    assert 0.45 < (behind == 0.75).float().mean() < 0.55


def test_the_sources_own_encoder_has_nothing_to_learn_where_nothing_changes(squares, noisy):
    model = fresh().eval()
    replay = Replay(model, squares, "cpu", 0)
    black = torch.zeros(1, 3, 64, 64)
    same = replay.loss(model, sample(squares), black, generator())
    other = replay.loss(model, sample(squares), sample(noisy), generator())
    assert same.item() == pytest.approx(0, abs=0.01)
    assert other.item() > 10 * same.item()


def test_the_loss_is_the_divergence_of_the_two_posteriors(squares):
    model = fresh().eval()
    replay = Replay(model, squares, "cpu", 0)
    images, black = sample(squares), torch.zeros(1, 3, 64, 64)
    with torch.no_grad():
        model.encoder.head[-1].bias += torch.randn(8, generator=generator())
        p, q = (
            torch.distributions.Normal(mean, (0.5 * log_variance).exp())
            for mean, log_variance in (replay._teacher.encode(images), model.encode(images))
        )
        expected = torch.distributions.kl_divergence(p, q).sum(1).mean()
        loss = replay.loss(model, images, black, generator())
    assert loss.item() == pytest.approx(expected.item(), rel=0.02)
    replay.means = 3.0
    squares_of_means = (p.mean - q.mean).square().sum(1).mean()
    with torch.no_grad():
        more = replay.loss(model, images, black, generator()) - loss
    assert more.item() == pytest.approx(3 * squares_of_means.item(), rel=0.02)


def test_means_count_only_where_there_is_replay():
    with pytest.raises(ValueError, match="replay_means is 2"):
        TrainingConfig(steps=1, replay_means=2)


def test_what_fills_most_of_an_image_is_its_background(squares):
    assert background_colour(sample(squares)).tolist() == [0, 0, 0]


def test_a_colour_map_starts_by_changing_nothing():
    model = fresh().eval()
    other = model.with_colours()
    assert other.config == replace(model.config, recolour=True)
    assert other.with_colours() is other
    z = torch.randn(4, 4, generator=generator())
    assert torch.allclose(model.decode(z), other.decode(z), atol=1e-6)


class Flag(torch.nn.Module):
    """Draws a black image with one stripe of each of two colours, whatever the code."""

    STRIPES = ((1.0, 0.2, 0.2), (0.1, 0.4, 0.9))

    def __init__(self):
        super().__init__()
        self.config = VAEConfig(4, 2)
        self.decoder = torch.nn.Module()
        self.decoder.draw = self.draw
        self.decoder.colours = torch.nn.Conv2d(3, 3, 1)

    def draw(self, z):
        image = torch.zeros(len(z), 3, 64, 64)
        for column, colour in zip((10, 30), self.STRIPES, strict=True):
            image[:, :, :, column : column + 8] = torch.tensor(colour)[:, None, None]
        return torch.logit(image, eps=1e-4)


def test_the_background_starts_as_the_targets_mean_and_scenes_keep_their_colours(noisy):
    model = Flag()
    start_colours(model, noisy, seed=0)
    with torch.no_grad():
        shown = model.decoder.colours(torch.sigmoid(model.draw(torch.zeros(1, 2))))[0]
    mean = sample(noisy, 256).mean((0, 2, 3))
    assert torch.allclose(shown[:, 0, 0], mean, atol=0.02)
    for column, colour in zip((10, 30), Flag.STRIPES, strict=True):
        assert torch.allclose(shown[:, 0, column], torch.tensor(colour), atol=0.01)


def test_the_decoder_learns_colours_alone(squares, noisy, tmp_path):
    model = fresh().with_colours()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train(model, noisy, replace(CONFIG, update="encoder-and-colours"), tmp_path)
    moved = {name for name, value in model.state_dict().items() if (value != before[name]).any()}
    assert {name for name in moved if name.startswith("decoder.")} == {
        "decoder.colours.weight",
        "decoder.colours.bias",
    }
    assert any(name.startswith("encoder.") for name in moved)


def test_what_is_missing_is_named(squares, noisy, tmp_path):
    with pytest.raises(ValueError, match="Source's dataset"):
        train(fresh(), noisy, replace(CONFIG, replay=1.0), tmp_path)
    with pytest.raises(ValueError, match="with_colours"):
        train(fresh(), noisy, replace(CONFIG, update="encoder-and-colours"), tmp_path)


def test_a_replayed_run_resumes_exactly(squares, noisy, tmp_path):
    config = replace(CONFIG, update="encoder-and-colours", replay=2.0, reestimate_statistics=20)
    runs = [fresh().with_colours() for _ in range(2)]

    def fail(progress):
        raise ZeroDivisionError

    train(runs[0], noisy, config, tmp_path / "whole", source=squares)
    broken = fresh().with_colours()
    with pytest.raises(ZeroDivisionError):
        train(broken, noisy, config, tmp_path / "b", source=squares, save_every=4, on_step=fail)
    train(runs[1], noisy, config, tmp_path / "b", source=squares, resume=True)
    for name, value in runs[0].state_dict().items():
        assert (value == runs[1].state_dict()[name]).all(), name
    assert history(tmp_path / "whole") == history(tmp_path / "b")
    assert "replay" in history(tmp_path / "b")[-1]


def test_replay_brings_the_factors_back(squares, noisy, tmp_path):
    """A Source that knows column and row loses them in noise; no label is needed to regain them."""
    labels = TrainingConfig(
        steps=160, batch_size=16, learning_rate=1e-2, schedule="constant", beta=1.0,
        untied_beta=1.0, beta_warmup=0.0, k=1,
    )  # fmt: skip
    source = fresh(filters=4)
    train(source, squares, labels, tmp_path / "source")
    tuned = source.with_colours()
    replayed = replace(
        CONFIG, steps=120, batch_size=16, update="encoder-and-colours", replay=50.0,
        reestimate_statistics=100,
    )  # fmt: skip
    train(tuned, noisy, replayed, tmp_path / "tuned", source=squares)
    known = strength(source, squares)
    direct, regained = (strength(model, noisy) for model in (source, tuned))
    assert known > 0.9
    assert direct < 0.2
    assert regained > 0.45


def strength(model, dataset):
    """Mean |correlation| of dimensions 0 and 1 with the column and the row."""
    z, classes = codes(model, dataset)
    return np.mean([abs(np.corrcoef(z[:, j], classes[:, j])[0, 1]) for j in range(2)])
