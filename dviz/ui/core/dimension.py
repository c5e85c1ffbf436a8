"""One dimension looked at closely: samples along it, its values by factor, what it does, its S."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dviz.measuring.report import DatasetReport
from dviz.ui.core import starts
from dviz.ui.core.codes_map import points_of
from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import Dimension, decode, sweep
from dviz.ui.core.matrix import TOO_FEW, ceiling, changes_by_itself, spans

EACH = 6  # samples of a band
BANDS = (
    ("lowest", 0.0, 0.0),
    ("low", 0.02, 0.15),
    ("middle", 0.45, 0.55),
    ("high", 0.85, 0.98),
    ("highest", 1.0, 1.0),
)
STEPS = 9  # pictures from low to high
MOVED = 24  # samples whose pictures are compared between both ends
BINS = 48
BEYOND = 0.05  # of S above its ceiling, from which on it is worth saying


@dataclass(frozen=True)
class Band:
    """Samples that lie alike on a dimension.

    Attributes:
        name: "lowest", "low", "middle" …; values: on the dimension, float (K,).
        images: uint8 (K, 64, 64, 3); captions: what the samples are, (K,).
    """

    name: str
    values: np.ndarray
    images: np.ndarray
    captions: list[str]


@dataclass(frozen=True)
class Tie:
    """How one dimension hangs together with one factor.

    Attributes:
        factor: its name; S: how strongly it changes the code, in [0, 1], NaN where not known.
        ceiling: the S of a dimension that encodes it perfectly and nothing else.
        floor: the S that the dimension's own noise gives it for every factor; None where unknown.
        interval: 95% of S; None where it was not measured.
        by_itself: whether S is high because the dimension changes whatever stays the same.
        moves: how far moving the dimension moves the factor in the picture, 0 for standing still
            and 1 for going through its values; None where it was not measured.
    """

    factor: str
    S: float
    ceiling: float
    interval: tuple[float, float] | None = None
    by_itself: bool = False
    moves: float | None = None
    floor: float | None = None


def band_rows(values: np.ndarray) -> list[np.ndarray]:
    """Rows of `values` (N,) for each of BANDS, in rising order, at most EACH a band.

    The outermost bands are the ends themselves; the others take rows evenly from their quantiles.
    """
    order = np.argsort(values, kind="stable")
    last, rows = len(order) - 1, []
    for _, low, high in BANDS:
        if low == high:
            rows.append(order[:EACH] if low == 0 else order[-EACH:])
            continue
        places = np.rint(np.linspace(low * last, high * last, EACH)).astype(int)
        rows.append(order[np.unique(places)])
    return rows


def bands(entry: Entry, index: int) -> list[Band]:
    """Samples along a dimension: genuine images where they can be drawn, decoded ones otherwise.

    Empty where the checkpoint came without codes.
    """
    codes, classes = points_of(entry)
    if not len(codes):
        return []
    rows = band_rows(codes[:, index])
    chosen = np.concatenate(rows)
    genuine = starts.originals(entry, chosen)
    images = decode(entry.model, codes[chosen]) if genuine is None else genuine
    ends = np.cumsum([len(part) for part in rows])[:-1]
    pieces = zip(BANDS, rows, np.split(images, ends), strict=True)
    return [
        Band(name, codes[part, index], pictures, [starts.in_words(entry, classes[r]) for r in part])
        for (name, *_), part, pictures in pieces
    ]


def usual_code(entry: Entry) -> np.ndarray:
    """The stored code (D,) nearest to the mean of all; the prior's mean where there is none."""
    codes, _ = points_of(entry)
    if not len(codes):
        return np.zeros(entry.latent_size, np.float32)
    return codes[np.square(codes - codes.mean(axis=0)).sum(axis=1).argmin()]


def slide(entry: Entry, dimension: Dimension) -> np.ndarray:
    """The usual picture with one dimension from low to high, uint8 (STEPS, 64, 64, 3)."""
    return decode(entry.model, sweep(usual_code(entry), dimension, STEPS))


