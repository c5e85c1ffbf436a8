"""A model of one's own, from Python: measured, kept, loaded, looked at."""

import json
import urllib.request

import gradio
import numpy as np
import pytest
from gradio_client import Client
from sklearn.decomposition import PCA

import dviz
from dviz.errors import CheckpointError
from tests.ui.material import NAMES

LABELS = np.argwhere(np.ones((16, 16)))  # fewer values make too few pairs to tell anything
SETTINGS = {"num_images": 256, "scores": False, "jobs": 1}


def bars():
    """Images whose left half is as bright as one factor says, the right half as the other."""
    images = np.zeros((len(LABELS), 32, 32, 3), np.uint8)
    images[:, :, :16] = (16 * LABELS[:, 0])[:, None, None, None]
    images[:, :, 16:] = (16 * LABELS[:, 1])[:, None, None, None]
    return images


@pytest.fixture(scope="module")
def dataset():
    return dviz.dataset(bars(), LABELS, names=["left", "right"], name="bars")


def halves(images):
    """A perfect code: the brightness of each half."""
    middle = images.shape[2] // 2
    return np.stack(
        [images[:, :, :middle].mean((1, 2, 3)), images[:, :, middle:].mean((1, 2, 3))], 1
    )


def test_a_perfect_code_is_seen_as_such(dataset):
    found = dviz.measure(encode=halves, dataset=dataset, num_images=256, jobs=1)
    report = found.report
    assert report.kl is None
    assert report.mse is None
    owners = {name: part["associated_dimension"] for name, part in report.omes().per_factor.items()}
    assert owners == {"left": 0, "right": 1}
    assert report.mean_accuracy("mlp", "all") > 0.8
    assert "left: z0" in repr(found)
    assert "there is no decoder" in found._repr_html_()


def test_what_could_not_be_scored_says_why():
    few = dviz.dataset(bars()[:, ::4, ::4][:40], LABELS[:40], names=["left", "right"], name="few")
    said = repr(dviz.measure(encode=halves, dataset=few, **SETTINGS | {"num_images": 40}))
    assert "no OMES" in said
    assert "nan" not in said
    assert "left: no dimension\n" not in said
    assert "pairs" in said


def test_a_model_that_was_loaded_is_measured_like_any_other(dataset, checkpoints):
    model = dviz.load(checkpoints / NAMES[0])
    found = dviz.measure(encode=model, dataset=dataset, num_pairs=200, **SETTINGS)
    assert len(found.report.active) == model.latent_size
    assert found.report.mse > 0


def test_arguments_are_told_apart():
    with pytest.raises(ValueError, match="not both"):
        dviz.measure(np.zeros((9, 2)), np.zeros((9, 1)), encode=halves, dataset="dsprites")
    with pytest.raises(ValueError, match="give codes and factors"):
        dviz.measure(np.zeros((9, 2)))
    with pytest.raises(ValueError, match="dataset is missing"):
        dviz.measure(encode=halves, dataset=None)


def test_too_many_numbers_for_a_page_say_what_to_do(dataset):
    def wide(images):
        return images.reshape(len(images), -1)[:, :200]

    with pytest.raises(ValueError, match="reduce=10"):
        dviz.inspect(wide, dataset=dataset)
    found = dviz.measure(encode=wide, dataset=dataset, reduce=2, **SETTINGS)
    assert len(found.report.active) == 2


def test_what_is_saved_is_a_checkpoint(dataset, tmp_path):
    with pytest.raises(CheckpointError, match="torch modules"):
        dviz.save(tmp_path / "functions", halves, dataset=dataset)
    report = dviz.save(tmp_path / "pca", PCA(3), dataset=dataset, num_images=256, jobs=1)
    model = dviz.load(tmp_path / "pca")
    assert model.report.results == {"bars": report}
    assert model.latent_size == 3
    images, _ = dataset.sample(4)
    assert np.abs(model.decode(model.encode(images)).astype(int) - images).mean() < 6
    model.checkpoint.representation.close()


def test_what_is_no_checkpoint_is_not_replaced(dataset, tmp_path):
    (tmp_path / "README.md").write_text("my notes")
    with pytest.raises(CheckpointError, match=r"is no checkpoint but holds README\.md"):
        dviz.save(tmp_path, PCA(3), dataset=dataset, num_images=256, jobs=1)
    assert (tmp_path / "README.md").read_text() == "my notes"


def test_the_app_opens_on_it(dataset):
    _, url, _ = dviz.inspect(
        halves, dataset=dataset, name="halves", prevent_thread_lock=True, quiet=True, **SETTINGS
    )
    try:
        with urllib.request.urlopen(f"{url}health", timeout=20) as answer:
            assert json.load(answer)["checkpoints"] == 1
        client = Client(url, verbose=False)
        (told,) = client.predict(api_name="/checkpoints")
        assert (told["name"], told["kind"], told["latent_size"]) == ("halves", "external", 2)
        score = client.predict("halves", 0.5, "avg", api_name="/association")
        assert score["per_factor"]["right"]["associated_dimension"] == 1
    finally:
        gradio.close_all(verbose=False)
