"""What a labels.csv says: which images there are, and what is known of each."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from dviz.data.table import UNKNOWN, number_photographs
from dviz.errors import DatasetError
from dviz.factors import Factor, FactorSpace, as_number

IMAGE = "image"  # the column of file names
PHOTOGRAPH = "photograph"  # that of what images were cut from; see `Labels`
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
GAPS = frozenset(("", "na", "n/a", "nan", "?"))


class Labels(NamedTuple):
    """What is said of N images.

    Attributes:
        names: of the images, composed (NFC).
        space: F factors; table: class indices int64 (N, F), −1 for a gap.
        photographs: which images belong together, int64 (N,), as those of one photograph, slide or
            film do; None where nothing is said of it.
    """

    names: list[str]
    space: FactorSpace
    table: np.ndarray
    photographs: np.ndarray | None


def read_labels(content: str, source: str) -> Labels:
    """What a labels.csv says.

    Commas, semicolons or tabs; numbers are classes in their order, words in alphabetical order. A
    column "photograph" is no factor; where its cell is empty, an image stands for itself.

    Args:
        source: what to call it in an error.

    Raises:
        DatasetError: no column `image`, no rows, a ragged row, a name that occurs twice, a column
            with no label or only one, or fewer than three photographs.
    """
    delimiter = _delimiter(content)
    header, lines, rows = _read_csv(content, source, delimiter)
    columns = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    names = [composed(name.replace("\\", "/").removeprefix("./")) for name in columns.pop(IMAGE)]
    seen: set[str] = set()
    for name, line in zip(names, lines, strict=True):
        if not name or name in seen:
            what = f"{name!r} is named twice" if name else "there is no image name"
            raise DatasetError(f"{source}, line {line}: {what}; each image needs one line")
        seen.add(name)
    cells = columns.pop(PHOTOGRAPH, [""] * len(names))
    together = [None if cell.lower() in GAPS else cell for cell in cells]
    photographs = number_photographs(together, f"{source}, column {PHOTOGRAPH!r}")
    factors, table = [], np.empty((len(names), len(columns)), dtype=np.int64)
    for j, (name, cells) in enumerate(columns.items()):
        values, table[:, j] = _classes(cells, delimiter)
        if not values:
            raise DatasetError(f"{source}: column {name!r} is empty; fill it or take it away")
        if len(names) > 1 == (table[:, j] != UNKNOWN).sum():
            raise DatasetError(
                f"{source}: column {name!r} has a label for one image alone, and nothing can be "
                "learnt from it; fill it or take it away"
            )
        factors.append(Factor(name, len(values), values))
    return Labels(names, FactorSpace(factors), table, photographs)


def _delimiter(content: str) -> str:
    return max(",;\t", key=_first_line(content).count)


def _first_line(content: str) -> str:
    return content.split("\n", 1)[0].strip()


def _read_csv(
    content: str, source: str, delimiter: str
) -> tuple[list[str], list[int], list[list[str]]]:
    """Header, and of every row that is not blank its line and as many cells, stripped."""
    reader = csv.reader(io.StringIO(content), delimiter=delimiter)
    try:
        numbered = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise DatasetError(f"{source} is not a CSV file ({error}); save it as CSV UTF-8") from error
    numbered = [(line, row) for line, row in numbered if any(row)]
    header = numbered[0][1] if numbered else []
    if header.count(IMAGE) != 1:
        raise DatasetError(
            f"{source} needs one column {IMAGE!r} with file names; it begins with "
            f"{_first_line(content)[:80]!r}"
        )
    if not all(header) or len(set(header)) != len(header):
        raise DatasetError(f"{source}: columns must have names that differ, got {header}")
    if len(numbered) < 2:
        raise DatasetError(f"{source} names no images; add a line for each")
    for line, row in numbered[1:]:
        if len(row) != len(header):
            raise DatasetError(
                f"{source}, line {line}: {len(row)} cells for {len(header)} columns; "
                "leave a cell empty where a label is unknown"
            )
    return header, [line for line, _ in numbered[1:]], [row for _, row in numbered[1:]]


def _classes(cells: list[str], delimiter: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The different values of a column in order, and for each cell which it is, −1 for a gap."""
    known = {cell for cell in cells if cell.lower() not in GAPS}
    # A comma is a decimal point, unless each that there is parts thousands.
    with_comma = [cell for cell in known if "," in cell]
    thousands = delimiter == "," and all(map(THOUSANDS.fullmatch, with_comma))
    try:
        number = {cell: _exact(cell, thousands) for cell in known}
        values = sorted(set(number.values()))
        label = {number[cell]: cell for cell in sorted(known, key=lambda c: (-len(c), c))}
        place = {cell: values.index(value) for cell, value in number.items()}
        words = [label[value] for value in values]
    except ValueError:
        words = sorted(known)
        place = {word: i for i, word in enumerate(words)}
    return tuple(words), np.array([place.get(cell, UNKNOWN) for cell in cells], dtype=np.int64)


def _exact(cell: str, thousands: bool) -> Decimal:
    """The number of a cell with all its digits: two of a float's neighbours are two labels."""
    written = cell.replace(",", "" if thousands else ".")
    as_number(written)
    return Decimal(written)


def composed(name: str) -> str:
    """A file's name in the one form of several that look alike: Macs write é as e and an accent."""
    return unicodedata.normalize("NFC", name)
