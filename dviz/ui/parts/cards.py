"""What the page says about photos, as HTML; everything from a file or checkpoint is escaped."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape

import numpy as np

from dviz.ui.core.inspector import Dimension, decode
from dviz.ui.core.library import Entry
from dviz.ui.core.reading import (
    ALIKE,
    Reading,
    Stray,
    differences,
    error_map,
    nearest,
    swaps,
    usual_nearest,
)
from dviz.ui.core.starts import renderer
from dviz.ui.core.uploads import Photo
from dviz.ui.parts import markup
from dviz.ui.parts.charts import heat
from dviz.ui.parts.downloads import csv_text, links

NEIGHBOURS = 6
MAX_LABELS = 4  # of a neighbour
LARGEST = 5  # differences of two photos that are not folded away
ALL_CODES = "all"
ONE_PHOTO = "Add a second photo to compare two."
NO_CODES = "This checkpoint came without codes of its dataset, so there is nothing to look among."
GUESSES = "This photo is unlike the dataset, so the readings below are guesses."
TICK = "The tick in a bar is chance."
UNMEASURED = "This checkpoint came without a report, so what is usual for its dataset is not known."


def card(entry: Entry, reading: Reading) -> str:
    """One photo: what became of it, what was read, and whether it is like the dataset."""
    photo = reading.photo
    blame = heat(error_map(photo.image, reading.painted))
    pictures = [
        _thumbnail(photo),
        markup.picture(photo.image, "Seen by the model"),
        markup.picture(reading.painted, "Reconstruction"),
        markup.picture(blame, "Where they differ"),
    ]
    return (
        f'<article class="card"><h2>{escape(photo.name)}</h2>'
        f'<div class="quad">{"".join(pictures)}</div>{verdict(entry, reading)}'
        f"{predictions_table(reading)}</article>"
    )


def broken_card(photo: Photo) -> str:
    return (
        f'<article class="card"><h2>{escape(photo.name)}</h2>'
        f"{markup.note(photo.problem, 'problem')}</article>"
    )


def _thumbnail(photo: Photo) -> str:
    return (
        f'<figure class="picture whole"><img src="{photo.thumbnail}" alt="The photo as it came">'
        "<figcaption>The photo</figcaption></figure>"
    )


def verdict(entry: Entry, reading: Reading) -> str:
    """Whether the photo is like the dataset, with the reason."""
    if entry.measured is None:
        return markup.note(UNMEASURED)
    reasons = [undetermined_in_words(d, reading.std[d.index]) for d in reading.undetermined]
    settled = [s for s in reading.far_out if s.dimension not in reading.undetermined]
    reasons += [stray_in_words(stray) for stray in settled]
    reasons += [_error_in_words(reading)] if reading.badly_painted else []
    dataset = escape(entry.measured.dataset)
    if reasons:
        items = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
        return (
            f'<div class="verdict out"><b>Out of distribution.</b> Not like {dataset}: '
            f"<ul>{items}</ul></div>"
        )
    return (
        f'<div class="verdict in"><b>In distribution.</b> Every dimension lies about where 98% of '
        f"{dataset} do; {escape(_error_in_words(reading))}.</div>"
    )


def stray_in_words(stray: Stray) -> str:
    """For example "z2 (scale) is 10.03, 4.2 standard deviations above the usual -1.90 … 2.02"."""
    d = stray.dimension
    side = "below" if stray.value < d.low else "above"
    return (
        f"{called(d)} is {stray.value:.2f}, {stray.beyond:.1f} standard deviations {side} the "
        f"usual {d.low:.2f} … {d.high:.2f}"
    )


def undetermined_in_words(dimension: Dimension, std: float) -> str:
    """For example "z0 (scale) is undetermined (± 440)"."""
    return f"{called(dimension)} is undetermined (± {std:.0f})"


def _error_in_words(reading: Reading) -> str:
    ratio = reading.error / max(reading.usual_error, 1e-9)
    return (
        f"reconstructed with a squared error of {reading.error:.4f} per pixel, {ratio:.1f} times "
        f"the usual {reading.usual_error:.4f}"
    )


def called(dimension: Dimension) -> str:
    """For example "z2 (scale)"."""
    names = ", ".join(name for name, _ in dimension.factors)
    return f"{dimension.name} ({names})" if names else dimension.name


def predictions_table(reading: Reading) -> str:
    """What was read off the codes; faint, and called guesses, where a photo is out of place."""
    if not reading.predictions:
        return markup.note("This checkpoint came without codes to train classifiers on.")
    rows = [
        [
            escape(p.factor),
            _unbroken(p.value),
            f"{markup.meter(p.confidence, p.chance)} {100 * p.confidence:.0f}%",
        ]
        for p in reading.predictions
    ]
    header = ["Factor", "Reading", "Confidence"]
    if reading.out_of_distribution:
        return markup.note(GUESSES) + markup.table(header, rows, TICK, kind="guesses")
    return markup.table(header, rows, TICK)


def neighbours(entry: Entry, reading: Reading | None, by: str) -> str:
    """The dataset's samples nearest to a photo, by all codes or by one dimension ("z3")."""
    if reading is None:
        return ""
    if entry.sample is None:
        return markup.note(NO_CODES)
    active = [d for d in entry.dimensions if d.active]
    chosen = [d for d in active if d.name == by] or active
    codes, classes = entry.sample
    rows, distances = nearest(codes, reading.code, chosen, NEIGHBOURS)
    images, what = _pictures_of(entry, rows)
    tiles = [
        _neighbour(entry, classes[row], distance, image, what)
        for row, distance, image in zip(rows, distances, images, strict=True)
    ]
    by_what = "all active dimensions" if len(chosen) > 1 else called(chosen[0])
    words = f"Nearest of {len(codes):,} samples of {entry.config.dataset} by {by_what}."
    return (
        _far_away(entry, distances[0], chosen)
        + markup.note(words)
        + f'<div class="neighbours">{"".join(tiles)}</div>'
    )


