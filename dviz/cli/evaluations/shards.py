"""Codes in Parquet shards for `dviz evaluate omes` and `metrics`: streamed, here or on Ray."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dviz.errors import DataFileError

if TYPE_CHECKING:
    import numpy as np

    from dviz.measuring.files import Labels
    from dviz.metrics.association import Association

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
    from tqdm import tqdm

    from dviz.measuring.engines import Here, OnRay
    from dviz.measuring.shards import find_shards
    from dviz.measuring.streaming import accumulate
    from dviz.metrics.association import AssociationAccumulator
    from dviz.metrics.diagnostics import ACTIVE_THRESHOLD

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
    seen = AssociationAccumulator.of_cells(cells)
    active = seen.standard_deviation() >= ACTIVE_THRESHOLD
    return seen.summary(), active, found.factors, seen.num_rows


def sample(args: argparse.Namespace) -> tuple[np.ndarray, Labels]:
    """A seeded sample of rows, for what cannot be streamed."""
    from dviz.measuring.files import Labels
    from dviz.measuring.shards import find_shards, sample_rows

    found = find_shards(args.representations)
    codes, classes = sample_rows(found, args.sample, args.seed)
    return codes, Labels(found.factors, classes, ((),) * len(found.factors))


def with_all_rows(args: argparse.Namespace, result: dict[str, Any]) -> dict[str, Any]:
    """The results of a sample, with the OMES of all rows; `rows_trained_on` says how many the
    others saw."""
    from dviz.cli.evaluations.own_codes import score

    found, active, names, rows = stream(args)
    every = score(args, found, active, names, rows)
    of_sample = result["omes"]
    keys = [key for key in of_sample if key in every]
    head = {"n_samples": rows, "rows_trained_on": result["n_samples"]}
    return result | head | {"omes": of_sample | {key: every[key] for key in keys}}
