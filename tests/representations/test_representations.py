"""Whatever a model is made of, its codes and pictures are those it gives when called itself."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import NMF, PCA, KernelPCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn

from dviz.models.vae import VAE, VAEConfig, to_images, to_tensor
from dviz.representations.base import Shape
from dviz.representations.build import as_representation
from dviz.representations.modules import declared_input
from dviz.representations.nearest import NearestPictures
from dviz.representations.outputs import as_codes
from dviz.representations.pictures import fit, from_output
from dviz.representations.reduced import ReducedRepresentation
from tests.representations.models import LATENT, SIZE, Linear


def pictures(n=5, side=64, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def test_a_vae_of_ours_gives_just_what_it_gives_itself():
    torch.manual_seed(0)
    model = VAE(VAEConfig(filters=8, latent_size=4)).eval()
    images = pictures(side=80)
    with torch.inference_mode():
        mean, log_variance = model.encode(to_tensor(images))
        painted = to_images(model.decode(mean))
    found = as_representation(model)
    codes = found.encode(images)
    np.testing.assert_array_equal(codes.mean, mean.numpy())
    np.testing.assert_allclose(codes.std, np.exp(0.5 * log_variance.numpy()), rtol=1e-6)
    np.testing.assert_array_equal(found.decode(codes.mean), painted)
    assert found.shape == Shape(4, (64, 64), 3)


def test_two_functions_are_enough():
    def encode(images):
        return images.reshape(len(images), -1, 3).mean(axis=1)

    def decode(codes):
        return np.broadcast_to(codes[:, None, None] / 255, (len(codes), 4, 4, 3))

    found = as_representation(encode, decode, image_size=16)
    images = np.full((2, 16, 16, 3), [10, 20, 30], dtype=np.uint8)
    codes = found.encode(images)
    np.testing.assert_allclose(codes.mean, [[10, 20, 30]] * 2)
    assert codes.std is None
    assert (found.decode(codes.mean) == [10, 20, 30]).all()
    assert found.reconstruct(images, codes.mean).cross_entropy.shape == (2,)


def test_large_pictures_are_encoded_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr("dviz.representations.base.AT_ONCE", 2 * 16 * 16 * 3)
    seen = []

    def encode(images):
        seen.append(len(images))
        mean = images.mean(axis=(1, 2))
        return mean, np.ones_like(mean)

    found = as_representation(encode, image_size=16)
    images, seen[:] = pictures(5, 16), []
    codes = found.encode(images)
    assert seen == [2, 2, 1]
    np.testing.assert_allclose(codes.mean, images.mean(axis=(1, 2)), rtol=1e-6)
    assert codes.std.shape == codes.mean.shape


def test_an_encoder_alone_paints_nothing():
    found = as_representation(lambda images: images[:, 0, 0])
    assert not found.has_decoder
    assert found.reconstruct(pictures(), np.zeros((5, 3))) is None
    with pytest.raises(ValueError, match="no decoder"):
        found.decode(np.zeros((1, 3)))


def test_a_module_with_both_ways():
    model, images = Linear(), pictures(side=SIZE)
    found = as_representation(model)
    assert found.shape == Shape(LATENT, (SIZE, SIZE), 1)
    grey = torch.from_numpy(fit(images, (SIZE, SIZE), 1)[:, None, :, :, 0]).float() / 255
    mean, log_variance = model.encode(grey)
    codes = found.encode(images)
    np.testing.assert_allclose(codes.mean, mean.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(codes.std, torch.exp(0.5 * log_variance).detach(), atol=1e-6)
    painted = found.decode(codes.mean)
    assert painted.shape == (5, SIZE, SIZE, 3)
    np.testing.assert_allclose(
        painted[..., 0], 255 * model.decode(mean)[:, 0].detach().numpy(), atol=0.51
    )


def test_two_modules():
    encoder = nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.AdaptiveAvgPool2d(1))
    decoder = nn.Sequential(nn.Linear(4, 48), nn.Sigmoid(), nn.Unflatten(1, (3, 4, 4)))
    found = as_representation(encoder, decoder)
    codes = found.encode(pictures()).mean
    assert codes.shape == (5, 4)
    assert found.decode(codes).shape == (5, 4, 4, 3)


def test_a_module_goes_on_training_after_it_was_looked_at():
    encoder = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(48), nn.Dropout(), nn.Linear(48, 2))
    decoder = nn.Sequential(nn.Linear(2, 48), nn.Dropout(), nn.Unflatten(1, (3, 4, 4)))
    encoder[1].eval()  # frozen, as in fine-tuning
    parts = [*encoder.modules(), *decoder.modules()]
    before = [part.training for part in parts]
    found = as_representation(encoder, nn.Sequential(decoder, nn.Sigmoid()), image_size=4)
    encoder[1].train()
    codes = found.encode(pictures(side=4)).mean
    np.testing.assert_array_equal(codes, found.encode(pictures(side=4)).mean)
    np.testing.assert_array_equal(found.decode(codes), found.decode(codes))
    assert encoder[1].num_batches_tracked == 0
    encoder[1].eval()
    found.encode(pictures(side=4))
    assert [part.training for part in parts] == before


def test_pca_is_fitted_where_it_is_not_yet():
    images = pictures(40, 16)
    found = as_representation(PCA(6, random_state=0), images=images)
    assert found.shape == Shape(6, (16, 16), 3)
    fitted = PCA(6, random_state=0).fit(images.reshape(40, -1) / np.float32(255))
    again = as_representation(fitted)
    assert again.shape == found.shape
    np.testing.assert_allclose(again.encode(images).mean, found.encode(images).mean, atol=1e-4)
    assert found.decode(found.encode(images).mean).shape == images.shape
    with pytest.raises(ValueError, match="not fitted"):
        as_representation(PCA(2))


@pytest.mark.parametrize(
    "output",
    [
        np.ones((2, 3)),
        torch.ones(2, 3),
        torch.ones(2, 3, 1, 1),
        (torch.ones(2, 3), torch.zeros(2, 3)),
        {"embedding": torch.ones(2, 3), "log_covariance": torch.zeros(2, 3)},
        SimpleNamespace(latent_dist=torch.distributions.Normal(torch.ones(2, 3), torch.ones(2, 3))),
        torch.distributions.Normal(torch.ones(2, 3), torch.ones(2, 3)),
        SimpleNamespace(pooler_output=torch.ones(2, 3), last_hidden_state=torch.ones(2, 5, 3)),
    ],
)
def test_what_libraries_return_is_understood(output):
    codes = as_codes(output, log_variance=True)
    np.testing.assert_array_equal(codes.mean, np.ones((2, 3)))
    assert codes.std is None or (codes.std == 1).all()


@pytest.mark.parametrize(
    ("encode", "words"),
    [
        (lambda images: images, "shape"),
        (lambda images: images[:1, 0, 0], "for 2 images"),
        (lambda images: np.full((len(images), 2), np.nan), "finite"),
        (lambda images: "codes", "expected codes"),
        (lambda images: (corner(images), -1.0 * corner(images)), "deviations below 0"),
        (lambda images: (corner(images),) * 3, "any of which may be the mean"),
        (3, "expected a function"),
        ("resnet18", "expected a function"),
    ],
)
def test_what_is_no_encoder_is_told_so(encode, words):
    with pytest.raises(ValueError, match=words):
        as_representation(encode).encode(pictures(2))


def test_an_encoder_of_another_size_says_how_to_declare_it():
    with pytest.raises(ValueError, match="image_size="):
        as_representation(nn.Sequential(nn.Flatten(), nn.Linear(50, 2)))


def flat():
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 2))


def painter(latent):
    return nn.Sequential(nn.Linear(latent, 48), nn.Sigmoid(), nn.Unflatten(1, (3, 4, 4)))


def corner(images):
    return images[:, 0, 0]


@pytest.mark.parametrize(
    ("encode", "decode", "words"),
    [
        (flat(), corner, "encode is a torch module and decode is a function; expected two of one"),
        (corner, painter(3), "encode is a function and decode is a torch module"),
        ("encoder.onnx", corner, "encode is the path of a file and decode is a function"),
        (corner, 3, "decode is int"),
        ("timm:resnet18", corner, "leave decode= out"),
        (PCA(2), corner, "encode is PCA, which brings its own way back"),
        (flat(), painter(5), "two codes of 2 numbers, as many as encode gives"),
        (corner, lambda codes: codes @ np.ones((5, 48)), "two codes of 3 numbers"),
        (corner, lambda codes: codes, r"decode gave an array of shape \(2, 3\)"),
    ],
)
def test_a_decoder_that_does_not_fit_is_told_so_at_once(encode, decode, words):
    with pytest.raises(ValueError, match=words):
        as_representation(encode, decode, image_size=4)


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16])
def test_modules_get_numbers_of_the_type_of_their_weights(kind):
    torch.manual_seed(0)
    encoder, decoder = flat(), painter(2)
    plain = as_representation(encoder, decoder, image_size=4)
    images = pictures(side=4)
    codes = plain.encode(images).mean
    painted = plain.decode(codes).astype(int)
    found = as_representation(encoder.to(kind), decoder.to(kind), image_size=4)
    np.testing.assert_allclose(found.encode(images).mean, codes, atol=0.02)
    assert np.abs(found.decode(codes) - painted).max() <= 3


def test_declared_inputs_are_read():
    timm = nn.Linear(5, 2)
    timm.pretrained_cfg = {"input_size": (3, 224, 224)}
    assert declared_input(timm) == ((224, 224), 3)
    pythae = nn.Linear(5, 2)
    pythae.model_config = SimpleNamespace(input_dim=(1, 28, 28))
    assert declared_input(pythae) == ((28, 28), 1)
    transformers = nn.Linear(5, 2)
    transformers.config = SimpleNamespace(image_size=96, num_channels=3)
    assert declared_input(transformers) == ((96, 96), 3)


@pytest.mark.parametrize(
    "values",
    [np.full((2, 4, 4, 3), 0.5), np.full((2, 3, 4, 4), 0.5), np.full((2, 4, 4), 0.5)],
)
def test_pixels_of_any_layout(values):
    found = from_output(values, 2)
    assert found.shape[:3] == (2, 4, 4)
    assert (found == 0.5).all()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((2, 5)), "shape"),
        (np.zeros((3, 4, 4, 3)), "for 2 codes"),
        (np.full((2, 4, 4, 3), np.inf), "finite"),
        (np.full((2, 4, 4, 3), -4.0), "sigmoid"),
        (np.zeros((2, 4, 4, 3), dtype="U1"), "expected uint8"),
    ],
)
def test_what_is_no_picture_is_told_so(values, words):
    with pytest.raises(ValueError, match=words):
        from_output(values, 2)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(0, 255))
def test_a_picture_of_one_colour_stays_so_in_any_size(height, width, channels, value):
    images = np.full((1, 12, 20, 3), value, dtype=np.uint8)
    found = fit(images, (height, width), channels)
    assert found.shape == (1, height, width, channels)
    assert (found == value).all()


def test_a_timm_model_sees_what_it_was_trained_with():
    class Mean(nn.Module):
        def forward(self, x):
            return x.mean((2, 3))

    module = Mean()
    module.pretrained_cfg = {"input_size": (3, 8, 8), "mean": (0.5, 0, 1), "std": (0.5, 2, 1)}
    grey = np.full((1, 8, 8, 3), 255, dtype=np.uint8)
    np.testing.assert_allclose(as_representation(module).encode(grey).mean, [[1, 0.5, 0]])


@pytest.mark.parametrize("kind", [np.float64, np.int64])
def test_pixels_up_to_255_are_told_on_a_black_background_too(kind):
    image = np.zeros((1, 64, 64, 3), dtype=kind)
    image[:, 20:30, 20:30] = (200, 100, 50)
    with pytest.raises(ValueError, match="expected uint8, or floats in"):
        from_output(image, 1)


def test_components_and_neighbours_do_not_depend_on_an_offset():
    rng = np.random.default_rng(0)
    images = pictures(300, side=4)
    mixing = rng.normal(size=(48, 80)) / 300

    def encoder(offset):
        return lambda x: x.reshape(len(x), -1) @ mixing + offset

    near, far = (
        ReducedRepresentation(as_representation(encoder(offset), image_size=4), 5, images)
        for offset in (0.0, 1000.0)
    )
    codes = [r.encode(images).mean for r in (near, far)]
    match = np.corrcoef(*(c.T for c in codes))[:5, 5:]
    assert np.abs(np.diag(match)).min() > 0.99
    away = (codes[0] + 3000).astype(np.float32)
    found = NearestPictures(near, away, images).decode(away)
    assert (found == images).all(axis=(1, 2, 3)).mean() > 0.99


def test_a_model_of_transformers_is_called_itself():
    """What it calls its encoder reads embeddings of patches."""

    class Vision(nn.Module):
        main_input_name = "pixel_values"

        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 4, 8, stride=8)
            self.encoder = nn.Linear(7, 7)

        def forward(self, pixels):
            found = self.first(pixels).flatten(2).mean(2)
            return SimpleNamespace(last_hidden_state=found[:, None], pooler_output=found)

    class Own(Vision):
        def encode(self, pixels):
            return self.first(pixels).flatten(1)

    assert as_representation(Own(), image_size=(16, 16)).latent_size == 16
    found = as_representation(Vision(), image_size=(16, 16))
    assert found.encode(np.zeros((2, 16, 16, 3), np.uint8)).mean.shape == (2, 4)


@pytest.mark.parametrize("kind", [torch.uint8, torch.bfloat16])
def test_decoders_may_give_tensors_of_any_type(kind):
    def white(codes):
        return torch.full((len(codes), 8, 8, 3), 255 if kind == torch.uint8 else 1, dtype=kind)

    found = as_representation(lambda x: x.reshape(len(x), -1)[:, :2], white, image_size=(8, 8))
    assert found.decode(np.zeros((2, 2))).min() == 255


def test_what_only_looks_like_scikit_learn_is_fitted_too():
    class Mean:
        def fit(self, rows):
            self.mean_ = rows.mean(axis=0)
            return self

        def transform(self, rows):
            return (rows - self.mean_)[:, :2]

    assert as_representation(Mean(), images=pictures(6, 8)).latent_size == 2


def test_an_inverse_that_was_never_fitted_is_none():
    rows = pictures(8, 4).reshape(8, -1) / 255.0
    found = as_representation(KernelPCA(2).fit(rows))
    assert found.latent_size == 2
    assert not found.has_decoder


def test_what_insists_on_the_type_it_was_fitted_to_gets_it():
    images = pictures(8, 4)
    rows = images.reshape(8, -1) / np.float32(255)
    assert as_representation(NMF(2, tol=1).fit(rows), images=images).latent_size == 2
    assert as_representation(NMF(2, tol=1), images=images).latent_size == 2


def test_what_needs_labels_is_to_be_fitted_before():
    images = pictures(8, 4)
    with pytest.raises(ValueError, match="LinearDiscriminantAnalysis cannot be fitted to images"):
        as_representation(LinearDiscriminantAnalysis(), images=images)
    fitted = LinearDiscriminantAnalysis().fit(images.reshape(8, -1) / 255.0, [0, 1, 2, 3] * 2)
    assert as_representation(fitted).latent_size == 3


def test_fitting_leaves_the_callers_transformer_as_it_was():
    pca = PCA(2)
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    as_representation(pca, images=images)
    assert not hasattr(pca, "components_")


def test_components_of_a_vae_of_ours_are_painted():
    torch.manual_seed(0)
    whole = as_representation(VAE(VAEConfig(filters=8, latent_size=4)))
    images = pictures(12)
    found = ReducedRepresentation(whole, 4, images)  # all of them, so that nothing is lost
    painted = found.decode(found.encode(images).mean).astype(int)
    assert np.abs(painted - whole.decode(whole.encode(images).mean)).max() <= 1
    assert ReducedRepresentation(whole, 2, images).decode(np.zeros((3, 2))).shape == (3, 64, 64, 3)
    assert whole.decode(np.zeros((0, 4))).shape == (0, 64, 64, 3)
