"""Work in a process of its own: its answers come, its limits hold, and nothing of it stays."""

import os
import subprocess
import sys
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


def stumble():
    raise KeyError("secret")


def spin():
    while True:
        pass


def hoard():
    """Takes 700 MB for a moment, which costs no time."""
    return bytes([len(bytearray(700_000_000)) > 0])


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


class LongToLoad:
    """Takes more of a core than the work may have, before the work begins."""

    def __reduce__(self):
        return burn, (1.3,)


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return b"loaded"


def test_what_it_takes_to_load_the_work_does_not_count():
    assert run_bounded(echo, LongToLoad(), memory=400_000_000, seconds=1) == b"loadedloaded"


WORK = """
import sys
from dviz.ui.core import workers

def loaded():
    return str(set(workers.PRELOADED) <= sys.modules.keys()).encode()
"""
ALONE = """
import multiprocessing
from dviz.ui.core import workers
from work import loaded

if __name__ == "__main__":
    first = multiprocessing.get_context("forkserver").Process(target=int)
    first.start()
    first.join()
    print(workers.run_bounded(loaded, memory=400_000_000, seconds=1).decode())
"""
PLAIN = """
from dviz.ui.core import workers
from work import loaded

print("once", workers.run_bounded(loaded, memory=400_000_000, seconds=1).decode())
print(__file__ and __spec__)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such process")
@pytest.mark.parametrize(("program", "said"), [(ALONE, "True"), (PLAIN, "once True\nNone")])
def test_a_small_process_that_others_started_will_do_and_no_script_runs_twice(
    tmp_path, program, said
):
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "alone.py").write_text(program)
    ran = subprocess.run(
        [sys.executable, tmp_path / "alone.py"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.stdout.strip() == said, ran.stderr


def test_a_refusal_keeps_its_words():
    with pytest.raises(DvizError, match="not this one"):
        run_bounded(refuse, **BOUNDS)


def test_a_defect_of_ours_is_not_called_a_limit():
    with pytest.raises(DvizError, match="our mistake") as told:
        run_bounded(stumble, **BOUNDS)
    assert not isinstance(told.value, OverrunError)
    assert "secret" not in str(told.value)


@pytest.mark.skipif(not Path("/proc").exists(), reason="only Linux bounds the memory of data")
def test_memory_is_bounded_and_not_only_time():
    assert run_bounded(hoard, memory=900_000_000, seconds=30) == b"\1"
    with pytest.raises(OverrunError, match="400 MB"):
        run_bounded(hoard, memory=400_000_000, seconds=30)


@pytest.mark.parametrize("work", [spin, die])
def test_what_takes_too_much_is_ended_in_words(work):
    began = time.monotonic()
    with pytest.raises(OverrunError, match=r"more than 1 s or 400 MB, which is the limit"):
        run_bounded(work, memory=400_000_000, seconds=1)
    assert time.monotonic() - began < 60  # ten seconds of a core that others share, and the start


def test_who_stops_listening_ends_the_process(tmp_path):
    path = tmp_path / "pid"
    stream = stream_bounded(count, str(path), memory=400_000_000, seconds=60)
    assert next(message for message in stream if message is not None) == b"\0"
    pid = int(path.read_text())
    assert Path(f"/proc/{pid}").exists() or not Path("/proc").exists()
    stream.close()
    assert not Path(f"/proc/{pid}").exists()
