"""What samples picked by hand share: factor values that they have more often than all samples."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import hypergeom

from dviz.factors import Factor

LEVEL = 0.001  # of chance findings, over all values of a factor together
MENTIONED = 3  # factors named in words, those that tell most first
LISTED = 4  # values named one by one


@dataclass(frozen=True)
class Share:
    """One factor among picked samples.

    Attributes:
        factor: which.
        picked, all: how often each value occurs among the picked samples and among all, (C,).
        more: class indices that the picked have more often than picking blindly would explain.
    """

    factor: Factor
    picked: np.ndarray
    all: np.ndarray
    more: tuple[int, ...]

    @property
    def share(self) -> float:
        """Of the picked samples, how many have one of the values in `more`, in [0, 1]."""
        return float(self.picked[list(self.more)].sum() / max(self.picked.sum(), 1))

    @property
    def usual(self) -> float:
        """Of all samples, how many have one of them."""
        return float(self.all[list(self.more)].sum() / max(self.all.sum(), 1))

    @property
    def told(self) -> float:
        """What being picked tells of the factor: KL(picked ‖ all) of its values, in bits."""
        p, q = self.picked / max(self.picked.sum(), 1), self.all / max(self.all.sum(), 1)
        seen = p > 0
        return float((p[seen] * np.log2(p[seen] / q[seen])).sum())


def shares(classes: np.ndarray, picked: np.ndarray, factors: Sequence[Factor]) -> list[Share]:
    """What the rows `picked` (bool, (N,)) of `classes` (N, F) share, what tells most first.

    A value counts as more frequent where drawing as many rows blindly, without putting any back,
    would give so many of it with a probability below `LEVEL` over the number of values
    (hypergeometric test, Bonferroni's correction).
    """
    found = []
    for factor, column in zip(factors, classes.T, strict=True):
        everywhere = np.bincount(column, minlength=factor.size)
        here = np.bincount(column[picked], minlength=factor.size)
        chance = _chance(here, everywhere)
        more = np.flatnonzero((here > 0) & (chance < LEVEL / factor.size))
        found.append(Share(factor, here, everywhere, tuple(map(int, more))))
    return sorted(found, key=lambda share: (not share.more, -share.told))


def _chance(here: np.ndarray, everywhere: np.ndarray) -> np.ndarray:
    """Of as many or more of each value, (V,), in a blind draw; each pair of counts once."""
    counts, of = np.unique(np.stack([here, everywhere]), axis=1, return_inverse=True)
    return hypergeom.sf(counts[0] - 1, everywhere.sum(), counts[1], here.sum())[of.ravel()]


def in_words(found: Sequence[Share]) -> list[str]:
    """Sentences on what is shared, the first ones say most; and one on what is as everywhere."""
    telling = [share for share in found if share.more]
    lines = [
        f"{share.share:.0%} have {share.factor.name} {values_in_words(share)} "
        f"({share.usual:.0%} of all samples)"
        for share in telling[:MENTIONED]
    ]
    rest = [share.factor.name for share in found if not share.more]
    if rest and telling:
        lines.append(f"{_listed(rest)}: as among all samples")
    if not telling:
        lines.append("Nothing: every factor is spread as it is among all samples")
    return lines


def values_in_words(share: Share) -> str:
    """The values of `more`: "red", "red or lime", "2 to 9", "1, 5, 8, 9 or 12 other values"."""
    labels = [share.factor.label(value) for value in share.more]
    steps = np.diff(share.more)
    if len(labels) > 2 and (steps == 1).all():
        return f"{labels[0]} to {labels[-1]}"
    if len(labels) > LISTED:
        return f"{', '.join(labels[:LISTED])} or {len(labels) - LISTED} other values"
    return _listed(labels, "or")


def _listed(words: Sequence[str], last: str = "and") -> str:
    *most, end = words
    return f"{', '.join(most)} {last} {end}" if most else end


def as_picked(mask: Any, count: int) -> np.ndarray:
    """Which of `count` rows are picked, bool (count,), out of a base64 string of bits.

    Bit `n % 8` of byte `n // 8` stands for row n.

    Raises:
        ValueError: it is no such string, or not of that many rows.
    """
    if not isinstance(mask, str) or len(mask) > 2 * (count // 8 + 8):
        raise ValueError(f"picked must be base64 of {count} bits")
    try:
        raw = np.frombuffer(base64.b64decode(mask, validate=True), np.uint8)
    except binascii.Error as error:
        raise ValueError("picked is not base64") from error
    if len(raw) != (count + 7) // 8:
        raise ValueError(f"picked must hold {(count + 7) // 8} bytes, got {len(raw)}")
    return np.unpackbits(raw, count=count, bitorder="little").astype(bool)
