"""Codes in Parquet shards for `dviz evaluate omes` and `metrics`: streamed, here or on Ray."""

from __future__ import annotations

import argparse
import math
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dviz.errors import DataFileError

if TYPE_CHECKING:
    import numpy as np

    from dviz.measuring.files import Labels
    from dviz.metrics.association import Association, AssociationAccumulator

ENGINES = ("here", "ray")


def add_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("codes in Parquet shards (see dviz encode)")
    add = group.add_argument
    add("--engine", choices=ENGINES, default="here", help="who reads them (default: this process)")
    add("--address", help="of a running Ray cluster (default: start one here)")
    add("--workers", type=int, default=2, help="shards at once on a Ray started here (default 2)")
    add("--keep", type=Path, help="folder for what is done, so that a stopped run goes on there")
    add("--sample", type=int, default=15_000, help="rows for metrics that need all (default 15000)")


def are_asked_for(args: argparse.Namespace) -> bool:
    """Whether the codes are shards."""
    return str(args.representations or "").endswith(".parquet")


def stream(args: argparse.Namespace) -> tuple[Association, np.ndarray, tuple[str, ...], int]:
    """S of all rows, which dimensions are active, the factors' names, and the number of rows."""
    seen, names = _accumulate(args)
    return seen.summary(), _active(seen), names, seen.num_rows


def _accumulate(args: argparse.Namespace) -> tuple[AssociationAccumulator, tuple[str, ...]]:
    """What has seen all rows, and the factors' names."""
    from tqdm import tqdm

    from dviz.measuring.engines import Here, OnRay
    from dviz.measuring.shards import find_shards
    from dviz.measuring.streaming import accumulate
    from dviz.metrics.association import AssociationAccumulator

    found = find_shards(args.representations)
    if found.num_rows < 3:
        raise DataFileError(f"{args.representations}: {found.num_rows} rows; at least 3 are needed")
    engine = OnRay(args.address, args.workers) if args.engine == "ray" else Here()
    bar = tqdm(total=len(found.paths), unit="shard", disable=None, leave=False)
    try:
        # What Ray says of a lost worker is not the answer, which may be read by a program.
        with bar, redirect_stdout(sys.stderr):
            cells = accumulate(found, engine, keep=args.keep, progress=bar.update)
    finally:
        engine.close()
    return AssociationAccumulator.of_cells(cells), found.factors


def _active(seen: AssociationAccumulator) -> np.ndarray:
    from dviz.metrics.diagnostics import ACTIVE_THRESHOLD

    return seen.standard_deviation() >= ACTIVE_THRESHOLD


def sample(args: argparse.Namespace) -> tuple[np.ndarray, Labels]:
    """A seeded sample of rows, for what cannot be streamed."""
    from dviz.measuring.draws import check_counts
    from dviz.measuring.files import Labels
    from dviz.measuring.shards import find_shards, sample_rows

    check_counts(rows=(args.sample, 3))
    found = find_shards(args.representations)
    codes, classes = sample_rows(found, args.sample, args.seed)
    return codes, Labels(found.factors, classes, ((),) * len(found.factors))


def with_all_rows(args: argparse.Namespace, result: dict[str, Any]) -> dict[str, Any]:
    """The results of a sample, with OMES, all that is said of it, and the active dimensions of all
    rows; `rows_trained_on` says how many the other metrics saw."""
    import numpy as np

    from dviz.metrics.omes import full_entry

    seen, names = _accumulate(args)
    found, cells, rows = seen.summary(), seen.cells(), seen.num_rows
    sizes = [len(np.unique(column)) for column in cells.labels.T]
    whole = len(cells.counts) == rows == math.prod(sizes)
    covariance = None if whole else seen.covariance()
    scored = (args.alpha, args.pooling, _active(seen), names)
    # Nothing of the sample's own stays beside it: an interval of fewer rows may not hold the score.
    every = full_entry(found, covariance, _signal(args, seen, found), sizes, scored)
    head = {"n_samples": rows, "rows_trained_on": result["n_samples"], "active": every["active"]}
    return result | head | {"omes": every}


def _signal(
    args: argparse.Namespace, seen: AssociationAccumulator, found: Association
) -> np.ndarray:
    """`table_signal` of all rows, (D,), held only where they are hardly more than their cells."""
    from dviz.measuring.shards import find_shards, sample_rows
    from dviz.metrics.calibration import at_least_kept, repeated_signal, table_signal

    rows = seen.num_rows
    repeated = repeated_signal(seen.cells(), seen.standard_deviation() ** 2 * (rows - 1) / rows)
    if repeated is None:
        table = sample_rows(find_shards(args.representations), rows, args.seed)
        return table_signal(*table, found.correlation, found.pairs)
    return at_least_kept(repeated, found.correlation, found.pairs)
