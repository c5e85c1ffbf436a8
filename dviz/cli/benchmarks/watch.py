"""What a running app takes, seen from outside: cores, memory, and how soon /health answers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

TICK = 0.1
# A process of its own: here it would wait for the threads of a hundred attackers.
ASKING = """
import sys, time, urllib.request
while True:
    time.sleep(float(sys.argv[2]))
    began = time.perf_counter()
    try:
        urllib.request.urlopen(sys.argv[1], timeout=30).read()
    except OSError:
        pass
    print(time.perf_counter() - began, flush=True)
"""
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Watch:
    """Watches the processes that this one started; as a context, from its start to its end.

    Attributes:
        health_slowest: seconds of the slowest answer of /health since it was last set to 0.
        peak: most bytes of memory since `begin`.
    """

    def __init__(self, url: str) -> None:
        self._health = f"{url}health"
        self.health_slowest, self.peak = 0.0, 0
        self._stopped = threading.Event()
        self._asking = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", ASKING, self._health, str(TICK)],
            stdout=subprocess.PIPE,
        )
        self._began = (time.perf_counter(), _machine_busy())

    def __enter__(self) -> Watch:
        for work in (self._ask, self._look):
            threading.Thread(target=work, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._asking.kill()
        self._asking.wait()

    def begin(self) -> None:
        self.health_slowest, self.peak = 0.0, self.memory()

    def memory(self) -> int:
        """Bytes that the app and all that it started hold, shared ones counted once."""
        return sum(_memory(pid) for pid in self._app())

    def cpu(self) -> float:
        """Seconds of a core since the start, of processes that have ended, too."""
        return sum(map(cpu_of, self._app()))

    def rest(self, seconds: float = 20.0) -> None:
        """Until the app has nothing to do, but no longer than this."""
        deadline, before = time.monotonic() + seconds, self.cpu()
        while time.monotonic() < deadline:
            time.sleep(1.0)
            now = self.cpu()
            if now - before < 0.05:
                return
            before = now

    @property
    def busy(self) -> float:
        """Share of the machine that others than the app took, in [0, 1]."""
        wall = (time.perf_counter() - self._began[0]) * (os.cpu_count() or 1)
        return max(0.0, (_machine_busy() - self._began[1] - self.cpu()) / wall)

    def _app(self) -> list[int]:
        return [pid for pid in family() if pid != self._asking.pid]

    def _ask(self) -> None:
        assert self._asking.stdout is not None
        for line in self._asking.stdout:
            with suppress(ValueError):
                self.health_slowest = max(self.health_slowest, float(line))

    def _look(self) -> None:
        while not self._stopped.wait(TICK / 2):
            self.peak = max(self.peak, self.memory())


def family(of: int | None = None) -> list[int]:
    """All that a process (by default this one) started, and all that those started."""
    found, seek = [], [of or os.getpid()]
    while seek:
        pid = seek.pop()
        try:
            tasks = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")]
        except OSError:  # it has just ended
            continue
        children = [int(child) for task in tasks for child in task.split()]
        found += children
        seek += children
    return found


def cpu_of(pid: int) -> float:
    """Seconds of a core that a process took, and those it started and that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS_A_SECOND


def _memory(pid: int) -> int:
    """Anonymous memory: what other processes do not have, too."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    return 0


def share_of_memory(pid: int) -> int:
    """Bytes that a process holds of any kind; what several hold is shared out among them."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    return 0


def _machine_busy() -> float:
    """Seconds of cores that the machine has worked."""
    try:
        values = [int(v) for v in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    except OSError:
        return 0.0
    return (sum(values[:3]) + sum(values[5:8])) / TICKS_A_SECOND
