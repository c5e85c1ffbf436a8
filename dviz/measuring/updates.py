"""Change a report that is there: others may write into it while something is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

from filelock import FileLock

from dviz.errors import CheckpointError
from dviz.measuring.report import DatasetReport, Report, read_report, write_report

LOCK = ".baselines.lock"
"""Beside the report; held for as long as reading and writing take."""
SAMPLE = ("factors", "seed", "num_images", "num_pairs", "association")
"""What another measurement of the same dataset has otherwise."""


def update_report(path: str | Path, change: Callable[[Report], Report]) -> Report:
    """Write what `change` makes of the report as it is now; what was written.

    Whatever takes long comes before: `change` only puts its findings in.

    Raises:
        CheckpointError: the report cannot be read, or is not what `change` can go by.
    """
    with FileLock(Path(path).parent / LOCK):
        report = change(read_report(path))
        write_report(path, report)
    return report


def with_result(report: Report, result: DatasetReport) -> Report:
    """`report` with a dataset's result, in place of the one it had."""
    return replace(report, results=report.results | {result.dataset: result})


def with_differences(report: Report, before: DatasetReport, after: DatasetReport) -> Report:
    """`report` with what `after` says otherwise than `before` did, and all else as it says now.

    Raises:
        CheckpointError: the dataset was measured anew since, so `after` is of other codes.
    """
    now = report.results.get(before.dataset)
    if now is None or any(getattr(now, name) != getattr(before, name) for name in SAMPLE):
        raise CheckpointError(
            f"{before.dataset} was measured anew meanwhile, so nothing was written; run this again"
        )
    new = {f.name: getattr(after, f.name) for f in fields(after)}
    new = {name: value for name, value in new.items() if value != getattr(before, name)}
    return with_result(report, replace(now, **new))
