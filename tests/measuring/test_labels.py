"""A folder's labels may be written, changed or taken away after a checkpoint was carried to it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dviz.checkpoint import (
    CLASSES,
    CODES,
    CONFIG,
    EXTERNAL,
    PROBES,
    REPORT,
    CheckpointConfig,
    load_checkpoint,
    read_config,
    save_checkpoint,
)
from dviz.data import load_dataset
from dviz.errors import CheckpointError
from dviz.measuring import encoder
from dviz.measuring.encoder import evaluate_checkpoint
from dviz.measuring.labels import with_labels_of
from dviz.measuring.pictures import measure_pictures
from dviz.measuring.report import read_report
from dviz.models.vae import VAE, VAEConfig
from dviz.ui.core.library import Library
from tests.data.material import write_folder

COLOURS = ["red", "green", "blue"]


@pytest.fixture
def carried(tmp_path):
    """Carries a tiny model to a folder: what it is called, and the folder's path."""
    folder, place = write_folder(tmp_path / "mine", rows=False), tmp_path / "zoo" / "carried"
    torch.manual_seed(0)
    model = VAE(VAEConfig(4, 5))

    def carry(kind="direct", **training):
        dataset = load_dataset("folder", folder)
        factors = dataset.space.factors
        names = {"parent": "mother", "source": "dsprites", "training": training}
        config = CheckpointConfig("carried", kind, dataset.name, factors, model.config, **names)
        save_checkpoint(place, model, config)
        return place, folder

    return carry


def label(folder, *columns):
    """Give every picture the labels that a column's function makes of its number."""
    header = ",".join(["image", *(name for name, _ in columns)])
    cells = (",".join(str(value(i)) for _, value in columns) for i in range(24))
    rows = [f"photo{i:02}.png,{row}" for i, row in enumerate(cells)]
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n")


def evaluate(place, folder, num_images=24):
    sizes = {"num_images": num_images, "num_pairs": 10, "jobs": 1}
    return evaluate_checkpoint(load_checkpoint(place), load_dataset("folder", folder), **sizes)


def test_labels_that_came_later_are_measured_and_kept(carried):
    place, folder = carried()
    evaluate(place, folder)
    label(folder, ("colour", lambda i: COLOURS[i % 3]), ("level", lambda i: i // 3 % 2))
    assert evaluate(place, folder).factors == ["colour", "level"]
    assert [f.name for f in read_config(place).factors] == ["colour", "level"]
    entry = Library(place.parent).get("carried")
    assert entry.sample[1].shape == (24, 2)
    assert {len(read) for read in entry.predict(entry.sample[0][:3])} == {2}


def test_a_value_that_went_does_not_rename_the_others(carried):
    place, folder = carried()
    label(folder, ("colour", lambda i: COLOURS[i % 3]))
    evaluate(place, folder)
    label(folder, ("colour", lambda i: COLOURS[i % 2]))
    evaluate(place, folder)
    entry = Library(place.parent).get("carried")
    assert entry.config.factors[0].values == ("green", "red")
    assert set(np.unique(entry.sample[1])) == {0, 1}


def test_pictures_are_not_measured_against_probes_of_other_labels(carried):
    place, folder = carried()
    label(folder, ("colour", lambda i: COLOURS[i % 2]))
    evaluate(place, folder)
    label(folder, ("colour", lambda i: COLOURS[i % 3]))
    with pytest.raises(CheckpointError, match="no report on these labels of folder:mine; measure"):
        measure_pictures(load_checkpoint(place), load_dataset("folder", folder))
    evaluate(place, folder)
    measure_pictures(load_checkpoint(place), load_dataset("folder", folder))


def test_of_labels_that_went_nothing_stays(carried):
    place, folder = carried()
    label(folder, ("colour", lambda i: COLOURS[i % 3]))
    evaluate(place, folder)
    (folder / "labels.csv").unlink()
    assert evaluate(place, folder).factors == []
    assert not [name for name in (CODES, CLASSES, PROBES) if (place / name).exists()]
    entry = Library(place.parent).get("carried")
    assert (entry.config.factors, entry.sample, entry.result) == ((), None, None)


def test_too_few_labels_in_a_sample_leave_no_codes(carried):
    place, folder = carried()
    label(folder, ("colour", lambda i: COLOURS[i % 3] if i < 12 else ""))
    for seen, kept in ((24, True), (2, False)):
        assert evaluate(place, folder, seen).factors == ["colour"]
        assert (place / PROBES).exists() is kept


@pytest.mark.parametrize(
    ("kind", "training"),
    [("source", {}), ("source", {"supervision": "adaptive"}), ("fine-tuned", {"ties": [0]})],
)
def test_what_learnt_from_labels_is_not_measured_with_others(carried, kind, training, monkeypatch):
    place, folder = carried()
    label(folder, ("colour", lambda i: COLOURS[i % 3]))
    carried(kind, **training)
    label(folder, ("colour", lambda i: COLOURS[i % 3]), ("level", lambda i: i // 3 % 2))
    before = (place / CONFIG).read_bytes()
    monkeypatch.setattr(encoder, "measure", lambda *args, **more: pytest.fail("measured"))
    with pytest.raises(CheckpointError, match=r"carried is bound .* those of level are others"):
        evaluate(place, folder)
    assert (place / CONFIG).read_bytes() == before
    assert not (place / REPORT).exists()


def test_what_learnt_without_labels_takes_any_and_another_dataset_changes_nothing(carried):
    place, folder = carried("source", supervision="none")
    label(folder, ("colour", lambda i: COLOURS[i % 3]))
    checkpoint, dataset = load_checkpoint(place), load_dataset("folder", folder)
    assert with_labels_of(checkpoint, dataset).config.factors == dataset.space.factors
    assert with_labels_of(checkpoint, load_dataset("dsprites")) is checkpoint
    config = replace(checkpoint.config, kind=EXTERNAL)
    with pytest.raises(CheckpointError, match="bound to the labels"):
        with_labels_of(replace(checkpoint, config=config), dataset)


def test_an_evaluation_that_fails_leaves_the_checkpoint_as_it_was(carried, monkeypatch):
    place, folder = carried()
    evaluate(place, folder)
    files = {path.name: path.read_bytes() for path in place.iterdir()}
    label(folder, ("colour", lambda i: COLOURS[i % 3]))

    def fail(*args, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(encoder, "measure", fail)
    with pytest.raises(KeyboardInterrupt):
        evaluate(place, folder)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == files
    assert read_report(place / REPORT).results["folder:mine"].factors == []
