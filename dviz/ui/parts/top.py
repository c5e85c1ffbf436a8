"""The head of the page: the checkpoint shown, and all there are as Sources with their Targets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from dviz.checkpoint import DIRECT, EXTERNAL, SOURCE
from dviz.ui.core.entry import Entry
from dviz.ui.core.families import families
from dviz.ui.core.library import Library
from dviz.ui.core.thumbnails import PATH
from dviz.ui.core.titles import title_of

STATIC = Path(__file__).parent.parent / "static"
SCRIPTS = ("dom.js", "top.js")
NOTHING_HERE = "No checkpoint is installed here. Load one from the Hugging Face Hub by its id."


def build_top(library: Library, first_tab: str) -> gr.HTML:
    """The component; its value is what `top_value` returns.

    It triggers `select` with a key, `submit` with a Hub id, and `apply` with a view to restore.
    """
    value: dict[str, Any] = {"families": [], "status": NOTHING_HERE, "first_tab": first_tab}
    if library.names:
        value = top_value(library, library.get(library.names[0]), first_tab)
    return gr.HTML(
        value,
        html_template=(STATIC / "top.html").read_text("utf-8"),
        js_on_load="".join((STATIC / "js" / name).read_text("utf-8") for name in SCRIPTS),
        apply_default_css=False,
        elem_id="top",
    )


def top_value(
    library: Library, entry: Entry, first_tab: str, fetched: Sequence[str] = ()
) -> dict[str, Any]:
    """What the head shows of a checkpoint; JSON-able. `fetched`: keys that came from the Hub."""
    return {
        "key": entry.key,
        "first": next(iter(library.names), None),
        "title": entry.title,
        "kind": _stage(entry),
        "summary": summary_of(entry),
        "families": families(library, fetched),
        "thumbnails": PATH,
        "status": "",
        "redraw": bool(fetched),
        "first_tab": first_tab,
    }


def summary_of(entry: Entry) -> str:
    """One line on what a checkpoint is."""
    active = sum(d.active for d in entry.dimensions)
    factors = ", ".join(factor.name for factor in entry.config.factors) or "not known"
    labelled = entry.config.training.get("labelled_images", 0)
    taught = f" · {labelled:,} images were labelled" if labelled else ""
    anew = entry.config.kind == DIRECT and entry.config.paints_dataset
    painted = " · only the decoder is learnt anew, on the Target" if anew else ""
    return (
        f"{entry.key} · {active} of {entry.latent_size} dimensions active · factors: {factors}"
        f"{taught}{painted}"
    )


def downloading(library: Library, repo_id: str) -> str:
    """How far a download has come."""
    size = f"{library.downloaded(repo_id.strip()) / 1e6:.1f} MB so far"
    return f"Loading {repo_id} from the Hub: {size} …"


def _stage(entry: Entry) -> str:
    config = entry.config
    if config.kind == EXTERNAL:
        return f"external model, on {title_of(config.dataset)}"
    if config.kind == SOURCE:
        return "Source"
    return f"{config.kind}, from {entry.source_title}"
