"""Older reports get what is measured today from the codes beside them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dviz.checkpoint import REPORT, CheckpointConfig, load_checkpoint, save_checkpoint
from dviz.errors import CheckpointError
from dviz.measuring.encoder import evaluate_checkpoint
from dviz.measuring.refresh import pairs_among, refresh
from dviz.measuring.report import Report, read_report, write_report
from dviz.models.vae import VAE, VAEConfig
from tests.measuring.test_encoder import Patches


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
