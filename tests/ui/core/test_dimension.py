from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from dviz.measuring.report import Report
from dviz.ui.core import dimension as dim
from dviz.ui.core.inspector import Dimension, decode
from dviz.ui.core.library import Library
from tests.ui.material import NAMES

SOURCE, DIRECT, TUNED = NAMES


@pytest.fixture
def unmeasured(checkpoints):
    """A loaded checkpoint without report and codes."""
    entry = Library(checkpoints).get(DIRECT)
    entry.report, entry.sample = Report(), None
    return entry


@pytest.mark.parametrize("count", [1, 40, 1000])
def test_bands_rise_and_hold_both_ends(count):
    values = np.random.default_rng(0).standard_normal(count)
    rows = dim.band_rows(values)
    assert values[rows[0]].min() == values.min()
    assert values[rows[-1]].max() == values.max()
    medians = [np.median(values[part]) for part in rows]
    assert (np.diff(medians) >= 0).all()
    assert all(len(set(part)) == len(part) <= dim.EACH for part in rows)


def test_samples_are_genuine_where_they_can_be_drawn(library):
    entry = library.get(SOURCE)
    lowest = dim.bands(entry, 1)[0]
    row = entry.sample[0][:, 1].argmin()
    expected = dim.starts.renderer(entry).render(entry.sample[1][row : row + 1])[0]
    assert np.array_equal(lowest.images[0], expected)
    assert lowest.captions[0] == dim.starts.in_words(entry, entry.sample[1][row])


def test_samples_are_decoded_where_they_cannot(library):
    entry = library.get(TUNED)
    highest = dim.bands(entry, 2)[-1]
    row = entry.sample[0][:, 2].argmax()
    assert np.array_equal(highest.images[-1], decode(entry.model, entry.sample[0][row])[0])


def test_a_slide_moves_one_dimension_of_a_stored_code(library):
    entry = library.get(SOURCE)
    usual = dim.usual_code(entry)
    assert (entry.sample[0] == usual).all(axis=1).any()
    pictures = dim.slide(entry, Dimension(0, low=-1, high=1))
    ends = np.repeat(usual[None], 2, axis=0)
    ends[:, 0] = -1, 1
    assert np.array_equal(pictures[[0, -1]], decode(entry.model, ends))


def test_a_dimension_that_does_not_move_changes_nothing(library):
    entry = library.get(SOURCE)
    assert dim.changed_pixels(entry, Dimension(0, low=1, high=1)).max() == 0
    changed = dim.changed_pixels(entry, entry.dimensions[0])
    assert changed.shape == (64, 64)
    assert 0 < changed.max() <= 1


def test_ties_are_the_report_s_own_strongest_first(library):
    entry = library.get(TUNED)
    found = dim.ties(entry, 0)
    assert [tie.S for tie in found] == sorted((tie.S for tie in found), reverse=True)
    S = dict(zip(entry.result.factors, entry.result.association_matrix[0], strict=True))
    assert {tie.factor: tie.S for tie in found} == S
    assert {tie.ceiling for tie in found} == {1 - 1 / 2, 1 - 1 / 7, 1 - 1 / 5}


@pytest.mark.parametrize("measured", [True, False])
def test_ties_tell_how_far_the_dimension_moves_each_factor(library, measured):
    entry = copy(library.get(TUNED))
    factors = range(len(entry.result.factors))
    far = [[d + 10.0 * j for j in factors] for d in range(len(entry.dimensions))]
    result = replace(entry.result, moves=far if measured else [])
    entry.report = Report({entry.config.dataset: result})
    found = {tie.factor: tie.moves for tie in dim.ties(entry, 2)}
    expected = [2 + 10.0 * j if measured else None for j in factors]
    assert found == dict(zip(result.factors, expected, strict=True))


def test_histograms_count_every_sample_once(library):
    entry = library.get(TUNED)
    edges, shares = dim.histograms(entry, 1, "turn")
    assert shares.shape == (8, dim.BINS)
    assert np.allclose(shares.sum(axis=1), 1)
    values = entry.sample[0][entry.sample[1][:, 1] == 3, 1]
    middles = (edges[1:] + edges[:-1]) / 2
    assert abs(shares[3] @ middles - values.mean()) < np.ptp(edges) / dim.BINS
    assert dim.histograms(entry, 1, "nothing") is None


def test_without_codes_and_report_there_is_little_to_say(unmeasured):
    assert dim.bands(unmeasured, 0) == []
    assert dim.ties(unmeasured, 0) == []
    assert dim.histograms(unmeasured, 0, "turn") is None
    assert dim.slide(unmeasured, unmeasured.dimensions[0]).shape == (9, 64, 64, 3)
    assert "was not measured" in dim.verdict(unmeasured, unmeasured.dimensions[0], [])


def test_a_verdict_names_the_factor_and_its_ceiling(library):
    entry = library.get(TUNED)
    named = next(d for d in entry.dimensions if d.factors)
    words = dim.verdict(entry, named, dim.ties(entry, named.index))
    assert named.factors[0][0] in words
    assert f"{named.factors[0][1]:.2f}" in words
    assert "carries nothing" in dim.verdict(entry, Dimension(0, active=False), [])


def test_a_verdict_names_who_follows_the_factor_as_well(library):
    entry = library.get(TUNED)
    named = next(d for d in entry.dimensions if d.factors)
    factor, ties = named.factors[0][0], dim.ties(entry, named.index)
    alone = replace(named, shared=())
    shared = replace(named, shared=(("z8", "z9"), *[()] * (len(named.factors) - 1)))
    assert f"{factor} (with z8, z9)" in dim.verdict(entry, shared, ties)
    assert "with z" not in dim.verdict(entry, alone, ties)
