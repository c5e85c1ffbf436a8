"""What classifiers read off the codes of a sample, as rows of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dviz.data.base import FactorDataset
from dviz.data.table import UNKNOWN
from dviz.measuring.report import ProbeScore
from dviz.measuring.splits import outside_arc, split_by_photograph
from dviz.metrics.omes import associated_dimensions
from dviz.metrics.probes import MODELS, probe_factors

if TYPE_CHECKING:
    from dviz.measuring.encoder import EncodedSample


def probe_scores(
    sample: EncodedSample,
    association: np.ndarray,
    names: list[str],
    seed: int,
    jobs: int,
    models: Sequence[str] | None = None,
) -> list[ProbeScore]:
    """Probes on all active dimensions and on the associated one, one row of labels at a time.

    A factor is left out where fewer than three images, or photographs, have its label.
    With `models` only those, and only on all active dimensions.
    """
    same: dict[str, Any] = {"models": models or MODELS, "active": sample.active, "seed": seed}
    if (sample.classes != UNKNOWN).all() and names:
        found = probe_factors(
            sample.mean,
            sample.classes,
            names=names,
            dimensions="all" if models else ("all", "union", "pruned"),
            association=association,
            n_jobs=jobs,
            **same,
            **split_by_photograph(sample.photographs, seed)._asdict(),
        )
        return _score_rows(found.to_dict()["per_factor"])
    scores = []
    own = associated_dimensions(association, sample.active) if names else []
    union = sorted({d for d in own if d is not None})
    for j, name in enumerate(names):
        known = sample.classes[:, j] != UNKNOWN
        photographs = sample.photographs
        split = split_by_photograph(None if photographs is None else photographs[known], seed)
        if known.sum() < 3 or (photographs is not None and split.train is None):
            continue
        table = sample.mean[known], sample.classes[known, j : j + 1]
        asked: dict[str, str | list[int]] = {"all": "all"}
        if union and not models:
            asked["union"] = union
        if (dimension := own[j]) is not None and not models:
            asked["pruned"] = [dimension]
        for dimensions, which in asked.items():
            found = probe_factors(
                *table,
                names=[name],
                dimensions=which,
                n_jobs=jobs,
                **(same | split._asdict()),
            )
            scores += [
                replace(score, dimensions=dimensions)
                for score in _score_rows(found.to_dict()["per_factor"])
            ]
    return scores


def arc_scores(
    sample: EncodedSample,
    dataset: FactorDataset,
    seed: int,
    jobs: int,
    models: Sequence[str] | None = None,
) -> list[ProbeScore]:
    """Probes on all active dimensions of what no view in training has shown; of every factor but
    the one that goes around."""
    train = outside_arc(dataset, sample.classes)
    if train is None or dataset.info.split is None:
        return []
    names = [name for name in dataset.space.names if name != dataset.info.split.arc]
    columns = [dataset.space.names.index(name) for name in names]
    found = probe_factors(
        sample.mean,
        sample.classes[:, columns],
        names=names,
        dimensions="all",
        models=tuple(models or MODELS),
        active=sample.active,
        seed=seed,
        n_jobs=jobs,
        train=train,
        groups=sample.photographs,
    )
    return _score_rows(found.to_dict()["per_factor"])


def _score_rows(per_factor: dict[str, dict[str, Any]]) -> list[ProbeScore]:
    return [
        ProbeScore(
            factor,
            model,
            dimensions,
            chance=round(values["chance"], 4),
            **{
                key: round(score[key], 4)
                for key in ("accuracy", "balanced_accuracy", "standard_error")
            },
        )
        for factor, values in per_factor.items()
        for model, sets in values["probes"].items()
        for dimensions, score in sets.items()
        if score["accuracy"] is not None
    ]
