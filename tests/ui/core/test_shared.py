import base64

import numpy as np
import pytest
from scipy.stats import hypergeom

from dviz.factors import Factor
from dviz.ui.core.shared import _chance, as_picked, in_words, shares

HUE = Factor("hue", 4, ("red", "lime", "blue", "pink"))
SIZE = Factor("size", 6)
RNG = np.random.default_rng(0)
CLASSES = np.stack([RNG.integers(0, 4, 2000), RNG.integers(0, 6, 2000)], axis=1)


def test_what_is_picked_by_a_value_is_found_and_what_is_not_is_left_out():
    first, second = shares(CLASSES, CLASSES[:, 1] == 2, [HUE, SIZE])
    assert (first.factor, first.more, first.share) == (SIZE, (2,), 1.0)
    assert first.usual == pytest.approx((CLASSES[:, 1] == 2).mean())
    assert first.told == pytest.approx(-np.log2(first.usual))
    assert (second.factor, second.more) == (HUE, ())


def test_the_chance_of_a_value_is_that_of_its_counts_alone():
    """Many values have few pairs of counts; each is looked up once."""
    picked = RNG.random(len(CLASSES)) < 0.2
    here, everywhere = (np.bincount(c, minlength=9) for c in (CLASSES[picked, 1], CLASSES[:, 1]))
    expected = hypergeom.sf(here - 1, len(CLASSES), everywhere, picked.sum())
    assert np.array_equal(_chance(here, everywhere), expected)


@pytest.mark.parametrize("seed", range(5))
def test_blind_picks_share_nothing(seed):
    picked = np.random.default_rng(seed).random(len(CLASSES)) < 0.1
    found = shares(CLASSES, picked, [HUE, SIZE])
    assert not any(share.more for share in found)
    assert in_words(found) == ["Nothing: every factor is spread as it is among all samples"]


@pytest.mark.parametrize("picked", [np.ones(2000, bool), np.zeros(2000, bool)])
def test_all_and_none_share_nothing(picked):
    assert not any(share.more for share in shares(CLASSES, picked, [HUE, SIZE]))


def test_words_say_how_many_and_what_is_usual():
    words = in_words(shares(CLASSES, np.isin(CLASSES[:, 0], [0, 2]), [HUE, SIZE]))
    assert words[0].startswith("100% have hue red or blue (49% of all")
    assert words[1] == "size: as among all samples"
    assert (
        "size 1 to 4"
        in in_words(shares(CLASSES[:, 1:], np.isin(CLASSES[:, 1], range(1, 5)), [SIZE]))[0]
    )


@pytest.mark.parametrize("count", [1, 8, 13])
def test_bits_name_rows(count):
    rows = np.arange(count) % 3 == 0
    bits = base64.b64encode(np.packbits(rows, bitorder="little")).decode()
    assert np.array_equal(as_picked(bits, count), rows)


@pytest.mark.parametrize("bits", ["AAAA", "?", None, 5, "A" * 10_000])
def test_other_bits_are_refused(bits):
    with pytest.raises(ValueError, match="picked"):
        as_picked(bits, 13)
