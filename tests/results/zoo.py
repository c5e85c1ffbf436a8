"""The three small checkpoints as a zoo whose reports a test can change."""

from __future__ import annotations

from dataclasses import replace

from dviz.checkpoint import REPORT
from dviz.measuring.report import ProbeScore, read_report, write_report
from dviz.results.page import read_seeds, results_page
from dviz.results.pictures import read_remarks
from dviz.results.zoo import read_zoo


def probes(result, accuracy):
    return [ProbeScore(f, "gbt", "all", accuracy, accuracy, 0.1, 0.01) for f in result.factors]


def edit(folder, change, **more):
    report = read_report(folder / REPORT)
    results = {name: change(result) for name, result in report.results.items()}
    write_report(folder / REPORT, replace(report, results=results, **more))


def page_of(root):
    return results_page(read_zoo(root), read_seeds(root), read_remarks(root))
