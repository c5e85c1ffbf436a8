"""Turns: work that is heavy is done a few at a time, first come first served, and never by a crowd.

A visitor joins a lane and waits; whom a full lane cannot take is told how long the others need.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from dviz.errors import DvizError


class BusyError(DvizError):
    """Others are at it; come back in a while."""


class Lane:
    """A bounded queue for one kind of work.

    >>> lane = Lane("measurements", at_once=1, waiting=1, seconds=30)
    >>> first, second = lane.join(), lane.join()
    >>> first.ahead, second.ahead
    (0, 1)
    >>> first.leave()
    >>> second.ahead
    0

    Args:
        what: what is done there, for messages: "measurements".
        at_once: how many may run at the same time; waiting: how many more may wait.
        seconds: what one takes, until some were timed.
    """

    def __init__(self, what: str, *, at_once: int, waiting: int, seconds: float) -> None:
        self.what, self.at_once, self.waiting = what, at_once, waiting
        self._seconds = seconds
        self._tickets: list[Ticket] = []
        self._changed = threading.Condition()

    def join(self, owner: str | None = None) -> Ticket:
        """A place at the end.

        Raises:
            BusyError: the lane is full, or `owner` has a place in it already.
        """
        with self._changed:
            if owner is not None and any(ticket.owner == owner for ticket in self._tickets):
                raise BusyError(
                    f"one of your {self.what} is running already; stop it or let it end"
                )
            if len(self._tickets) >= self.at_once + self.waiting:
                ahead = len(self._tickets) - self.at_once
                raise BusyError(
                    f"busy: {ahead} {self.what} of others wait already; try again in about "
                    f"{self.wait_of(len(self._tickets))} s"
                )
            ticket = Ticket(self, owner)
            self._tickets.append(ticket)
            return ticket

    @contextmanager
    def turn(self, owner: str | None = None) -> Iterator[None]:
        """Wait until it is one's turn; for work that nobody watches.

        Raises:
            BusyError: see `join`.
        """
        ticket = self.join(owner)
        try:
            while ticket.ahead:
                ticket.wait(1.0)
            yield
        finally:
            ticket.leave()

    def wait_of(self, place: int) -> int:
        """Seconds until the one with this many others in front has its turn, in whole seconds."""
        return max(1, round(self._seconds * place / self.at_once))


class Ticket:
    """A place in a lane; to be left, whatever happens."""

    def __init__(self, lane: Lane, owner: str | None) -> None:
        self.owner = owner
        self._lane = lane
        self._began: float | None = None

    @property
    def ahead(self) -> int:
        """How many must end before it is one's turn; 0 when it is."""
        lane = self._lane
        with lane._changed:
            place = lane._tickets.index(self) - lane.at_once + 1
            if place <= 0 and self._began is None:
                self._began = time.monotonic()
            return max(0, place)

    @property
    def seconds(self) -> int:
        """About how long the others need until then."""
        return self._lane.wait_of(self.ahead)

    def wait(self, seconds: float) -> None:
        """Until the lane moves, but no longer than this."""
        with self._lane._changed:
            self._lane._changed.wait(seconds)

    def leave(self) -> None:
        """Give the place to the next; a second time does nothing."""
        lane = self._lane
        with lane._changed:
            if self not in lane._tickets:
                return
            lane._tickets.remove(self)
            if self._began is not None:
                lane._seconds += 0.3 * (time.monotonic() - self._began - lane._seconds)
            lane._changed.notify_all()
