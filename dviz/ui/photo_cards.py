"""What the page says about photos, as HTML; everything from a file or checkpoint is escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

import numpy as np

from dviz.data.info import PHOTOGRAPHS
from dviz.figures import heat
from dviz.ui import markup
from dviz.ui.downloads import csv_text, links
from dviz.ui.inspector import Dimension, Prediction
from dviz.ui.library import Entry
from dviz.ui.reading import ALIKE, Reading, Stray, differences, error_map, nearest, swaps
from dviz.ui.starts import renderer
from dviz.ui.uploads import Photo

NEIGHBOURS = 6
ALL_CODES = "all"
ONE_PHOTO = "Add a second photo to compare two."
NO_CODES = "This checkpoint came without codes of its dataset, so there is nothing to look among."
SURE = "Readings below may sound sure all the same: classifiers do, far from what they were shown."
UNMEASURED = "This checkpoint came without a report, so what is usual for its dataset is not known."


def card(entry: Entry, reading: Reading) -> str:
    """One photo: what became of it, what was read, and whether it is like the dataset."""
    photo = reading.photo
    blame = heat(error_map(photo.image, reading.painted))
    pictures = [
        _thumbnail(photo),
        markup.picture(photo.image, "Seen by the model"),
        markup.picture(reading.painted, "Painted from code"),
        markup.picture(blame, "Where they differ"),
    ]
    return (
        f'<article class="card"><h2>{escape(photo.name)}</h2>'
        f'<div class="quad">{"".join(pictures)}</div>{verdict(entry, reading)}'
        f"{predictions_table(reading.predictions)}</article>"
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
    reasons = [stray_in_words(stray) for stray in reading.far_out]
    reasons += [_error_in_words(reading)] if reading.badly_painted else []
    dataset = escape(entry.measured.dataset)
    if reasons:
        items = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
        return (
            f'<div class="verdict out"><b>Out of distribution.</b> Not like {dataset}: '
            f"<ul>{items}</ul>{SURE}</div>"
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


def _error_in_words(reading: Reading) -> str:
    ratio = reading.error / max(reading.usual_error, 1e-9)
    return (
        f"painted with a squared error of {reading.error:.4f} a pixel, {ratio:.1f} times the "
        f"usual {reading.usual_error:.4f}"
    )


def called(dimension: Dimension) -> str:
    """For example "z2 (scale)"."""
    names = ", ".join(name for name, _ in dimension.factors)
    return f"{dimension.name} ({names})" if names else dimension.name


def predictions_table(predictions: Sequence[Prediction]) -> str:
    if not predictions:
        return markup.note("This checkpoint came without codes to train classifiers on.")
    rows = [
        [
            escape(p.factor),
            escape(p.value),
            f"{markup.meter(p.confidence, p.chance)} {100 * p.confidence:.0f}%",
        ]
        for p in predictions
    ]
    return markup.table(["Factor", "Reading", "Confidence"], rows)


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
    drawn = renderer(entry)
    images = drawn.render(classes[rows], np.random.default_rng(0)) if drawn else None
    cards = [
        _neighbour(entry, classes[row], distance, None if images is None else images[number])
        for number, (row, distance) in enumerate(zip(rows, distances, strict=True))
    ]
    what = "all active dimensions" if len(chosen) > 1 else called(chosen[0])
    words = f"Nearest of {len(codes):,} samples of {entry.config.dataset} by {what}."
    if images is None:
        words += f" Its images are {PHOTOGRAPHS} or files, so labels stand for them."
    return markup.note(words) + f'<div class="neighbours">{"".join(cards)}</div>'


def _neighbour(entry: Entry, labels: np.ndarray, distance: float, image: np.ndarray | None) -> str:
    words = "<br>".join(
        f"{escape(factor.name)} <b>{escape(factor.label(int(value)))}</b>"
        for factor, value in zip(entry.config.factors, labels, strict=True)
    )
    picture = "" if image is None else f'<img src="{markup.data_uri(image)}" alt="">'
    return (
        f'<figure class="picture neighbour">{picture}<figcaption>{words}<br>'
        f"<small>{distance:.2f} s.d. away</small></figcaption></figure>"
    )


def comparison(entry: Entry, first: Reading | None, second: Reading | None) -> str:
    """In what two photos differ, and the first with the second's value of one dimension each."""
    if first is None or second is None:
        return markup.note(ONE_PHOTO)
    found = differences(first.code, second.code, entry.dimensions)
    a, b = escape(first.photo.name), escape(second.photo.name)
    words = f'<p class="note">{_differences_in_words(found, a, b)}</p>'
    return words + _swap_row(entry, first, second, found) + _difference_table(found, first, second)


def _differences_in_words(found: list[tuple[Dimension, float]], a: str, b: str) -> str:
    apart = [f"<b>{escape(called(d))}</b>" for d, gap in found if abs(gap) >= ALIKE]
    same = [escape(called(d)) for d, gap in found if abs(gap) < ALIKE]
    parts = [f"{a} and {b} differ in {', '.join(apart)}" if apart else f"{a} and {b} agree"]
    parts += [f"they agree in {', '.join(same)}"] if apart and same else []
    return "; ".join(parts) + "."


def _difference_table(found: list[tuple[Dimension, float]], first: Reading, second: Reading) -> str:
    largest = max((abs(gap) for _, gap in found), default=1.0) or 1.0
    rows = [
        [
            d.name,
            escape(", ".join(name for name, _ in d.factors)) or "–",
            f"{first.code[d.index]:.2f}",
            f"{second.code[d.index]:.2f}",
            f"{markup.meter(abs(gap) / largest)} {round(gap, 1) + 0.0:+.1f} s.d.",
        ]
        for d, gap in found
    ]
    header = ["Dimension", "Factor", "A", "B", "Difference"]
    return markup.table(header, rows, kind="numbers compare")


def _swap_row(
    entry: Entry, first: Reading, second: Reading, found: list[tuple[Dimension, float]]
) -> str:
    dimensions = [d for d, _ in found]
    images = swaps(entry.model, first.code, second.code, dimensions)
    names = [d.factors[0][0] if d.factors else d.name for d in dimensions]
    pictures = [
        markup.picture(image, f"A with B's {name}" + (f" ({d.name})" if d.factors else ""))
        for image, name, d in zip(images, names, dimensions, strict=True)
    ]
    ends = markup.picture(first.painted, "A"), markup.picture(second.painted, "B")
    return f'<div class="swaps">{ends[0]}{"".join(pictures)}{ends[1]}</div>'


def overview(entry: Entry, readings: Sequence[Reading], broken: Sequence[Photo]) -> str:
    """A row a photo, and the same with all codes to download."""
    factors = [factor.name for factor in entry.config.factors]
    rows = []
    for reading in readings:
        values = {
            p.factor: f"{escape(p.value)} {100 * p.confidence:.0f}%" for p in reading.predictions
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
    """A row a photo: readings with their confidence, the error, codes and their deviations."""
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
