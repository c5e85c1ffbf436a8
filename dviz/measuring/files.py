"""Files of codes and labels: the study's `representations.npz` and `classes.csv`, or one CSV.

`representations.npz` holds arrays `mean` and `sampled`, each (N, D) float32; `classes.csv` has a
header of factor names and N rows of labels. A single CSV holds both: columns named like z0, z1, ...
(also z_0, dim 0, code_0, mean0, mu0, latent0) are codes, all others are factors.
"""

from __future__ import annotations

import csv
import io
import os
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dviz.errors import DataFileError
from dviz.factors import is_number, number_names
from dviz.files import check_archive
from dviz.limits import Limits

ROLES = CODE, LABEL, IGNORE = "code", "label", "ignore"
NPZ_ERRORS = (
    OSError, ValueError, LookupError, EOFError, MemoryError, RuntimeError, SyntaxError, TypeError,
    zipfile.BadZipFile, zlib.error, tokenize.TokenError, struct.error,
)  # fmt: skip
"""What numpy and zipfile raise while they read a damaged .npz file."""
CODE_COLUMN = re.compile(r"(z|dim|dimension|code|mean|mu|latent)[ _.\-]?\d+", re.IGNORECASE)
_GAPS = {"", "nan", "NaN"}


@dataclass(frozen=True)
class Labels:
    """Labels as class indices.

    Attributes:
        names: F factor names.
        classes: int64 (N, F). Whole numbers are kept as they are; words and other numbers are
            numbered in their order.
        values: per factor what each class index means, or () where the index says it all.
    """

    names: tuple[str, ...]
    classes: np.ndarray
    values: tuple[tuple[str, ...], ...]


class Table(NamedTuple):
    """Codes float32 (N, D), labels of the same rows, and what the D columns are called."""

    codes: np.ndarray
    labels: Labels
    columns: tuple[str, ...]


