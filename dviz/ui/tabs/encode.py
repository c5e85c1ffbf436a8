"""Tab "Encode photos": what a model makes of real pictures."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from dviz.data.registry import known_info
from dviz.palette import SERIES
from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import Dimension
from dviz.ui.core.pictures import data_uri
from dviz.ui.core.reading import Reading, read
from dviz.ui.core.uploads import (
    BACKGROUNDS,
    MAX_PHOTOS,
    MODES,
    TOLERANCE,
    Preparation,
    Prepared,
    examples,
    prepare,
    read_photos,
)
from dviz.ui.parts import markup
from dviz.ui.parts.cards import broken_card, card, undetermined_in_words
from dviz.ui.parts.code_chart import CodeMarks, code_chart
from dviz.ui.parts.compare import ALL_CODES, comparison
from dviz.ui.parts.errors import friendly
from dviz.ui.parts.neighbours import neighbours
from dviz.ui.parts.panel import split_dimensions
from dviz.ui.parts.photo_table import overview
from dviz.ui.tabs.base import Context, Tab

HELP = (
    "Drop in a picture of one object. The model sees it at **64 × 64** pixels, writes it down as a "
    "handful of numbers, its **code**, and paints it again from these alone. Small classifiers "
    "read the factors off the same numbers. The Targets of the study lie on black, so try a black "
    "background."
)
EMPTY = "No photo yet: drop one in, or pick an example."
SYNTHETIC = (
    "This checkpoint has seen synthetic images only, so on a photo its readings are mostly "
    "guesses. Pick one that was transferred to real images, above, to compare."
)
MAX_CHARTED = len(SERIES)
PICK_EXAMPLE = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-index]");
  if (button) trigger("click", { index: Number(button.dataset.index) });
});
"""


def build(tab: Context) -> None:
    """Build the tab's inside."""
    library, checkpoint, refresh = tab.library, tab.checkpoint, tab.refresh

    @friendly
    def show(
        key: str,
        before: Prepared | None,
        files: list[str] | None,
        snaps: list[str],
        picked: list[int],
        mode: str,
        background: str,
        tolerance: float,
    ) -> list[Any]:
        how = Preparation(MODES[mode], BACKGROUNDS[background], float(tolerance))
        sources = [*(files or []), *snaps, *picked][:MAX_PHOTOS]
        prepared = prepare(sources, how, before)
        return [prepared, example_buttons(picked), *show_photos(library.get(key), prepared)]

    @friendly
    def show_nearest(key: str, prepared: Prepared, photo: int | None, by: str) -> str:
        entry = library.get(key)
        return neighbours(entry, _pick(read(entry, prepared.good), photo), by)

    @friendly
    def compare(key: str, prepared: Prepared, first: int | None, second: int | None) -> str:
        entry = library.get(key)
        readings = read(entry, prepared.good)
        return comparison(entry, _pick(readings, first), _pick(readings, second))

    gr.Markdown(HELP, elem_classes="help")
    picked = gr.State([0] if examples() else [])
    snaps, prepared = gr.State([]), tab.photos
    files, camera, gallery, mode, background, tolerance = _build_uploads()
    with gr.Row(elem_classes="lineage"):
        with gr.Column(min_width=300):
            cards = gr.HTML(markup.note(EMPTY), elem_id="cards", apply_default_css=False)
        with gr.Column(min_width=300):
            chart = gr.Plot(show_label=False, visible=False, elem_id="codes")
            numbers = gr.HTML(elem_id="numbers", apply_default_css=False)
    more, nearest, near_photo, near_by, compared, first, second, table = _build_evidence()

    quiet = {"api_visibility": "private", "show_progress": "minimal"}
    given = [files, snaps, picked, mode, background, tolerance]
    outputs = [prepared, gallery, cards, chart, numbers, more]
    outputs += [near_photo, near_by, nearest, first, second, compared, table]
    everything = {"fn": show, "inputs": [checkpoint, prepared, *given], "outputs": outputs, **quiet}
    files.upload(_uploaded, files, picked, **quiet).then(**everything)
    for changed in (files.delete, files.clear):
        changed(**everything)
    camera.input(_snapped, [camera, snaps], [camera, snaps], **quiet).then(**everything)
    gallery.click(_toggled, picked, picked, **quiet).then(**everything)
    background.input(
        lambda choice: gr.Slider(visible=BACKGROUNDS[choice] == "border"),
        background, tolerance, **quiet, queue=False,
    )  # fmt: skip
    gr.on([*refresh, mode.input, background.input, tolerance.release], **everything)
    among = [checkpoint, prepared, near_photo, near_by]
    gr.on([near_photo.input, near_by.input], show_nearest, among, nearest, **quiet)
    pair = [checkpoint, prepared, first, second]
    gr.on([first.input, second.input], compare, pair, compared, **quiet)


