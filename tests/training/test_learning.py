"""Each objective and each kind of supervision moves the quantity that it is there to move."""

import copy
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from dviz.models.vae import to_tensor
from dviz.models.weak import changed_by_count, changed_by_divergence
from dviz.training.config import TrainingConfig
from dviz.training.loop import train
from tests.training.problems import codes, fresh, history, weights

PLAIN = TrainingConfig(
    steps=60, batch_size=24, learning_rate=5e-3, schedule="constant", beta=1.0, untied_beta=1.0,
    beta_warmup=0.0, supervision="none", discriminator_units=64, discriminator_rate=1e-3,
)  # fmt: skip


@pytest.fixture(scope="module")
def tangled(squares, tmp_path_factory):
    """A plain autoencoder: it reconstructs, and its dimensions say the same things."""
    model, folder = fresh(filters=4), tmp_path_factory.mktemp("tangled")
    config = replace(PLAIN, steps=80, learning_rate=1e-2, objective="autoencoder")
    train(model, squares, replace(config, schedule="one-cycle"), folder)
    return model


@pytest.fixture(scope="module")
def go_on(tangled, squares, tmp_path_factory):
    """Train a copy of the tangled model on; the model, and what its history says last."""

    @cache
    def run(**settings):
        model, folder = copy.deepcopy(tangled), tmp_path_factory.mktemp("run")
        train(model, squares, replace(PLAIN, **settings), folder)
        return model, history(folder)[-1]

    return run


def correlation_of(model, squares):
    """Total correlation of the posterior means were they Gaussian, nats."""
    z, _ = codes(model, squares)
    return -0.5 * np.linalg.slogdet(np.corrcoef(z.T))[1]


def test_an_autoencoder_reconstructs_better_than_it_regularises(tangled, go_on, squares):
    _, plain = go_on(objective="autoencoder")
    _, regular = go_on(beta=50.0)
    assert plain["reconstruction"] < regular["reconstruction"]
    assert sum(plain["kl"]) > 10 * sum(regular["kl"])


def test_capacity_is_what_the_kl_settles_at(go_on):
    _, held_down = go_on(beta=50.0)
    _, allowed = go_on(beta=50.0, capacity=30.0, capacity_rise=0.25)
    assert sum(held_down["kl"]) < 10
    assert 20 < sum(allowed["kl"]) < 40


def test_beta_tcvae_lowers_the_total_correlation(go_on, squares):
    weak, _ = go_on(objective="beta-tcvae", beta=1.0)
    strong, _ = go_on(objective="beta-tcvae", beta=100.0)
    assert correlation_of(strong, squares) < 0.8 * correlation_of(weak, squares)


def test_beta_tcvae_at_beta_1_is_the_elbo(go_on):
    elbo, _ = go_on(steps=20)
    same, _ = go_on(steps=20, objective="beta-tcvae")
    assert torch.allclose(weights(elbo), weights(same), rtol=1e-3, atol=1e-5)


def test_the_discriminator_learns_and_lowers_the_total_correlation(go_on, squares):
    _, last = go_on(objective="factor-vae", beta=0.0, learning_rate=1e-7)
    assert last["discriminator"] < 0.7 * math.log(2)
    moved, _ = go_on(objective="factor-vae", beta=40.0)
    plain, _ = go_on()
    assert correlation_of(moved, squares) < 0.8 * correlation_of(plain, squares)


def test_the_gaussian_loss_is_learnt_from_too(go_on):
    _, last = go_on(reconstruction="gaussian", beta=0.01, steps=50)
    _, first = go_on(reconstruction="gaussian", beta=0.01, steps=1)
    assert last["reconstruction"] < 0.9 * first["reconstruction"]


@pytest.fixture(scope="module")
def tied(squares, tmp_path_factory):
    """A model whose first dimensions carry the column and the row, taught by labels."""
    return learn_from_pairs(squares, tmp_path_factory.mktemp("tied"), supervision="labels")


def learn_from_pairs(squares, folder, model=None, **settings):
    model = model or fresh(filters=4)
    config = replace(PLAIN, steps=120, batch_size=12, learning_rate=1e-2, k=1)
    train(model, squares, replace(config, **settings), folder)
    return model


def strength(model, squares):
    """|correlation| (D, 2) of every dimension with the column and the row."""
    z, classes = codes(model, squares)
    return np.abs(np.corrcoef(z.T, classes.T)[:4, 4:6])


def test_labels_tie_dimension_j_to_factor_j(tied, squares):
    assert strength(tied, squares).argmax(axis=0).tolist() == [0, 1]
    assert strength(tied, squares)[[0, 1], [0, 1]].min() > 0.6


def test_some_labels_do_too(squares, tmp_path):
    model = learn_from_pairs(squares, tmp_path, supervision="labels", labelled=0.6)
    assert strength(model, squares).argmax(axis=0).tolist() == [0, 1]


@pytest.mark.parametrize("supervision", ["adaptive", "known-k"])
def test_the_aggregator_finds_the_changed_dimension_above_chance(
    tied, squares, tmp_path, supervision
):
    """Also after learning on without labels: what it found it keeps."""
    model = learn_from_pairs(
        squares, tmp_path, copy.deepcopy(tied), supervision=supervision, steps=40
    )
    carrier = strength(model, squares).argmax(axis=0)
    first, second, differ = squares.sample_pairs(600, np.random.default_rng(1), 1)
    moved = differ[:, :2].any(axis=1)  # brightness is learnt last
    truth = carrier[differ[moved].argmax(axis=1)]
    with torch.no_grad():
        pair = [v for x in (first, second) for v in model.encode(to_tensor(x[moved]))]
        if supervision == "adaptive":
            found = changed_by_divergence(*pair).numpy()
        else:
            found = changed_by_count(*pair, torch.ones(len(truth), dtype=torch.long)).numpy()
    hits = found[np.arange(len(truth)), truth].mean()
    assert hits > found.mean() + 0.25


def test_labelled_images_make_the_code_easier_to_read(go_on, squares):
    def accuracy(model):
        z, classes = codes(model, squares, 1024)
        probes = [
            LogisticRegression(max_iter=200).fit(z[:512, [j]], classes[:512, j]) for j in range(3)
        ]
        return np.mean([p.score(z[512:, [j]], classes[512:, j]) for j, p in enumerate(probes)])

    without, _ = go_on()
    with_labels, last = go_on(labelled_images=64, regression_weight=200.0)
    assert accuracy(with_labels) > accuracy(without) + 0.1
    assert last["regression"] < 1


def test_labelled_images_tie_the_dimensions_that_are_asked_for(go_on, squares):
    model, _ = go_on(labelled_images=64, regression_weight=200.0, ties=(3, 0, 1))
    z, classes = codes(model, squares)
    correlation = np.corrcoef(z.T, classes.T)[:4, 4:]
    assert correlation[[3, 0], [0, 1]].min() > 0.7


def test_averaged_weights_are_kept(go_on):
    last, _ = go_on(steps=30, learning_rate=1e-2)
    averaged, _ = go_on(steps=30, learning_rate=1e-2, ema=0.9)
    short, _ = go_on(steps=30, learning_rate=1e-2, ema=1e-9)
    assert torch.allclose(weights(last), weights(short), atol=1e-5)
    assert not torch.allclose(weights(last), weights(averaged), atol=1e-3)
