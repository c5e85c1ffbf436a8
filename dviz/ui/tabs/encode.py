"""Tab "Encode photos": what a model makes of real pictures."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from dviz.checkpoint import SOURCE
from dviz.figures import SERIES, CodeMarks, code_chart
from dviz.ui import markup
from dviz.ui.errors import friendly
from dviz.ui.inspector import Codes, Prediction, decode, encode, out_of_range
from dviz.ui.library import Entry, Library
from dviz.ui.panel import split_dimensions
from dviz.ui.uploads import BACKGROUNDS, MAX_PHOTOS, MODES, Photo, examples, read_photos

HELP = (
    "Drop in a picture of one object. The model sees it at **64 × 64** pixels, writes it down as a "
    "handful of numbers, its **code**, and paints it again from these alone. Small classifiers "
    "read the factors off the same numbers."
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


def build_tab(library: Library, checkpoint: gr.Dropdown, refresh: list[Any]) -> None:
    """Build the tab's inside; for the arguments see the Traverse tab."""

    @friendly
    def show(key: str, sources: list[str | int], mode: str, background: str) -> tuple[Any, ...]:
        photos = read_photos(sources, MODES[mode], BACKGROUNDS[background])
        return show_photos(library.get(key), photos)

    def choose_files(paths: list[str] | None) -> list[str]:
        if len(paths or []) > MAX_PHOTOS:
            gr.Warning(f"Only the first {MAX_PHOTOS} photos are shown.")
        return list(paths or [])

    def choose_example(event: gr.EventData) -> list[int]:
        return [int(event._data["index"]) % len(examples())]

    gr.Markdown(HELP, elem_classes="help")
    sources = gr.State([0] if examples() else [])
    with gr.Row(elem_classes="uploads"):
        with gr.Column(scale=2, min_width=280):
            files = gr.File(
                label=f"Photos, up to {MAX_PHOTOS}",
                file_count="multiple",
                file_types=["image"],
                height=150,
                elem_id="photos",
            )
        with gr.Column(scale=3, min_width=280):
            gallery = gr.HTML(
                example_buttons(),
                js_on_load=PICK_EXAMPLE,
                apply_default_css=False,
                elem_id="examples",
            )
            with gr.Row():
                mode = gr.Radio(list(MODES), value=next(iter(MODES)), label="Shape")
                background = gr.Radio(
                    list(BACKGROUNDS), value=next(iter(BACKGROUNDS)), label="Background"
                )
    with gr.Row(elem_classes="lineage"):
        with gr.Column(min_width=300):
            cards = gr.HTML(markup.note(EMPTY), elem_id="cards", apply_default_css=False)
        with gr.Column(min_width=300):
            chart = gr.Plot(show_label=False, visible=False, elem_id="codes")
            numbers = gr.HTML(elem_id="numbers", apply_default_css=False)

    quiet = {"api_visibility": "private", "show_progress": "minimal"}
    inputs, outputs = [checkpoint, sources, mode, background], [cards, chart, numbers]
    files.upload(choose_files, files, sources, **quiet).then(show, inputs, outputs, **quiet)
    files.delete(choose_files, files, sources, **quiet).then(show, inputs, outputs, **quiet)
    files.clear(lambda: [], None, sources, **quiet).then(show, inputs, outputs, **quiet)
    gallery.click(choose_example, None, sources, **quiet).then(show, inputs, outputs, **quiet)
    gr.on([*refresh, mode.input, background.input], show, inputs, outputs, **quiet)


def show_photos(entry: Entry, photos: list[Photo]) -> tuple[str, Any, str]:
    """Cards (HTML), the chart of codes (an update of gr.Plot), and the numbers (HTML)."""
    good = [photo for photo in photos if photo.image is not None]
    if not good:
        cards = "".join(_broken_card(photo) for photo in photos) or markup.note(EMPTY)
        return f'<div class="cards">{cards}</div>', gr.Plot(None, visible=False), ""
    images = np.stack([photo.image for photo in good])
    codes = encode(entry.model, images)
    painted, read = decode(entry.model, codes.mean), entry.predict(codes.mean)
    ready = {
        id(photo): _card(entry, photo, *parts)
        for photo, *parts in zip(good, codes.mean, painted, read, strict=True)
    }
    cards = "".join(ready.get(id(photo)) or _broken_card(photo) for photo in photos)
    warning = markup.note(SYNTHETIC) if entry.config.kind == SOURCE else ""
    names = [photo.name for photo in good]
    chart = gr.Plot(chart_of(entry, names, codes), visible=True)
    return f'{warning}<div class="cards">{cards}</div>', chart, numbers_of(entry, names, codes)


