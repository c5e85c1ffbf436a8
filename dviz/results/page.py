"""The study's tables and claims, from the reports of a folder of checkpoints alone: Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from dviz.checkpoint import SOURCE
from dviz.measuring.report import DatasetReport
from dviz.results.claims import verdicts
from dviz.results.figures import OVERVIEW, picture_of
from dviz.results.zoo import Model, Transfer, omes_score, transfers_of

MIN_RANKED = 4  # fewer pairs of numbers have no ranking worth a word
PROBES = (("gbt", "all"), ("gbt", "pruned"), ("mlp", "all"), ("mlp", "pruned"))

# Published: the study's Shapes3D → Isaac3D, GBT, mean of 20 models: accuracy in % before
# fine-tuning and gain by it, from all dimensions and pruned, per factor, the mean last.
ISAAC3D = (
    "object shape",
    "object scale",
    "camera height",
    "robot x-move",
    "robot y-move",
    "lighting intensity",
    "lighting y-dir",
    "object colour",
    "wall colour",
)
PUBLISHED = {
    "all": (
        (34.9, 54.0, 39.2, 33.9, 23.0, 83.6, 85.4, 29.8, 78.1, 51.3),
        (5.1, 34.6, 17.4, 29.6, 4.3, 14.0, 12.7, 13.9, 18.9, 16.7),
    ),
    "pruned": (
        (33.8, 40.1, 33.5, 24.7, 21.6, 69.4, 67.5, 27.0, 61.5, 42.1),
        (3.6, 24.1, 11.1, 15.3, 2.7, 17.3, 14.4, 7.3, 16.6, 12.5),
    ),
}
PROTOCOL = (
    "The study: the genuine Isaac3D, 20 models of 400,000 steps with 128 filters, 50,000 steps of "
    "fine-tuning. Ours: arm3d, a ray-cast stand-in with the same nine factors, one model with the "
    "recipe of its config.json: {recipe}. The figures may be compared in kind, not in height."
)


def read_seeds(root: str | Path) -> pd.DataFrame | None:
    """The rows of every `seeds/*.csv` below `root`: results.csv of a sweep over seeds."""
    tables = [pd.read_csv(path) for path in sorted(Path(root).glob("seeds/*.csv"))]
    return pd.concat(tables, ignore_index=True) if tables else None


def results_page(models: Sequence[Model], seeds: pd.DataFrame | None = None) -> str:
    """The whole page; the same reports give the same text, byte for byte.

    Args:
        seeds: of `read_seeds`.
    """
    transfers = transfers_of(models)
    parts = [
        "# Results",
        "Made by `python scripts/reproduce.py` from the `report.json` and `config.json` of every "
        "checkpoint in `checkpoints/` and the tables in `checkpoints/seeds/`, and from nothing "
        "else. Accuracies in %; in tables of transfers that before fine-tuning, and in brackets "
        "what fine-tuning added. OMES at α = 0.5 as avg / max pooling. One model each, of one "
        "seed, unless said otherwise.",
        f"![OMES and GBT accuracy of every transfer]({OVERVIEW})" if transfers else "",
        "## Claims",
        verdicts(transfers),
        "## Sources",
        _sources([m for m in models if m.config.kind == SOURCE]),
        "## Transfers",
        *(_transfer(transfer) for transfer in transfers),
        "## Over seeds",
        _over_seeds(seeds),
        "## The study's Shapes3D → Isaac3D beside ours",
        _published(transfers),
        "## Does OMES agree with other metrics?",
        _agreement(models),
        "## Does distance foretell transfer?",
        _distances(transfers) or "Not measured yet.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


# --- tables ---------------------------------------------------------------------------------------


def _sources(models: Iterable[Model]) -> str:
    header = ["Source", "images", "OMES", "modularity", "compactness", "DCI", "MIG", "SAP"]
    header += ["active", "steps"]
    rows = []
    for model in models:
        result = model.result
        rows.append(
            [
                model.config.name,
                result.origin or "–",
                *(_both(result, what) for what in ("omes", "modularity", "compactness")),
                *(
                    _decimal(result.scores.get(n, math.nan))
                    for n in ("dci_disentanglement", "mig", "sap")
                ),
                f"{sum(result.active)} of {len(result.active)}",
                f"{model.config.training.get('steps', 0):,}",
            ]
        )
    return _table(header, rows) if rows else ""


def _transfer(transfer: Transfer) -> str:
    before, after = transfer.direct.result, transfer.tuned.result
    factors = before.factors
    rows = []
    for model, dimensions in PROBES:
        first, second = (_accuracies(r, model, dimensions, factors) for r in (before, after))
        if not np.isnan(first).all():
            rows.append([f"{model.upper()}, {dimensions}", *_gains(100 * first, 100 * second)])
    chance = {probe.factor: probe.chance for probe in before.probes}
    rows.append(["chance", *_percents(np.array([chance.get(f, math.nan) for f in factors]))])
    baselines = [
        [
            f"{b.name}: {model.upper()}, {dims}",
            *_percents(_accuracies(b.result, model, dims, factors)),
        ]
        for b in transfer.rivals
        for model, dims in PROBES
        if dims == "all"
    ]
    accuracies = _table(["", *factors, "mean"], rows + baselines)
    title, training = f"### {transfer.title}", _training(transfer.tuned)
    picture = f"![association matrices of {transfer.title}]({picture_of(transfer)})"
    return "\n\n".join([title, training, accuracies, _scores(transfer), picture])


def _training(model: Model) -> str:
    training, result = model.config.training, model.result
    trained = f"{_recipe(training)}, seed {training.get('seed', 0)}{_took(training)}"
    measured = (
        f"{result.num_images:,} images of {result.title} and {result.num_pairs:,} pairs a "
        f"factor, seed {result.seed}, in {result.seconds / 60:.1f} min ({result.machine})"
    )
    return f"`{model.config.name}`: {trained}. Measured on {measured}."


def _recipe(training: dict[str, Any]) -> str:
    return f"{training.get('steps', 0):,} steps, β {training.get('beta', 0):g}"


def _took(training: dict[str, Any]) -> str:
    return f", {training['seconds'] / 60:.0f} min" if "seconds" in training else ""


def _scores(transfer: Transfer) -> str:
    """Modularity and compactness, each beside a classifier-based metric, as in the study."""
    encoders = [
        ("Source", transfer.source.result),
        ("direct", transfer.direct.result),
        ("fine-tuned", transfer.tuned.result),
    ]
    encoders += [(b.name, b.result) for b in transfer.rivals]
    rows = [
        [
            name,
            _both(result, "modularity"),
            _decimal(result.scores.get("dci_disentanglement", math.nan)),
            _both(result, "compactness"),
            _decimal(result.scores.get("mig", math.nan)),
            _both(result, "omes"),
        ]
        for name, result in encoders
    ]
    return _table(["", "modularity: OS", "DCI", "compactness: MES", "MIG", "OMES"], rows)


def _over_seeds(rows: pd.DataFrame | None) -> str:
    """Mean and standard deviation (n − 1) of each stage over the seeds of a sweep."""
    if rows is None:
        return "Not measured yet."
    scores = {  # column, unit, digits
        "OMES avg": ("omes_avg", 1, 3),
        "OMES max": ("omes_max", 1, 3),
        "modularity avg": ("modularity_avg", 1, 3),
        "GBT, all": ("gbt_all", 100, 1),
        "MLP, all": ("mlp_all", 100, 1),
    }
    rows = rows.fillna({"target": "", "transfer": "Source"})
    lines = []
    for (source, target, stage), group in rows.groupby(["source", "target", "transfer"]):
        spread = [_spread(unit * group[column], n) for column, unit, n in scores.values()]
        way = f"{source} → {target}" if target else source
        lines.append([f"{way}, {stage}", str(len(group)), *spread])
    note = (
        "Mean ± standard deviation. Source and fine-tuning both start from another seed each time; "
        "a shorter recipe than the checkpoints above, so compare within this table: `docs/` holds "
        "the specs (`seeds-*.yaml`) and `checkpoints/seeds/` each seed's figures."
    )
    return f"{_table(['', 'seeds', *scores], lines)}\n\n{note}"


def _published(transfers: Sequence[Transfer]) -> str:
    ours = [t for t in transfers if t.title == "shapes3d → arm3d"]
    rows = []
    for dimensions, (before, gain) in PUBLISHED.items():
        cells = [f"{b:.1f} ({g:+.1f})" for b, g in zip(before, gain, strict=True)]
        rows.append([f"published, {dimensions}", *cells])
    for transfer in ours:
        for dimensions in PUBLISHED:
            first, second = (
                _accuracies(model.result, "gbt", dimensions, ISAAC3D)
                for model in (transfer.direct, transfer.tuned)
            )
            rows.append([f"ours, {dimensions}", *_gains(100 * first, 100 * second)])
    table = _table(["GBT", *ISAAC3D, "mean"], rows)
    if not ours:
        return f"{table}\n\nOurs has not been measured yet."
    return f"{table}\n\n{PROTOCOL.format(recipe=_recipes(ours[0]))}"


def _recipes(transfer: Transfer) -> str:
    """What ours was made with, Source and fine-tuning."""
    source, tuned = transfer.source.config, transfer.tuned.config
    return (
        f"{source.architecture.filters} filters, {_recipe(source.training)} on pairs that differ "
        f"in {'one factor' if source.training.get('k') == 1 else 'a random subset of factors'}, "
        f"then {_recipe(tuned.training)} of fine-tuning; {tuned.training.get('batch_size', 0)} "
        f"images a step, measured on {transfer.tuned.result.num_images:,}"
    )


# --- rankings -------------------------------------------------------------------------------------


def _agreement(models: Sequence[Model]) -> str:
    """Spearman's ρ of OMES with the other metrics, over all encoders measured."""
    results = [model.result for model in models]
    results += [b.result for model in models for b in model.report.baselines]
    # A baseline stands in the report of every transfer that it is compared with.
    results = list({(r.dataset, str(r.association)): r for r in results}.values())
    others: dict[str, Callable[[DatasetReport], float]] = {
        "DCI disentanglement": lambda r: r.scores.get("dci_disentanglement", math.nan),
        "MIG": lambda r: r.scores.get("mig", math.nan),
        "SAP": lambda r: r.scores.get("sap", math.nan),
        "GBT, all": lambda r: r.mean_accuracy("gbt", "all"),
        "GBT, pruned": lambda r: r.mean_accuracy("gbt", "pruned"),
        "MLP, all": lambda r: r.mean_accuracy("mlp", "all"),
    }
    rows = []
    for name, other in others.items():
        cells = [
            _spearman(
                [omes_score(r, "omes", pooling) for r in results], [other(r) for r in results]
            )
            for pooling in ("avg", "max")
        ]
        rows.append([name, *cells])
    note = (
        "Spearman's ρ over all encoders measured, baselines included. They stand on different "
        "datasets, whose numbers of factors and classes move every metric; read it as a hint."
    )
    return _table(["metric", "with OMES avg", "with OMES max"], rows) + f"\n\n{note}"