def _build_uploads() -> list[Any]:
    """Where photos come from, and how they are prepared."""
    with gr.Row(elem_classes="uploads"):
        with gr.Column(scale=2, min_width=280):
            files = gr.File(
                label=f"Photos, up to {MAX_PHOTOS}",
                file_count="multiple",
                file_types=["image"],
                height=150,
                elem_id="photos",
            )
            with gr.Accordion("Camera or clipboard", open=False, elem_id="camera"):
                camera = gr.Image(
                    type="filepath",
                    image_mode=None,  # nothing decodes it before we do
                    sources=["webcam", "clipboard"],
                    show_label=False,
                    buttons=[],
                    height=240,
                )
        with gr.Column(scale=3, min_width=280):
            gallery = gr.HTML(
                example_buttons([0]),
                js_on_load=PICK_EXAMPLE,
                apply_default_css=False,
                elem_id="examples",
            )
            with gr.Row(elem_classes="controls"):
                mode = gr.Radio(list(MODES), value=next(iter(MODES)), label="Shape")
                background = gr.Radio(
                    list(BACKGROUNDS), value=next(iter(BACKGROUNDS)), label="Background"
                )
                tolerance = gr.Slider(
                    0, 200, TOLERANCE, step=5, label="Tolerance", visible=False, buttons=[],
                    info="how far from the border's colour the background reaches",
                    elem_id="tolerance",
                )  # fmt: skip
    return [files, camera, gallery, mode, background, tolerance]


def _build_evidence() -> list[Any]:
    """What more there is to see of photos: neighbours, two compared, all in a table."""
    with gr.Column(visible=False, elem_classes="evidence") as more:
        gr.HTML("<h2>Nearest samples of the dataset</h2>", apply_default_css=False)
        with gr.Row(elem_classes="controls"):
            near_photo = gr.Dropdown([], label="Photo", min_width=160, elem_id="near-photo")
            near_by = gr.Dropdown([], label="Nearest by", min_width=160, elem_id="near-by")
        nearest = gr.HTML(elem_id="nearest", apply_default_css=False)
        title = "Two photos compared, one dimension swapped at a time"
        gr.HTML(f"<h2>{title}</h2>", apply_default_css=False)
        with gr.Row(elem_classes="controls"):
            first = gr.Dropdown([], label="Photo A", min_width=160, elem_id="first")
            second = gr.Dropdown([], label="Photo B", min_width=160, elem_id="second")
        compared = gr.HTML(elem_id="compared", apply_default_css=False)
        gr.HTML("<h2>All photos</h2>", apply_default_css=False)
        table = gr.HTML(elem_id="overview", apply_default_css=False)
    return [more, nearest, near_photo, near_by, compared, first, second, table]


def _uploaded(paths: list[str] | None) -> list[int]:
    """One's own photos take the place of the examples."""
    if len(paths or []) > MAX_PHOTOS:
        gr.Warning(f"Only the first {MAX_PHOTOS} photos are shown.")
    return []


def _snapped(path: str | None, snaps: list[str]) -> tuple[None, list[str]]:
    return None, [*snaps, path][-MAX_PHOTOS:] if path else snaps


def _toggled(picked: list[int], event: gr.EventData) -> list[int]:
    number = int(event._data["index"]) % max(len(examples()), 1)
    return [n for n in picked if n != number] if number in picked else [*picked, number]


def _pick(readings: list[Reading], number: int | None) -> Reading | None:
    there = isinstance(number, int) and 0 <= number < len(readings)
    return readings[number] if there else None


