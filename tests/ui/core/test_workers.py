"""Work in a process of its own: its answers come, its limits hold, and nothing of it stays."""

import os
import time
from pathlib import Path

import pytest

from dviz.errors import DvizError
from dviz.ui.core.workers import OverrunError, run_bounded, stream_bounded

BOUNDS = {"memory": 400_000_000, "seconds": 2}


def echo(value):
    return value * 2


def refuse():
    raise DvizError("not this one")


def spin():
    while True:
        pass


def hoard():
    return bytes(len(bytearray(2_000_000_000)))


def die():
    os._exit(7)


def count(path):
    Path(path).write_text(str(os.getpid()))
    for number in range(1000):
        yield bytes([number % 256])
        time.sleep(0.05)


def test_an_answer_comes_whole():
    large = os.urandom(3_000_000)
    assert run_bounded(echo, large, **BOUNDS) == large * 2


def test_a_refusal_keeps_its_words():
    with pytest.raises(DvizError, match="not this one"):
        run_bounded(refuse, **BOUNDS)


@pytest.mark.parametrize("work", [spin, hoard, die])
def test_what_takes_too_much_is_ended_in_words(work):
    began = time.monotonic()
    with pytest.raises(OverrunError, match=r"more than 1 s or 400 MB, which is the limit"):
        run_bounded(work, memory=400_000_000, seconds=1)
    assert time.monotonic() - began < 10


def test_who_stops_listening_ends_the_process(tmp_path):
    path = tmp_path / "pid"
    stream = stream_bounded(count, str(path), memory=400_000_000, seconds=60)
    assert next(message for message in stream if message is not None) == b"\0"
    pid = int(path.read_text())
    assert Path(f"/proc/{pid}").exists() or not Path("/proc").exists()
    stream.close()
    assert not Path(f"/proc/{pid}").exists()
