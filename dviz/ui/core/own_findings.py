"""What somebody's own codes show at a glance, in words that their numbers bear out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dviz.measuring.report import NOTABLE
from dviz.metrics.diagnostics import ACTIVE_THRESHOLD
from dviz.metrics.pairs import MIN_PAIRS
from dviz.ui.core.own_codes import OwnTable

NOISE = 0.1  # share of a dimension's variance that labels explain, below which it looks like noise
SEEN = 0.1  # of S beyond a dimension's own noise, from which on a factor is no mere floor
CLEAR = 0.3  # by which S of a factor's dimension must exceed that of its next factor


def findings(table: OwnTable) -> list[str]:
    """Sentences: what looks like noise, what rests on few pairs, where factors sit or mix."""
    S, pairs = table.association.matrix, table.association.pairs
    names, active = table.labels.names, np.flatnonzero(table.active)
    if not len(active):
        widest = table.codes.std(axis=0, ddof=1).max()
        return [f"No dimension counts as in use, so there is no score: the widest has a standard "
                f"deviation of {widest:.2g}, and the study's bound is {ACTIVE_THRESHOLD}. Codes of "
                "another scale can be multiplied by a number first."]  # fmt: skip
    signal = table.signal
    noisy = [d for d in active if signal[d] < NOISE]
    lines = []
    if noisy:
        which = _listed([table.called(d) for d in noisy])
        lines.append(f"{which} {_verb(noisy, 'looks', 'look')} like noise: labels explain less "
                     "than a tenth of what changes there.")  # fmt: skip
    few = [f"{int(p):,} pairs for {name}" for name, p in zip(names, pairs, strict=True)
           if p < MIN_PAIRS]  # fmt: skip
    if few:
        lines.append(f"Only {_listed(few)}: too few to say anything ({MIN_PAIRS} are needed).")
    own, mixed = _places(S, [d for d in active if d not in noisy])
    for d, j in own:
        also = [k for k in np.argsort(-S[d]) if k != j and S[d, k] > 1 - signal[d] + SEEN]
        lines.append(f"{table.called(d)} {_follows(names, S[d], j, also)}.")
    for d, several in mixed:
        if len(several) > 1:
            lines.append(f"{table.called(d)} mixes {_listed([names[j] for j in several])}.")
        elif several:
            lines.append(f"{table.called(d)} follows {_and_s(names, S[d], several[0])} in part.")
    homeless = [
        name for j, name in enumerate(names)
        if pairs[j] >= MIN_PAIRS and j not in [f for _, f in own]
    ]  # fmt: skip
    if homeless and own:
        lines.append(f"No dimension follows {_listed(homeless)} alone.")
    return lines


def _follows(names: Sequence[str], row: np.ndarray, j: int, also: Sequence[int]) -> str:
    """What a dimension follows: one factor alone, or it most and others besides."""
    if not len(also):
        return f"follows {names[j]} alone (S {row[j]:.2f})"
    others = _listed([_and_s(names, row, k) for k in also])
    return f"follows {names[j]} most (S {row[j]:.2f}), but {others} too"


def _and_s(names: Sequence[str], row: np.ndarray, j: int) -> str:
    return f"{names[j]} (S {row[j]:.2f})"


def _places(
    S: np.ndarray, dimensions: list[int]
) -> tuple[list[tuple[int, int]], list[tuple[int, list[int]]]]:
    """Dimensions with one factor of their own, and those with several; (d, j) and (d, [j, …])."""
    own, mixed = [], []
    for d in dimensions:
        row = np.nan_to_num(S[d])
        order = np.argsort(-row)
        second = row[order[1]] if len(order) > 1 else 0.0
        if row[order[0]] >= NOTABLE and row[order[0]] - second >= CLEAR:
            own.append((d, int(order[0])))
        else:
            mixed.append((d, [int(j) for j in order if row[j] >= NOTABLE]))
    return own, mixed


def _verb(things: list[int], one: str, many: str) -> str:
    return one if len(things) == 1 else many


def _listed(words: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
