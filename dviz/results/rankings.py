"""How one measure ranks the encoders, or the transfers, as another does: Spearman's ρ."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import spearmanr

from dviz.measuring.report import DatasetReport
from dviz.metrics.suite import shown_scores
from dviz.results.markdown import short, table
from dviz.results.zoo import Model, Transfer

MIN_RANKED = 4  # fewer pairs of numbers have no ranking worth a word


def agreement(models: Sequence[Model]) -> str:
    """Of OMES with the other metrics, over all encoders measured."""
    results = [model.result for model in models]
    results += [b.result for model in models for b in model.report.baselines]
    # A baseline stands in the report of every transfer that it is compared with.
    results = list({(r.dataset, str(r.association)): r for r in results}.values())
    others: dict[str, Callable[[DatasetReport], float]] = {
        score.title: lambda r, key=score.key: r.score(key) for score in shown_scores()
    }
    others |= {
        "GBT, all": lambda r: r.mean_accuracy("gbt", "all"),
        "GBT, pruned": lambda r: r.mean_accuracy("gbt", "pruned"),
        "MLP, all": lambda r: r.mean_accuracy("mlp", "all"),
    }
    ours = {pooling: [_omes(r, pooling) for r in results] for pooling in ("avg", "max")}
    rows = [
        [name, *(_spearman(values, [other(r) for r in results]) for values in ours.values())]
        for name, other in others.items()
    ]
    note = (
        "Spearman's ρ over all encoders measured, baselines included. They stand on different "
        "datasets, whose numbers of factors and classes move every metric; read it as a hint."
    )
    return table(["metric", "with OMES avg", "with OMES max"], rows) + f"\n\n{note}"


def distances(transfers: Sequence[Transfer]) -> str:
    """Of what the Target's distance foretold with what the transfer achieved; "" without any."""
    known = [t for t in transfers if t.tuned.report.distance or t.direct.report.distance]
    if not known:
        return ""
    found = [t.tuned.report.distance or t.direct.report.distance for t in known]
    columns = {
        "Fréchet, codes": [d.frechet for d in found],
        "MMD², codes": [d.mmd for d in found],
        "outside range": [d.outside for d in found],
        "ELBO drop, nats": [d.elbo_drop for d in found],
        "Fréchet, pixels": [d.pixel_frechet for d in found],
    }
    achieved = {
        "direct OMES avg": [_omes(t.direct.result) for t in known],
        "OMES avg kept by direct": [_omes(t.direct.result) - _omes(t.source.result) for t in known],
        "direct GBT above chance": [t.direct.result.above_chance() for t in known],
        "fine-tuned GBT above chance": [t.tuned.result.above_chance() for t in known],
    }
    rows = [
        [t.title, *(short(values[n]) for values in columns.values())] for n, t in enumerate(known)
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
    return f"{table(header, rows)}\n\n{note}\n\n{table(header, ranks)}"


def _omes(result: DatasetReport, pooling: str = "avg") -> float:
    return result.omes(pooling=pooling).omes


def _spearman(first: Sequence[float], second: Sequence[float]) -> str:
    both = np.array([first, second], dtype=np.float64)
    both = both[:, ~np.isnan(both).any(axis=0)]
    if both.shape[1] < MIN_RANKED or min(map(np.ptp, both)) == 0:
        return f"– (n {both.shape[1]})"
    return f"{spearmanr(*both).statistic:+.2f} (n {both.shape[1]})"