def read_representations(
    path: str | os.PathLike[str],
    key: str = "mean",
    max_bytes: int = 16 * 2**30,
    limits: Limits | None = None,
) -> np.ndarray:
    """Codes of the array `key` of an `.npz`, float32 (N, D).

    Args:
        max_bytes: how large the array may be when unpacked; a small file can hold a huge one.
        limits: of the archive as a whole, where strangers hand it in.

    Raises:
        DataFileError: no such file or array, too large, not an `.npz`, or not a table of finite
            numbers.
    """
    try:
        if limits is not None:
            check_archive(_existing(path), members=limits.npz_members, unpacked=limits.npz_bytes)
        loaded = np.load(_existing(path), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise DataFileError(f"{path}: a single array; an .npz with '{key}' is needed")
        with loaded as file:
            if key not in file.files:
                raise DataFileError(f"{path}: no array '{key}'; it holds {', '.join(file.files)}")
            unpacked = file.zip.getinfo(f"{key}.npy").file_size
            if unpacked > max_bytes:
                raise DataFileError(
                    f"{path}: array '{key}' unpacks to {unpacked / 2**20:,.0f} MB; at most "
                    f"{max_bytes / 2**20:,.0f} MB are read"
                )
            codes = file[key]
            if limits is not None and codes.size > limits.table_numbers:
                raise DataFileError(
                    f"{path}: array '{key}' holds {codes.size:,} numbers; at most "
                    f"{limits.table_numbers:,} are read here"
                )
    except NPZ_ERRORS as error:
        raise DataFileError(f"{path}: not a readable .npz file of plain arrays ({error})") from None
    return _check_codes(codes, f"{path}: array '{key}'")


def read_classes(
    path: str | os.PathLike[str], rows: int | None = None, limits: Limits | None = None
) -> Labels:
    """Labels of a CSV with a header of factor names.

    Comma, semicolon or tab; UTF-8 with or without a byte-order mark; labels may be whole numbers
    (3 or 3.0), other numbers or words. A first column without a name (a table's index) is dropped.

    Args:
        rows: how many codes there are, where known.
        limits: of the table, where strangers hand it in.

    Raises:
        DataFileError: no such file, empty, no header, ragged, gaps, not `rows` rows, or beyond
            `limits`.
    """
    header, columns, lines = read_cells(path, limits)
    if rows is not None and len(lines) != rows:
        hint = " (is the header missing?)" if len(lines) == rows - 1 else ""
        raise DataFileError(f"{path}: {len(lines)} rows of labels for {rows} codes{hint}")
    if all(map(is_number, header)) and (rows is None or header != _counting(header)):
        raise DataFileError(
            f"{path}: the first line holds numbers; it must hold the names of the factors"
        )
    return encode_labels(header, columns, lines, str(path), limits)


def read_table(
    path: str | os.PathLike[str],
    limits: Limits | None = None,
    roles: Mapping[str, str] | None = None,
) -> Table:
    """Codes and labels of one CSV; see the module for how columns are told apart.

    Args:
        roles: what columns are by name, each of ROLES, where their names do not say it.

    Raises:
        DataFileError: as `read_classes`; or no column, or nothing but columns, of codes, or two of
            one name.
    """
    header, columns, lines = read_cells(path, limits)
    told = [(roles or {}).get(name) or usual_role(name) for name in header]
    kept = [n for n, role in enumerate(told) if role != IGNORE]
    header, columns = [header[n] for n in kept], [columns[n] for n in kept]
    is_code = [told[n] == CODE for n in kept]
    if not any(is_code) or all(is_code):
        found = "every column is one" if all(is_code) else f"columns are {', '.join(header[:8])}"
        raise DataFileError(
            f"{path}: columns z0, z1, ... (codes) and others (factors) are needed; {found}"
        )
    picked = [(n, c) for n, c, code in zip(header, columns, is_code, strict=True) if code]
    called = tuple(n for n, _ in picked)
    if len(set(called)) != len(called):
        raise DataFileError(f"{path}: columns of codes must differ, got {', '.join(called)}")
    codes = np.stack([_numbers(c, lines, f"{path}: column '{n}'") for n, c in picked], axis=1)
    rest = [(n, c) for n, c, code in zip(header, columns, is_code, strict=True) if not code]
    names, cells = [n for n, _ in rest], [c for _, c in rest]
    labels = encode_labels(names, cells, lines, str(path), limits)
    return Table(_check_codes(codes, str(path)), labels, called)


def usual_role(name: str) -> str:
    """What a column is by its name alone."""
    return CODE if CODE_COLUMN.fullmatch(name) else LABEL


def encode_labels(
    names: Sequence[str],
    columns: Sequence[Sequence[str]],
    lines: Sequence[int] | None = None,
    source: str = "labels",
    limits: Limits | None = None,
) -> Labels:
    """Columns of text to class indices.

    >>> encode_labels(["shape", "scale"], [["cube", "ball", "cube"], ["3.0", "1", "2"]]).classes
    array([[1, 3],
           [0, 1],
           [1, 2]])

    Args:
        names: F factor names; columns: F columns of N labels each.
        lines: line of the file each row came from, for error messages; 1, 2, ... by default.
        limits: of words and of values a factor, where strangers hand them in.

    Raises:
        DataFileError: a gap, names that are missing or not all different, or beyond `limits`.
    """
    names = tuple(name.strip() for name in names)
    if not all(names) or len(set(names)) != len(names):
        raise DataFileError(f"{source}: factor names must be present and differ, got {names}")
    encoded = []
    for name, column in zip(names, columns, strict=True):
        cells = [cell.strip() for cell in column]
        gap = next((i for i, cell in enumerate(cells) if cell in _GAPS), None)
        if gap is not None:
            line = lines[gap] if lines is not None else gap + 1
            raise DataFileError(
                f"{source}: no label for '{name}' on line {line}; fill the gap or drop the row"
            )
        if limits is not None:
            _check_labels(name, cells, limits, source)
        encoded.append(_encode(cells))
    classes = np.stack([column for column, _ in encoded], axis=1)
    return Labels(names, classes, tuple(values for _, values in encoded))


def read_cells(
    path: str | os.PathLike[str], limits: Limits | None = None
) -> tuple[list[str], list[tuple[str, ...]], list[int]]:
    """Header, columns of cells, and the line each row came from."""
    try:
        text = _existing(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataFileError(f"{path}: not a text file in UTF-8") from None
    except OSError as error:
        raise DataFileError(f"{path}: cannot be read ({error.strerror})") from None
    first = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    if limits is not None:
        _check_table(text, first, delimiter, limits, str(path))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        table = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataFileError(f"{path}: not a CSV file ({error})") from None
    if len(table) < 2:
        found = "is empty" if not table else "holds a header but no rows"
        raise DataFileError(f"{path}: the file {found}; a header and rows are needed")
    header = [name.strip() for name in table[0][1]]
    for line, row in table[1:]:
        if len(row) != len(header):
            raise DataFileError(f"{path}: {len(row)} cells on line {line}, {len(header)} needed")
    columns = list(zip(*(row for _, row in table[1:]), strict=True))
    if header[0] == "" and len(header) > 1:
        header, columns = header[1:], columns[1:]
    return header, columns, [line for line, _ in table[1:]]


def _check_table(text: str, first: str, delimiter: str, limits: Limits, source: str) -> None:
    """Refuse a table by its counts of lines and delimiters, before cells are made of it."""
    rows = text.count("\n")
    for what, count, most in (
        ("columns", first.count(delimiter) + 1, limits.csv_columns),
        ("rows", rows, limits.csv_rows),
        ("cells", rows + text.count(delimiter), limits.csv_cells),
    ):
        if count > most:
            raise DataFileError(f"{source}: about {count:,} {what}, the limit is {most:,}")


def _check_labels(name: str, cells: list[str], limits: Limits, source: str) -> None:
    """Refuse words that are essays and factors that have a value a row."""
    if len(name) > limits.text_characters or max(map(len, cells)) > limits.text_characters:
        raise DataFileError(
            f"{source}: a word of more than {limits.text_characters:,} characters, the limit"
        )
    count = len(set(cells))
    if count > limits.csv_categories:
        raise DataFileError(
            f"{source}: '{name}' has {count:,} values, the limit is {limits.csv_categories:,}"
        )


def _encode(cells: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class indices (N,) and what they mean."""
    if all(map(is_number, cells)):
        numbers = np.array(cells, dtype=np.float64)
        if (numbers == np.floor(numbers)).all() and (np.abs(numbers) < 2**53).all():
            return numbers.astype(np.int64), ()
        values, classes = np.unique(numbers, return_inverse=True)
        return classes.astype(np.int64), number_names(values)
    values, classes = np.unique(np.array(cells), return_inverse=True)
    return classes.astype(np.int64), tuple(map(str, values))


def _numbers(cells: Sequence[str], lines: Sequence[int], source: str) -> np.ndarray:
    """A column of codes as float32 (N,)."""
    try:
        return np.array(cells, dtype=np.float64).astype(np.float32)
    except ValueError:
        i = next(i for i, cell in enumerate(cells) if not is_number(cell.strip()))
        raise DataFileError(f"{source}, line {lines[i]}: {cells[i]!r} is not a number") from None


def _check_codes(codes: np.ndarray, source: str) -> np.ndarray:
    if codes.ndim != 2 or 0 in codes.shape or codes.dtype.kind not in "fiu":
        raise DataFileError(
            f"{source}: numbers of shape (N, D) are needed, got {codes.dtype} {codes.shape}"
        )
    codes = codes.astype(np.float32)
    finite = np.isfinite(codes)
    if not finite.all():
        row, dimension = np.argwhere(~finite)[0]
        raise DataFileError(
            f"{source}: {codes[row, dimension]} in row {row}, dimension {dimension} (both from "
            "0); codes must be finite"
        )
    return codes


def _existing(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if not path.is_file():
        raise DataFileError(f"{path}: no such file")
    return path


def _counting(header: list[str]) -> list[str]:
    """0, 1, ...: what a table without column names gets when it is saved."""
    return [str(i) for i in range(len(header))]
