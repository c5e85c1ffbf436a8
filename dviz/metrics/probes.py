"""Probes: how well a classifier reads each factor off the codes, and off which dimensions.

The study's explicitness: per factor, gradient-boosted trees and a (256, 256) perceptron, on all
active dimensions ("all"), on those associated with any factor ("union") and on the one associated
with this factor ("pruned"). The first two thirds of the rows train, the last third tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_codes, check_factors, check_names, check_table, jsonable
from dviz.metrics.association import association_matrix
from dviz.metrics.diagnostics import active_dimensions
from dviz.metrics.metric import Entry, Metric, Row, Table, left_out
from dviz.metrics.mlp import Mlp, fit_mlp
from dviz.metrics.omes import associated_dimensions
from dviz.metrics.split import error_of_mean, run_parallel, train_rows, unlearnable
from dviz.metrics.trees import Trees, fit_booster

MODELS = ("gbt", "mlp")
DIMENSION_SETS = ("all", "union", "pruned")
SORTED = 0.5  # of the rows that test have unseen values: the table is sorted by that factor
PRUNED_SEEDS = 3
"""Perceptrons on one dimension are trained from so many seeds; their mean is told."""
_NAN = float("nan")


def fittable_models() -> tuple[str, ...]:
    """Those of `MODELS` that can be fitted here: torch trains the perceptron."""
    return MODELS if find_spec("torch") else ("gbt",)


@dataclass(frozen=True)
class Probe:
    """A fitted classifier of one factor, as plain arrays.

    Attributes:
        model: "gbt" or "mlp".
        classes: the class indices seen in training, ascending, int64 (C,).
        dimensions: D, how wide the codes must be.
        predictor: the arrays and the arithmetic.
        temperature: what its logits are over, so that it is as sure as it is right; None where
            that was not measured (see `dviz.metrics.confidence`).
    """

    model: str
    classes: np.ndarray
    dimensions: int
    predictor: Trees | Mlp
    temperature: float | None = None

    def predict_proba(self, codes: Any) -> np.ndarray:
        """Probability of each of `classes`, float64 (N, C), for codes (N, D)."""
        codes = check_codes(codes)
        if codes.shape[1] != self.dimensions:
            raise ValueError(
                f"codes must have {self.dimensions} dimensions, got shape {codes.shape}"
            )
        return self.predictor.predict_proba(codes)

    def predict(self, codes: Any) -> np.ndarray:
        """The most probable class index, int64 (N,)."""
        return self.classes[self.predict_proba(codes).argmax(axis=1)]


@dataclass(frozen=True)
class ProbeResult:
    """How well every factor can be read off.

    Attributes:
        train, test: rows used for each.
        seed: of the probes (and of the shuffling, where asked for).
        per_factor: for each factor name
            `classes`: how many values it takes;
            `chance`: accuracy of always answering the most frequent training class;
            `uniform`: 1 / classes;
            `unseen`: share of test rows whose class never occurs in training;
            `probes`: {model: {dimension set: {`accuracy`, `balanced_accuracy`, `standard_error` of
            the accuracy, `dimensions` read}}}, in [0, 1];
            `reason`: why it was not probed (one value only, or fewer than two rows per class), or
            None.
        mean: {model: {dimension set: {`accuracy`, `balanced_accuracy`}}} over factors with any.
        chance: mean of the factors' chance levels.
    """

    train: int
    test: int
    seed: int
    per_factor: dict[str, dict[str, Any]]
    mean: dict[str, dict[str, dict[str, float]]]
    chance: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for strict JSON: NaN becomes None."""
        return jsonable(vars(self))


def fit_probe(codes: Any, labels: Any, model: str = "gbt", seed: int = 0) -> Probe:
    """Fit one probe to codes (N, D) and class indices (N,); any number of classes, one included.

    Raises:
        ValueError: arrays that do not fit, or a `model` that is neither "gbt" nor "mlp".
    """
    codes = check_codes(codes)
    labels = check_factors(np.reshape(labels, (-1, 1)), rows=len(codes), name="labels")[:, 0]
    classes, targets = np.unique(labels, return_inverse=True)
    _check_model(model)
    if model == "gbt" and len(classes) == 1:
        return Probe(model, classes, codes.shape[1], Trees.constant())
    fit = fit_mlp if model == "mlp" else _fit_trees
    predictor = run_parallel(fit, [(codes, targets, len(classes), seed)], n_jobs=1)[0]
    return Probe(model, classes, codes.shape[1], predictor)


