"""What the findings on somebody's codes call alone, they show alone."""

import numpy as np
import pytest

from dviz.measuring.files import encode_labels
from dviz.ui.core.own_codes import as_table
from dviz.ui.core.own_findings import findings
from tests.metrics.tables import uniform

FACTORS = uniform(4000, sizes=(30, 20))


def told(codes):
    columns = [[str(value) for value in column] for column in FACTORS.T]
    return findings(as_table("x", codes.astype(np.float32), encode_labels(["a", "b"], columns)))


@pytest.mark.parametrize("share", [0.0, 0.4, 0.8, 1.0])
def test_alone_is_said_only_where_nothing_else_is_followed(share):
    noise = np.random.default_rng(0).normal(size=(len(FACTORS), 1))
    a, b = (FACTORS / FACTORS.std(axis=0)).T[..., None]
    codes = np.concatenate([a + share * b + 0.01 * noise, b + 0.01 * noise], axis=1)
    (first, *_) = [line for line in told(codes) if line.startswith("z0")]
    if share == 0:
        assert first.startswith("z0 follows a alone (S ")
    else:
        assert "alone" not in first
        assert "b" in first.removeprefix("z0 follows a").removeprefix("z0 mixes a")


def test_a_noisy_dimension_may_follow_one_factor_alone():
    noise = np.random.default_rng(0).normal(size=(len(FACTORS), 1))
    a, b = (FACTORS / FACTORS.std(axis=0)).T[..., None]
    lines = told(np.concatenate([a + 0.6 * noise, b + 0.01 * noise], axis=1))
    assert any(line.startswith("z0 follows a alone") for line in lines)


def test_codes_of_another_scale_are_told_of_the_bound():
    tiny = 0.04 * FACTORS / FACTORS.std(axis=0)
    (line,) = told(tiny)
    assert "the study's bound is 0.05" in line
    assert "multiplied" in line
