"""The study's tables and claims, from the reports of a folder of checkpoints alone: Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from dviz import drawings
from dviz.checkpoint import (
    CONFIG,
    DIRECT,
    FINE_TUNED,
    REPORT,
    SOURCE,
    CheckpointConfig,
    read_config,
)
from dviz.data.registry import REAL
from dviz.metrics.omes import omes
from dviz.report import DatasetReport, Report, read_report

MIN_RANKED = 4  # fewer pairs of numbers have no ranking worth a word
TOLERANCE = 0.05  # by which modularity may differ and still count as kept (claim 1)
HOLDS, IN_PART, FAILS = "holds here", "holds in part", "does not hold here"
OVERVIEW = "figures/overview.svg"
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
    "recipe of its config.json. The figures may be compared in kind, not in height."
)


@dataclass(frozen=True)
class Model:
    """A checkpoint and what was measured of it."""

    config: CheckpointConfig
    report: Report

    @property
    def result(self) -> DatasetReport | None:
        """On its own dataset."""
        return self.report.results.get(self.config.dataset)


@dataclass(frozen=True)
class Transfer:
    """A Source, and its way to a Target: weights carried over, then fine-tuned."""

    source: Model
    direct: Model
    tuned: Model

    @property
    def title(self) -> str:
        return f"{self.source.config.dataset} → {self.tuned.config.dataset}"

    @property
    def real(self) -> bool:
        return self.tuned.config.dataset.startswith(REAL)

    @property
    def noisy(self) -> bool:
        """Same factors, noise added."""
        return self.tuned.config.dataset.startswith("noisy")


def read_zoo(root: str | Path) -> list[Model]:
    """Every checkpoint below `root` that was measured on its own, labelled dataset, by name."""
    folders = sorted(path.parent for path in Path(root).glob(f"*/{CONFIG}"))
    models = [Model(read_config(folder), read_report(folder / REPORT)) for folder in folders]
    return [model for model in models if model.result is not None and model.result.factors]


def read_seeds(root: str | Path) -> pd.DataFrame | None:
    """The rows of every `seeds/*.csv` below `root`: results.csv of a sweep over seeds."""
    tables = [pd.read_csv(path) for path in sorted(Path(root).glob("seeds/*.csv"))]
    return pd.concat(tables, ignore_index=True) if tables else None


def results_figures(models: Sequence[Model]) -> dict[str, str]:
    """The figures that `results_page` refers to: SVG by its path beside the page."""
    transfers = transfers_of(models)
    figures = {_picture(t): drawings.matrices(_matrices(t)) for t in transfers}
    if transfers:
        rows = [_dots(t) for t in transfers]
        figures[OVERVIEW] = drawings.dots(["OMES avg", "mean GBT accuracy"], rows, "baselines")
    return figures


def transfers_of(models: Sequence[Model]) -> list[Transfer]:
    """Every direct transfer that has its fine-tuned partner and its Source, in the zoo's order."""
    by_name = {model.config.name: model for model in models}
    found: list[Transfer] = []
    for tuned in models:
        if tuned.config.kind != FINE_TUNED:
            continue
        source = _root(tuned, by_name)
        direct = [
            m
            for m in models
            if m.config.kind == DIRECT
            and m.config.dataset == tuned.config.dataset
            and _root(m, by_name) is source
        ]
        if source is not None and direct:
            found.append(Transfer(source, direct[0], tuned))
    return found


def _root(model: Model, by_name: dict[str, Model]) -> Model | None:
    for _ in by_name:
        if model is None or model.config.kind == SOURCE:
            break
        model = by_name.get(str(model.config.parent))
    return model


