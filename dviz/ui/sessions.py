"""Whose session goes when there are too many: not one whose answer or page somebody waits at.

Gradio keeps the states of so many sessions, and the answers of so many more, and of one too many it
drops the oldest. A script that calls an endpoint two thousand times would so cut off whoever has
waited longest.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from gradio.utils import LRUCache

Waited = Callable[[str], bool]


class Present:
    """Names of the sessions and events that somebody is connected for.

    >>> present = Present()
    >>> with present.at(["a session"]):
    ...     "a session" in present
    True
    >>> "a session" in present
    False
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def __contains__(self, name: str) -> bool:
        return name in self._counts

    @contextmanager
    def at(self, names: Iterable[str]) -> Iterator[None]:
        """As long as a request is served that names them."""
        names = list(names)
        self._counts.update(names)
        try:
            yield
        finally:
            for name in names:
                self._counts[name] -= 1
                if not self._counts[name]:
                    del self._counts[name]


class _States(OrderedDict[str, Any]):
    """What Gradio keeps of sessions; drops the oldest that nobody waits at."""

    waited: Waited

    def popitem(self, last: bool = True) -> tuple[str, Any]:
        return _oldest_left(self, self.waited, last) or super().popitem(last)


class _Answers(LRUCache[str, Any]):
    """Answers on their way; drops the oldest that nobody waits for."""

    waited: Waited

    def popitem(self, last: bool = True) -> tuple[str, Any]:
        return _oldest_left(self, self.waited, last) or super().popitem(last)


def _oldest_left(
    store: OrderedDict[str, Any], waited: Waited, last: bool
) -> tuple[str, Any] | None:
    name = None if last else next((name for name in store if not waited(name)), None)
    return None if name is None else (name, store.pop(name))


def keep_present(app: Any, present: Present) -> None:
    """Have a running Gradio app drop only sessions that nobody is connected for."""
    queue, states = app.get_blocks()._queue, app.state_holder
    events = queue.pending_event_ids_session

    def waited(session: str) -> bool:
        return session in present or any(event in present for event in events.get(session, ()))

    kept = _States(states.session_data)
    answers = _Answers(queue.pending_messages_per_session.max_size)
    answers.update(queue.pending_messages_per_session)
    kept.waited = answers.waited = waited
    states.session_data, queue.pending_messages_per_session = kept, answers
