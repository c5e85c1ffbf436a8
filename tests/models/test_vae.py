import numpy as np
import pytest
import torch

from dviz.models.vae import VAE, VAEConfig, sample_posterior, to_images, to_tensor


@pytest.mark.parametrize(("filters", "latent_size"), [(4, 1), (8, 10), (32, 6)])
def test_shapes_and_ranges(filters, latent_size):
    model = VAE(VAEConfig(filters, latent_size)).eval()
    x = torch.rand(3, 3, 64, 64)
    mean, log_variance = model.encode(x)
    assert mean.shape == log_variance.shape == (3, latent_size)
    y = model(x)
    assert y.shape == x.shape
    assert 0 <= y.min() <= y.max() <= 1


def test_the_study_s_architecture_has_its_channels():
    model = VAE(VAEConfig(128, 10))
    weights = [w.shape for w in model.parameters() if w.ndim == 4]
    assert weights == [
        (32, 3, 4, 4),
        (64, 32, 4, 4),
        (128, 64, 4, 4),
        (128, 64, 4, 4),
        (64, 32, 4, 4),
        (32, 3, 4, 4),
    ]


def test_images_survive_the_trip_through_tensors():
    images = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    x = to_tensor(images)
    assert x.dtype == torch.float32
    assert x.shape == (5, 3, 64, 64)
    assert (x[0, 1] == torch.from_numpy(images[0, :, :, 1]).float() / 255).all()
    assert (to_images(x) == images).all()


def test_larger_images_are_averaged_down():
    images = np.zeros((1, 128, 128, 3), dtype=np.uint8)
    images[:, ::2] = 200
    assert (to_images(to_tensor(images)) == 100).all()


@pytest.mark.parametrize("images", [np.zeros((64, 64, 3), np.uint8), np.zeros((1, 64, 64, 3))])
def test_other_arrays_are_refused(images):
    with pytest.raises(ValueError, match="images must be uint8"):
        to_tensor(images)


def test_posterior_samples_have_the_posterior_s_moments():
    mean = torch.tensor([[1.0, -2.0]]).expand(20_000, 2)
    log_variance = torch.tensor([[0.0, -4.0]]).expand(20_000, 2)
    draws = [
        sample_posterior(mean, log_variance, torch.Generator().manual_seed(s)) for s in (1, 1, 2)
    ]
    assert (draws[0] == draws[1]).all()
    assert (draws[0] != draws[2]).any()
    assert torch.allclose(draws[0].mean(0), mean[0], atol=0.03)
    assert torch.allclose(draws[0].std(0), torch.exp(log_variance[0] / 2), rtol=0.03)


@pytest.mark.parametrize(
    "config",
    [
        {"filters": 6},
        {"filters": 0},
        {"latent_size": 0},
        {"encoder": "wide"},
        {"decoder": "wide"},
        {"decoder": "modulated", "decoder_hidden": 8},
        {"decoder_filters": 6},
    ],
)
def test_odd_architectures_are_refused(config):
    with pytest.raises(ValueError, match=r"is (6|0|8|'wide')"):
        VAEConfig(**config)


def test_an_architecture_says_what_it_is():
    assert VAEConfig(32, 10, 256).summary == (
        "channels 8, 16, 32; 10 latent dimensions; 256 hidden units in the decoder"
    )
    config = VAEConfig(8, 4, encoder="deep", decoder="modulated", recolour=True)
    assert config.summary == (
        "channels 2, 4, 8; 4 latent dimensions; deep encoder; modulated decoder; "
        "a map of colours behind it"
    )
    assert VAEConfig(8, 4, encoder="imagenet").summary == (
        "channels 2, 4, 8; 4 latent dimensions; 64 hidden units behind EfficientNet-Lite0 as the "
        "encoder"
    )
