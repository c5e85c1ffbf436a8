"""What is exported gives what the model gives, and a folder of ONNX files is a checkpoint."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from dviz.checkpoint import (
    CODES,
    CONFIG,
    DECODER,
    ENCODER,
    THUMBNAILS,
    WEIGHTS,
    load_checkpoint,
    read_thumbnails,
)
from dviz.data.arrays import ArrayDataset
from dviz.data.table import UNKNOWN
from dviz.errors import CheckpointError
from dviz.factors import Factor, FactorSpace
from dviz.measuring.encoder import evaluate_checkpoint
from dviz.measuring.external import save_external
from dviz.measuring.files import read_representations
from dviz.measuring.report import read_report
from dviz.models.vae import VAE, VAEConfig
from dviz.representations.build import as_representation
from dviz.representations.export import _modules, export_onnx
from dviz.representations.onnx_files import OnnxRepresentation
from dviz.representations.pictures import as_planes, from_output
from tests.representations.models import SIZE, Discs, Linear, write_decoder, write_encoder
from tests.ui.material import NAMES


def pictures(n=5, side=64):
    return np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def same(one, other, images):
    """Whether two representations agree as closely as is asked of an export."""
    first, second = one.encode(images), other.encode(images)
    np.testing.assert_allclose(first.mean, second.mean, atol=1e-4)
    if first.std is not None:
        np.testing.assert_allclose(first.std, second.std, atol=1e-4)
    a, b = (r.decode(first.mean).astype(int) for r in (one, other))
    assert np.abs(a - b).max() <= 1


def test_a_vae_of_ours(tmp_path):
    torch.manual_seed(0)
    model = as_representation(VAE(VAEConfig(8, 4, decoder_hidden=16, recolour=True)))
    found = export_onnx(model, tmp_path / ENCODER, tmp_path / DECODER)
    assert found.codes <= 1e-4
    assert found.pixels <= 1 / 255
    assert {path.name for path in tmp_path.iterdir()} == {ENCODER, DECODER}
    again = OnnxRepresentation(tmp_path / ENCODER, tmp_path / DECODER)
    same(model, again, pictures())
    again.close()


def test_a_module(tmp_path):
    module = as_representation(Linear())
    export_onnx(module, tmp_path / ENCODER, tmp_path / DECODER)
    assert all(part.training for part in module.encoder.modules())
    again = OnnxRepresentation(tmp_path / ENCODER, tmp_path / DECODER)
    same(module, again, pictures(side=SIZE))
    again.close()


class Shaped(Linear):
    """Gives its mean and log-variance as `form` puts them."""

    def __init__(self, form):
        super().__init__()
        self.form = form

    def encode(self, x):
        return self.form(*super().encode(x))


def normal(mean, log_variance):
    return torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))


@pytest.mark.parametrize(
    "form",
    [
        lambda mean, log_variance: {"mu": mean, "logvar": log_variance},
        lambda mean, log_variance: SimpleNamespace(latent_dist=normal(mean, log_variance)),
        lambda mean, log_variance: SimpleNamespace(pooler_output=mean[:, :, None, None]),
    ],
)
def test_what_can_be_measured_can_be_written(tmp_path, form):
    module = as_representation(Shaped(form))
    checks = torch.distributions.Distribution._validate_args
    export_onnx(module, tmp_path / ENCODER, tmp_path / DECODER)
    assert torch.distributions.Distribution._validate_args == checks
    again = OnnxRepresentation(tmp_path / ENCODER, tmp_path / DECODER)
    images = pictures(side=SIZE)
    assert (again.encode(images).std is None) == (module.encode(images).std is None)
    same(module, again, images)
    again.close()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (lambda mean, log_variance: mean.detach().numpy(), "no tensors of torch"),
        (lambda mean, log_variance: mean if mean.sum() > 0 else -mean, "depends on the values"),
        (lambda mean, log_variance: {"features": mean}, "expected codes"),
    ],
)
def test_what_cannot_be_written_is_told_so(tmp_path, form, words):
    module = as_representation(Shaped(lambda mean, log_variance: mean))
    module.encoder.form = form
    with pytest.raises(CheckpointError, match=words) as caught:
        export_onnx(module, tmp_path / ENCODER, tmp_path / DECODER)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_pca_becomes_two_matrices():
    images = pictures(30, 16)
    pca = as_representation(PCA(4, whiten=True, random_state=0), images=images)
    down, up = _modules(pca)
    codes = pca.encode(images).mean
    x = torch.from_numpy(as_planes(images))
    np.testing.assert_allclose(down(x).numpy(), codes, atol=1e-4)
    painted = from_output(up(torch.from_numpy(codes)).numpy(), 30)
    np.testing.assert_allclose(np.rint(255 * painted), pca.decode(codes), atol=1)


def test_a_function_has_no_onnx_form(tmp_path):
    with pytest.raises(CheckpointError, match="torch modules"):
        export_onnx(as_representation(lambda x: x[:, 0, 0]), tmp_path / "a", tmp_path / "b")


def test_an_external_checkpoint_explains_itself(tmp_path):
    model = OnnxRepresentation(
        write_encoder(tmp_path / "e.onnx"), write_decoder(tmp_path / "d.onnx")
    )
    dataset = Discs()
    result = save_external(
        tmp_path / "theirs", model, dataset, num_images=200, num_pairs=40, jobs=1
    )
    assert result.kl is None
    assert result.mse > 0
    checkpoint = load_checkpoint(tmp_path / "theirs")
    assert checkpoint.config.kind == "external"
    assert checkpoint.representation.shape == model.shape
    same(model, checkpoint.representation, pictures())
    assert read_report(tmp_path / "theirs" / "report.json").results == {dataset.name: result}
    with pytest.raises(CheckpointError, match="not trained"):
        _ = checkpoint.model
    checkpoint.representation.close()
    model.close()


SMALL = {"num_images": 60, "num_pairs": 20, "jobs": 1}


def test_a_model_saved_anew_keeps_nothing_of_the_one_before(tmp_path):
    folder, encoder = tmp_path / "theirs", write_encoder(tmp_path / "e.onnx")
    with_decoder = OnnxRepresentation(encoder, write_decoder(tmp_path / "d.onnx"))
    save_external(folder, with_decoder, Discs(), **SMALL)
    alone = OnnxRepresentation(encoder)
    assert (folder / DECODER).exists()
    save_external(folder, alone, Discs(), **SMALL)
    assert not (folder / DECODER).exists()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(CheckpointError, match="torch modules"):
        save_external(folder, as_representation(lambda x: x[:, 0, 0]), Discs(), **SMALL)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert not list(tmp_path.glob(".saving-*"))
    with_decoder.close()
    alone.close()


def test_pictures_beside_codes_are_those_of_the_last_measurement(tmp_path):
    folder, space = tmp_path / "theirs", FactorSpace([Factor("kind", 3)])
    images = np.random.default_rng(0).integers(0, 256, (90, 64, 64, 3), dtype=np.uint8)
    labels, unknown = np.arange(90) % 3, np.full(90, UNKNOWN)
    some = np.where(np.arange(90) % 4, labels, unknown)
    model = OnnxRepresentation(write_encoder(tmp_path / "e.onnx"))
    save_external(folder, model, ArrayDataset(images, space, labels[:, None]), **SMALL)
    model.close()
    checkpoint = load_checkpoint(folder)

    def measure_again(labels, seed):
        dataset = ArrayDataset(images, space, labels[:, None])
        evaluate_checkpoint(checkpoint, dataset, seed=seed, scores=False, **SMALL)

    for known, seed in ((labels, 0), (labels, 1), (some, 1)):
        measure_again(known, seed)
        shown, codes = read_thumbnails(folder), read_representations(folder / CODES)
        assert len(shown) == len(codes)
        found = checkpoint.representation.encode(shown).mean
        np.testing.assert_allclose(found, codes, atol=2e-3)
    measure_again(unknown, 1)
    assert not {CODES, THUMBNAILS} & {path.name for path in folder.iterdir()}
    checkpoint.representation.close()


def test_a_checkpoint_of_ours_is_not_saved_over(checkpoints, tmp_path):
    ours = shutil.copytree(checkpoints / NAMES[0], tmp_path / "ours")
    model = OnnxRepresentation(write_encoder(tmp_path / "e.onnx"))
    with pytest.raises(CheckpointError, match="holds a source checkpoint"):
        save_external(ours, model, Discs(), **SMALL)
    assert not (ours / ENCODER).exists()
    model.close()


def test_a_folder_must_hold_what_its_config_says(tmp_path):
    folder = tmp_path / "theirs"
    model = OnnxRepresentation(write_encoder(tmp_path / "e.onnx"))
    save_external(folder, model, Discs(), num_images=60, num_pairs=20, jobs=1)
    assert not (folder / WEIGHTS).exists()
    model.close()
    (folder / CONFIG).write_text(
        (folder / CONFIG).read_text().replace('"latent_size": 3', '"latent_size": 4')
    )
    with pytest.raises(CheckpointError, match="does not fit its config"):
        load_checkpoint(folder)
    (folder / ENCODER).unlink()
    with pytest.raises(CheckpointError, match=ENCODER):
        load_checkpoint(folder)
