from dataclasses import replace

import numpy as np
import pytest
import torch

from dviz.checkpoint import CheckpointConfig, load_checkpoint, save_checkpoint
from dviz.data import load_dataset
from dviz.data.arrays import from_arrays
from dviz.data.base import FactorDataset
from dviz.errors import CheckpointError, DvizError
from dviz.factors import Factor, FactorSpace
from dviz.measuring.association import from_generator, from_labels
from dviz.measuring.encoder import (
    add_baseline,
    encode_sample,
    evaluate_checkpoint,
    measure,
)
from dviz.measuring.pictures import measure_pictures
from dviz.measuring.probe_files import load_probes
from dviz.measuring.report import BY_PHOTOGRAPH, BY_ROW, read_report
from dviz.models.vae import VAE, VAEConfig


class Patches(FactorDataset):
    """Three grey patches, each as bright as its own factor says; the last never changes."""

    name = "patches"

    def __init__(self):
        sizes = {"left": 5, "middle": 3, "right": 1}
        self.space = FactorSpace([Factor(name, size) for name, size in sizes.items()])

    def render(self, classes, rng=None):
        images = np.zeros((len(classes), 64, 64, 3), dtype=np.uint8)
        for j, column in enumerate(np.asarray(classes).T):
            images[:, 8:56, 20 * j : 20 * j + 16] = (30 * column + 10)[:, None, None, None]
        return images


