"""Ctrl-C and a scheduler's SIGTERM end a run between two steps, not inside one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Which signal asked the run to end, if one did."""

    signal: int | None = None

    def end(self) -> None:
        """Raise what the signal would have raised, once everything is saved."""
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + signal.SIGTERM)


@contextmanager
def held_interrupts() -> Iterator[Interruption]:
    """Note the first SIGINT or SIGTERM instead of acting on it; a second one acts at once."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption  # only the main thread may set handlers
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        interruption.signal = number
        _restore(before)

    for number in before:
        signal.signal(number, note)
    try:
        yield interruption
    finally:
        _restore(before)


def _restore(handlers: dict[int, object]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
