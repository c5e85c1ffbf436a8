from dataclasses import replace

import numpy as np
import pytest

from dviz.factors import Factor
from dviz.measuring.cycle import distance, moves, random_distance
from dviz.measuring.report import DatasetReport
from dviz.metrics.probes import fit_probe
from dviz.representations.base import Representation, Shape

FACTORS = (Factor("place", 8), Factor("kind", 3), Factor("still", 1))


class Copier(Representation):
    """A picture is its code, so that a dimension does in it exactly what it does in the code."""

    has_decoder = True

    def __init__(self, order=(0, 1, 2)):
        self.shape, self.order = Shape(3), list(order)

    def _encode(self, images):
        raise AssertionError("no picture is asked for")

    def look_again(self, codes):
        return codes[:, self.order]


@pytest.fixture(scope="module")
def grid():
    """Codes (240, 3) whose first two dimensions are the factors place and kind; their classes."""
    rng = np.random.default_rng(0)
    classes = np.stack([rng.integers(f.size, size=240) for f in FACTORS], axis=1)
    codes = classes[:, [0, 1, 1]] / np.array([3.5, 1, 1]) - 1
    codes[:, 2] = rng.standard_normal(240)
    return codes.astype(np.float32), classes


@pytest.fixture(scope="module")
def probes(grid):
    codes, classes = grid
    return {f.name: fit_probe(codes, classes[:, j], "mlp") for j, f in enumerate(FACTORS)}


def report(moved):
    low, high = [-1.0, -1.0, -2.0], [1.0, 1.0, 2.0]
    association = [[0.9, 0.0, None], [0.0, 0.9, None], [0.1, 0.1, None]]
    rest = {name: [0.0, 1.0, 1.0] for name in ("mean", "std", "posterior_std", "kl")}
    result = DatasetReport(
        dataset="grid", factors=[f.name for f in FACTORS], sizes=[f.size for f in FACTORS],
        seed=0, num_images=240, num_pairs=100, association=association, active=[True, True, True],
        low=low, high=high, reconstruction=0.0, mse=0.0, **rest,
    )  # fmt: skip
    rows = [[None if np.isnan(far) else float(far) for far in row] for row in moved]
    return replace(result, moves=rows)


def measured(model, grid, probes):
    codes, classes = grid
    return report(moves(model, codes[:40], classes, FACTORS, probes, report([])))


def test_a_decoder_that_paints_its_code_keeps_every_label(grid, probes):
    result = measured(Copier(), grid, probes)
    moved = np.array(result.moves, dtype=float)
    assert moved[[0, 1], [0, 1]].min() > 0.8
    assert moved[[0, 1], [1, 0]].max() < 0.1
    assert np.isnan(moved[:, 2]).all()
    assert result.labels() == {0: ["place"], 1: ["kind"]}
    assert [result.label_holds(d) for d in range(3)] == [True, True, None]
    assert result.true_labels() == (2, 2)


def test_shuffled_labels_are_told(grid, probes):
    result = measured(Copier((1, 0, 2)), grid, probes)
    assert [result.moved(d)[0] for d in range(2)] == ["kind", "place"]
    assert result.true_labels() == (0, 2)


def test_a_slider_that_paints_nothing_has_no_true_label(grid, probes):
    result = measured(Copier((2, 2, 2)), grid, probes)
    assert result.moved(0) == []
    assert result.true_labels() == (0, 2)


def test_what_was_not_measured_is_not_judged():
    result = report([])
    assert result.moved(0) is None
    assert result.true_labels() == (0, 0)


def test_inactive_dimensions_and_missing_probes_are_left_out(grid, probes):
    codes, classes = grid
    result = replace(report([]), active=[True, False, True])
    found = moves(Copier(), codes[:8], classes, FACTORS, {"kind": probes["kind"]}, result)
    assert np.isnan(found[1]).all()
    assert np.isnan(found[:, 0]).all()
    assert np.isfinite(found[[0, 2], 1]).all()


def test_readings_lie_as_far_apart_as_their_classes():
    first, second = np.eye(6)[[0, 0, 2]], np.eye(6)[[0, 5, 4]]
    line = Factor("line", 6)
    assert distance(first, second, line).tolist() == [0, 5, 2]
    assert distance(first, second, line) == pytest.approx(distance(second, first, line))
    unsure = np.full((1, 6), 1 / 6)
    assert distance(unsure, unsure, line).tolist() == [0]


def test_two_random_images_lie_a_third_of_a_line_apart():
    classes = np.tile(np.arange(1000), 3)
    assert random_distance(classes, Factor("line", 1000)) == pytest.approx(1000 / 3, rel=1e-3)
    assert random_distance(np.zeros(5, dtype=int), Factor("line", 4)) == 0


def test_a_cyclic_factor_lies_on_a_circle():
    angle = Factor("angle", 6, cyclic=True)
    first, second = np.eye(6)[[0, 0, 0]], np.eye(6)[[5, 3, 2]]
    assert distance(first, second, angle).tolist() == [1, 3, 2]
    two = (np.eye(6)[[0]] + np.eye(6)[[3]]) / 2  # a shape that looks alike after half a turn
    assert distance(two, np.roll(two, 1, axis=1), angle) == pytest.approx([1])
    assert distance(two, np.roll(two, 3, axis=1), angle) == pytest.approx([0])
    assert random_distance(np.arange(6), angle) == pytest.approx((0 + 1 + 2 + 3 + 2 + 1) / 6)