def _distances(transfers: Sequence[Transfer]) -> str:
    known = [t for t in transfers if t.tuned.report.distance or t.direct.report.distance]
    if not known:
        return ""
    distances = [t.tuned.report.distance or t.direct.report.distance for t in known]
    columns = {
        "Fréchet, codes": [d.frechet for d in distances],
        "MMD², codes": [d.mmd for d in distances],
        "outside range": [d.outside for d in distances],
        "ELBO drop, nats": [d.elbo_drop for d in distances],
        "Fréchet, pixels": [d.pixel_frechet for d in distances],
    }
    achieved = {
        "direct OMES avg": [omes_score(t.direct.result, "omes", "avg") for t in known],
        "OMES avg kept by direct": [
            omes_score(t.direct.result, "omes", "avg") - omes_score(t.source.result, "omes", "avg")
            for t in known
        ],
        "direct GBT above chance": [_above_chance(t.direct.result) for t in known],
        "fine-tuned GBT above chance": [_above_chance(t.tuned.result) for t in known],
    }
    rows = [
        [t.title, *(_short(values[n]) for values in columns.values())] for n, t in enumerate(known)
    ]
    ranks = [
        [name, *(_spearman(values, reached) for values in columns.values())]
        for name, reached in achieved.items()
    ]
    note = (
        "All from unlabelled images, in the eyes of the Source's encoder (pixels: 8 × 8 RGB). "
        "Below, how each ranks the transfers by what they achieved: Spearman's ρ, "
        f"n = {len(known)}. A distance that foretells transfer has a ρ near −1. "
        "Above chance: mean over factors of (accuracy − chance) / (1 − chance)."
    )
    header = ["", *columns]
    return f"{_table(header, rows)}\n\n{note}\n\n{_table(header, ranks)}"


