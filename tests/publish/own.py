"""A checkpoint that somebody measured on pictures of theirs."""

from dataclasses import replace
from pathlib import Path

from dviz.checkpoint import REPORT
from dviz.measuring.report import Baseline, read_report, write_report

WARD = "folder:ward"


def measured_on_own(folder: Path) -> None:
    """Add to its report what `dviz evaluate` of a folder of one's own would, and of a baseline."""
    report = read_report(folder / REPORT)
    result = replace(next(iter(report.results.values())), dataset=WARD)
    results = report.results | {WARD: result}
    baselines = [*report.baselines, Baseline("random", "random weights", result)]
    write_report(folder / REPORT, replace(report, results=results, baselines=baselines))
