"""What a probe is sure of, it must be right about."""

import numpy as np
import pytest

from dviz.metrics.confidence import fit_calibrated, temperature
from dviz.metrics.probes import fit_probe


def noisy(rows, seed):
    """Codes and labels of three classes that overlap, so that nobody can be right throughout."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, rows)
    return labels[:, None] * np.eye(20)[0] + rng.normal(0, 0.8, (rows, 20)), labels


def gap(probe, codes, labels):
    """How far mean confidence lies from accuracy."""
    sure = probe.predict_proba(codes).max(axis=1).mean()
    return abs(sure - (probe.predict(codes) == labels).mean())


def test_confidence_is_accuracy_on_rows_never_seen_and_answers_stay():
    codes, labels = noisy(300, 0)
    fresh = noisy(2000, 1)
    plain, calibrated = fit_probe(codes, labels, "mlp"), fit_calibrated(codes, labels)
    np.testing.assert_array_equal(plain.predict(fresh[0]), calibrated.predict(fresh[0]))
    assert gap(plain, *fresh) > 0.1  # it would be far too sure of itself
    assert gap(calibrated, *fresh) < 0.06


@pytest.mark.parametrize("stretch", [0.5, 2.0])
def test_temperature_undoes_what_was_stretched(stretch):
    codes, labels = noisy(300, 0)
    probe, fresh = fit_calibrated(codes, labels), noisy(2000, 1)
    best = temperature(probe, *fresh)
    other = type(probe)("mlp", probe.classes, 20, probe.predictor.tempered(stretch))
    assert temperature(other, *fresh) == pytest.approx(best / stretch, rel=0.01)


def test_classes_never_seen_do_not_count():
    codes, labels = noisy(300, 0)
    probe = fit_probe(codes, labels, "mlp")
    assert temperature(probe, codes, np.full(300, 7)) == 1.0
    assert temperature(fit_probe(codes, np.zeros(300, int), "mlp"), codes, labels) == 1.0
