"""MIG, the mutual information gap (Chen et al. 2018, "Isolating sources of disentanglement")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_names, check_table
from dviz.metrics.discrete import BINS, binned, entropy, mutual_information
from dviz.metrics.metric import COMPACTNESS, single
from dviz.metrics.result import MetricResult


def mig(
    codes: Any, factors: Any, *, names: Sequence[str] | None = None, bins: int = BINS
) -> MetricResult:
    """Mean over factors of (largest - second largest I(z_d; j) over d) / H(j), in [0, 1].

    A measure of compactness: 1 where one dimension tells the factor and no other tells anything.
    Codes (N, D) are binned in `bins` equal widths, as in Locatello et al. 2019. A factor with one
    value has no entropy and is left out (NaN). `details`: `mutual_information` (D, F) in nats,
    `entropy` (F,).
    """
    codes, factors = check_table(codes, factors)
    names = check_names(names, factors.shape[1])
    information, bits = mutual_information(binned(codes, bins), factors), entropy(factors)
    ranked = np.sort(np.concatenate([np.zeros((1, len(names))), information]), axis=0)
    gaps = np.divide(ranked[-1] - ranked[-2], bits, out=np.full(len(bits), np.nan), where=bits > 0)
    known = gaps[~np.isnan(gaps)]
    score = float(known.mean()) if len(known) else float("nan")
    details = {"mutual_information": information, "entropy": bits}
    return MetricResult(score, dict(zip(names, gaps.tolist(), strict=True)), details)


METRIC = single(
    "mig",
    "MIG",
    lambda t: mig(t.codes, t.factors, names=t.names).to_dict(),
    measures=COMPACTNESS,
    cost=0.2,
)
