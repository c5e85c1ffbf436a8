from dviz.metrics.split import release_workers, run_parallel


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
