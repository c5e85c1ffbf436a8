"""S of shards that no memory holds: each becomes cells, neighbours are merged as a tree.

Four shards make a span, four of these a block; blocks are added to the first from left to right.
What is held is so the cells of all, once, and those of a block or two, however many shards there
are; where they are handed on as files, memory holds only those that are worked at. The tree is the
same whoever works at it and in whatever order they end, so the result is the same to the last bit:
in one process, on two, or after some of them were killed.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from dviz.errors import DataFileError
from dviz.files import atomic_path, write_json
from dviz.measuring.engines import Engine
from dviz.measuring.files import NPZ_ERRORS
from dviz.measuring.shards import ShardSet, read_batches
from dviz.metrics.association import AssociationAccumulator
from dviz.metrics.groups import Cells, join

AHEAD = 2  # pieces of work that wait for each worker
FAN = 4  # spans that are merged at once
BLOCK = FAN**2  # shards
END = 65_536  # bytes of a shard that tell it from another of its size
Span = tuple[int, int]  # shards from the first to before the second


def accumulate(
    shards: ShardSet,
    engine: Engine,
    *,
    keep: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Cells:
    """Cells of all rows of all shards.

    Args:
        keep: a folder for what is done, so that a run that was stopped goes on where it was; its
            files are of use only with the same shards. All machines must see it.
        progress: called with the number of shards that each piece added.

    Raises:
        DataFileError: a shard is broken; `keep` is of other shards.
    """
    tell = progress or (lambda count: None)
    own = tempfile.TemporaryDirectory() if engine.by_file and keep is None else nullcontext(keep)
    with own as folder:
        tree = _Tree(shards, engine, None if folder is None else Path(folder))
        done = tree.begin()
        tell(sum(stop - start for start, stop in done))
        for start, stop, new in tree.grow():
            if new:
                tell(stop - start)
        return tree.whole()


class _Tree:
    """Spans of shards, merged with their neighbours as both are done."""

    def __init__(self, shards: ShardSet, engine: Engine, keep: Path | None) -> None:
        self._shards, self._engine, self._keep = shards, engine, keep
        self._nodes: dict[Span, Any] = {}
        self._running: list[tuple[Any, Span, list[Span]]] = []  # with what it is merged from

    def begin(self) -> list[Span]:
        """The spans that an earlier run has left."""
        if self._keep is None:
            return []
        _check_same(self._keep, self._shards)
        spans: list[Span] = []
        for span in sorted(_kept(self._keep), key=lambda s: s[0] - s[1]):  # the longest first
            if not any(a <= span[0] and span[1] <= b for a, b in spans):
                spans.append(span)
                self._nodes[span] = _file(self._keep, span)
        return spans

    def grow(self) -> Iterator[tuple[int, int, bool]]:
        """Work until nothing is left to merge; each span as it is done, and whether it is a
        shard's own."""
        waiting = [n for n in range(len(self._shards.paths)) if not self._covers(n)]
        for span in list(self._nodes):
            self._merge_with_neighbours(span)
        while waiting or self._running:
            while waiting and len(self._running) < AHEAD * self._engine.workers:
                self._read(waiting.pop(0))
            handle = self._engine.first([running[0] for running in self._running])
            place = next(n for n, running in enumerate(self._running) if running[0] is handle)
            _, span, parts = self._running.pop(place)
            self._nodes[span] = handle
            del handle  # nothing but its node holds it: it is gone as soon as it is merged
            self._forget(parts)
            yield *span, not parts
            self._merge_with_neighbours(span)

    def whole(self) -> Cells:
        """What is left, from left to right, together."""
        spans = sorted(self._nodes)
        found = [self._nodes[span] for span in spans]
        parts = [
            _cells(node if isinstance(node, Path) else self._engine.result(node)) for node in found
        ]
        return parts[0] if len(parts) == 1 else join(parts)

    def _covers(self, shard: int) -> bool:
        return any(start <= shard < stop for start, stop in self._nodes)

    def _read(self, shard: int) -> None:
        span = shard, shard + 1
        shards = self._shards
        handle = self._engine.submit(
            cells_of_shard,
            shards.paths[shard],
            shards.dimensions,
            shards.factors,
            _file(self._keep, span),
        )
        self._running.append((handle, span, []))

    def _merge_with_neighbours(self, span: Span) -> None:
        """Merge it with the others of the same parent, where they are done."""
        spans = _siblings(span)
        if not all(each in self._nodes for each in spans):
            return
        parts = [self._nodes.pop(each) for each in spans]
        whole = spans[0][0], spans[-1][1]
        handle = self._engine.submit(merge_cells, _file(self._keep, whole), *parts)
        self._running.append((handle, whole, spans))

    def _forget(self, parts: list[Span]) -> None:
        """Delete the files of what a span was merged from: its own is there now."""
        if self._keep is not None:
            for part in parts:
                _file(self._keep, part).unlink(missing_ok=True)


