"""A report against a second measurement."""

from dataclasses import replace

import pytest

from dviz.agreement import disagreements
from dviz.checkpoint import load_checkpoint
from dviz.data.dsprites import ColorDSprites
from dviz.evaluation import measure
from dviz.report import ProbeScore
from tests.ui.material import NAMES


@pytest.fixture(scope="module")
def model(checkpoints):
    return load_checkpoint(checkpoints / NAMES[0]).model


def measured(model, seed=0):
    found, _ = measure(
        model, ColorDSprites(), num_images=900, num_pairs=500, seed=seed, probes=False
    )
    score = ProbeScore("shape", "gbt", "all", 0.5, 0.5, 0.33, 0.03)
    return replace(found, probes=[score])


@pytest.fixture(scope="module")
def stored(model):
    return measured(model)


def test_the_same_seed_measures_the_same(model, stored):
    again = measured(model)
    assert again.association == stored.association
    assert disagreements(stored, again) == []


def test_another_seed_agrees_within_sampling_error(model, stored):
    assert disagreements(stored, measured(model, seed=1)) == []


def test_another_model_does_not(stored):
    import torch

    from dviz.models.vae import VAE

    torch.manual_seed(0)
    other = measured(VAE(load_shape(stored)).eval())
    assert any("association of z" in line for line in disagreements(stored, other))
    assert any("reconstruction" in line for line in disagreements(stored, other))


def load_shape(stored):
    from dviz.models.vae import VAEConfig

    return VAEConfig(filters=8, latent_size=len(stored.active))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_images": 5}, "num_images: report 900, now 5"),
        ({"mse": 1.0}, "mse"),
        ({"probes": []}, "shape: report 0.500, now not measured"),
        ({"probes": [ProbeScore("shape", "gbt", "all", 0.7, 0.7, 0.33, 0.03)]}, "now 0.700"),
    ],
)
def test_what_is_off_is_named(stored, change, words):
    (line,) = disagreements(stored, replace(stored, **change))
    assert words in line


def test_a_small_difference_in_accuracy_is_sampling(stored):
    close = replace(stored, probes=[ProbeScore("shape", "gbt", "all", 0.6, 0.6, 0.33, 0.03)])
    assert disagreements(stored, close) == []