def changed_pixels(entry: Entry, dimension: Dimension) -> np.ndarray:
    """Where moving a dimension from its low to its high changes the picture, (64, 64) in [0, 1].

    The mean over some stored codes of the mean absolute difference of the channels.
    """
    codes, _ = points_of(entry)
    codes = codes[:MOVED] if len(codes) else usual_code(entry)[None]
    low, high = codes.copy(), codes.copy()
    low[:, dimension.index], high[:, dimension.index] = dimension.low, dimension.high
    first, second = (decode(entry.model, ends).astype(np.float64) for ends in (low, high))
    return np.abs(first - second).mean(axis=(0, 3)) / 255


def ties(entry: Entry, index: int) -> list[Tie]:
    """A dimension's tie with every factor, the strongest first; [] without a report."""
    result = entry.result
    if result is None or index >= len(result.active):
        return []
    S, low_high = result.association_matrix[index], spans(result)
    restless = changes_by_itself(result)[index]
    unknown = result.evidence is None or np.isnan(S).all()
    floor = None if unknown else 1 - result.evidence.signal[index]
    found = [
        Tie(
            factor,
            float(S[j]),
            ceiling(result.sizes[j]),
            None if low_high is None else _interval(low_high, index, j),
            bool(restless[j]),
            _moves(result, index, j),
            floor,
        )
        for j, factor in enumerate(result.factors)
    ]
    return sorted(found, key=lambda tie: -np.nan_to_num(tie.S, nan=-1))


def _interval(
    low_high: tuple[np.ndarray, np.ndarray], index: int, j: int
) -> tuple[float, float] | None:
    low, high = (float(side[index, j]) for side in low_high)
    return None if np.isnan(low + high) else (low, high)


def _moves(result: DatasetReport, index: int, j: int) -> float | None:
    return result.moves[index][j] if result.moves else None


def histograms(entry: Entry, index: int, factor: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Where the codes of each value of a factor lie on a dimension.

    Returns:
        edges float64 (BINS + 1,) of the bins; shares float64 (C, BINS), rows that sum to 1, or to 0
        for a value that no sample has. What lies beyond the edges counts to the outermost bins.
        None where there are no codes or there is no such factor.
    """
    codes, classes = points_of(entry)
    names = [f.name for f in entry.config.factors]
    if not len(codes) or factor not in names:
        return None
    j = names.index(factor)
    return shares_by_value(codes[:, index], classes[:, j], entry.config.factors[j].size)


def shares_by_value(
    values: np.ndarray, classes: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """As `histograms`, of one dimension's values (N,) and class indices (N,) below `count`."""
    values = values.astype(np.float64)
    low, high = np.quantile(values, [0.002, 0.998])
    edges = np.linspace(low, max(high, low + 1e-6), BINS + 1)
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, BINS - 1)
    counts = np.zeros((count, BINS))
    np.add.at(counts, (classes, places), 1)
    return edges, counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def verdict(entry: Entry, dimension: Dimension, found: list[Tie]) -> str:
    """What a dimension is about, in one or two sentences that follow from its numbers."""
    if not dimension.active:
        return f"{dimension.name} carries nothing: it is the same for every image."
    if not found:
        return f"What {dimension.name} is about was not measured."
    best = found[0]
    if np.isnan(best.S):
        names = _and(sorted(tie.factor for tie in found))
        words = f"How {dimension.name} follows {names} is not known in S: {TOO_FEW}."
    elif not dimension.factors:
        words = f"{dimension.name} is the best dimension of no factor"
        words += f"; it reacts most to {best.factor} (S {best.S:.2f})."
    else:
        words = f"{dimension.name} is where {_and(_named(dimension))} "
        perfect = "would be perfect" if best.ceiling >= best.S else "is what a perfect one has"
        words += f"lives: S {best.S:.2f}, and {best.ceiling:.2f} {perfect}."
        if best.by_itself:
            words += " But it changes by itself too, whatever stays the same."
        elif best.S - best.ceiling > BEYOND:
            words += " Being above that, it follows something else along with it."
    result = entry.result
    moved = result.moved(dimension.index) if result is not None else None
    if moved is not None:
        words += f" In the picture it moves {_and(moved) if moved else 'no factor that is read'}."
    return words


def _named(dimension: Dimension) -> list[str]:
    """Its factors, each with the other dimensions that follow it as well: "rotation (with z1)"."""
    names = [name for name, _ in dimension.factors]
    others = dimension.shared or [()] * len(names)
    return [
        f"{name} (with {', '.join(more)})" if more else name
        for name, more in zip(names, others, strict=True)
    ]


def _and(names: list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