def chart_of(entry: Entry, names: list[str], codes: Codes) -> go.Figure:
    """Codes of the first few photos over the dataset's distribution."""
    shown, _ = split_dimensions(entry)
    order = [d.index for d in shown]
    marks = [
        CodeMarks(name, mean[order], std[order])
        for name, mean, std in zip(names, codes.mean, codes.std, strict=True)
    ][:MAX_CHARTED]
    labels = [" ".join([d.name, *(name for name, _ in d.factors[:1])]) for d in shown]
    low, high = (np.array([getattr(d, side) for d in shown]) for side in ("low", "high"))
    return code_chart(labels, low, high, marks)


def numbers_of(entry: Entry, names: list[str], codes: Codes) -> str:
    """A table: a row a dimension, a column a photo."""
    rows = [
        [
            d.name,
            escape(", ".join(name for name, _ in d.factors)) or "–",
            f"{d.low:.2f} … {d.high:.2f}",
            *(f"{m:.2f} ± {s:.2f}" for m, s in np.stack([codes.mean, codes.std])[:, :, d.index].T),
        ]
        for d in entry.dimensions
    ]
    header = ["Dimension", "Factor", "98% of the dataset", *map(escape, names)]
    table = markup.table(header, rows, kind="numbers")
    title = "The codes in numbers (mean ± standard deviation)"
    return f"<details><summary>{title}</summary>{table}</details>"


def example_buttons() -> str:
    """The example photos as buttons; nothing where no installed package has any."""
    if not examples():
        return ""
    buttons = "".join(
        f'<button type="button" data-index="{number}" title="{escape(name)}">'
        f'<img src="{thumbnail}" alt="{escape(name)}"></button>'
        for number, (name, thumbnail) in enumerate(_thumbnails())
    )
    return f'<p class="legend">Or an example</p><div class="examples">{buttons}</div>'


def _thumbnails() -> list[tuple[str, str]]:
    photos = read_photos(range(len(examples())))
    return [(photo.name, markup.data_uri(photo.image, "JPEG")) for photo in photos]


def _card(
    entry: Entry, photo: Photo, code: np.ndarray, painted: np.ndarray, read: list[Prediction]
) -> str:
    pictures = markup.picture(photo.image, "Seen by the model") + markup.picture(
        painted, "Painted from code"
    )
    return (
        f'<article class="card"><h3>{escape(photo.name)}</h3>'
        f'<div class="pair">{pictures}</div>{_readings(read)}{_range_line(entry, code)}</article>'
    )


def _readings(read: list[Prediction]) -> str:
    if not read:
        return markup.note("This checkpoint came without codes to train classifiers on.")
    rows = [
        [
            escape(p.factor),
            escape(p.value),
            f"{markup.meter(p.confidence, p.chance)} {100 * p.confidence:.0f}%",
        ]
        for p in read
    ]
    return markup.table(["Factor", "Reading", "Confidence"], rows)


def _range_line(entry: Entry, code: np.ndarray) -> str:
    outside = out_of_range(code, entry.dimensions)
    if entry.result is None:
        return ""
    if not outside:
        return markup.note(f"All dimensions lie within what {entry.result.dataset} spans.")
    names = ", ".join(d.name for d in outside)
    return markup.note(f"Outside of what {entry.result.dataset} spans: {names}.")


def _broken_card(photo: Photo) -> str:
    return (
        f'<article class="card"><h3>{escape(photo.name)}</h3>'
        f"{markup.note(photo.problem, 'problem')}</article>"
    )
