"""Tab "Datasets": what images there are, and what each factor of variation does to them."""

from __future__ import annotations

from functools import lru_cache
from html import escape

import gradio as gr
import numpy as np

from dviz.data import dataset_info, list_datasets, load_dataset
from dviz.data.base import FactorDataset
from dviz.data.preview import SAMPLES, sheet_rows
from dviz.errors import DatasetError
from dviz.ui.core.pictures import data_uri, strip
from dviz.ui.parts import markup
from dviz.ui.parts.errors import friendly
from dviz.ui.tabs.base import Context, Tab

HELP = (
    "A **factor of variation** is what can change in a scene. Below, two rows of random samples, "
    "then one row a factor: everything else stands still. Synthetic datasets are drawn as you "
    "look; photographs show where their files have been downloaded."
)
FIRST = "color-dsprites"
OWN = "folder"  # has no images before somebody names one
COLUMNS = 10
GAP = 2  # pixels
KEPT = 4  # loaded datasets; some hold tables of labels or of drawn scenes


def build(tab: Context) -> None:
    """Build the tab's inside."""
    library, checkpoint, refresh = tab.library, tab.checkpoint, tab.refresh

    @friendly
    def show(name: str, seed: int) -> tuple[str, str]:
        return sheet_of(name, seed), about(name)

    @friendly
    def arrive(key: str, seed: int) -> tuple[str, str, str]:
        own = library.get(key).config.dataset
        name = own if own in [known for _, known in choices()] else FIRST
        return name, *show(name, seed)

    def again(name: str, seed: int) -> tuple[int, str, str]:
        return seed + 1, *show(name, seed + 1)

    gr.Markdown(HELP, elem_classes="help")
    seed = gr.State(0)
    with gr.Row(elem_classes="controls"):
        name = gr.Dropdown(
            choices(), value=FIRST, label="Dataset", elem_id="dataset", min_width=300
        )
        more = gr.Button("Other samples", size="sm", elem_id="dataset-again")
    sheet = gr.HTML(markup.LOADING, apply_default_css=False, elem_id="dataset-sheet")
    facts = gr.HTML(about(FIRST), apply_default_css=False, elem_id="dataset-about")

    quiet = {"api_visibility": "private", "show_progress": "minimal"}
    gr.on(refresh, arrive, [checkpoint, seed], [name, sheet, facts], **quiet)
    name.input(show, [name, seed], [sheet, facts], **quiet)
    more.click(again, [name, seed], [seed, sheet, facts], **quiet)


def choices() -> list[tuple[str, str]]:
    """Titles and names; those that are drawn first."""
    infos = [dataset_info(name) for name in list_datasets() if name != OWN]
    infos.sort(key=lambda info: (info.needs_files, info.title))
    return [(info.title, info.name) for info in infos]


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
    rows = [
        ("What it is", escape(info.description)),
        ("Images", "from files" if info.needs_files else "drawn on the fly, or from files"),
        ("Licence of the official data", escape(info.licence) or "–"),
        ("Citation", escape(info.citation) or "–"),
        ("In the scripts", f"<code>{escape(name)}</code>"),
    ]
    return markup.table(("", ""), rows, kind="facts")


@lru_cache(maxsize=KEPT)
def _load(name: str) -> FactorDataset:
    return load_dataset(name)


TAB = Tab("Datasets", "datasets", build)