class PatchReader(torch.nn.Module):
    """An encoder that reads each patch into a dimension of its own, and a third that is empty."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(4.0))

    def encode(self, x):
        means = [x[:, 0, 30, 20 * j + 5] for j in range(2)]
        mean = self.scale * torch.stack([*means, torch.zeros_like(means[0])], dim=1)
        return mean, torch.full_like(mean, -4.0)

    def decoder(self, z):
        return torch.zeros(len(z), 3, 64, 64)


def untrained(folder, dataset):
    """A checkpoint that learnt nothing."""
    torch.manual_seed(0)
    model = VAE(VAEConfig(4, 8))
    config = CheckpointConfig("x", "source", dataset.name, dataset.space.factors, model.config)
    save_checkpoint(folder, model, config)
    return load_checkpoint(folder)


def test_an_encoder_that_reads_every_factor_is_seen_as_such():
    report, sample = measure(
        PatchReader().eval(), Patches(), num_images=900, num_pairs=600, seed=3, jobs=1
    )
    S = report.association_matrix
    # Pairs that differ always differ, so even a perfect code stays anticorrelated: −1/(values − 1).
    assert S[0, 0] == pytest.approx(1 - 1 / 4, abs=0.08)
    assert S[1, 1] == pytest.approx(1 - 1 / 2, abs=0.08)
    assert S[0, 1] == pytest.approx(0, abs=1e-6)
    assert S[1, 0] == pytest.approx(0, abs=1e-6)
    assert np.isnan(S[:, 2]).all()
    assert report.active == [True, True, False]
    scores = {(p.factor, p.model, p.dimensions): p.accuracy for p in report.probes}
    assert {key[0] for key in scores} == {"left", "middle"}
    assert min(scores.values()) > 0.97
    assert sample.mean.shape == (900, 3)
    assert report.kl[2] == pytest.approx(0.5 * (np.exp(-4) - 1 + 4), abs=1e-4)


def test_own_images_that_belong_together_are_on_one_side():
    """A code that knows again what an image was cut from, and nothing else, tells nothing."""
    rng = np.random.default_rng(0)
    photograph = np.repeat(np.arange(60), 4)
    label = rng.integers(0, 2, 60)[photograph]
    images = np.broadcast_to((4 * photograph)[:, None, None, None], (240, 64, 64, 3))

    def accuracy(photographs):
        dataset = from_arrays(images.astype(np.uint8), {"ill": label}, photographs=photographs)
        settings = {"num_images": 240, "models": ["gbt"], "jobs": 1}
        report, sample = measure(PatchReader().eval(), dataset, **settings)
        return report, sample, next(p.accuracy for p in report.probes)

    by_row, by_photograph = accuracy(None), accuracy([f"slide {n}" for n in photograph])
    assert (by_row[0].split, by_photograph[0].split) == (BY_ROW, BY_PHOTOGRAPH)
    assert by_row[2] > 0.9
    assert by_photograph[2] < 0.75
    shown = (by_photograph[1].mean[:, 0] * 255 / 4 / 4).round()
    assert (by_photograph[1].photographs == shown).all()


def test_labels_of_some_photographs_are_split_among_those(tmp_path):
    """A factor known of four slides has a probe; one known of two has none, and nothing breaks."""
    photograph = np.repeat(np.arange(8), 10)
    images = np.random.default_rng(0).integers(0, 256, (80, 64, 64, 3), dtype=np.uint8)
    known = np.arange(80) % 2
    labels = {"four": np.where(photograph < 4, known, np.nan), "all": known}
    labels["two"] = np.where(photograph < 2, known, np.nan)
    dataset = from_arrays(images, labels, photographs=photograph)
    checkpoint = untrained(tmp_path / "x", dataset)
    result = evaluate_checkpoint(checkpoint, dataset, num_images=80, num_pairs=50, jobs=1)
    assert {probe.factor for probe in result.probes} == {"four", "all"}
    assert set(load_probes(tmp_path / "x" / "probes.npz")) == {"four", "all", "two"}


def test_same_seed_same_report_other_seed_other_sample():
    model = PatchReader().eval()
    settings = {"num_images": 90, "num_pairs": 60, "jobs": 1, "probes": False}
    reports = [measure(model, Patches(), seed=seed, **settings)[0] for seed in (0, 0, 1)]
    assert reports[0].association == reports[1].association
    assert reports[0].mean == reports[1].mean
    assert reports[0].mean != reports[2].mean


def test_a_sample_has_codes_means_of_errors_and_draws():
    model = VAE(VAEConfig(4, 8)).eval()
    dataset = load_dataset("color-dsprites")
    whole = encode_sample(model, dataset, 40, seed=1)
    assert whole.mean.shape == (40, 8)
    assert from_generator(model, dataset, 40, seed=1).matrix.shape == (8, 6)
    assert whole.reconstruction > 0
    assert whole.mse > 0
    assert (whole.sampled != whole.mean).any()


def test_a_checkpoint_gets_its_report_codes_probes_and_baselines(tmp_path):
    dataset = Patches()
    checkpoint = untrained(tmp_path / "x", dataset)
    result = evaluate_checkpoint(checkpoint, dataset, num_images=120, num_pairs=50, jobs=1)
    add_baseline(checkpoint.folder, "random", "an untrained encoder", result)
    add_baseline(checkpoint.folder, "random", "the same again", result)
    report = read_report(tmp_path / "x" / "report.json")
    assert report.results == {"patches": result}
    moves = np.array(result.moves, dtype=float)  # an untrained decoder paints them all grey
    assert moves.shape == (8, 3)
    assert np.isnan(moves[:, 2]).all()
    assert [b.description for b in report.baselines] == ["the same again"]
    with np.load(tmp_path / "x" / "representations.npz", allow_pickle=False) as arrays:
        assert arrays["mean"].shape == (120, 8)
    rows = (tmp_path / "x" / "classes.csv").read_text().splitlines()
    assert rows[0] == "left,middle,right"
    assert len(rows) == 121
    probes = load_probes(tmp_path / "x" / "probes.npz")
    probabilities = probes["middle"].predict_proba(np.zeros((2, 8)))
    assert probabilities.shape == (2, 3)
    assert probabilities.sum(1) == pytest.approx([1, 1])


def test_pictures_are_measured_anew_and_nothing_else(tmp_path):
    dataset = Patches()
    torch.manual_seed(0)
    model = VAE(VAEConfig(4, 8))
    config = CheckpointConfig("x", "source", dataset.name, dataset.space.factors, model.config)
    save_checkpoint(tmp_path, model, config)
    first = evaluate_checkpoint(
        load_checkpoint(tmp_path), dataset, num_images=90, num_pairs=30, jobs=1
    )
    again = measure_pictures(load_checkpoint(tmp_path), dataset)
    assert again == first
    with torch.no_grad():
        model.decoder.convolutions[-1].bias += 1
    painting = {"dataset": "patches", "steps": 7, "batch_size": 2}
    save_checkpoint(tmp_path, model, replace(config, painting=painting))
    after = measure_pictures(load_checkpoint(tmp_path), dataset)
    assert read_report(tmp_path / "report.json").results == {"patches": after}
    assert after.mse != first.mse
    assert after.painted == 14
    told = {"mse": first.mse, "reconstruction": first.reconstruction, "painted": 0}
    assert replace(after, **told, moves=first.moves) == first


def test_pictures_cannot_be_measured_before_the_codes(tmp_path):
    dataset = Patches()
    model = VAE(VAEConfig(4, 8))
    config = CheckpointConfig("x", "source", dataset.name, dataset.space.factors, model.config)
    save_checkpoint(tmp_path, model, config)
    with pytest.raises(CheckpointError, match="no report on patches"):
        measure_pictures(load_checkpoint(tmp_path), dataset)


@pytest.mark.parametrize("asked", [{"num_images": -5}, {"num_images": 1}, {"num_pairs": 0}])
def test_too_few_images_or_pairs_are_refused(asked):
    (name, count), *_ = asked.items()
    with pytest.raises(DvizError, match=rf"{count} {name.removeprefix('num_')} were asked for"):
        measure(PatchReader(), Patches(), **{"num_images": 40, "num_pairs": 40} | asked)


def test_a_single_image_is_not_measured():
    alone = from_arrays(np.zeros((1, 64, 64, 3), np.uint8), [3], name="alone")
    with pytest.raises(DvizError, match="alone has one image"):
        measure(VAE(VAEConfig(filters=4)), alone)


def test_of_every_combination_once_no_error_is_told():
    """As with a table of the same codes: nothing else could have been drawn."""
    classes = np.array(list(np.ndindex(8, 7, 9)))
    codes = classes + np.random.default_rng(0).normal(size=classes.shape)
    told = from_labels(codes, classes).evidence
    assert np.isnan(told.covariances()).all()
    assert np.isfinite(from_labels(codes[1:], classes[1:]).evidence.covariances()).all()
