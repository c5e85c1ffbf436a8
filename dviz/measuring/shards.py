"""Codes and labels in Parquet shards, for what does not fit into memory.

A shard has columns z0, z1, … (codes, float32) and one of whole numbers for each factor (class
indices); without labels there are none, and such codes are not scored. Every shard of a set has
the same columns. What wrote them stands in the file's metadata under `dviz`, as JSON.
"""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dviz.errors import DataFileError, DvizError
from dviz.files import atomic_path
from dviz.measuring.files import CODE_COLUMN

NUMBERS = ("int", "uint", "half", "float", "double")  # how Arrow calls their types
ROWS = 100_000
"""Of a shard, unless asked otherwise: some 6 MB at ten dimensions. So many are read at once."""
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")  # a nameless index, no factor


@dataclass(frozen=True)
class ShardSet:
    """Shards that belong together.

    Attributes:
        paths: in order of their names.
        rows: of each.
        dimensions: names of the columns of codes; factors: of those of labels.
    """

    paths: tuple[Path, ...]
    rows: tuple[int, ...]
    dimensions: tuple[str, ...]
    factors: tuple[str, ...]

    @property
    def num_rows(self) -> int:
        return sum(self.rows)


def find_shards(pattern: str) -> ShardSet:
    """The shards whose names match, such as "codes/*.parquet"; only their footers are read.

    Raises:
        DataFileError: there are none, one is broken, or they do not have the same columns.
    """
    paths = sorted(map(Path, glob.glob(str(pattern))))
    if not paths:
        raise DataFileError(f"{pattern}: no such files")
    footers = [_footer(path) for path in paths]
    names = footers[0][1]
    for path, (_, found) in zip(paths, footers, strict=True):
        if found != names:
            raise DataFileError(f"{path}: its columns differ from those of {paths[0]}")
    dimensions = tuple(name for name in names if CODE_COLUMN.fullmatch(name))
    factors = tuple(name for name in names if not CODE_COLUMN.fullmatch(name))
    if not dimensions or not factors:
        raise DataFileError(f"{paths[0]}: columns z0, z1, ... and others (factors) are needed")
    # Some are empty: of images whose labels are not all known nothing is kept.
    filled = [(path, count) for path, (count, _) in zip(paths, footers, strict=True) if count]
    if not filled:
        raise DataFileError(f"{pattern}: none of these files has a row")
    kept, rows = zip(*filled, strict=True)
    return ShardSet(kept, rows, dimensions, factors)


def read_shard(
    path: Path, dimensions: Sequence[str], factors: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Codes float32 (N, D) and class indices int64 (N, F) of one shard.

    Raises:
        DataFileError: it is broken, has gaps, or labels that are not whole numbers.
    """
    codes = [np.empty((0, len(dimensions)), dtype=np.float32)]
    classes = [np.empty((0, len(factors)), dtype=np.int64)]
    for part, labels in read_batches(path, dimensions, factors):
        codes.append(part)
        classes.append(labels)
    return np.concatenate(codes), np.concatenate(classes)


def read_batches(
    path: Path, dimensions: Sequence[str], factors: Sequence[str]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What `read_shard` reads, `ROWS` at a time, however large the shard is."""
    try:
        with _parquet().ParquetFile(path) as file:
            types = file.schema_arrow
            for name in factors:
                if not str(types.field(name).type).startswith(("int", "uint")):
                    raise DataFileError(
                        f"{path}: labels of '{name}' are no whole numbers (class indices)"
                    )
            for name in dimensions:
                if not str(types.field(name).type).startswith(NUMBERS):
                    raise DataFileError(f"{path}: column {name} holds no numbers; codes are needed")
            batches = file.iter_batches(ROWS, columns=[*dimensions, *factors], use_threads=False)
            for batch in batches:
                yield _arrays(batch, path, dimensions, factors)
    except (OSError, KeyError, ValueError) as error:
        raise _broken(path, error) from None


def _arrays(
    batch: Any, path: Path, dimensions: Sequence[str], factors: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    if any(column.null_count for column in batch.columns):
        raise DataFileError(f"{path}: there are gaps; fill them or drop the rows")
    codes = np.empty((len(batch), len(dimensions)), dtype=np.float32)
    classes = np.empty((len(batch), len(factors)), dtype=np.int64)
    for target, names in ((codes, dimensions), (classes, factors)):
        for place, name in enumerate(names):
            values = batch[name].to_numpy(zero_copy_only=False)
            if values.dtype == np.uint64 and values.max(initial=0) >= 2**63:
                raise DataFileError(f"{path}: labels of '{name}' are larger than 2⁶³; number them")
            target[:, place] = values
    if not np.isfinite(codes).all():
        raise DataFileError(f"{path}: codes must be finite")
    return codes, classes


def write_shard(
    path: Path,
    codes: np.ndarray,
    classes: np.ndarray,
    factors: Sequence[str],
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write one shard atomically: codes (N, D), class indices (N, F), JSON-able `about`.

    Raises:
        DataFileError: a factor is called like a dimension.
    """
    import pyarrow

    clash = [name for name in factors if CODE_COLUMN.fullmatch(name)]
    if clash:
        raise DataFileError(f"factor '{clash[0]}' is called like a dimension; rename it")
    columns: dict[str, Any] = {f"z{d}": c.astype(np.float32) for d, c in enumerate(codes.T)}
    columns |= {
        name: c.astype(np.int64) for name, c in zip(factors, np.asarray(classes).T, strict=True)
    }
    table = pyarrow.table(columns)
    table = table.replace_schema_metadata({"dviz": json.dumps(dict(about or {}))})
    with atomic_path(path) as temporary:
        _parquet().write_table(table, temporary, compression="zstd")


def read_about(path: Path) -> dict[str, Any]:
    """What wrote a shard says of it; nothing where it is another program's."""
    try:
        found = _parquet().read_schema(path).metadata or {}
        about = json.loads(found.get(b"dviz", b"{}"))
    except (OSError, ValueError) as error:
        raise _broken(path, error) from None
    return about if isinstance(about, dict) else {}


def sample_rows(shards: ShardSet, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A uniform sample of rows over all shards, in random order: codes (n, D), classes (n, F).

    `count` rows, or all where there are fewer; one shard at a time is in memory.
    """
    rng = np.random.default_rng(seed)
    wanted = np.sort(rng.choice(shards.num_rows, min(count, shards.num_rows), replace=False))
    parts, start = [], 0
    for path, rows in zip(shards.paths, shards.rows, strict=True):
        inside = wanted[(wanted >= start) & (wanted < start + rows)] - start
        if len(inside):
            codes, classes = read_shard(path, shards.dimensions, shards.factors)
            parts.append((codes[inside], classes[inside]))
        start += rows
    codes, classes = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = rng.permutation(len(codes))
    return codes[order], classes[order]


def count_rows(path: Path) -> int:
    """Of one shard; only its footer is read.

    Raises:
        DataFileError: it is broken.
    """
    return _footer(path)[0]


def _footer(path: Path) -> tuple[int, list[str]]:
    """Rows, and names of columns."""
    try:
        metadata = _parquet().read_metadata(path)
    except (OSError, ValueError) as error:
        raise _broken(path, error) from None
    names = [name for name in metadata.schema.names if not _PANDAS_INDEX.fullmatch(name)]
    return metadata.num_rows, names


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise DvizError("Parquet needs pyarrow: pip install '.[scale]' in dviz's folder") from error
    return pyarrow.parquet


def _broken(path: Path, error: Exception) -> DataFileError:
    return DataFileError(f"{path}: not a whole Parquet file ({' '.join(str(error).split())[:200]})")
