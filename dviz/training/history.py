"""What a run writes down as it goes: `history.jsonl` always, TensorBoard's event files if asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dviz.errors import TrainingError
from dviz.files import write_text


class History:
    """Appends one JSON object a line; values are numbers or lists of numbers.

    Opening it forgets what a broken run logged after step `start`, its last saved state.
    """

    def __init__(self, folder: Path, start: int, tensorboard: bool = False) -> None:
        self.path = folder / "history.jsonl"
        kept = [line for line in _lines(self.path) if line["step"] <= start] if start else []
        write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))
        self._events = _event_writer(folder / "tensorboard", start) if tensorboard else None

    def append(self, values: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
        if self._events is not None:
            for name, value in values.items():
                parts = value if isinstance(value, list) else [value]
                for index, part in enumerate(parts):
                    tag = f"{name}/{index}" if isinstance(value, list) else name
                    self._events.add_scalar(tag, part, values["step"])

    def close(self) -> None:
        if self._events is not None:
            self._events.close()


def _lines(path: Path) -> list[dict[str, Any]]:
    """Every whole line; a killed process or a full disk can leave a torn last one."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found


def _event_writer(folder: Path, start: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise TrainingError(
            "TensorBoard is not installed; pip install -r requirements-scale.txt, or train without"
        ) from error
    return SummaryWriter(str(folder), purge_step=start + 1)
