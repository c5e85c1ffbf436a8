"""Tab "Photos": drop one in; the best reconstruction comes up with its sliders."""

from __future__ import annotations

from functools import cache, partial
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from dviz.ui.core.pictures import data_uri
from dviz.ui.core.tries import Choice, see
from dviz.ui.core.uploads import (
    CUT_OUT,
    MAX_PHOTOS,
    SILHOUETTE,
    VIEWS,
    Prepared,
    Shot,
    examples,
    shoot,
)
from dviz.ui.parts.address import one_of
from dviz.ui.parts.blocks import plain_file
from dviz.ui.parts.errors import friendly
from dviz.ui.parts.panel import build_panel
from dviz.ui.parts.photo_page import (
    bar_value,
    build_photo_bar,
    photo_panel,
    words_of,
)
from dviz.ui.tabs.base import Context, Tab

OPENS_WITH = [0]
TRYING = '<p class="note" role="status">Every model tries …</p>'
# While models try, what is shown is of the photo before.
BUSY = """
const mark = () =>
  document.querySelector("#photo-panel")?.setAttribute("aria-busy", Boolean(props.value));
watch("value", mark);
mark();
"""
GONE = "{ photo: null, view: null, reader: null, photo_z: null }"
PICK_EXAMPLE = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-index]");
  if (!button) return;
  const pressed = [...element.querySelectorAll("[aria-pressed=true]")];
  const down = new Set(pressed.map(({ dataset }) => dataset.index));
  if (!down.delete(button.dataset.index)) down.add(button.dataset.index);
  window.dviz.write({ ...GONE, photos: [...down].join(",") || "none" }, { push: true });
  trigger("click", { index: Number(button.dataset.index) });
});
""".replace("GONE", GONE)


def build(tab: Context) -> None:
    """Build the tab's inside."""
    library = tab.library
    picked = gr.State(OPENS_WITH if examples() else [])
    photo, view, by, of = gr.State(0), gr.State(None), gr.State(None), gr.State(None)
    snaps, kept = gr.State([]), tab.photos
    files, camera, gallery = _build_uploads()
    status = gr.HTML(TRYING, js_on_load=BUSY, elem_id="photo-status", apply_default_css=False)
    bar = build_photo_bar()
    panel = build_panel(library, "photo-panel", prefix="photo_")
    words = gr.HTML(elem_id="photo-words", apply_default_css=False)
    tab.address.bind("photos", picked, _parse_examples)
    tab.address.bind("photo", photo, int)
    tab.address.bind("view", view, one_of([*VIEWS, SILHOUETTE]))
    tab.address.bind("reader", by)
    tab.address.reset(of)

    @friendly
    def show(
        key: str, before: str | None, known: Prepared | None, uploads: Any, taken: list[str],
        chosen: list[int], number: int, how: str | None, who: str | None,
    ) -> dict[Component, Any]:  # fmt: skip
        elsewhere = before not in (None, key)
        if elsewhere:  # picked in the head of the page: let that one read
            who, how = key, None
        shots = shoot([*(uploads or []), *taken, *chosen], known.shots if known else None)
        who = who if library.names else key  # from the Hub, where nothing is installed
        sight = see(library, list(shots.values()), Choice(max(number, 0), how, who))
        everything = list(shots.values())
        # Only what is decided here is written: a choice made meanwhile is newer than ours.
        return ({by: who, view: how} if elsewhere else {}) | {
            kept: Prepared(shots, sight.view if sight else CUT_OUT), of: key,
            gallery: example_buttons(chosen),
            bar: bar_value(library, everything, sight),
            panel: photo_panel(library, everything, sight),
            words: words_of(everything, sight, key), status: "",
        }  # fmt: skip

    quiet = {"api_visibility": "private", "show_progress": "hidden"}
    given = [tab.checkpoint, of, kept, files, snaps, picked, photo, view, by]
    shown = {
        "fn": show,
        "inputs": given,
        "outputs": [kept, of, by, view, gallery, bar, panel, words, status],
        "trigger_mode": "always_last",  # what is pressed while a photo is read counts too
    }
    fresh = [picked, photo, view, by, status]
    _write_down(files, camera)
    snapped, chosen = [camera, snaps], [photo, view, by]
    followed = [
        files.upload(_uploaded, files, fresh, **quiet).then,
        camera.input(_snapped, snapped, [*snapped, status], **quiet).then,
        gallery.click(_toggled, picked, fresh, **quiet).then,
        bar.select(_chosen, chosen, chosen, trigger_mode="multiple", **quiet).then,
        files.delete,
        files.clear,
        partial(gr.on, tab.refresh),
    ]
    for follow in followed:
        follow(**shown, **quiet).failure(lambda: "", None, status, **quiet)


