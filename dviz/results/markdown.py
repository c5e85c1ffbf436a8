"""Numbers and tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

NOTHING = "–"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The first column to the left, the others to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def decimal(value: float | None) -> str:
    """Three digits: "0.123"; a dash where it is not known."""
    return NOTHING if value is None or math.isnan(value) else f"{value:.3f}"


def percent(value: float) -> str:
    """A share in %: "12.3"; a dash where it is not known."""
    return NOTHING if math.isnan(value) else f"{100 * value:.1f}"


def short(value: float) -> str:
    """Four figures, large numbers in full up to a billion: "0.01234", "6,328,000", "5.267e+16"."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def percents(values: np.ndarray) -> list[str]:
    """Shares (F,) in %, their mean last, a dash where not all are known."""
    return [NOTHING if math.isnan(v) else f"{v:.1f}" for v in with_mean(100 * values)]


def gains(before: np.ndarray, after: np.ndarray) -> list[str]:
    """Shares (F,) as cells "before (gain)" in %, the mean last; a dash where one is not known.

    A mean over some factors only would stand below one over all, and not be comparable.
    """
    pairs = zip(with_mean(100 * before), with_mean(100 * after), strict=True)
    return [NOTHING if math.isnan(a - b) else f"{b:.1f} ({a - b:+.1f})" for b, a in pairs]


def with_mean(values: np.ndarray) -> list[float]:
    """`values` and their mean, NaN where one of them is."""
    return [*values.tolist(), float(values.mean())]
