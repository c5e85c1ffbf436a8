"""OMES, the Overlap Multiple Encoding Scores of an association matrix S (D, F).

From "Transferring disentangled representations: bridging the gap between synthetic and real
images" (NeurIPS 2024). With D active dimensions and F factors:

    os(d, j)  = 1 - mean over k of |1[k = j] - S[d, k]|     do other factors overlap on d?
    mes(d, j) = 1 - mean over l of |1[l = d] - S[l, j]|     is j spread over other dimensions?

pooled over dimensions per factor: "avg" Σ_d os(d, j) S[d, j]² / Σ_d S[d, j], or "max"
max_d os(d, j) S[d, j]; likewise mes. Their means over factors are modularity and compactness.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dviz.metrics.arrays import check_names, jsonable
from dviz.metrics.association import Association, group_covariance, is_whole
from dviz.metrics.calibration import calibrate, table_signal
from dviz.metrics.metric import Entry, Metric, Row, Table, left_out
from dviz.metrics.uncertainty import OmesUncertainty, omes_uncertainty, pooled_gradients

POOLINGS = ("avg", "max")


@dataclass(frozen=True)
class OmesResult:
    """OMES and its parts, all in [0, 1], higher is better; NaN where nothing could be scored.

    Attributes:
        omes: α · modularity + (1 - α) · compactness.
        modularity: mean over factors of the pooled overlap score (α = 1).
        compactness: mean over factors of the pooled multiple-encoding score (α = 0).
        alpha, pooling: as asked for.
        per_factor: for each factor name `omes`, `modularity`, `compactness`,
            `associated_dimension` (int, or None), `association` (S there) and `reason` (why the
            factor is NaN and left out of the means, or None).
        association: S as given, float64 (D, F), inactive dimensions included.
        active: indices of the dimensions that were scored, in the numbering of S.
    """

    omes: float
    modularity: float
    compactness: float
    alpha: float
    pooling: str
    per_factor: dict[str, dict[str, Any]]
    association: np.ndarray
    active: tuple[int, ...]

    def __float__(self) -> float:
        return self.omes

    def to_dict(self) -> dict[str, Any]:
        """Plain values for strict JSON: NaN becomes None."""
        return jsonable(vars(self))

    def uncertainty(self, covariance: Any) -> OmesUncertainty | None:
        """What its scores may be off by; None where nothing was scored, or nobody knows.

        Args:
            covariance: of the columns of S, (F, D, D), as `associate_pairs` or `group_covariance`
                give it; a factor whose covariance is NaN counts as unknown.
        """
        covariance = np.asarray(covariance, dtype=np.float64)
        D, F = self.association.shape
        if covariance.shape != (F, D, D):
            raise ValueError(f"covariance must be {(F, D, D)}, got shape {covariance.shape}")
        factors = np.flatnonzero(~np.isnan(self.association).any(axis=0))
        rows = np.array(self.active, dtype=int)
        C = covariance[np.ix_(factors, rows, rows)]
        if not C.size or np.isnan(C).any():
            return None
        S = self.association[np.ix_(rows, factors)]
        overlap, encoding = overlap_scores(S), multiple_encoding_scores(S)
        modular, compact = pooled_gradients(S, overlap, encoding, self.pooling)
        names = [list(self.per_factor)[j] for j in factors]
        scores = {
            key: np.array([self.per_factor[name][key] for name in names])
            for key in ("omes", "modularity", "compactness")
        }
        whole = self.alpha * modular + (1 - self.alpha) * compact
        gradients = {"omes": whole, "modularity": modular, "compactness": compact}
        return omes_uncertainty(S, C, scores, gradients, names)


def omes(
    association: Any,
    alpha: float = 0.5,
    pooling: str = "avg",
    active: Any = None,
    names: Sequence[str] | None = None,
    reasons: Sequence[str | None] | None = None,
) -> OmesResult:
    """Score an association matrix.

    >>> result = omes([[1.0, 0.0], [0.0, 1.0]], names=["shape", "scale"])
    >>> result.omes, result.per_factor["scale"]["associated_dimension"]
    (1.0, 1)

    Args:
        association: S, (D, F) in [0, 1]; a factor whose column is NaN is left out of everything.
        alpha: weight of modularity against compactness, in [0, 1].
        pooling: "avg" or "max", over dimensions.
        active: bool (D,), the dimensions to score (see `active_dimensions`); all by default.
        names: F different factor names; "0", "1", ... by default.
        reasons: per factor, why its column is NaN (`Association.reasons`).

    Raises:
        ValueError: an argument outside of what is described above.
    """
    S = _check_association(association)
    mask = _check_active(active, len(S))
    names = check_names(names, S.shape[1])
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be between 0 and 1, got {alpha}")
    if pooling not in POOLINGS:
        raise ValueError(f"pooling must be one of {POOLINGS}, got {pooling!r}")
    modularity = _pool(overlap_scores(S, mask), S, mask, pooling)
    compactness = _pool(multiple_encoding_scores(S, mask), S, mask, pooling)
    scores = alpha * modularity + (1 - alpha) * compactness
    dimensions = associated_dimensions(S, mask)
    per_factor = {
        name: {
            "omes": float(scores[j]),
            "modularity": float(modularity[j]),
            "compactness": float(compactness[j]),
            "associated_dimension": dimensions[j],
            "association": float("nan") if dimensions[j] is None else float(S[dimensions[j], j]),
            "reason": _reason(S[:, j], mask, reasons[j] if reasons is not None else None),
        }
        for j, name in enumerate(names)
    }
    return OmesResult(
        _mean(scores),
        _mean(modularity),
        _mean(compactness),
        float(alpha),
        pooling,
        per_factor,
        S,
        active=tuple(int(d) for d in np.flatnonzero(mask)),
    )


def overlap_scores(association: Any, active: Any = None) -> np.ndarray:
    """os(d, j), float64 (D, F) in [0, 1]; NaN for inactive dimensions and NaN factors."""
    return _overlap(association, active, axis=1)


def multiple_encoding_scores(association: Any, active: Any = None) -> np.ndarray:
    """mes(d, j), float64 (D, F) in [0, 1]; NaN for inactive dimensions and NaN factors."""
    return _overlap(association, active, axis=0)


def _overlap(association: Any, active: Any, axis: int) -> np.ndarray:
    """os compares each entry with the others of its row (axis 1), mes of its column (axis 0)."""
    S, mask, known = _prepare(association, active)
    scores = np.full(S.shape, np.nan)
    if mask.any() and known.any():
        scores[np.ix_(mask, known)] = _one_minus_distance(S[np.ix_(mask, known)], axis=axis)
    return scores


def associated_dimensions(association: Any, active: Any = None) -> list[int | None]:
    """The dimension of each factor, argmax over d of os(d, j); None where there is none."""
    scores = overlap_scores(association, active)
    return [None if np.isnan(column).all() else int(np.nanargmax(column)) for column in scores.T]


def _one_minus_distance(S: np.ndarray, axis: int) -> np.ndarray:
    """1 - mean along `axis` of |1[own] - S|: a sum of S in which S[d, j] itself counts 1 - S."""
    return 1 - (S.sum(axis=axis, keepdims=True) + 1 - 2 * S) / S.shape[axis]


def _pool(scores: np.ndarray, S: np.ndarray, mask: np.ndarray, pooling: str) -> np.ndarray:
    """Pool per-dimension scores (D, F) over the active dimensions, (F,)."""
    if not mask.any():
        return np.full(S.shape[1], np.nan)
    S, scores = S[mask], scores[mask]
    if pooling == "max":
        return (scores * S).max(axis=0)
    weight = S.sum(axis=0)
    pooled = (scores * S**2).sum(axis=0)
    # A factor that no dimension encodes has nothing to weigh by: its score is 0.
    return np.divide(pooled, weight, out=pooled.copy(), where=weight > 0)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _reason(column: np.ndarray, mask: np.ndarray, given: str | None) -> str | None:
    if not mask.any():
        return "no dimension is active (codes of another scale: multiply them by a number)"
    if np.isnan(column).any():
        return given or "its association is not known (too few pairs)"
    return None


def _prepare(association: Any, active: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    S = _check_association(association)
    return S, _check_active(active, len(S)), ~np.isnan(S).any(axis=0)


def _check_association(association: Any) -> np.ndarray:
    S = np.asarray(association, dtype=np.float64)
    if S.ndim != 2 or 0 in S.shape:
        raise ValueError(f"association must be (D, F) with D, F >= 1, got shape {S.shape}")
    if (S < 0).any() or (S > 1).any():
        raise ValueError(
            f"association must be in [0, 1], got {np.nanmin(S):.4g} to {np.nanmax(S):.4g}"
        )
    return S


def _check_active(active: Any, dimensions: int) -> np.ndarray:
    if active is None:
        return np.ones(dimensions, dtype=bool)
    mask = np.asarray(active)
    if mask.dtype != bool or mask.shape != (dimensions,):
        raise ValueError(
            f"active must be bool of shape ({dimensions},), got {mask.dtype} {mask.shape}"
        )
    return mask


PARTS = ("omes", "modularity", "compactness")


def _run(t: Table) -> Entry:
    S, sizes = t.association, _sizes(t)
    covariance = None if is_whole(t.factors) else group_covariance(t.codes, t.factors)
    signal = table_signal(t.codes, t.factors, S.correlation, S.pairs)
    return full_entry(S, covariance, signal, sizes, (t.alpha, t.pooling, t.active, t.names))


def full_entry(
    S: Association,
    covariance: np.ndarray | None,
    signal: np.ndarray,
    sizes: Sequence[int],
    scored: tuple[float, str, np.ndarray, Sequence[str]],
) -> Entry:
    """OMES with 95% intervals, the number of pairs behind each factor, and calibrated; JSON-able.

    Args:
        covariance: of the columns of S, (F, D, D); None where the rows are all there could be.
        signal, sizes: as `calibrate` takes them.
        scored: alpha, pooling, active and names, as `omes` takes them.
    """
    result, names = omes(S.matrix, *scored, S.reasons), scored[-1]
    entry = result.to_dict()
    for j, name in enumerate(names):
        entry["per_factor"][name]["pairs"] = int(S.pairs[j])
    found = None if covariance is None else result.uncertainty(covariance)
    entry["interval"] = {key: getattr(found, key).interval for key in PARTS} if found else {}
    known = omes(calibrate(S.correlation, signal, sizes), *scored)
    entry["signal"] = signal.tolist()
    entry["calibrated"] = {key: getattr(known, key) for key in PARTS}
    entry["calibrated"]["per_factor"] = {name: known.per_factor[name]["omes"] for name in names}
    return jsonable(entry)


def _sizes(t: Table) -> list[int]:
    """How many values each factor takes."""
    return [len(np.unique(column)) for column in t.factors.T]


def _rows(entry: Entry, factors: list[str]) -> Iterator[Row]:
    for key in PARTS:
        label = "OMES" if key == "omes" else f"OMES {key}"
        yield label, entry[key], [entry["per_factor"][name][key] for name in factors]
    known = entry["calibrated"]
    yield "OMES calibrated", known["omes"], [known["per_factor"][name] for name in factors]


def _notes(entry: Entry) -> list[str]:
    lines = left_out(entry)
    if entry["interval"]:
        low, high = entry["interval"]["omes"]
        words = f"{low:.3f} to {high:.3f}, by leaving out groups of rows"
        lines.append(f"OMES: 95% interval {words}.")
    return lines


METRIC = Metric("omes", "OMES", _run, _rows, notes=_notes, cost=0.6)