def results_page(models: Sequence[Model], seeds: pd.DataFrame | None = None) -> str:
    """The whole page; the same reports give the same text, byte for byte.

    Args:
        seeds: of `read_seeds`.
    """
    transfers = transfers_of(models)
    parts = [
        "# Results",
        "Made by `python scripts/reproduce.py` from the `report.json` of every checkpoint in "
        "`checkpoints/`, and from nothing else. Accuracies in %: before fine-tuning, and in "
        "brackets what fine-tuning added. OMES at α = 0.5 as avg / max pooling. One model each "
        "unless said otherwise.",
        f"![OMES and GBT accuracy of every transfer]({OVERVIEW})" if transfers else "",
        "## Claims",
        _claims(transfers),
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
    header = ["Source", "OMES", "modularity", "compactness", "DCI", "MIG", "SAP", "active", "steps"]
    rows = []
    for model in models:
        result = model.result
        rows.append(
            [
                model.config.name,
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
        for b in transfer.tuned.report.baselines
        if b.result.dataset == after.dataset
        for model, dims in PROBES
        if dims == "all"
    ]
    accuracies = _table(["", *factors, "mean"], rows + baselines)
    title, training = f"### {transfer.title}", _training(transfer.tuned)
    picture = f"![association matrices of {transfer.title}]({_picture(transfer)})"
    return "\n\n".join([title, training, accuracies, _scores(transfer), picture])


def _training(model: Model) -> str:
    training, result = model.config.training, model.result
    return (
        f"`{model.config.name}`: {training.get('steps', 0):,} steps, "
        f"β {training.get('beta', 0):g}, seed {training.get('seed', 0)}. Measured on "
        f"{result.num_images:,} images and {result.num_pairs:,} pairs a factor, "
        f"seed {result.seed} ({result.machine})."
    )


def _scores(transfer: Transfer) -> str:
    """Modularity and compactness, each beside a classifier-based metric, as in the study."""
    encoders = [
        ("Source", transfer.source.result),
        ("direct", transfer.direct.result),
        ("fine-tuned", transfer.tuned.result),
    ]
    target = transfer.tuned.config.dataset
    encoders += [
        (b.name, b.result) for b in transfer.tuned.report.baselines if b.result.dataset == target
    ]
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
    scores = {
        "OMES avg": "omes_avg",
        "OMES max": "omes_max",
        "modularity avg": "modularity_avg",
        "GBT, all": "gbt_all",
        "MLP, all": "mlp_all",
    }
    rows = rows.fillna({"target": "", "transfer": "Source"})
    lines = []
    for (source, target, stage), group in rows.groupby(["source", "target", "transfer"]):
        spread = [_spread(group[column]) for column in scores.values()]
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
    missing = "" if ours else " Ours has not been measured yet."
    return _table(["GBT", *ISAAC3D, "mean"], rows) + f"\n\n{PROTOCOL}{missing}"


# --- figures --------------------------------------------------------------------------------------


def _picture(transfer: Transfer) -> str:
    return f"figures/{transfer.tuned.config.name}.svg"


def _matrices(transfer: Transfer) -> list[drawings.Matrix]:
    stages = {
        f"Source: {transfer.source.config.dataset}": transfer.source.result,
        f"Direct: {transfer.direct.config.dataset}": transfer.direct.result,
        "Fine-tuned": transfer.tuned.result,
    }
    return [_matrix(title, result) for title, result in stages.items()]


def _matrix(title: str, result: DatasetReport) -> drawings.Matrix:
    """Active dimensions only, by the factor that each follows most, the strongest first."""
    S = result.association_matrix
    rows = np.flatnonzero(result.active)
    filled = np.nan_to_num(S)
    order = sorted(rows.tolist(), key=lambda d: (filled[d].argmax(), -filled[d].max()))
    return drawings.Matrix(title, S[order], [f"z{d}" for d in order], result.factors)


def _dots(transfer: Transfer) -> drawings.Dots:
    stages = {SOURCE: transfer.source, DIRECT: transfer.direct, FINE_TUNED: transfer.tuned}
    target = transfer.tuned.config.dataset
    rivals = [b.result for b in transfer.tuned.report.baselines if b.result.dataset == target]
    axes = (lambda r: _omes(r, "omes", "avg"), lambda r: r.mean_accuracy("gbt", "all"))
    return drawings.Dots(
        transfer.title,
        [{name: axis(model.result) for name, model in stages.items()} for axis in axes],
        [[axis(rival) for rival in rivals] for axis in axes],
    )


# --- rankings -------------------------------------------------------------------------------------


def _agreement(models: Sequence[Model]) -> str:
    """Spearman's ρ of OMES with the other metrics, over all encoders measured."""
    results = [model.result for model in models]
    results += [b.result for model in models for b in model.report.baselines]
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
            _spearman([_omes(r, "omes", pooling) for r in results], [other(r) for r in results])
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
        "direct OMES avg": [_omes(t.direct.result, "omes", "avg") for t in known],
        "OMES avg kept by direct": [
            _omes(t.direct.result, "omes", "avg") - _omes(t.source.result, "omes", "avg")
            for t in known
        ],
        "direct GBT above chance": [_above_chance(t.direct.result) for t in known],
        "fine-tuned GBT above chance": [_above_chance(t.tuned.result) for t in known],
    }
    rows = [
        [t.title, *(f"{values[n]:.4g}" for values in columns.values())] for n, t in enumerate(known)
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


# --- claims ---------------------------------------------------------------------------------------


def _claims(transfers: Sequence[Transfer]) -> str:
    claims = (
        (
            "1. Modularity survives where the Target has the same factors, noise added.",
            _kept_modularity,
            [t for t in transfers if t.noisy],
        ),
        (
            "2. On real Targets fine-tuning without labels wins back explicitness (mean GBT "
            "accuracy, all dimensions).",
            _gained_accuracy,
            [t for t in transfers if t.real],
        ),
        (
            "3. What was learnt on the Source helps: the fine-tuned encoder is above every "
            "baseline (mean GBT accuracy, all dimensions, and OMES avg).",
            _beaten_baselines,
            [t for t in transfers if t.tuned.report.baselines],
        ),
    )
    return "\n\n".join(_claim(*claim) for claim in claims)


def _claim(
    text: str, judge: Callable[[Transfer], list[tuple[bool, str]]], transfers: Sequence[Transfer]
) -> str:
    found = [verdict for transfer in transfers for verdict in judge(transfer)]
    if not found:
        return f"**{text}** Not measured yet."
    good = sum(fine for fine, _ in found)
    verdict = HOLDS if good == len(found) else IN_PART if good else FAILS
    lines = "\n".join(f"- {'yes' if fine else 'no'}: {words}" for fine, words in found)
    return f"**{text}** It {verdict} ({good} of {len(found)}).\n\n{lines}"


def _kept_modularity(t: Transfer) -> list[tuple[bool, str]]:
    found = []
    for pooling in ("avg", "max"):
        source, direct, tuned = (
            _omes(m.result, "modularity", pooling) for m in (t.source, t.direct, t.tuned)
        )
        numbers = f"Source {source:.3f}, direct {direct:.3f}, fine-tuned {tuned:.3f}"
        found.append((tuned >= source - TOLERANCE, f"{t.title}, {pooling}: {numbers}"))
    return found


def _gained_accuracy(t: Transfer) -> list[tuple[bool, str]]:
    before, after = (100 * m.result.mean_accuracy("gbt", "all") for m in (t.direct, t.tuned))
    return [(after > before, f"{t.title}: {before:.1f} → {after:.1f}")]


def _beaten_baselines(t: Transfer) -> list[tuple[bool, str]]:
    found = []
    for baseline in t.tuned.report.baselines:
        if baseline.result.dataset != t.tuned.config.dataset:
            continue
        for name, of in (
            ("GBT", lambda r: r.mean_accuracy("gbt", "all")),
            ("OMES avg", lambda r: _omes(r, "omes", "avg")),
        ):
            ours, theirs = of(t.tuned.result), of(baseline.result)
            words = f"{t.title}, {name}: {ours:.3f}, {baseline.name} {theirs:.3f}"
            found.append((ours > theirs, words))
    return found


# --- numbers --------------------------------------------------------------------------------------


def _omes(result: DatasetReport, what: str, pooling: str) -> float:
    score = omes(result.association_matrix, pooling=pooling, active=result.active)
    return float(getattr(score, what))


def _spread(values: pd.Series) -> str:
    """Mean ± standard deviation of what is known."""
    values = values.dropna()
    if len(values) < 2:
        return _decimal(values.mean())
    return f"{values.mean():.3f} ± {values.std():.3f}"


def _both(result: DatasetReport, what: str) -> str:
    return " / ".join(_decimal(_omes(result, what, pooling)) for pooling in ("avg", "max"))


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


def _decimal(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
