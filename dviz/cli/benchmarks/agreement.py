"""Metrics beside references written with scikit-learn and SciPy: docs/agreement.md."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from dviz.cli import common
from dviz.cli.benchmarks import references
from dviz.files import write_text
from dviz.metrics.dci import dci
from dviz.metrics.suite import METRICS, evaluate_all
from dviz.metrics.udr import udr
from dviz.results.markdown import table

DCI, GBT, MLP = "DCI disentanglement", "GBT probe, all", "MLP probe, all"
REASONS = {
    "OMES": "closed form against pairs drawn at random",
    "BetaVAE score": "other rows drawn",
    "FactorVAE score": "other rows drawn",
    DCI: "which of equal splits is taken; above 3,000 rows 255 thresholds",
    "DCI completeness": "as of disentanglement",
    GBT: "trees grown by leaves and regularised, against 100 stages of depth 3",
    MLP: "20 epochs on a one-cycle schedule, against early stopping",
    "InfoM": "the noise that breaks ties",
    "InfoC": "the noise that breaks ties",
    "InfoE": "a penalty of 1e-6 against none, stopped after 100 steps",
}
MANY = 15_000  # rows of a whole evaluation, for the metric whose arithmetic depends on how many
WORLDS = ("one factor a dimension", "mixed", "mostly noise")
HEAD = (
    "# Agreement\n\nWritten by `dviz benchmark agreement`. Three codes of {rows:,} rows with five "
    "factors of 3 to 8 values: one factor a dimension with a little noise, all mixed, and mostly "
    "noise; for DCI, whose splits are found by other thresholds from 3,000 rows on, the mixed one "
    "once more with {many:,}. The references are in `dviz/cli/benchmarks/references.py`: these "
    "metrics once more in the plainest terms of scikit-learn, SciPy and loops. Four were also held "
    "against their authors' own programs, on stored codes of 5,000 and 6,000 images: minimality "
    "and sufficiency agree to 1e-15, InfoM and InfoC to .001 (their noise is drawn anew each time)."
)


def main(argv: list[str]) -> None:
    parser = common.parser(
        "benchmark agreement", __doc__ or "", "dviz benchmark agreement --output agreement.md"
    )
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--output", type=Path, default=common.ROOT / "docs" / "agreement.md")
    args = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    write_text(args.output, page(args.rows))
    print(args.output.name)


def page(rows: int) -> str:
    """The whole page as Markdown."""
    lines: list[list[str]] = []
    worlds = [world(name, rows) for name in WORLDS]
    for name, (codes, factors) in zip(WORLDS, worlds, strict=True):
        ours = _ours(codes, factors)
        for metric, reference in references.every_reference(codes, factors).items():
            lines.append(_line(metric, name, ours[metric], reference))
    codes, factors = world(WORLDS[1], MANY)
    trees = dci(codes, factors).disentanglement
    of_many = f"{WORLDS[1]}, {MANY:,} rows"
    lines.append(_line(DCI, of_many, trees, references.of_boosters(codes, factors)[DCI]))
    for kind, reference in (
        ("lasso", references.udr_lasso),
        ("spearman", references.udr_spearman),
    ):
        first, second = worlds[0][0], worlds[1][0]
        ours_udr = float(udr([first, second], kind=kind).pairwise[0, 1])
        lines.append(_line(f"UDR ({kind})", "first and second", ours_udr, reference(first, second)))
    header = ["metric", "code", "ours", "reference", "difference", "reason"]
    return f"{head(rows)}\n\n{table(header, lines)}\n"


def head(rows: int) -> str:
    """What stands above the table."""
    return HEAD.format(rows=rows, many=MANY)


def world(name: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes (N, 6) and factors (N, 5) of one of `WORLDS`."""
    rng = np.random.default_rng(0)
    factors = rng.integers(0, [3, 4, 5, 6, 8], size=(rows, 5))
    values = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    alone = np.hstack([values, np.zeros((rows, 1))])
    mixed = values @ rng.normal(size=(5, 6))
    weight = {"one factor a dimension": (alone, 0.2), "mixed": (mixed, 0.3)}
    signal, noise = weight.get(name, (0.3 * mixed, 1.0))
    return signal + noise * rng.normal(size=(rows, 6)), factors


def _ours(codes: np.ndarray, factors: np.ndarray) -> dict[str, float]:
    asked = [name for name, metric in METRICS.items() if metric.scores]
    found = evaluate_all(codes, factors, metrics=[*asked, "omes", "probes"], n_jobs=1)
    scores = {
        score.title: score.value(found[name]) for name in asked for score in METRICS[name].scores
    }
    probes = found["probes"]["mean"]
    read = {title: probes[m]["all"]["accuracy"] for title, m in ((GBT, "gbt"), (MLP, "mlp"))}
    return scores | {"OMES": found["omes"]["omes"]} | read


def _line(metric: str, code: str, ours: float, reference: float) -> list[str]:
    figures = [f"{value:.4f}" for value in (ours, reference)]
    return [metric, code, *figures, f"{ours - reference:+.4f}", REASONS.get(metric, "")]
