"""Tab "Datasets": what images there are, and what each factor of variation does to them."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component

from dviz.data import dataset_info, list_datasets, load_dataset
from dviz.data.base import FactorDataset
from dviz.data.info import DatasetInfo
from dviz.data.preview import SAMPLES, sheet_rows
from dviz.data.root import data_root
from dviz.errors import DatasetError
from dviz.ui.core.library import Library
from dviz.ui.core.pictures import data_uri, strip
from dviz.ui.parts import markup
from dviz.ui.parts.errors import friendly
from dviz.ui.tabs.base import Context, Tab

HELP = "Two rows of random samples, then one row a factor: everything else stands still."
FIRST = "color-dsprites"
OWN = "folder"  # has no images before somebody names one
COLUMNS = 10
GAP = 2  # pixels
KEPT = 4  # loaded datasets; some hold tables of labels or of drawn scenes


def build(tab: Context) -> None:
    """Build the tab's inside; it opens on the dataset of the checkpoint picked."""
    gr.Markdown(HELP, elem_classes="help")
    seed, of = gr.State(0), gr.State(None)
    with gr.Row(elem_classes="controls"):
        name = gr.Dropdown(choices(), value=None, label="Dataset", elem_id="dataset", min_width=300)
        more = gr.Button("Other samples", size="sm", elem_id="dataset-again")
    sheet = gr.HTML(markup.LOADING, apply_default_css=False, elem_id="dataset-sheet")
    facts = gr.HTML(apply_default_css=False, elem_id="dataset-about")
    tab.address.bind("dataset", name, _parse)
    tab.address.reset(of)

    @friendly
    def show(chosen: str | None, seed: int) -> dict[Component, Any]:
        return {sheet: sheet_of(chosen or FIRST, seed), facts: about(chosen or FIRST)}

    @friendly
    def arrive(key: str, before: str | None, chosen: str | None, seed: int) -> dict[Component, Any]:
        if not chosen or before not in (None, key):  # another checkpoint brings its own
            chosen = dataset_of(tab.library, key)
        return {of: key, name: gr.Dropdown(choices(chosen), value=chosen), **show(chosen, seed)}

    def again(chosen: str, seed_now: int) -> dict[Component, Any]:
        return {seed: seed_now + 1, **show(chosen, seed_now + 1)}

    quiet = {"api_visibility": "private", "show_progress": "hidden"}
    gr.on(tab.refresh, arrive, [tab.checkpoint, of, name, seed], [of, name, sheet, facts], **quiet)
    name.input(show, [name, seed], [sheet, facts], **quiet)
    more.click(again, [name, seed], [seed, sheet, facts], **quiet)


def dataset_of(library: Library, key: str) -> str:
    """The dataset of a checkpoint, where it has images that can be shown."""
    own = library.get(key).config.dataset
    return own if own in list_datasets() else FIRST


def _parse(text: str) -> str:
    if text not in [name for _, name in choices()]:
        raise ValueError(f"there are no images of {text!r} here")
    return text


def choices(chosen: str = "") -> list[tuple[str, str]]:
    """Titles and names of the datasets that there are images of, and of the one chosen."""
    infos = [dataset_info(name) for name in list_datasets() if name != OWN]
    infos = [info for info in infos if is_here(info) or info.name == chosen]
    infos.sort(key=lambda info: (info.needs_files, info.title))
    return [(info.title, info.name) for info in infos]


def is_here(info: DatasetInfo) -> bool:
    """Whether there are images of a dataset: it is drawn, or its files have been downloaded."""
    root = data_root()
    return not info.needs_files or any((root / path).exists() for path in info.looked_for)


def sheet_of(name: str, seed: int) -> str:
    """Rows of samples and of each factor varied alone, or in words why there is none.

    Raises:
        DatasetError: there is no such dataset, or its files are broken.
    """
    info = dataset_info(name)
    try:
        dataset = _load(name)
    except DatasetError:
        if not info.needs_files:
            raise
        return markup.note(
            f"{info.title} needs its files, which are not here: dviz download {name} "
            "says where they come from."
        )
    rows = sheet_rows(dataset, np.random.default_rng(seed), COLUMNS)
    return f'<div class="sheet">{"".join(_row(*row) for row in rows if len(row[1]))}</div>'


def _row(name: str, images: np.ndarray) -> str:
    """A row of the sheet: its name, and its images side by side, a clear gap behind each."""
    count, height, width, _ = images.shape
    cells = np.zeros((count, height, width + GAP, 4), np.uint8)
    cells[:, :, :width, :3] = images
    cells[:, :, :width, 3] = 255
    row = data_uri(strip(cells))
    what = "random images" if name == SAMPLES else f"images that differ in {name} alone"
    return (
        f'<figure><figcaption>{escape(name)}</figcaption><img src="{row}" '
        f'alt="{escape(what)}" style="width:{100 * len(images) / COLUMNS:g}%"></figure>'
    )


def about(name: str) -> str:
    """What the dataset is, and on what terms; nothing has to be loaded for it."""
    info = dataset_info(name)
    elsewhere = [
        dataset_info(other).title
        for other in list_datasets()
        if other != OWN and not is_here(dataset_info(other))
    ]
    rows = [
        ("What it is", escape(info.description)),
        ("Images", "from files" if info.needs_files else "drawn on the fly, or from files"),
        ("Licence of the official data", escape(info.licence) or "–"),
        ("Citation", escape(info.citation) or "–"),
        ("In the scripts", f"<code>{escape(name)}</code>"),
    ]
    if elsewhere:
        rows.append(("Not downloaded", "<br>".join(map(escape, elsewhere))))
    return markup.table(("", ""), rows, kind="facts")


@lru_cache(maxsize=KEPT)
def _load(name: str) -> FactorDataset:
    return load_dataset(name)


TAB = Tab("Datasets", "datasets", build)