def show_photos(entry: Entry, prepared: Prepared) -> list[Any]:
    """Cards (HTML), the chart of codes (an update of gr.Plot), the numbers (HTML), and updates of
    what `_build_evidence` made."""
    readings = read(entry, prepared.good)
    broken = [photo for photo in prepared.photos if photo.image is None]
    if not readings:
        cards = "".join(map(broken_card, broken)) or markup.note(EMPTY)
        nothing = gr.Dropdown([], value=None)
        return [
            f'<div class="cards">{cards}</div>', gr.Plot(None, visible=False), "",
            gr.Column(visible=False), nothing, nothing, "", nothing, nothing, "", "",
        ]  # fmt: skip
    ready = {id(reading.photo): card(entry, reading) for reading in readings}
    cards = "".join(ready.get(id(photo)) or broken_card(photo) for photo in prepared.photos)
    warning = markup.note(SYNTHETIC) if _is_synthetic(entry.config.dataset) else ""
    photos = [(reading.photo.name, number) for number, reading in enumerate(readings)]
    other = readings[1] if len(readings) > 1 else None
    return [
        f'{warning}<div class="cards">{cards}</div>',
        gr.Plot(chart_of(entry, readings), visible=True),
        numbers_of(entry, readings),
        gr.Column(visible=True),
        gr.Dropdown(photos, value=0),
        gr.Dropdown(_ways(entry), value=ALL_CODES),
        neighbours(entry, readings[0], ALL_CODES),
        gr.Dropdown(photos, value=0),
        gr.Dropdown(photos, value=1 if other else None),
        comparison(entry, readings[0], other),
        overview(entry, readings, broken),
    ]


def _is_synthetic(dataset: str) -> bool:
    """Whether its images are drawn. What we do not know may be photographs."""
    known = known_info(dataset)
    return known is not None and not known.photographs


def _ways(entry: Entry) -> list[tuple[str, str]]:
    """By what a photo can be near to a sample."""
    shown, _ = split_dimensions(entry)
    return [("all codes", ALL_CODES), *((d.label, d.name) for d in shown)]


def chart_of(entry: Entry, readings: list[Reading]) -> go.Figure:
    """Codes of the first few photos over the dataset's distribution."""
    shown, _ = split_dimensions(entry)
    order = [d.index for d in shown]
    marks = [
        CodeMarks(r.photo.name, r.code[order], r.std[order], _hover_words(r, shown))
        for r in readings[:MAX_CHARTED]
    ]
    labels = [" ".join([d.name, *(name for name, _ in d.factors[:1])]) for d in shown]
    low, high = (np.array([getattr(d, side) for d in shown]) for side in ("low", "high"))
    return code_chart(labels, low, high, marks)


def _hover_words(reading: Reading, dimensions: list[Dimension]) -> list[str]:
    return [
        undetermined_in_words(d, reading.std[d.index]) if d in reading.undetermined else ""
        for d in dimensions
    ]


def numbers_of(entry: Entry, readings: list[Reading]) -> str:
    """A table: one row per dimension, one column per photo."""
    rows = [
        [
            d.name,
            escape(", ".join(name for name, _ in d.factors)) or "–",
            f"{d.low:.2f} … {d.high:.2f}",
            *(f"{r.code[d.index]:.2f} ± {r.std[d.index]:.2f}" for r in readings),
        ]
        for d in entry.dimensions
    ]
    names = (escape(r.photo.name) for r in readings)
    table = markup.table(
        ["Dimension", "Factor", "98% of the dataset", *names], rows, kind="numbers"
    )
    title = "The codes in numbers (mean ± standard deviation)"
    return f"<details><summary>{title}</summary>{table}</details>"


def example_buttons(picked: list[int]) -> str:
    """The example photos as buttons that stay down; nothing where no package has any."""
    if not examples():
        return ""
    buttons = "".join(
        f'<button type="button" data-index="{number}" title="{escape(name)}" '
        f'aria-pressed="{str(number in picked).lower()}">'
        f'<img src="{thumbnail}" alt="{escape(name)}"></button>'
        for number, (name, thumbnail) in enumerate(_thumbnails())
    )
    return f'<p class="legend">Or examples, one or several</p><div class="examples">{buttons}</div>'


@cache
def _thumbnails() -> list[tuple[str, str]]:
    photos = read_photos(range(len(examples())))
    return [(photo.name, data_uri(photo.image, "JPEG")) for photo in photos]


TAB = Tab("Encode photos", "encode", build)
