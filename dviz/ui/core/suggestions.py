"""What to try on a picture, in words that the picture itself bears out: "Turn the wall red".

A suggestion moves one dimension. Its words come from the factor that the dimension is named after
and from the picture that the move makes: a colour is named by what was painted, a direction by
where the object went. What the picture does not show is not suggested.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dviz.factors import Factor
from dviz.ui.core.direction import FAR_ENOUGH, middle_of
from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import Dimension, decode, sweep

STEPS = 9  # places that a dimension is tried at
VISIBLE = 24.0  # change of a pixel, of 255, that an eye notices
TOUCHED = 0.004  # share of pixels that must change visibly
STRONG = 0.5  # association from which on a dimension is moved in a factor's name
HUES = (
    (15, "red"), (42, "orange"), (68, "yellow"), (165, "green"), (195, "cyan"), (258, "blue"),
    (292, "violet"), (345, "pink"), (361, "red"),
)  # fmt: skip
FAVOURITES = ("blue", "red", "green", "yellow", "pink", "cyan", "orange", "violet")


@dataclass(frozen=True)
class Suggestion:
    """Words for a button, and the value that a dimension takes on."""

    text: str
    dimension: int
    value: float


@dataclass(frozen=True)
class _Trial:
    """One dimension at several values: the picture before, and one for each value."""

    entry: Entry
    factor: Factor
    column: int
    dimension: Dimension
    code: np.ndarray
    before: np.ndarray
    values: np.ndarray
    pictures: np.ndarray

    def place(self, value: float) -> int:
        """Number of the trial nearest to a value."""
        return int(np.abs(self.values - value).argmin())

    def changed(self, place: int) -> np.ndarray:
        """Where a picture visibly differs from the one before, bool (H, W)."""
        gap = np.abs(self.pictures[place].astype(float) - self.before).max(axis=-1)
        return gap > VISIBLE


def suggest(entry: Entry, code: np.ndarray) -> list[Suggestion]:
    """At most one suggestion a factor, in the order of the factors."""
    trials = _trials(entry, code)
    found = []
    for trial in trials:
        kind = next((tell for words, tell in _KINDS if re.search(words, trial.factor.name)), _plain)
        suggestion = kind(trial)
        if suggestion is not None:
            found.append(suggestion)
    return found


def _trials(entry: Entry, code: np.ndarray) -> list[_Trial]:
    """Every dimension with a name of its own, moved from its low to its high, decoded at once."""
    columns = {factor.name: j for j, factor in enumerate(entry.config.factors)}
    named = [
        (columns[d.factors[0][0]], d)
        for d in entry.dimensions
        if d.active
        and d.moved is None
        and d.factors
        and d.factors[0][1] >= STRONG
        and d.factors[0][0] in columns
    ]
    if not named:
        return []
    named.sort(key=lambda pair: pair[0])
    codes = np.concatenate([code[None], *(sweep(code, d, STEPS) for _, d in named)])
    before, *pictures = decode(entry.model, codes)
    rows = np.stack(pictures).reshape(len(named), STEPS, *before.shape)
    return [
        _Trial(
            entry,
            entry.config.factors[j],
            j,
            d,
            code,
            before,
            np.linspace(d.low, d.high, STEPS),
            row,
        )
        for (j, d), row in zip(named, rows, strict=True)
    ]


def _colour(trial: _Trial) -> Suggestion | None:
    """The colour that most of what changes takes on, named by its pixels."""
    found: dict[str, float] = {}
    for place in range(STEPS):
        changed = trial.changed(place)
        if changed.mean() < TOUCHED:
            continue
        old, new = (
            colour_name(np.median(image[changed], axis=0))
            for image in (trial.before, trial.pictures[place])
        )
        if new and new != old:
            found.setdefault(new, float(trial.values[place]))
    turn = trial.column % len(FAVOURITES)  # so that not everything turns red
    name = next((name for name in FAVOURITES[turn:] + FAVOURITES[:turn] if name in found), None)
    what = re.sub(r"\b(hue|colour|color)\b", "", trial.factor.name).strip()
    what = f"the {what}" if what else "it"
    return None if name is None else Suggestion(f"Turn {what} {name}", *_to(trial, found[name]))


def _size(trial: _Trial) -> Suggestion | None:
    """Bigger where it is small and smaller where it is big, by the values' own order."""
    ends = _class_means(trial)
    if ends is None:
        return None
    sizes = [_number(trial.factor, value) for value in ends]
    smallest, largest = (ends[key] for key in (_arg(min, sizes, ends), _arg(max, sizes, ends)))
    now = float(trial.code[trial.dimension.index])
    grow = abs(now - largest) > abs(now - smallest)
    value = largest if grow else smallest
    return _seen(trial, "Make it bigger" if grow else "Make it smaller", value)