def _write_down(files: gr.File, camera: gr.Image) -> None:
    """Sliders start anew with every photo, and Back is to find the photos that are there."""
    uploaded = f"window.dviz.write({{ ...{GONE}, photos: 'none' }}, {{ push: true }})"
    files.upload(None, js=f"() => {uploaded}")
    for changed in (files.delete, files.clear, camera.input):
        changed(None, js="() => window.dviz.write({ photo_z: null })")


def _build_uploads() -> tuple[gr.File, gr.Image, gr.HTML]:
    """Where photos come from."""
    with gr.Row(elem_classes="uploads"):
        with gr.Column(scale=2, min_width=260):
            files = plain_file(
                label=f"Drop photos here, up to {MAX_PHOTOS}",
                file_count="multiple",
                file_types=["image"],
                height=96,
                elem_id="photos",
            )
        with gr.Column(scale=3, min_width=260):
            gallery = gr.HTML(
                example_buttons(OPENS_WITH),
                js_on_load=PICK_EXAMPLE,
                apply_default_css=False,
                elem_id="examples",
            )
            with gr.Accordion("More: camera or clipboard", open=False, elem_id="camera"):
                camera = gr.Image(
                    type="filepath",
                    image_mode=None,  # nothing decodes it before we do
                    sources=["webcam", "clipboard"],
                    show_label=False,
                    buttons=[],
                    height=240,
                )
    return files, camera, gallery


def _uploaded(paths: list[str] | None) -> tuple[list[int], int, None, None, str]:
    """One's own photos take the place of the examples; the best way of reading them is found."""
    if len(paths or []) > MAX_PHOTOS:
        gr.Warning(f"Only the first {MAX_PHOTOS} photos are shown.")
    return [], 0, None, None, TRYING


def _chosen(event: gr.EventData, number: int, how: Any, who: Any) -> tuple[Any, Any, Any]:
    """What was pressed in the bar, the rest as it was."""
    asked = event._data
    return asked.get("photo", number), asked.get("view", how), asked.get("reader", who)


def _snapped(path: str | None, snaps: list[str]) -> tuple[None, list[str], str]:
    return None, [*snaps, path][-MAX_PHOTOS:] if path else snaps, TRYING


def _toggled(picked: list[int], event: gr.EventData) -> tuple[list[int], int, None, None, str]:
    number = int(event._data["index"]) % max(len(examples()), 1)
    there = number in picked
    left = [n for n in picked if n != number] if there else [*picked, number]
    return left, 0, None, None, TRYING


def _parse_examples(text: str) -> list[int]:
    """Numbers of examples, "0,2"; "none" for none of them."""
    numbers = [] if text == "none" else [int(part) for part in text.split(",")]
    if not all(0 <= number < len(examples()) for number in numbers):
        raise ValueError(f"there are {len(examples())} examples")
    return numbers


def example_buttons(picked: list[int]) -> str:
    """The example photos as buttons that stay down; nothing where no package has any."""
    if not examples():
        return ""
    buttons = "".join(
        f'<button type="button" data-index="{number}" title="{escape(name)}" '
        f'aria-pressed="{str(number in picked).lower()}">'
        f'<img src="{thumbnail}" alt="{escape(name)}" width="64" height="64"></button>'
        for number, (name, thumbnail) in enumerate(_thumbnails())
    )
    return f'<p class="legend">Or examples, one or several</p><div class="examples">{buttons}</div>'


@cache
def _thumbnails() -> list[tuple[str, str]]:
    shots: list[Shot] = list(shoot(range(len(examples()))).values())
    return [(shot.name, data_uri(shot.views[CUT_OUT], "JPEG")) for shot in shots]


TAB = Tab("Photos", "photos", build)
