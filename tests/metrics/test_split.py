import numpy as np
import pytest

from dviz.metrics.split import error_of_mean, release_workers, run_parallel


def grown(number):
    """As if every call had left its process with more memory than joblib lets it keep."""
    from joblib.externals.loky import process_executor

    process_executor._MAX_MEMORY_LEAK_SIZE = -(10**15)
    process_executor._MEMORY_LEAK_CHECK_DELAY = 0
    return number


def test_a_process_is_replaced_without_a_word(recwarn):
    try:
        assert run_parallel(grown, [(number,) for number in range(12)], 2) == list(range(12))
    finally:
        release_workers()
    assert not [str(warning.message) for warning in recwarn]


def test_the_error_of_few_groups_is_that_of_their_means():
    groups = np.repeat(np.arange(5), 20)
    means = np.random.default_rng(0).normal(size=(4000, 5))
    errors = [error_of_mean(np.repeat(m, 20), groups) ** 2 for m in means]
    assert np.mean(errors) == pytest.approx(1 / 5, rel=0.05)
    assert np.isnan(error_of_mean(np.ones(20), np.zeros(20, np.int64)))
