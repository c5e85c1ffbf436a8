"""UDR, unsupervised disentanglement ranking (Duan et al. 2020, "Unsupervised model selection for
variational disentangled representation learning").

Models that disentangle find the same latents, up to order, sign and scale; entangled ones differ.
So a model is scored by how one-to-one its latents map to those of others that saw the same images,
without any label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_codes, jsonable
from dviz.metrics.split import standardised

KINDS = ("lasso", "spearman")
LASSO_PENALTY = 0.1
KL_THRESHOLD = 0.01
"""Latents whose mean KL (nats) is below this hold nothing (the paper's choice)."""


@dataclass(frozen=True)
class UdrResult:
    """Attributes:
    scores: UDR of each model, the median over the others, (M,), in [0, 1].
    pairwise: float64 (M, M): how one-to-one model i's latents map to model j's; NaN with itself.
    """

    scores: np.ndarray
    pairwise: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Plain values for strict JSON: NaN becomes None."""
        return jsonable(vars(self))


def udr(
    codes: Sequence[Any], informative: Sequence[Any] | None = None, *, kind: str = "lasso"
) -> UdrResult:
    """UDR of M ≥ 2 models from codes of the same images in the same order.

    R[a, b] is how strongly latent a of one model goes with latent b of the other: the absolute
    weight in a Lasso (α = 0.1) from all latents of the first, or Spearman's |ρ|. A pair's score is
    the mean of Σ_a max R² / Σ R over rows and over columns, in halves.

    Args:
        codes: M arrays (N, D_m).
        informative: M masks bool (D_m,), latents whose KL exceeds `KL_THRESHOLD`; all by default.

    Raises:
        ValueError: fewer than two models, other numbers of rows, or another `kind`.
    """
    tables = [check_codes(table, f"codes[{m}]") for m, table in enumerate(codes)]
    rows = [len(table) for table in tables]
    if len(tables) < 2 or len(set(rows)) != 1:
        raise ValueError(f"codes must hold at least 2 tables of the same images, got {rows} rows")
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
    if informative is None:
        informative = [np.ones(table.shape[1], dtype=bool) for table in tables]
    kept = [
        standardised(t)[:, np.asarray(mask)] for t, mask in zip(tables, informative, strict=True)
    ]
    pairwise = np.full((len(kept), len(kept)), np.nan)
    relate = _lasso if kind == "lasso" else _spearman
    for i, first in enumerate(kept):
        for j, second in enumerate(kept):
            if i != j and first.size and second.size:
                pairwise[i, j] = relative_strength(relate(first, second))
    others = [np.delete(column, i) for i, column in enumerate(pairwise.T)]
    # Where one has collapsed, the others are still compared with each other.
    scores = [np.nan if np.isnan(found).all() else np.nanmedian(found) for found in others]
    return UdrResult(np.array(scores), pairwise)


def relative_strength(R: np.ndarray) -> float:
    """How one-to-one R (A, B) is, in [0, 1]: 1 for a permutation matrix."""
    halves = []
    for axis in (0, 1):
        total = R.sum(axis=axis)
        strongest = R.max(axis=axis) ** 2
        shares = np.divide(strongest, total, out=np.zeros_like(total), where=total > 0)
        halves.append(shares.mean())
    return float(np.mean(halves))


def _lasso(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import Lasso

    model = Lasso(alpha=LASSO_PENALTY).fit(first, second)
    return np.abs(np.reshape(model.coef_, (second.shape[1], first.shape[1]))).T


def _spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    ranked = [standardised(rankdata(table, axis=0)) for table in (first, second)]
    return np.abs(ranked[0].T @ ranked[1]) / len(first)
