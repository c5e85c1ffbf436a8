"""Work on what strangers sent, in a process of its own that is ended when it takes too much.

The process is forked from a small one that has loaded nothing but what pictures and tables need,
so it starts within milliseconds. It hands back bytes, never objects: what comes out of a decoder
that met a hostile file is not trusted with more.
"""

from __future__ import annotations

import importlib
import logging
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

from dviz.errors import DvizError
from dviz.ui.core.defects import place_of

PRELOADED = ["dviz.ui.core.workers", "dviz.ui.core.uploads", "dviz.ui.core.own_files"]
TICK = 1.0  # seconds between two signs of life of work that takes long
START = 120.0  # seconds within which a process has to be there, on a slow and cold machine
LATER = 15  # niceness: the page comes first
BEGUN, VALUE, REFUSAL, END = b"b", b"v", b"r", b"e"

OURS = "something went wrong with it here, which is our mistake"
log = logging.getLogger("dviz.page")

_starting = threading.Lock()


class OverrunError(DvizError):
    """Work took more memory or time than it may have."""


def run_bounded(work: Callable[..., bytes], *args: Any, memory: int, seconds: int) -> bytes:
    """What `work(*args)` returns, at most `memory` bytes and `seconds` of a core.

    Raises:
        OverrunError: it took more.
        DvizError: what it refused, its text.
    """
    found = b""
    for message in stream_bounded(_one, work, *args, memory=memory, seconds=seconds):
        found = found if message is None else message
    return found


def _one(work: Callable[..., bytes], *args: Any) -> Iterator[bytes]:
    yield work(*args)


def stream_bounded(
    work: Callable[..., Iterator[bytes]], *args: Any, memory: int, seconds: int
) -> Iterator[bytes | None]:
    """What `work(*args)` yields, as it comes; None once a second in between.

    Whoever stops listening ends the process and all that it started.

    Raises:
        OverrunError: it took more than `memory` bytes or `seconds` of a core.
        DvizError: what it refused, its text.
    """
    process, results = _start(work, args, memory, seconds)
    deadline = time.monotonic() + START
    try:
        while True:
            if not results.poll(TICK):
                if time.monotonic() > deadline:
                    raise OverrunError(_too_much(memory, seconds))
                yield None
                continue
            try:
                message = results.recv_bytes()
            except (EOFError, OSError):
                raise OverrunError(_too_much(memory, seconds)) from None
            kind, content = message[:1], message[1:]
            if kind == BEGUN:
                # A core shared with others is slower; what waits for ever is ended all the same.
                deadline = time.monotonic() + 10 * seconds
                continue
            if kind == END:
                return
            if kind == REFUSAL:
                raise DvizError(content.decode("utf-8", "replace"))
            yield content
    finally:
        results.close()
        _end(process)


def _too_much(memory: int, seconds: int) -> str:
    return f"this takes more than {seconds} s or {memory // 1_000_000} MB, which is the limit here"


def _start(
    work: Callable[..., Iterator[bytes]], args: tuple[Any, ...], memory: int, seconds: int
) -> tuple[Any, Connection]:
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    results, there = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(there, memory, seconds, work, args))
    with _starting:  # the first one starts the small process that the others come from
        if method == "forkserver":
            context.set_forkserver_preload(PRELOADED)
        with _without_main():
            process.start()
    there.close()
    return process, results


@contextmanager
def _without_main() -> Iterator[None]:
    """A process is started that does not run the caller's script again, as it otherwise would to
    find there what it is to do: `dviz.launch()` in a script would open a second page."""
    main = sys.modules["__main__"].__dict__
    kept = {name: main[name] for name in ("__file__", "__spec__") if name in main}
    main.pop("__file__", None)
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(kept)


def _end(process: Any) -> None:
    """End a process with its children, and let nothing of it stay."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    process.join()
    process.close()


def _serve(
    there: Connection,
    memory: int,
    seconds: int,
    work: Callable[..., Iterator[bytes]],
    args: tuple[Any, ...],
) -> None:
    """What runs in the process."""
    for name in PRELOADED:  # there already, but where others started the small process first
        importlib.import_module(name)
    _bind(memory, seconds)
    there.send_bytes(BEGUN)
    try:
        for value in work(*args):
            there.send_bytes(VALUE + value)
        there.send_bytes(END)
    except (DvizError, ValueError) as error:
        there.send_bytes(REFUSAL + str(error).encode("utf-8", "replace"))
    except MemoryError:
        pass  # whoever listens sees the end without a word
    except Exception as error:
        log.error("%s in %s", place_of(error), work.__name__)
        there.send_bytes(REFUSAL + OURS.encode())
    finally:
        there.close()
        os._exit(0)  # no goodbyes: nothing of it is worth keeping


def _bind(memory: int, seconds: int) -> None:
    """Give this process and its children a group of their own, and the limits.

    Seconds and bytes that it took to get here, to load what the work needs, are not the work's.
    """
    if sys.platform == "win32":
        return
    import resource

    os.setsid()
    os.nice(LATER)
    with suppress(OSError), open("/proc/self/autogroup", "w") as group:
        group.write(str(LATER))  # where the system shares cores out by session, nice is not enough
    used = resource.getrusage(resource.RUSAGE_SELF)
    for kind, value in (
        (resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + seconds),
        (resource.RLIMIT_DATA, _data() + memory),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # a system that knows no such limit
            resource.setrlimit(kind, (value, value))


def _data() -> int:
    """Bytes of memory that count against the limit already, 0 where the system does not tell."""
    try:
        with open("/proc/self/status") as lines:
            return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmData"))
    except (OSError, StopIteration):
        return 0
