"""Older reports get what is measured today from the codes beside them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dviz.checkpoint import REPORT, CheckpointConfig, load_checkpoint, save_checkpoint
from dviz.data.arrays import from_arrays
from dviz.errors import CheckpointError
from dviz.measuring.encoder import evaluate_checkpoint
from dviz.measuring.external import measure_into
from dviz.measuring.refresh import pairs_among, refresh
from dviz.measuring.report import Report, read_report, write_report
from dviz.models.vae import VAE, VAEConfig
from dviz.representations.build import as_representation
from tests.measuring.test_encoder import Patches
from tests.representations.models import Discs


def test_pairs_are_disjoint_and_differ_in_one_factor():
    classes = np.random.default_rng(0).integers(0, [4, 3, 5], size=(300, 3))
    for factor in range(3):
        first, second = pairs_among(classes, factor, seed=0)
        rows = np.concatenate([first, second])
        assert len(rows) == len(set(rows.tolist())) > 50
        differ = classes[first] != classes[second]
        assert differ[:, factor].all()
        assert differ.sum() == len(first)


def test_an_older_report_gets_its_errors_and_keeps_its_scores(tmp_path):
    dataset = Patches()
    torch.manual_seed(0)
    model = VAE(VAEConfig(4, 8))
    config = CheckpointConfig("x", "source", dataset.name, dataset.space.factors, model.config)
    save_checkpoint(tmp_path, model, config)
    checkpoint = load_checkpoint(tmp_path)
    full = evaluate_checkpoint(
        checkpoint, dataset, num_images=200, num_pairs=400, scores=False, jobs=1
    )
    old = replace(full, evidence=None)
    write_report(tmp_path / REPORT, Report({dataset.name: old}))
    assert refresh(checkpoint, dataset, probes=False, jobs=1)
    new = read_report(tmp_path / REPORT).results[dataset.name]
    assert replace(new, evidence=None) == old
    assert new.evidence.signal == full.evidence.signal
    errors = [
        np.sqrt(np.nanmax(np.diagonal(r.evidence.covariances(), axis1=1, axis2=2)))
        for r in (new, full)
    ]
    assert errors[0] == pytest.approx(errors[1], rel=0.7)
    assert not refresh(checkpoint, dataset, probes=False, jobs=1)
    write_report(tmp_path / REPORT, Report())
    with pytest.raises(CheckpointError, match="no report"):
        refresh(checkpoint, dataset, probes=False, jobs=1)


def test_codes_without_a_posterior_are_in_use_however_small_they_are(tmp_path):
    def small(images):
        """Brightness and height of the disc, in deviations of some .01."""
        light = images.max(axis=(1, 2, 3)) / 255
        height = images.any(axis=(2, 3)).argmax(axis=1) / 64
        return 0.05 * np.stack([light, height], axis=1)

    dataset = Discs()
    checkpoint, full = measure_into(
        tmp_path, as_representation(small), dataset, num_images=120, num_pairs=100, jobs=1
    )
    assert full.active == [True, True]
    assert max(full.std) < 0.05
    write_report(tmp_path / REPORT, Report({dataset.name: replace(full, probes=[], scores={})}))
    assert refresh(checkpoint, dataset, probes=True, jobs=1)
    new = read_report(tmp_path / REPORT).results[dataset.name]
    assert new.scores == pytest.approx(full.scores, abs=0.02)
    found, before = (
        {(p.factor, p.model, p.dimensions): p.accuracy for p in result.probes}
        for result in (new, full)
    )
    assert found == pytest.approx(before, abs=0.02)


def test_of_own_images_the_noise_is_a_bound_as_when_they_were_measured(tmp_path):
    """The same image encoded twice says nothing of images of equal labels."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (80, 64, 64, 3), dtype=np.uint8)
    labels = rng.integers(0, 3, (80, 2))
    dataset = from_arrays(images, labels, ["one", "other"], "noise")
    torch.manual_seed(0)
    model = VAE(VAEConfig(4, 8))
    config = CheckpointConfig("x", "source", dataset.name, dataset.space.factors, model.config)
    save_checkpoint(tmp_path, model, config)
    checkpoint = load_checkpoint(tmp_path)
    full = evaluate_checkpoint(checkpoint, dataset, num_images=80, scores=False, jobs=1)
    write_report(tmp_path / REPORT, Report({dataset.name: replace(full, evidence=None)}))
    assert refresh(checkpoint, dataset, probes=False, jobs=1)
    new = read_report(tmp_path / REPORT).results[dataset.name].evidence
    assert not new.measured
    assert new.signal == pytest.approx(full.evidence.signal, abs=1e-3)
