"""What the columns of somebody's table look like, for a person to confirm or correct."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from dviz.factors import is_number
from dviz.limits import Limits
from dviz.measuring.files import (
    CODE,
    CODE_COLUMN,
    IGNORE,
    LABEL,
    read_cells,
    usual_role,
)

FEW = 20  # numbers with fractions that take more values than this are no labels


@dataclass(frozen=True)
class Column:
    """A column of a table as a person is asked about it: its name, a few cells, a guess."""

    name: str
    cells: tuple[str, ...]
    role: str


def guess_columns(path: str | os.PathLike[str], limits: Limits | None = None) -> list[Column]:
    """What each column of a CSV looks like: code by its name, or fractions of many values where
    no name says it; ignored where every row has another word or whole number, or all the same;
    else a label.

    Raises:
        DataFileError: as `read_classes`.
    """
    header, columns, _ = read_cells(path, limits)
    named = any(CODE_COLUMN.fullmatch(name) for name in header)
    return [
        Column(name, tuple(cells[:3]), _guess(name, cells, named))
        for name, cells in zip(header, columns, strict=True)
    ]


def _guess(name: str, cells: Sequence[str], named: bool) -> str:
    if usual_role(name) == CODE:
        return CODE
    distinct = len({cell.strip() for cell in cells})
    numbers = all(map(is_number, cells))
    broken = numbers and any("." in cell or "e" in cell.lower() for cell in cells)
    if distinct == 1 or (distinct == len(cells) and (named or not broken)):
        return IGNORE  # rows that are merely told apart by it: a file's name, a number
    return CODE if broken and distinct > FEW and not named else LABEL
