"""How one measure ranks the encoders, or the transfers, as another does: Spearman's ρ."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations

import numpy as np
from scipy.stats import rankdata

from dviz.measuring.differences import older_trees
from dviz.measuring.report import BY_PHOTOGRAPH, DatasetReport
from dviz.metrics.suite import shown_scores
from dviz.results.markdown import short, table
from dviz.results.zoo import Model, Transfer

MIN_RANKED = 4  # fewer pairs of numbers have no ranking worth a word
MIN_WITHIN = 3  # encoders on one dataset, to be ranked there
MAX_EXACT = 8  # items whose every order is looked at
PERMUTATIONS = 2000


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
    places = [r.dataset for r in results]
    rows = [
        [name, *(within(values, [other(r) for r in results], places) for values in ours.values())]
        for name, other in others.items()
    ]
    note = (
        "Spearman's ρ of ranks within each dataset that at least "
        f"{MIN_WITHIN} encoders were measured on, n of them: numbers of factors and classes move "
        f"every metric, so datasets are not ranked against each other. {_included(models, others)} "
        "p: share of "
        f"{PERMUTATIONS:,} random orders within the datasets that give as large a |ρ|. "
        f"{len(rows) * len(ours)} tests stand here; 1 in 20 is below .05 by chance."
        f"{_split_apart(results)}{_older(results)}"
    )
    return table(["metric", "with OMES avg", "with OMES max"], rows) + f"\n\n{note}"


def _included(
    models: Sequence[Model], metrics: Mapping[str, Callable[[DatasetReport], float]]
) -> str:
    """Whether baselines are ranked too, in a sentence."""
    rivals = [b.result for model in models for b in model.report.baselines]
    lacking = [name for name, of in metrics.items() if any(math.isnan(of(r)) for r in rivals)]
    but = f" where their reports hold the metric; not all hold {', '.join(lacking)}"
    return f"Baselines are among them{but if lacking else ''}."


def _split_apart(results: Sequence[DatasetReport]) -> str:
    """Where what is ranked together was not split alike, in a sentence or two."""
    splits: dict[str, set[str]] = {}
    for result in results:
        splits.setdefault(result.dataset, set()).add(result.split)
    mixed = [dataset for dataset, found in splits.items() if len(found) > 1]
    told = ""
    if mixed:
        told = f" Probes of {', '.join(mixed)} are split by photograph, of some of its baselines "
        told += "by row."
    if any(BY_PHOTOGRAPH in found for found in splits.values()):
        told += (
            " DCI, SAP, explicitness and InfoE are split by row wherever: on photographs they test "
            "on images of some that they were trained on."
        )
    return told


def _older(results: Sequence[DatasetReport]) -> str:
    count = sum(map(older_trees, results))
    return f" DCI of {count} of them is by the trees of an earlier version." if count else ""


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
        "direct OMES avg, calibrated": [_calibrated(t.direct.result) for t in known],
        "and kept of the Source's": [
            _calibrated(t.direct.result) - _calibrated(t.source.result) for t in known
        ],
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
    images = sorted({f"{d.num_images:,}" for d in found})
    note = (
        f"All from {' or '.join(images)} unlabelled images of either dataset, in "
        "the eyes of the Source's encoder, the ELBO also of its decoder, learnt anew or not "
        "(pixels: 8 × 8 RGB). Outside range: share of the "
        "Target's images with a code beyond the central 99% of the Source's in some active "
        "dimension. "
        "Below, how each ranks the transfers by what they achieved: Spearman's ρ, "
        f"n = {len(known)}, with its p over {_orders(len(known))}, as if transfers shared neither "
        "Source nor Target, which some do. A distance that foretells transfer "
        f"has a ρ near −1; of {len(columns) * len(achieved)} tests, 1 in 20 is below .05 by "
        "chance. "
        "Above chance: mean over factors of (accuracy − chance) / (1 − chance)."
        f"{_not_measured([t.title for t in transfers if t not in known])}"
    )
    header = ["", *columns]
    return f"{table(header, rows)}\n\n{note}\n\n{table(header, ranks)}"


def _orders(count: int) -> str:
    """What `_spearman` compares a ranking of `count` items with."""
    return "all orders" if count <= MAX_EXACT else f"{PERMUTATIONS:,} random orders"


def _not_measured(titles: Sequence[str]) -> str:
    return f" Not measured: {', '.join(titles)}." if titles else ""


def _calibrated(result: DatasetReport) -> float:
    """Comparable between datasets, whatever a perfect code reaches on each."""
    found = result.omes_calibrated()
    return math.nan if found is None else found.omes


def _omes(result: DatasetReport, pooling: str = "avg") -> float:
    return result.omes(pooling=pooling).omes


def within(first: Sequence[float], second: Sequence[float], places: Sequence[str]) -> str:
    """Spearman's ρ of ranks within places, and its permutation p: "+0.82 (n 14, p .003)"."""
    both = np.array([first, second], dtype=np.float64)
    known = ~np.isnan(both).any(axis=0)
    groups = [
        rows
        for place in dict.fromkeys(places)
        if len(rows := np.flatnonzero(known & (np.array(places) == place))) >= MIN_WITHIN
    ]
    count = sum(map(len, groups))
    ranks = [[_centred(rankdata(side[rows])) for rows in groups] for side in both]
    if count < MIN_RANKED or any(not np.concatenate(side).any() for side in ranks):
        return f"– (n {count})"
    x, y = (np.concatenate(side) for side in ranks)
    length = float(np.linalg.norm(x) * np.linalg.norm(y))
    rng = np.random.default_rng(0)
    drawn = [
        float(x @ np.concatenate([rng.permutation(part) for part in ranks[1]]))
        for _ in range(PERMUTATIONS)
    ]
    found = float(x @ y)
    as_large = 1 + int((np.abs(drawn) >= abs(found) - 1e-9).sum())
    return f"{found / length:+.2f} (n {count}, p {_p(as_large / (PERMUTATIONS + 1))})"


def _centred(ranks: np.ndarray) -> np.ndarray:
    return ranks - ranks.mean()


def _spearman(first: Sequence[float], second: Sequence[float]) -> str:
    """ρ with its p over all orders, or over random ones where there are very many."""
    both = np.array([first, second], dtype=np.float64)
    both = both[:, ~np.isnan(both).any(axis=0)]
    count = both.shape[1]
    if count < MIN_RANKED or min(map(np.ptp, both)) == 0:
        return f"– (n {count})"
    x, y = (_centred(rankdata(side)) for side in both)
    if count <= MAX_EXACT:
        orders = np.array(list(permutations(range(count))))
        as_large, drawn = 0, len(orders)
    else:
        rng = np.random.default_rng(0)
        orders = np.array([rng.permutation(count) for _ in range(PERMUTATIONS)])
        as_large, drawn = 1, len(orders) + 1
    as_large += int((np.abs(y[orders] @ x) >= abs(float(x @ y)) - 1e-9).sum())
    found = float(x @ y) / float(np.linalg.norm(x) * np.linalg.norm(y))
    return f"{found:+.2f} (n {count}, p {_p(as_large / drawn)})"


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")