def probe_factors(
    codes: Any,
    factors: Any,
    *,
    names: Sequence[str] | None = None,
    dimensions: str | Sequence[str] | Sequence[int] = DIMENSION_SETS,
    models: str | Sequence[str] = MODELS,
    seed: int = 0,
    association: Any = None,
    active: Any = None,
    n_jobs: int = 2,
    shuffle: bool = False,
    train: Any = None,
    groups: Any = None,
) -> ProbeResult:
    """Train and test every probe.

    Args:
        codes, factors: (N, D) and class indices (N, F), N at least 3.
        names: F different factor names.
        dimensions: one or more of "all", "union", "pruned"; or dimension indices, which go by the
            name "explicit".
        models: one or more of "gbt", "mlp".
        association: S (D, F), for "union" and "pruned"; computed where not given.
        active: bool (D,); computed where not given.
        n_jobs: processes, one thread each.
        shuffle: put the rows in random order first. Needed for a table sorted by a factor, whose
            last third would hold classes never trained on (see `unseen`).
        train: bool (N,), the rows that train, where these are not the first two thirds.
        groups: (N,), equal where rows are not independent; standard errors then count groups.

    Raises:
        ValueError: an argument outside of what is described above.
    """
    codes, factors = check_table(codes, factors)
    names = check_names(names, factors.shape[1])
    models = tuple(map(_check_model, [models] if isinstance(models, str) else models))
    if len(codes) < 3:
        raise ValueError(f"codes must have at least 3 rows to train and test, got {len(codes)}")
    sets = _dimension_sets(codes, factors, dimensions, association, active)
    count, order = _split(train, len(codes), seed if shuffle else None)
    codes, factors = codes[order], factors[order]
    tested = None if groups is None else np.asarray(groups)[order][count:]
    entries = [_factor_entry(column, count) for column in factors.T]
    jobs = {
        (model, j, dims[j])
        for model in models
        for j, entry in enumerate(entries)
        for dims in sets.values()
        if dims[j] and entry["reason"] is None
    }
    scores = _run(jobs, codes, factors, seed, n_jobs, count, tested)
    per_factor = {
        name: entries[j]
        | {"probes": {m: {s: _entry(scores, m, j, d[j]) for s, d in sets.items()} for m in models}}
        for j, name in enumerate(names)
    }
    chance = _mean([entry["chance"] for entry in per_factor.values()])
    mean = _means(per_factor, models, tuple(sets))
    return ProbeResult(count, len(codes) - count, seed, per_factor, mean, chance)


def _split(train: Any, rows: int, seed: int | None) -> tuple[int, np.ndarray]:
    """How many rows train, and all rows (N,) in an order that begins with them."""
    if train is None:
        order = np.arange(rows) if seed is None else np.random.default_rng(seed).permutation(rows)
        return train_rows(rows), order
    train = np.asarray(train)
    if train.shape != (rows,) or train.dtype != bool or train.all() or not train.any():
        raise ValueError(
            f"train must say of each of {rows} rows whether it trains, some and not all; got "
            f"{train.dtype} of shape {train.shape}, {int(train.sum())} of them"
        )
    return int(train.sum()), np.argsort(~train, kind="stable")


def _run(
    jobs: set,
    codes: np.ndarray,
    factors: np.ndarray,
    seed: int,
    n_jobs: int,
    train: int,
    tested: np.ndarray | None,
) -> dict:
    """Scores of each (model, factor, dimensions), the slowest first so that no process idles."""
    ordered = sorted(jobs, key=lambda job: (-np.unique(factors[:, job[1]]).size, job))
    arguments = [
        (codes[:, dims], factors[:, j], model, seed, train, tested) for model, j, dims in ordered
    ]
    return dict(zip(ordered, run_parallel(_train_and_test, arguments, n_jobs), strict=True))


def _fit_trees(codes: np.ndarray, targets: np.ndarray, classes: int, seed: int) -> Trees:
    return Trees.from_booster(fit_booster(codes, targets, seed))


def _train_and_test(
    codes: np.ndarray,
    labels: np.ndarray,
    model: str,
    seed: int,
    train: int,
    groups: np.ndarray | None,
) -> dict:
    """Accuracy, balanced accuracy and standard error on all rows but the first `train`."""
    truth = labels[train:]
    # From one dimension a perceptron's accuracy depends on where it starts.
    several = model == "mlp" and codes.shape[1] == 1
    seeds = range(seed, seed + (PRUNED_SEEDS if several else 1))
    hits = [_predicted(codes, labels, model, each, train) == truth for each in seeds]
    hit = np.mean(hits, axis=0)
    recalls = [hit[truth == value].mean() for value in np.unique(truth)]
    return {
        "accuracy": float(hit.mean()),
        "balanced_accuracy": float(np.mean(recalls)),
        "standard_error": error_of_mean(hit, groups),
    }


