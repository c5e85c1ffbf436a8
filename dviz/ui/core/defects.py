"""Defects of ours in a log, without what was in them: that is the visitor's."""

from __future__ import annotations

import traceback
from pathlib import Path

FRAMES = 4


def place_of(error: BaseException) -> str:
    """What went wrong and where: "KeyError at a.py:12 < b.py:3"; no message, no values."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    places = (f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {' < '.join(places)}"
