"""An association matrix in order, its numbers in words and their intervals."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from dviz.checkpoint import SOURCE
from dviz.measuring.evidence import Evidence
from dviz.measuring.report import Report
from dviz.metrics.association import association_matrix
from dviz.metrics.omes import omes
from dviz.ui.core import dimension, matrix
from dviz.ui.core.codes_map import first_view
from dviz.ui.core.inspector import describe_dimensions
from dviz.ui.core.verdict import slopes
from dviz.ui.parts.scores import factor_table
from dviz.ui.tabs.association import matrix_of
from tests.measuring.test_diagnosis import result
from tests.ui.material import NAMES


def test_active_dimensions_come_in_the_order_of_their_factors():
    found = result([[0.1, 0.9, 0.2], [0.9, 0.1, 0.3], [0.2, 0.2, 0.8]])
    for active, order in (([True] * 3, [1, 0, 2]), ([True, False, True], [0, 2])):
        found = replace(found, active=active)
        dimensions = describe_dimensions(3, found)
        assert [d.index for d in matrix.ordered(dimensions, found)] == order


@pytest.mark.parametrize("size", [2, 3, 7, 32])
def test_the_ceiling_is_what_a_perfect_code_measures(size):
    factors = np.stack(np.meshgrid(np.arange(size), np.arange(5)), -1).reshape(-1, 2)
    S = association_matrix(factors[:, :1].astype(float), factors, min_pairs=2)
    assert S[0, 0] == pytest.approx(matrix.ceiling(size), abs=1e-9)


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
    assert "95% interval" in matrix.reliability_in_words(found, 0.5, "avg")
    old = replace(found, evidence=None)
    assert matrix.spans(old) is None
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


def test_the_matrix_by_mutual_information_is_another_report_of_the_same_checkpoint(library):
    entry = library.get(NAMES[0])
    assert matrix.seen_by(entry, matrix.CORRELATION) is entry
    told = matrix.seen_by(entry, matrix.INFORMATION)
    expected = entry.result.evidence.information_matrix()
    np.testing.assert_array_equal(told.result.association_matrix, expected)
    assert told.result.omes().omes != entry.result.omes().omes
    assert "there is no interval" in matrix.reliability_in_words(told.result, 0.5, "avg")
    assert "tells 40%" in matrix.information_in_words("z0", "shape", 0.4)
    assert "not known" in matrix.information_in_words("z0", "shape", np.nan)


@pytest.fixture
def single(library):
    """A checkpoint measured with one label, of which no image pair differs in that alone."""
    entry = copy(library.get(NAMES[0]))
    entry.__dict__.pop("dimensions", None)
    unknown = np.full_like(entry.result.association_matrix, np.nan)
    result = replace(entry.result, association=unknown.tolist(), num_pairs=0)
    entry.report = Report({result.dataset: result})
    return entry


def test_where_no_correlation_is_known_mutual_information_is_shown_and_why(single):
    seen = matrix.seen_by(single, matrix.CORRELATION)
    assert not np.isnan(seen.result.association_matrix).all()
    words = matrix.reliability_in_words(seen.result, 0.5, "avg", matrix.CORRELATION)
    assert words.startswith("Too few pairs")
    assert "mutual information" in words
    assert not matrix_of(single).visible  # with nothing to fall back on there is no empty frame


def test_of_what_is_not_known_no_number_and_no_factor_is_named(single):
    ties = dimension.ties(single, 0)
    assert {tie.floor for tie in ties} == {None}  # nor is it called noise
    told = dimension.verdict(single, single.dimensions[0], ties)
    assert "nan" not in told
    assert "not known" in told
    assert not any(d.remark == "no clear factor" for d in single.dimensions)
    assert "OMES" not in [slope.name for slope in slopes({SOURCE: single.result})]
    assert (
        first_view(single.dimensions, single.result.factors)["colour"] == single.result.factors[0]
    )