def _far_away(entry: Entry, distance: float, dimensions: Sequence[Dimension]) -> str:
    """A warning where even the nearest sample is farther than samples are from each other."""
    usual = max(usual_nearest(entry.sample[0], dimensions), ALIKE)
    if distance <= usual:
        return ""
    words = (
        f"Nothing in the dataset is near this photo: the nearest sample is {distance:.1f} standard "
        f"deviations away, where 99% of the samples have another within {usual:.1f}."
    )
    return f'<p class="verdict out">{escape(words)}</p>'


def _pictures_of(entry: Entry, rows: np.ndarray) -> tuple[np.ndarray, str]:
    """Images uint8 (N, 64, 64, 3) of samples, and what to call them where they are no originals."""
    codes, classes = entry.sample
    drawn = renderer(entry)
    if drawn is not None:
        return drawn.render(classes[rows], np.random.default_rng(0)), ""
    return decode(entry.model, codes[rows]), "its code, decoded"


def _neighbour(
    entry: Entry, labels: np.ndarray, distance: float, image: np.ndarray, what: str
) -> str:
    """A sample as a tile, with as many of its labels as there is room for; hovering says all."""
    named = [
        (factor.name, factor.label(int(value)))
        for factor, value in zip(entry.config.factors, labels, strict=True)
    ]
    lines = [f"<i>{what}</i>"] if what else []
    lines += [f"{escape(name)} <b>{_unbroken(label)}</b>" for name, label in named[:MAX_LABELS]]
    lines += [f"<small>{distance:.2f} s.d. away</small>"]
    everything = escape(", ".join(f"{name} {label}" for name, label in named))
    return (
        f'<figure class="picture" title="{everything}">'
        f'<img src="{markup.data_uri(image)}" alt="{what}">'
        f"<figcaption>{'<br>'.join(lines)}</figcaption></figure>"
    )


def _unbroken(label: str) -> str:
    """A factor's value, escaped, its number on one line with its unit: "1.75 m"."""
    return re.sub(r"(?<=\d) ", "\u00a0", escape(label))


def comparison(entry: Entry, first: Reading | None, second: Reading | None) -> str:
    """In what two photos differ, and the first with the second's value of one dimension each."""
    if first is None or second is None:
        return markup.note(ONE_PHOTO)
    found = differences(first.code, second.code, entry.dimensions)
    a, b = escape(first.photo.name), escape(second.photo.name)
    words = f'<p class="note">{_differences_in_words(found, a, b)}</p>'
    largest, rest = found[:LARGEST], found[LARGEST:]
    scale = max((abs(gap) for _, gap in found), default=1.0) or 1.0
    folded = ""
    if rest:
        more = f"{len(rest)} more, smaller differences"
        pictures = f'<div class="swaps">{"".join(_swapped(entry, first, second, rest))}</div>'
        table = _difference_table(rest, first, second, scale)
        folded = f"<details><summary>{more}</summary>{pictures}{table}</details>"
    return (
        words
        + _swap_row(entry, first, second, largest)
        + _difference_table(largest, first, second, scale)
        + folded
    )


def _differences_in_words(found: list[tuple[Dimension, float]], a: str, b: str) -> str:
    apart = [f"<b>{escape(called(d))}</b>" for d, gap in found if abs(gap) >= ALIKE]
    same = [escape(called(d)) for d, gap in found if abs(gap) < ALIKE]
    parts = [f"{a} and {b} differ in {', '.join(apart)}" if apart else f"{a} and {b} agree"]
    parts += [f"they agree in {', '.join(same)}"] if apart and same else []
    return "; ".join(parts) + "."


