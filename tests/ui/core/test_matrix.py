"""An association matrix in order, its ideal, its numbers in words and their intervals."""

from dataclasses import replace

import numpy as np
import pytest

from dviz.measuring.evidence import Evidence
from dviz.metrics.association import association_matrix
from dviz.metrics.omes import omes
from dviz.ui.core import matrix
from dviz.ui.core.inspector import describe_dimensions
from dviz.ui.parts.scores import factor_table
from tests.measuring.test_diagnosis import result
from tests.ui.material import NAMES


def test_every_order_shows_the_active_dimensions_once():
    found = replace(result(np.eye(3)[::-1]), active=[True, False, True])
    dimensions = describe_dimensions(3, found)
    for order in (matrix.BY_FACTOR, matrix.BY_NUMBER, *found.factors):
        assert sorted(d.index for d in matrix.ordered(dimensions, found, order)) == [0, 2]


def test_orders_by_factor_number_and_strength():
    found = result([[0.1, 0.9, 0.2], [0.9, 0.1, 0.3], [0.2, 0.2, 0.8]])
    dimensions = describe_dimensions(3, found)

    def order(by):
        return [d.index for d in matrix.ordered(dimensions, found, by)]

    assert order(matrix.BY_NUMBER) == [0, 1, 2]
    assert order(matrix.BY_FACTOR) == [1, 0, 2]
    assert order("colour") == [2, 1, 0]


@pytest.mark.parametrize("size", [2, 3, 7, 32])
def test_the_ceiling_is_what_a_perfect_code_measures(size):
    factors = np.stack(np.meshgrid(np.arange(size), np.arange(5)), -1).reshape(-1, 2)
    S = association_matrix(factors[:, :1].astype(float), factors, min_pairs=2)
    assert S[0, 0] == pytest.approx(matrix.ceiling(size), abs=1e-9)


def test_the_ceiling_is_told_where_it_is_low():
    few = replace(result(), sizes=[7, 100, 1])
    words = matrix.ceilings_in_words(few)
    assert "0.83 for shape (7 values)" in words
    assert "scale" not in words
    assert matrix.ceilings_in_words(replace(few, sizes=[50, 60, 1])) == ""


def test_the_ideal_has_one_factor_a_dimension_and_one_dimension_a_factor():
    rng = np.random.default_rng(0)
    for _ in range(20):
        found = replace(result(rng.random((3, 3))), active=[True, True, True])
        best = matrix.ideal(found)
        assert ((best > 0).sum(axis=0) == 1).all()
        assert ((best > 0).sum(axis=1) == 1).all()
    pure = result(np.eye(3))
    assert (matrix.ideal(pure) > 0).tolist() == np.eye(3, dtype=bool).tolist()
    short = replace(pure, active=[True, False, False])
    assert (matrix.ideal(short) > 0).sum() == 1  # more factors than dimensions


def test_numbers_in_words():
    assert "it follows shape" in matrix.cell_in_words("z0", "shape", 0.9, 40)
    assert "0.50" in matrix.cell_in_words("z0", "shape", 0.45, 3)
    assert "does not care" in matrix.cell_in_words("z0", "shape", 0.02, 40)
    assert "0.10 to 0.30" in matrix.cell_in_words("z0", "shape", 0.2, 40, (0.1, 0.3))
    assert "not known" in matrix.cell_in_words("z0", "shape", np.nan, 40)
    assert "lets go of" in matrix.change_in_words("z0", "shape", 0.9, 0.2)
    assert "about the same" in matrix.change_in_words("z0", "shape", 0.9, 0.91)
    assert "not known" in matrix.change_in_words("z0", "shape", np.nan, 0.9)


def test_intervals_hold_what_they_are_of_and_noise_is_told_from_encoding(library):
    found = library.get(NAMES[0]).result
    S = found.association_matrix
    low, high = matrix.spans(found)
    assert ((low <= S + 0.01) & (high + 0.1 >= S)).all()
    for pooling in ("avg", "max"):
        whiskers = matrix.factor_spans(found, pooling)
        assert {part: span.shape for part, span in whiskers.items()} == {
            part: (2, len(found.factors)) for part in ("modularity", "compactness")
        }
        assert (whiskers["modularity"][0] < whiskers["modularity"][1]).all()
    assert "95% interval" in matrix.reliability_in_words(found, 0.5, "avg")
    old = replace(found, evidence=None)
    assert matrix.spans(old) is None
    assert matrix.factor_spans(old, "avg") == {}
    assert not matrix.changes_by_itself(old).any()
    assert "from before" in matrix.reliability_in_words(old, 0.5, "avg")
    noise = Evidence(np.zeros_like(S).tolist(), [[]] * S.shape[1], [0.0] * len(S))
    restless = replace(found, association=np.ones_like(S).tolist(), evidence=noise)
    assert matrix.changes_by_itself(restless).all()
    assert "Too few pairs" in matrix.reliability_in_words(restless, 0.5, "avg")
    assert "changes by itself" in matrix.cell_in_words("z0", "a", 1.0, 9, by_itself=True)


def test_who_encodes_a_factor_is_told_only_where_somebody_does():
    S = [[0.9, 0, 0, 0.1], [0, 0.6, 0.7, 0.1], [0, 0, 0, 0.1]]
    table = factor_table(omes(S, names=["own", "second", "first", "silent"]))
    cells = {name: table.split(f">{name}<")[1].split("</tr>")[0] for name in ("own", "first")}
    assert "z0 · 0.90" in cells["own"]
    assert "z1 · 0.70" in cells["first"]
    # By its overlap score the silent z2 is associated with "second", which helps nobody.
    assert "shared · z1 0.60" in table.split(">second<")[1].split("</tr>")[0]
    assert ">none</span>" in table.split(">silent<")[1].split("</tr>")[0]