def _shape(trial: _Trial) -> Suggestion | None:
    """The named shape that is farthest from what stands there."""
    means = _class_means(trial)
    if means is None or not trial.factor.values:
        return None
    now = float(trial.code[trial.dimension.index])
    value = max(means, key=lambda label: abs(means[label] - now))
    word = trial.factor.label(value)
    article = "an" if word[:1] in "aeiou" else "a"
    return _seen(trial, f"Make it {article} {word}", means[value])


def _sideways(trial: _Trial) -> Suggestion | None:
    return _towards(trial, 1, ("left", "right"))


def _upwards(trial: _Trial) -> Suggestion | None:
    return _towards(trial, 0, ("up", "down"))


def _towards(trial: _Trial, axis: int, words: tuple[str, str]) -> Suggestion | None:
    """Where there is more room to go, told by where the object's middle ends up."""
    start = middle_of(trial.before)[axis]
    ends = {place: middle_of(trial.pictures[place])[axis] - start for place in (0, STEPS - 1)}
    place = max(ends, key=lambda end: abs(ends[end]))
    if not abs(ends[place]) >= FAR_ENOUGH:
        return None
    word = words[int(ends[place] > 0)]
    return _seen(trial, f"Move it {word}", float(trial.values[place]))


def _turn(trial: _Trial) -> Suggestion | None:
    return _seen(trial, "Turn it", _far_end(trial))


def _plain(trial: _Trial) -> Suggestion | None:
    return _seen(trial, f"Change the {trial.factor.name}", _far_end(trial))


_KINDS: tuple[tuple[str, Callable[[_Trial], Suggestion | None]], ...] = (
    (r"hue|colou?r", _colour),
    (r"scale|size", _size),
    (r"shape", _shape),
    (r"position x|horizontal", _sideways),
    (r"position y|vertical", _upwards),
    (r"orientation|rotation|pose|azimuth|yaw", _turn),
)


def colour_name(colour: np.ndarray) -> str:
    """What people call a colour (3,) of 255; "" for what is grey, dark or hard to name."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(float(c) / 255 for c in colour))
    if saturation < 0.3 or value < 0.25:
        return ""
    return next(name for end, name in HUES if 360 * hue < end)


def _class_means(trial: _Trial) -> dict[int, float] | None:
    """The median code on the dimension for each class of the factor; None without stored codes."""
    if trial.entry.sample is None:
        return None
    codes, classes = trial.entry.sample
    column, values = classes[:, trial.column], codes[:, trial.dimension.index]
    return {int(v): float(np.median(values[column == v])) for v in np.unique(column)}


def _number(factor: Factor, value: int) -> float:
    """A class by its own number ("0.75", "1.2 m"), or by its index."""
    found = re.match(r"-?\d+(\.\d+)?", factor.label(value))
    return float(found[0]) if found else float(value)


def _arg(best: Callable[..., float], sizes: list[float], keys: dict[int, float]) -> int:
    return list(keys)[sizes.index(best(sizes))]


def _far_end(trial: _Trial) -> float:
    d, now = trial.dimension, float(trial.code[trial.dimension.index])
    return d.high if abs(d.high - now) >= abs(d.low - now) else d.low


def _to(trial: _Trial, value: float) -> tuple[int, float]:
    return trial.dimension.index, round(value, 3)


def _seen(trial: _Trial, text: str, value: float) -> Suggestion | None:
    """The suggestion, if the picture changes visibly."""
    if trial.changed(trial.place(value)).mean() < TOUCHED:
        return None
    return Suggestion(text, *_to(trial, value))
