"""What the page does beside its callbacks."""

import threading
import time

import pytest

from dviz.ui.page import beside


def test_work_is_done_beside_and_its_result_comes_last():
    go_on = threading.Event()
    steps = beside(lambda: go_on.wait(60), every=0.01)
    assert not any(next(steps).done() for _ in range(3))
    go_on.set()
    *_, last = steps
    assert last.result() is True


def test_an_error_comes_with_the_future():
    (future,) = {id(f): f for f in beside(lambda: 1 / 0)}.values()
    with pytest.raises(ZeroDivisionError):
        future.result()


def test_who_leaves_waits_for_nothing():
    """Gradio closes a leaver's generator in the loop that serves everybody."""
    go_on = threading.Event()
    steps = beside(lambda: go_on.wait(20), every=0.01)
    next(steps)
    began = time.monotonic()
    steps.close()
    assert time.monotonic() - began < 5
    go_on.set()