def _difference_table(
    found: list[tuple[Dimension, float]], first: Reading, second: Reading, scale: float
) -> str:
    """A row a dimension; bars reach from -scale to scale."""
    rows = [
        [
            d.name,
            escape(", ".join(name for name, _ in d.factors)) or "–",
            f"{first.code[d.index]:.2f}",
            f"{second.code[d.index]:.2f}",
            f"{_signed_meter(gap / scale)} {round(gap, 1) + 0.0:+.1f}",
        ]
        for d, gap in found
    ]
    caption = f"B − A in standard deviations of the dataset; a bar to either end is {scale:.1f}"
    header = ["Dimension", "Factor", "A", "B", "B − A"]
    return markup.table(header, rows, caption, kind="numbers compare")


def _signed_meter(value: float) -> str:
    """A bar for a value in [-1, 1], from the middle to the left or to the right."""
    side = "right" if value < 0 else "left"
    return (
        f'<span class="meter signed"><b style="{side}:50%;width:{50 * abs(value):.1f}%"></b></span>'
    )


def _swap_row(
    entry: Entry, first: Reading, second: Reading, found: list[tuple[Dimension, float]]
) -> str:
    pictures = _swapped(entry, first, second, found)
    ends = markup.picture(first.painted, "A"), markup.picture(second.painted, "B")
    return f'<div class="swaps">{ends[0]}{"".join(pictures)}{ends[1]}</div>'


def _swapped(
    entry: Entry, first: Reading, second: Reading, found: list[tuple[Dimension, float]]
) -> list[str]:
    """A picture a dimension: the first photo with the second's value there."""
    dimensions = [d for d, _ in found]
    images = swaps(entry.model, first.code, second.code, dimensions)
    return [
        markup.picture(image, f"A with B's {called(d)}")
        for image, d in zip(images, dimensions, strict=True)
    ]


def overview(entry: Entry, readings: Sequence[Reading], broken: Sequence[Photo]) -> str:
    """One row per photo, and the same with all codes to download."""
    factors = [factor.name for factor in entry.config.factors]
    rows = []
    for reading in readings:
        values = {
            p.factor: f"{_unbroken(p.value)} {100 * p.confidence:.0f}%" for p in reading.predictions
        }
        rows.append(
            [
                escape(reading.photo.name),
                _one_word(reading),
                f"{reading.error:.4f}",
                *(values.get(name, "–") for name in factors),
            ]
        )
    rows += [[escape(p.name), "not read", "–", *["–"] * len(factors)] for p in broken]
    header = ["Photo", "Distribution", "Error", *map(escape, factors)]
    files = {
        "photos.csv": photos_csv(entry, readings, broken),
        "photos.json": photos_json(entry, readings, broken),
    }
    return markup.table(header, rows, kind="numbers") + links(files)


def _one_word(reading: Reading) -> str:
    if reading.usual_error is None:
        return "not known"
    return "out" if reading.out_of_distribution else "in"


def photos_csv(entry: Entry, readings: Sequence[Reading], broken: Sequence[Photo]) -> str:
    """One row per photo: readings with their confidence, the error, codes and their deviations."""
    factors = [factor.name for factor in entry.config.factors]
    dimensions = [d.name for d in entry.dimensions]
    header = ["photo", "problem", "out_of_distribution", "squared_error"]
    header += [column for name in factors for column in (name, f"{name} confidence")]
    header += [*dimensions, *(f"{name} std" for name in dimensions)]
    rows = []
    for reading in readings:
        read = {p.factor: (p.value, round(p.confidence, 4)) for p in reading.predictions}
        rows.append(
            [
                reading.photo.name,
                "",
                _one_word(reading),
                round(reading.error, 6),
                *(part for name in factors for part in read.get(name, ("", ""))),
                *(round(float(v), 5) for v in (*reading.code, *reading.std)),
            ]
        )
    rows += [[p.name, p.problem, *[""] * (len(header) - 2)] for p in broken]
    return csv_text(header, rows)


def photos_json(entry: Entry, readings: Sequence[Reading], broken: Sequence[Photo]) -> str:
    """Everything said of the photos, with the checkpoint that said it."""
    values = {
        "checkpoint": entry.key,
        "dataset": entry.config.dataset,
        "photos": [reading_dict(reading) for reading in readings]
        + [{"name": photo.name, "problem": photo.problem} for photo in broken],
    }
    return json.dumps(values, indent=1)


def reading_dict(reading: Reading) -> dict:
    """A reading as plain values for JSON."""
    return {
        "name": reading.photo.name,
        "codes": [round(float(v), 5) for v in reading.code],
        "std": [round(float(v), 5) for v in reading.std],
        "factors": {
            p.factor: {"value": p.value, "confidence": p.confidence, "chance": p.chance}
            for p in reading.predictions
        },
        "squared_error": reading.error,
        "usual_squared_error": reading.usual_error,
        "undetermined": [d.name for d in reading.undetermined],
        "out_of_distribution": None if reading.usual_error is None else reading.out_of_distribution,
        "outside": [
            {
                "dimension": stray.dimension.name,
                "factors": [name for name, _ in stray.dimension.factors],
                "value": stray.value,
                "beyond_in_std": stray.beyond,
            }
            for stray in reading.strays
        ],
    }
