"""All photos in a table, and what was read of them to take away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from dviz.ui.core.entry import Entry
from dviz.ui.core.reading import Reading
from dviz.ui.core.uploads import Photo
from dviz.ui.parts import markup
from dviz.ui.parts.downloads import csv_text, links


def overview(entry: Entry, readings: Sequence[Reading], broken: Sequence[Photo]) -> str:
    """One row per photo, and the same with all codes to download."""
    factors = [factor.name for factor in entry.config.factors]
    rows = []
    for reading in readings:
        share = "({:.0%})" if reading.guessed else "{:.0%}"
        values = {
            p.factor: f"{markup.unbroken(p.value)} {share.format(p.confidence)}"
            for p in reading.predictions
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
    if not reading.compared:
        return "not known"
    if reading.out_of_distribution:
        return "out"
    return "guess" if reading.guessed else "in"


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
        "out_of_distribution": reading.out_of_distribution if reading.compared else None,
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