def _spearman(first: Sequence[float], second: Sequence[float]) -> str:
    both = np.array([first, second], dtype=np.float64)
    both = both[:, ~np.isnan(both).any(axis=0)]
    if both.shape[1] < MIN_RANKED or min(map(np.ptp, both)) == 0:
        return f"– (n {both.shape[1]})"
    return f"{spearmanr(*both).statistic:+.2f} (n {both.shape[1]})"


# --- numbers --------------------------------------------------------------------------------------


def _spread(values: pd.Series, digits: int) -> str:
    """Mean ± standard deviation of what is known."""
    values = values.dropna()
    if not len(values):
        return "–"
    spread = f" ± {values.std():.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{spread}"


def _both(result: DatasetReport, what: str) -> str:
    return " / ".join(_decimal(omes_score(result, what, pooling)) for pooling in ("avg", "max"))


def _accuracies(
    result: DatasetReport, model: str, dimensions: str, factors: Sequence[str]
) -> np.ndarray:
    """Accuracy of each factor's probe in [0, 1], (F,); NaN where there is none."""
    known = {
        probe.factor: probe.accuracy
        for probe in result.probes
        if (probe.model, probe.dimensions) == (model, dimensions)
    }
    return np.array([known.get(factor, math.nan) for factor in factors])


def _above_chance(result: DatasetReport) -> float:
    values = [
        (p.accuracy - p.chance) / (1 - p.chance)
        for p in result.probes
        if (p.model, p.dimensions) == ("gbt", "all") and p.chance < 1
    ]
    return float(np.mean(values)) if values else math.nan


def _gains(before: np.ndarray, after: np.ndarray) -> list[str]:
    """Cells "before (gain)" in %, the mean last."""
    pairs = zip(_with_mean(before), _with_mean(after), strict=True)
    return ["–" if math.isnan(b) else f"{b:.1f} ({a - b:+.1f})" for b, a in pairs]


def _percents(values: np.ndarray) -> list[str]:
    return ["–" if math.isnan(v) else f"{v:.1f}" for v in _with_mean(100 * values)]


def _with_mean(values: np.ndarray) -> list[float]:
    known = values[~np.isnan(values)]
    return [*values.tolist(), float(known.mean()) if len(known) else math.nan]


def _short(value: float) -> str:
    """Four figures, large numbers in full: "0.01234", "6,328,000"."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _decimal(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
