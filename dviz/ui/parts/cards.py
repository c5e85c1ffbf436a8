"""What the page says about photos, as HTML; everything from a file or checkpoint is escaped."""

from __future__ import annotations

from html import escape

from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import Dimension
from dviz.ui.core.reading import (
    Reading,
    Stray,
)
from dviz.ui.core.titles import title_of
from dviz.ui.core.uploads import Photo
from dviz.ui.parts import markup
from dviz.ui.parts.markup import unbroken

GUESSES = "This photo is unlike the dataset, so the readings below are guesses."
OWN_IMAGES = "Confidence on its own images"
TICK = "The tick in a bar is chance."
PROVED = " Confidence is the share that proved right on images of {title} held out."
UNMEASURED = "This checkpoint came without a report, so what is usual for its dataset is not known."


def broken_card(photo: Photo) -> str:
    return (
        f'<article class="card"><h2>{escape(photo.name)}</h2>'
        f"{markup.note(photo.problem, 'problem')}</article>"
    )


def verdict(entry: Entry, reading: Reading) -> str:
    """Whether the photo is like the dataset, with the reason."""
    if entry.measured is None:
        return markup.note(UNMEASURED)
    reasons = [undetermined_in_words(d, reading.std[d.index]) for d in reading.undetermined]
    settled = [s for s in reading.far_out if s.dimension not in reading.undetermined]
    reasons += [stray_in_words(stray) for stray in settled]
    reasons += [_error_in_words(reading)] if reading.badly_painted else []
    dataset = escape(title_of(entry.measured.dataset))
    if reasons:
        items = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
        return (
            f'<div class="verdict out"><b>Out of distribution.</b> Not like {dataset}: '
            f"<ul>{items}</ul></div>"
        )
    if reading.poorly_painted:
        return f'<div class="verdict out">{_poorly_in_words(reading, dataset)}</div>'
    error = "" if reading.usual_error is None else f"; {escape(_error_in_words(reading))}"
    return (
        f'<div class="verdict in"><b>A usual code.</b> Every dimension lies about where 98% of '
        f"{dataset} do{error}.</div>"
    )


def _poorly_in_words(reading: Reading, dataset: str) -> str:
    """That a code is no oddity, and yet no picture of the photo."""
    worse = "The model paints this photo worse than it usually paints"
    if reading.worse_than is not None:
        worse = f"The model paints this photo worse than {_most(reading.worse_than)} of"
    return (
        f"<b>Readings are guesses.</b> {worse} the images of {dataset} that it knows: "
        f"{escape(_error_in_words(reading))}. Its code is no unusual one, but it is hardly a code "
        "of this photo."
    )


def _most(share: float) -> str:
    return f"{min(int(100 * share), 99)}%"


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


def predictions_table(entry: Entry, reading: Reading) -> str:
    """What was read off the codes; faint, and called guesses, where a photo is out of place."""
    if not reading.predictions:
        return markup.note(
            "This checkpoint came without classifiers that read factors; dviz evaluate trains them."
        )
    rows = [
        [
            escape(p.factor),
            unbroken(p.value),
            f"{markup.meter(p.confidence, p.chance)} {100 * p.confidence:.0f}%",
        ]
        for p in reading.predictions
    ]
    header = ["Factor", "Reading", OWN_IMAGES if reading.guessed else "Confidence"]
    proved = all(p.temperature is not None for p in (entry.probes() or {}).values())
    caption = TICK + (PROVED.format(title=title_of(entry.config.dataset)) if proved else "")
    warning = markup.note(GUESSES) if reading.out_of_distribution else ""
    return warning + markup.table(header, rows, caption, kind="guesses" if reading.guessed else "")
