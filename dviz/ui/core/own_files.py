"""Somebody's own codes and labels, read from the files they drop in. No Gradio here.

A large table is read in a process of its own: a million cells of text would make everybody wait.
"""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np

from dviz.errors import DataFileError, DvizError
from dviz.limits import LIMITS
from dviz.measuring.columns import Column, guess_columns
from dviz.measuring.files import Labels, read_classes, read_representations, read_table
from dviz.metrics.association import Association
from dviz.ui.core.fair import BusyError, Lane
from dviz.ui.core.own_codes import OwnTable, as_table
from dviz.ui.core.workers import OverrunError, run_bounded

_HELD: WeakSet[OwnTable] = WeakSet()  # tables that sessions keep
_HOLDING = threading.Lock()
TABLES = Lane("tables", at_once=1, waiting=LIMITS.measure_waiting, seconds=2.0)
WHAT_IS_NEEDED = (
    "drop in two files, codes (.npz) and labels (.csv), or one .csv with columns z0, z1, ... and "
    "one for each factor"
)


def read_files(paths: Sequence[str], roles: Mapping[str, str] | None = None) -> OwnTable:
    """The table in one or two files; `roles` of columns as `read_table` takes them.

    Raises:
        BusyError: others' tables keep the machine busy, or take all the memory they may.
        DataFileError: other files than needed, or they are broken, too large, or do not fit each
            other. The message names a file, never the folder it was put into.
    """
    by_kind = {Path(path).suffix.lower(): path for path in paths}
    if len(by_kind) != len(paths) or not set(by_kind) <= {".npz", ".csv"} or ".csv" not in by_kind:
        names = ", ".join(Path(path).name for path in paths) or "nothing"
        raise DataFileError(f"got {names}; {WHAT_IS_NEEDED}")
    content = _read(table_bytes, paths, by_kind, dict(roles or {}))
    with _HOLDING:
        return _held(content)


def _held(content: bytes) -> OwnTable:
    """The table in `content`, if there is room for one more."""
    taken = sum(table.nbytes for table in _HELD)
    if taken + len(content) > LIMITS.tables_bytes:
        raise BusyError("busy: others' tables take all the memory there is for them; try again in "
                        "an hour, or use dviz evaluate")  # fmt: skip
    table = unpacked(content)
    _HELD.add(table)
    return table


def columns_of(paths: Sequence[str]) -> list[Column]:
    """The columns of a single CSV with what they are taken for; [] for anything else."""
    if len(paths) != 1 or Path(paths[0]).suffix.lower() != ".csv":
        return []
    found = json.loads(_read(column_bytes, paths, paths[0]))
    return [Column(each["name"], tuple(each["cells"]), each["role"]) for each in found]


def _read(work: Callable[..., bytes], paths: Sequence[str], *args: Any) -> bytes:
    """What `work(*args)` makes of these files, one visitor's after the other's."""
    bounds = {"memory": LIMITS.measure_memory_bytes, "seconds": LIMITS.table_cpu_seconds}
    with TABLES.turn():
        try:
            size = sum(map(os.path.getsize, paths))
            if size <= LIMITS.table_inside_bytes and not any(map(_may_swell, paths)):
                return work(*args)
            return run_bounded(work, *args, **bounds)
        except OverrunError as error:
            raise DataFileError(f"{error}; dviz evaluate takes any number") from None
        except DvizError as error:
            raise DataFileError(_nameless(str(error), paths)) from None
        except OSError:
            raise DataFileError("the files are gone; drop them in again") from None


def column_bytes(path: str) -> bytes:
    """What the columns of a CSV look like, as another process hands it back."""
    return json.dumps([asdict(column) for column in guess_columns(path, LIMITS)]).encode()


def table_bytes(by_kind: dict[str, str], roles: dict[str, str]) -> bytes:
    """The table in a file of each kind, as another process hands it back."""
    if ".npz" in by_kind:
        codes = read_representations(by_kind[".npz"], max_bytes=LIMITS.npz_bytes, limits=LIMITS)
        labels = read_classes(by_kind[".csv"], rows=len(codes), limits=LIMITS)
        return packed(as_table("your data", codes, labels))
    name = Path(by_kind[".csv"]).stem
    return packed(as_table(name, *read_table(by_kind[".csv"], LIMITS, roles)))


def packed(table: OwnTable) -> bytes:
    """A table as an .npz of plain arrays."""
    labels, found = table.labels, table.association
    words = json.dumps([table.name, labels.names, labels.values, found.reasons, table.columns])
    arrays = {
        "words": np.frombuffer(words.encode(), dtype=np.uint8),
        "codes": table.codes,
        "classes": labels.classes,
        "active": table.active,
        "correlation": found.correlation,
        "pairs": found.pairs,
        "groups": found.groups,
    }
    target = io.BytesIO()
    np.savez(target, allow_pickle=False, **arrays)
    return target.getvalue()


def unpacked(content: bytes) -> OwnTable:
    """The table that `packed` made this of."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        name, names, values, reasons, columns = json.loads(file["words"].tobytes())
        labels = Labels(tuple(names), file["classes"], tuple(map(tuple, values)))
        found = Association(file["correlation"], file["pairs"], file["groups"], tuple(reasons))
        return OwnTable(name, file["codes"], labels, file["active"], found, tuple(columns))


def _may_swell(path: str) -> bool:
    """Whether a file can be small and what it holds large."""
    return Path(path).suffix.lower() == ".npz"


def _nameless(message: str, paths: Sequence[str]) -> str:
    """A message that names files, but not the folder they were put into."""
    for path in paths:
        message = message.replace(str(path), Path(path).name)
    return message
