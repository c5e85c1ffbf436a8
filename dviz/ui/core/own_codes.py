"""Somebody's own codes and labels, and how they are measured. No Gradio here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dviz.errors import DataFileError
from dviz.limits import LIMITS
from dviz.measuring.files import Labels
from dviz.metrics.association import Association, associate
from dviz.metrics.calibration import calibrate, table_signal
from dviz.metrics.diagnostics import active_dimensions
from dviz.metrics.omes import OmesResult, omes
from dviz.metrics.split import release_workers
from dviz.metrics.suite import METRICS, evaluate_each, remaining_seconds
from dviz.ui.core.fair import Lane
from dviz.ui.core.workers import stream_bounded

MAX_DIMENSIONS = 128
MAX_FACTORS = 32
MIN_ROWS = 3
# What trains something gets no more rows than the study's sample, so that a page stays a page.
MAX_TRAINED_ROWS = 15_000
# A process takes seconds to start: too long for tables that are measured sooner.
MIN_ROWS_A_PROCESS = 1_000
ORDER = tuple(METRICS)
MEASURING = Lane(
    "measurements",
    at_once=LIMITS.measure_at_once,
    waiting=LIMITS.measure_waiting,
    seconds=30.0,
)


@dataclass(frozen=True, eq=False)  # told apart as objects: arrays have no hash
class OwnTable:
    """Codes float32 (N, D) with labels, and the association matrix of all rows.

    `columns` are the names that the dimensions have in a CSV; () where they have none.
    """

    name: str
    codes: np.ndarray
    labels: Labels
    active: np.ndarray
    association: Association
    columns: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of memory that its arrays take."""
        return self.codes.nbytes + self.labels.classes.nbytes

    def called(self, d: int) -> str:
        """What its owner calls dimension `d`, or else "z0", "z1", …"""
        return self.columns[d] if len(self.columns) == self.codes.shape[1] else f"z{d}"

    def omes(self, alpha: float, pooling: str) -> OmesResult:
        """Its score; nothing but S is looked at, so it is as good as instant."""
        S = self.association
        return omes(S.matrix, alpha, pooling, self.active, self.labels.names, S.reasons)

    @cached_property
    def signal(self) -> np.ndarray:
        """Share of each dimension's variance that labels explain (D,), in [0, 1]."""
        found = self.association
        return table_signal(self.codes, self.labels.classes, found.correlation, found.pairs)

    @cached_property
    def calibrated(self) -> np.ndarray:
        """S without the noise of dimensions and the ceilings of factors, float64 (D, F)."""
        sizes = [len(np.unique(column)) for column in self.labels.classes.T]
        return calibrate(self.association.correlation, self.signal, sizes)

    def omes_calibrated(self, alpha: float, pooling: str) -> OmesResult:
        """Its score by the calibrated association."""
        return omes(self.calibrated, alpha, pooling, self.active, self.labels.names)


@dataclass(frozen=True)
class Waiting:
    """So many are in front, who need about so many seconds."""

    ahead: int
    seconds: int


def as_table(
    name: str, codes: np.ndarray, labels: Labels, columns: tuple[str, ...] = ()
) -> OwnTable:
    """Check the sizes and work out S.

    Raises:
        DataFileError: too few rows, too many dimensions or factors.
    """
    for what, count, limit in (
        ("dimensions", codes.shape[1], MAX_DIMENSIONS),
        ("factors", len(labels.names), MAX_FACTORS),
        ("codes (rows × dimensions)", codes.size, LIMITS.table_numbers),
    ):
        if count > limit:
            raise DataFileError(
                f"{count:,} {what}; this page takes up to {limit:,}, dviz evaluate any number"
            )
    if len(codes) < MIN_ROWS:
        raise DataFileError(f"{len(codes)} rows; at least {MIN_ROWS} are needed")
    association = associate(codes, labels.classes)
    return OwnTable(name, codes, labels, active_dimensions(codes), association, columns)


def measure_in_turn(
    table: OwnTable, alpha: float, pooling: str, visitor: str | None
) -> Iterator[Waiting | tuple[str | None, dict[str, Any]] | None]:
    """As `measure_all`, in a process with limits, when it is the visitor's turn.

    Whoever stops listening ends it all.

    Yields:
        Waiting while others are in front; then what `measure_all` yields, and None once a second.

    Raises:
        BusyError: too many wait, or this visitor measures already.
        OverrunError: it takes more memory or time than it may.
    """
    ticket = MEASURING.join(visitor)
    try:
        while ahead := ticket.ahead:
            yield Waiting(ahead, ticket.seconds)
            ticket.wait(1.0)
        limits = {"memory": LIMITS.measure_memory_bytes, "seconds": LIMITS.measure_cpu_seconds}
        for message in stream_bounded(measure_bytes, table, alpha, pooling, **limits):
            yield None if message is None else tuple(json.loads(message))
    finally:
        ticket.leave()


def measure_bytes(table: OwnTable, alpha: float, pooling: str) -> Iterator[bytes]:
    """What `measure_all` yields, as another process hands it back."""
    for step in measure_all(table, alpha, pooling):
        yield json.dumps(step).encode()


def measure_all(
    table: OwnTable, alpha: float, pooling: str, seed: int = 0
) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Run every metric, the quick ones first.

    OMES reads every row; the others read `MAX_TRAINED_ROWS` random ones where there are more. Rows
    are shuffled, since people's tables are often sorted.

    Yields:
        The name of the metric that runs next (None when all are done), and what is known so far,
        shaped as `evaluate_all` returns it, with the seconds `remaining` where that can be said.
    """
    try:
        yield from _measure(table, alpha, pooling, seed)
    finally:  # also when somebody stops half way
        release_workers()


def _measure(
    table: OwnTable, alpha: float, pooling: str, seed: int
) -> Iterator[tuple[str | None, dict[str, Any]]]:
    some = np.random.default_rng(seed).permutation(len(table.codes))[:MAX_TRAINED_ROWS]
    n_jobs = min(2, 1 + len(some) // (2 * MIN_ROWS_A_PROCESS))
    settings: dict[str, Any] = {"alpha": alpha, "pooling": pooling, "seed": seed, "n_jobs": n_jobs}
    whole: dict[str, Any] = {}
    for rows, metrics in ((slice(None), ORDER[:1]), (some, ORDER[1:])):
        codes, classes = table.codes[rows], table.labels.classes[rows]
        for step in evaluate_each(
            codes, classes, names=table.labels.names, metrics=metrics, **settings
        ):
            seconds = whole.get("seconds", {}) | step.result["seconds"]
            rest = ORDER[len(seconds) :]
            result = step.result | whole | {"seconds": seconds, "rows_trained_on": len(some)}
            result["remaining"] = remaining_seconds(seconds, rest)
            if step.metric is not None:
                yield step.metric, result if seconds else {}
        whole = result
    yield None, whole