def _siblings(span: Span) -> list[Span]:
    """The spans that are merged into one with this, itself among them, from left to right."""
    start, stop = span
    size = stop - start
    if size < BLOCK:
        first = start - start % (FAN * size)
        return [(first + n * size, first + (n + 1) * size) for n in range(FAN)]
    end = stop if start else stop + BLOCK
    return [(0, end - BLOCK), (end - BLOCK, end)]


def cells_of_shard(
    path: Path, dimensions: tuple[str, ...], factors: tuple[str, ...], keep: Path | None
) -> Cells | Path:
    """One piece of work: a shard to cells, or to the file that they are kept in."""
    seen = AssociationAccumulator()
    for codes, classes in read_batches(path, dimensions, factors):
        seen.update(codes, classes)
    return _keep_cells(seen.cells(), keep)


def merge_cells(keep: Path | None, *parts: Cells | Path) -> Cells | Path:
    """One piece of work: several spans to one."""
    return _keep_cells(join([_cells(part) for part in parts]), keep)


def _cells(part: Cells | Path) -> Cells:
    """Cells, wherever they are.

    Raises:
        DataFileError: their file cannot be read.
    """
    if not isinstance(part, Path):
        return Cells(*part)
    try:
        with np.load(part, allow_pickle=False) as file:
            return Cells(*(file[name] for name in Cells._fields))
    except NPZ_ERRORS as error:
        raise DataFileError(f"{part}: cannot be read ({error}); delete it and run again") from None


def _keep_cells(cells: Cells, path: Path | None) -> Cells | Path:
    if path is None:
        return cells
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **cells._asdict())
    return path


def _file(keep: Path | None, span: Span) -> Any:
    return None if keep is None else keep / f"{span[0]:08}-{span[1]:08}.npz"


def _kept(keep: Path) -> list[Span]:
    spans = [path.stem.split("-") for path in keep.glob("????????-????????.npz")]
    return [(int(start), int(stop)) for start, stop in spans]


def _check_same(keep: Path, shards: ShardSet) -> None:
    """Refuse what is left of other shards: names, sizes, ends and columns must be the same."""
    files = [(path.name, path.stat().st_size, _end(path)) for path in shards.paths]
    told = [files, shards.dimensions, shards.factors]
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    path = keep / "shards.json"
    try:
        found = json.loads(path.read_text("utf-8"))["digest"]
    except FileNotFoundError:
        write_json(path, {"digest": digest})
        return
    except (OSError, ValueError, KeyError, TypeError):
        found = ""
    if found != digest:
        raise DataFileError(f"{keep} holds what was done of other shards; name another folder")


def _end(path: Path) -> str:
    """Digest of a file's last bytes: Parquet's footer, with the range of every column, is there."""
    with open(path, "rb") as file:
        file.seek(max(path.stat().st_size - END, 0))
        return hashlib.sha256(file.read()).hexdigest()
