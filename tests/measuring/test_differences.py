"""Differences of OMES and their errors."""

from dataclasses import replace

import numpy as np
import pytest

from dviz.measuring.differences import Difference, accuracy_difference, omes_difference
from dviz.measuring.evidence import Evidence, pack_covariance
from tests.measuring.test_diagnosis import probes, result

BLURRED = np.where(np.eye(3), 0.8, 0.2)
VARIANCE = 1e-4  # of a cell


def known(variance=VARIANCE, **more):
    covariance = pack_covariance(np.stack([variance * np.eye(3)] * 3))
    evidence = Evidence([[0.2] * 3] * 3, covariance, [1.0] * 3)
    return replace(result(BLURRED), evidence=evidence, **more)


def test_errors_of_both_add_in_squares():
    alone = known().uncertainty().omes.error
    larger = known(4 * VARIANCE)
    assert omes_difference(known(), known()).error == pytest.approx(np.sqrt(2) * alone)
    assert omes_difference(known(), larger).error == pytest.approx(np.sqrt(5) * alone)


def test_a_difference_of_unknown_error_has_to_be_large():
    assert not Difference(0.004, float("nan")).clear
    assert Difference(-0.06, float("nan")).clear
    assert Difference(0.004, 0.001).clear
    assert not Difference(0.004, 0.003).clear


def test_an_error_that_was_not_measured_is_scaled_by_the_pairs():
    ours = known(num_pairs=10_000)
    alone = ours.uncertainty().omes.error
    for pairs in (10_000, 2500):
        other = replace(ours, num_pairs=pairs, evidence=None)
        expected = alone * np.sqrt(1 + 10_000 / pairs)
        assert omes_difference(ours, other).error == pytest.approx(expected)
        assert omes_difference(other, ours).error == pytest.approx(expected)
    assert np.isnan(omes_difference(other, other).error)


def test_accuracies_are_compared_over_the_factors_that_both_have():
    both, fewer = result(every=0.5), result(every=0.7)
    fewer = replace(fewer, probes=[p for p in fewer.probes if p.factor != "colour"])
    found = accuracy_difference(both, fewer, "gbt", "all")
    assert found.value == pytest.approx(0.2)
    assert found.error == pytest.approx(np.sqrt(4) * 0.01 / 2)
    mixed = replace(both, probes=probes({"shape": 0.9, "scale": 0.5, "colour": 0.1}, 0.9))
    alone = replace(mixed, probes=[p for p in mixed.probes if p.factor == "shape"])
    assert accuracy_difference(mixed, alone, "gbt", "all").value == 0
    assert np.isnan(accuracy_difference(mixed, replace(mixed, probes=[]), "gbt", "all").value)