def _predicted(
    codes: np.ndarray, labels: np.ndarray, model: str, seed: int, train: int
) -> np.ndarray:
    """What a probe of the first `train` rows says of the others."""
    classes, targets = np.unique(labels[:train], return_inverse=True)
    if model == "gbt" and len(classes) > 1:
        # scikit-learn's own predict is the faster one on thousands of rows.
        found: np.ndarray = fit_booster(codes[:train], targets, seed).predict(codes[train:])
        return np.asarray(classes[found])
    return fit_probe(codes[:train], labels[:train], model, seed).predict(codes[train:])


def _dimension_sets(
    codes: np.ndarray, factors: np.ndarray, dimensions: Any, association: Any, active: Any
) -> dict[str, list[tuple[int, ...]]]:
    """For each set asked for, the dimensions every factor's probe may read."""
    asked = [dimensions] if isinstance(dimensions, str) else list(dimensions)
    width, count = codes.shape[1], factors.shape[1]
    indices = tuple(int(item) for item in asked if isinstance(item, int | np.integer))
    if indices and len(indices) == len(asked):
        if min(indices) < 0 or max(indices) >= width:
            raise ValueError(f"dimensions must be between 0 and {width - 1}, got {asked}")
        return {"explicit": [indices] * count}
    unknown = [item for item in asked if item not in DIMENSION_SETS]
    if unknown or not asked:
        raise ValueError(f"dimensions must be among {DIMENSION_SETS} or indices, got {dimensions}")
    mask = active_dimensions(codes) if active is None else np.asarray(active)
    sets = {"all": [tuple(int(d) for d in np.flatnonzero(mask))] * count}
    if set(asked) != {"all"}:
        # Which dimension follows a factor most is told by few pairs already.
        S = association_matrix(codes, factors, min_pairs=2) if association is None else association
        own = associated_dimensions(S, mask)
        union = tuple(sorted({d for d in own if d is not None}))
        sets |= {"union": [union] * count, "pruned": [() if d is None else (d,) for d in own]}
    return {name: sets[name] for name in asked}


def _factor_entry(labels: np.ndarray, train: int) -> dict[str, Any]:
    """What is known of a factor before any probe."""
    values, counts = np.unique(labels[:train], return_counts=True)
    classes = len(np.unique(labels))
    return {
        "classes": classes,
        "chance": float((labels[train:] == values[counts.argmax()]).mean()),
        "uniform": 1 / classes,
        "unseen": float((~np.isin(labels[train:], values)).mean()),
        "reason": unlearnable(labels, train),
    }


def _entry(scores: dict, model: str, j: int, dims: tuple[int, ...]) -> dict[str, Any]:
    missing = {"accuracy": _NAN, "balanced_accuracy": _NAN, "standard_error": _NAN}
    return scores.get((model, j, dims), missing) | {"dimensions": list(dims)}


def _means(per_factor: dict, models: Sequence[str], sets: Sequence[str]) -> dict:
    def mean_of(model: str, name: str, key: str) -> float:
        return _mean([entry["probes"][model][name][key] for entry in per_factor.values()])

    keys = ("accuracy", "balanced_accuracy")
    return {m: {s: {key: mean_of(m, s, key) for key in keys} for s in sets} for m in models}


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else _NAN


def _check_model(model: str) -> str:
    if model not in MODELS:
        raise ValueError(f"model must be one of {MODELS}, got {model!r}")
    return model


def _run_table(t: Table) -> Entry:
    return probe_factors(
        t.codes,
        t.factors,
        names=t.names,
        models=fittable_models(),
        seed=t.seed,
        active=t.active,
        n_jobs=t.n_jobs,
    ).to_dict()


def _rows(entry: Entry, factors: list[str]) -> Iterator[Row]:
    parts = [entry["per_factor"][name] for name in factors]
    for model, sets in entry["mean"].items():
        for dims, mean in sets.items():
            accuracies = [part["probes"][model][dims]["accuracy"] for part in parts]
            yield f"probe {model} {dims}", mean["accuracy"], accuracies
    yield "probe chance", entry["chance"], [part["chance"] for part in parts]


def _notes(entry: Entry) -> list[str]:
    missing = [model for model in MODELS if model not in entry["mean"]]
    unseen = [
        f"{name}: {100 * part['unseen']:.0f}% of the rows that test hold values that no row that "
        "trains has; put the rows in random order (shuffle), or bin the values if they are"
        for name, part in entry["per_factor"].items()
        if (part["unseen"] or 0) > SORTED
    ]
    absent = [f"probe {model}: needs torch, which is missing" for model in missing]
    return left_out(entry) + unseen + absent


METRIC = Metric("probes", "Probes", _run_table, _rows, notes=_notes, cost=60)
