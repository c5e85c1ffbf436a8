"""Models and datasets by name, as a notebook uses them."""

import numpy as np
import pytest
import torch

import dviz
from dviz.errors import CheckpointError, DatasetError
from tests.ui.material import NAMES


@pytest.fixture(autouse=True)
def _folder(monkeypatch, checkpoints):
    monkeypatch.setenv("DVIZ_CHECKPOINTS", str(checkpoints))


def test_a_name_and_a_folder_are_the_same_model(checkpoints):
    images, _ = dviz.dataset("color-dsprites").sample(5, seed=1)
    by_name, by_folder = dviz.load(NAMES[0]), dviz.load(checkpoints / NAMES[0])
    codes = by_name.encode(images)
    assert codes.dtype == np.float32
    assert codes.shape == (5, by_name.latent_size)
    np.testing.assert_array_equal(codes, by_folder.encode(images))
    painted = by_name.decode(codes)
    assert painted.dtype == np.uint8
    assert painted.shape == images.shape
    assert by_name.report.results
    assert NAMES[0] in repr(by_name)


def test_an_image_alone_is_a_batch_of_one_and_none_gives_no_codes():
    model = dviz.load(NAMES[0])
    images, _ = dviz.dataset("color-dsprites").sample(2)
    np.testing.assert_allclose(model.encode(images[0]), model.encode(images)[:1], atol=1e-5)
    assert model.decode(model.encode(images)[0]).shape == (1, 64, 64, 3)
    assert model.encode(images[:0]).shape == (0, model.latent_size)
    assert model.decode(model.encode(images[:0])).shape == (0, 64, 64, 3)


def test_codes_may_be_tensors_that_are_being_optimised():
    model = dviz.load(NAMES[0])
    codes = torch.zeros(2, model.latent_size, requires_grad=True)
    np.testing.assert_array_equal(model.decode(codes), model.decode(np.zeros(codes.shape)))


def test_more_than_a_batch_is_encoded_in_parts(monkeypatch):
    from dviz.api import model as room

    images, _ = dviz.dataset("color-dsprites").sample(5)
    model = dviz.load(NAMES[0])
    whole = model.encode(images)
    monkeypatch.setattr(room, "AT_ONCE", 2)
    np.testing.assert_allclose(model.encode(images), whole, atol=1e-5)
    np.testing.assert_array_equal(model.decode(whole).shape, images.shape)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.encode(np.zeros((2, 64, 64, 3))), "images must be uint8"),
        (lambda m: m.encode(np.zeros((2, 64, 64), np.uint8)), "images must be uint8"),
        (lambda m: m.decode(np.zeros((2, 99))), r"codes must be \(N, \d+\) finite numbers"),
        (lambda m: m.decode(np.full(m.latent_size, np.nan)), "finite"),
    ],
)
def test_what_is_refused_is_said(call, words):
    with pytest.raises(ValueError, match=words):
        call(dviz.load(NAMES[0]))


def test_an_unknown_name_lists_what_there_is():
    for name in ("nowhere", "./nowhere", "/no/where", "a/b/c"):
        with pytest.raises(CheckpointError, match=NAMES[0]):
            dviz.load(name)
    with pytest.raises(DatasetError, match="choose from"):
        dviz.dataset("nowhere")


def test_what_is_neither_a_folder_nor_on_the_hub_is_said_of_both(monkeypatch):
    def away(repo, revision):
        raise CheckpointError("no connection to the Hub")

    monkeypatch.setattr("dviz.publish.hub.load", away)
    words = "no folder 'checkpoints/mine' with a config.json here, .*: no connection to the Hub"
    with pytest.raises(CheckpointError, match=words):
        dviz.load("checkpoints/mine")
    with pytest.raises(CheckpointError, match=r"^no connection"):
        dviz.load("checkpoints/mine", revision="main")


@pytest.mark.parametrize("model", [torch.nn.Linear(2, 2), np.mean])
@pytest.mark.parametrize("call", [dviz.load, dviz.launch])
def test_a_model_in_place_of_its_name_is_shown_the_way(call, model):
    with pytest.raises(ValueError, match=rf"is {type(model).__name__}; .*dviz\.inspect\(model"):
        call(model)


def test_the_page_is_not_opened_on_a_file(tmp_path):
    (tmp_path / "enc.onnx").touch()
    with pytest.raises(CheckpointError, match=r"enc\.onnx is a file; .*dviz\.inspect\('enc"):
        dviz.launch(tmp_path / "enc.onnx")
    with pytest.raises(CheckpointError, match="there is no folder"):
        dviz.launch(tmp_path / "elsewhere")
    (tmp_path / "config.json").touch()
    with pytest.raises(CheckpointError, match=r"is a checkpoint itself; name the folder"):
        dviz.launch(tmp_path)


def test_a_sample_depends_on_its_seed_alone():
    shapes = dviz.dataset("dsprites")
    images, factors = shapes.sample(4, seed=3)
    np.testing.assert_array_equal(images, shapes.sample(4, seed=3)[0])
    assert (factors != shapes.sample(4, seed=4)[1]).any()
    assert factors.shape == (4, len(shapes.factors))
    assert (factors < [factor.size for factor in shapes.factors]).all()
    with pytest.raises(ValueError, match="n must be at least 1"):
        shapes.sample(0)


def test_every_name_is_known_and_documented():
    assert set(dviz.__all__) <= set(dir(dviz))
    for name in dviz.__all__:
        value = getattr(dviz, name)
        assert isinstance(value, str) or value.__doc__
    with pytest.raises(AttributeError, match="no attribute 'omse'"):
        dviz.omse  # noqa: B018
