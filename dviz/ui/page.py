"""The page: a picker of checkpoints above the tabs, and the endpoints behind it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from dviz.checkpoint import EXTERNAL, SOURCE, CheckpointConfig
from dviz.errors import DvizError
from dviz.limits import LIMITS
from dviz.ui.core.codes_map import points_route
from dviz.ui.core.entry import Entry
from dviz.ui.core.library import Library
from dviz.ui.core.scratch import use_scratch_folder
from dviz.ui.core.weights import decoder_route
from dviz.ui.endpoints import build_api, health_route
from dviz.ui.guard import Guard
from dviz.ui.parts import markup
from dviz.ui.parts.errors import QuietBlocks, friendly
from dviz.ui.tabs import TABS
from dviz.ui.tabs.base import Context

STATIC = Path(__file__).parent / "static"
TITLE = "dviz: what a representation keeps on its way to real images"
HEADER = """
<header class="masthead">
<h1>dviz</h1>
<p>Models that learnt on synthetic images to give each number of their code one meaning, carried
over to other images and to real photographs: <b>drag</b> a factor, <b>drop in</b> a photo, and
<b>see in numbers</b> what survived.</p>
</header>
"""
TOUR = """
<section class="tour" aria-label="First visit" hidden>
<p><b>First time here?</b> Pick a checkpoint, then
<button data-tab="Traverse">drag a slider</button> and watch one thing change;
<button data-tab="Encode">drop in a photo</button> to see what the model makes of it;
<button data-tab="Association">see which number is which factor</button>; and
<button data-tab="Probes">read what survived the transfer</button>. A model turns a picture into a
<b>code</b>, a few numbers (its <b>dimensions</b>: z0, z1 …); a <b>factor</b> is one thing that can
change in a scene; a model learnt on its <b>Source</b> and was carried to a <b>Target</b>; a
<b>checkpoint</b> is one such model.</p>
<button class="done">Got it</button>
</section>
"""
NOTHING_HERE = "No checkpoint is installed here. Load one from the Hugging Face Hub by its id."
FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
QUIET = {"show_progress": "hidden", "api_visibility": "private"}
POLL = 0.5  # seconds between two looks at a download
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


@dataclass(frozen=True)
class Picker:
    """The shared picker, what was fetched from the Hub, whether the page has opened on what its
    address names, and which tab is open."""

    checkpoint: gr.Dropdown
    fetched: gr.State
    opened: gr.State
    tab: gr.State

    @property
    def changed(self) -> list[Any]:
        """Triggers on which the checkpoint is to be shown anew."""
        return [self.checkpoint.change, self.opened.change]


def build_app(library: Library) -> gr.Blocks:
    """The whole page; nothing is loaded until somebody opens it."""
    use_scratch_folder()
    with QuietBlocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 1800)) as app:
        gr.HTML(HEADER, apply_default_css=False)
        tour = (STATIC / "js" / "tour.js").read_text("utf-8")
        gr.HTML(TOUR, js_on_load=tour, apply_default_css=False, elem_id="tour")
        picker = _build_picker(library)
        tabs = _build_tabs(library, picker)
        if library.names:
            _follow_address(library, app, picker, tabs)
        build_api(library)
    return app.queue(default_concurrency_limit=4, max_size=LIMITS.queue)


def _build_tabs(library: Library, picker: Picker) -> gr.Tabs:
    """The tabs; each is told which checkpoint to show when it is open, and not before."""
    shown = {tab.slug: gr.State() for tab in TABS}  # what each tab shows

    def show_in_open_tab(key: str, tab: str) -> list[Any]:
        return [key if slug == tab else gr.skip() for slug in shown]

    with gr.Tabs(overflow_behavior="wrap") as tabs:
        for tab in TABS:
            with gr.Tab(tab.name, id=tab.slug) as pane:
                tab.build(Context(library, picker.checkpoint, [shown[tab.slug].change]))
            _follow_opening(pane, tab.slug, picker, shown[tab.slug])
    gr.on(
        picker.changed,
        show_in_open_tab,
        [picker.checkpoint, picker.tab],
        [*shown.values()],
        **QUIET,
    )
    return tabs


def _follow_opening(pane: gr.Tab, slug: str, picker: Picker, shown: gr.State) -> None:
    """An opened tab shows the checkpoint picked, and its name stands in the page's address."""

    def open_tab(key: str, opened: bool) -> tuple[Any, Any]:
        # A page selects its first tab while it is still being put together: too early to paint.
        return (slug, key) if opened else (gr.skip(), gr.skip())

    pane.select(open_tab, [picker.checkpoint, picker.opened], [picker.tab, shown], **QUIET)
    pane.select(None, js=f"() => window.dviz?.write({{ tab: '{slug}' }})")


def _follow_address(library: Library, app: gr.Blocks, picker: Picker, tabs: gr.Tabs) -> None:
    """Open a page with the checkpoint and the tab that its address names."""

    @friendly
    def arrive(request: gr.Request) -> tuple[Any, Any, Any, Any, Any]:
        asked = request.query_params
        known = asked.get("tab") in [tab.slug for tab in TABS]
        tab = asked["tab"] if known else gr.skip()
        tabs = gr.Tabs(selected=tab) if known else gr.skip()
        key = asked.get("checkpoint", library.names[0])
        if key == library.names[0]:
            return gr.skip(), gr.skip(), True, tab, tabs
        try:
            key = library.get(key).key
        except DvizError as error:
            gr.Warning(str(error))
            return gr.skip(), gr.skip(), True, tab, tabs
        fetched = [] if key in library.names else [key]
        choice = gr.Dropdown(choices_of(library, fetched), value=key)
        return choice, fetched, True, tab, tabs

    app.load(
        arrive,
        None,
        [picker.checkpoint, picker.fetched, picker.opened, picker.tab, tabs],
        **QUIET,
    )


def script(name: str) -> str:
    """A script of ours as an element of the page's head."""
    return f"<script>{(STATIC / 'js' / name).read_text('utf-8')}</script>"


def launch_options(library: Library) -> dict[str, Any]:
    """How `build_app`'s page is to be launched: its looks, limits on what strangers send, and the
    address of the decoders."""
    theme = gr.themes.Default(
        primary_hue="blue", neutral_hue="slate", font=FONT, font_mono=MONO, radius_size="md"
    ).set(block_info_text_color="*neutral_500", body_text_color_subdued="*neutral_500")
    return {
        "theme": theme,
        "css_paths": [STATIC / f"{name}.css" for name in ("style", "evidence", "dimension")],
        "max_file_size": LIMITS.upload_bytes,
        "state_session_capacity": LIMITS.sessions,
        "run_history": False,
        "ssr_mode": False,
        "footer_links": ["api"],
        "head": "".join(map(script, ("state.js", "figures.js"))),
        "app_kwargs": {
            "routes": [decoder_route(library), points_route(library), health_route(library)],
            "middleware": [Middleware(Guard, folder=use_scratch_folder())],
        },
    }


def _build_picker(library: Library) -> Picker:

    @friendly
    def fetch(repo_id: str, there: list[str]) -> Iterator[tuple[Any, Any, Any]]:
        with ThreadPoolExecutor(1) as worker:
            loading = worker.submit(library.get, repo_id)
            while wait([loading], POLL).not_done:
                yield gr.skip(), gr.skip(), downloading(library, repo_id)
        entry = loading.result()
        there = [*there, entry.key] if entry.key not in [*library.names, *there] else there
        choice = gr.Dropdown(choices_of(library, there), value=entry.key)
        yield choice, there, summary_of(entry)

    @friendly
    def about(key: str) -> str:
        return summary_of(library.get(key))

    fetched = gr.State([])
    with gr.Row(elem_classes="picker"):
        checkpoint = gr.Dropdown(
            choices_of(library),
            value=next(iter(library.names), None),
            label="Checkpoint",
            info="Type to search by name, Source, Target or kind.",
            scale=3,
            min_width=260,
            elem_id="checkpoint",
        )
        with gr.Column(scale=2, min_width=260), gr.Row(elem_classes="hub"):
            repo_id = gr.Textbox(
                label="or from the Hugging Face Hub",
                info="The id of a dviz checkpoint there.",
                placeholder="user/name",
                max_lines=1,
                max_length=200,
                scale=3,
                min_width=160,
                elem_id="hub-id",
            )
            load = gr.Button("Load", scale=1, min_width=72, elem_id="hub-load")
    summary = gr.HTML(
        "" if library.names else markup.note(NOTHING_HERE),
        apply_default_css=False,
        elem_id="summary",
    )
    asked = gr.on(
        [load.click, repo_id.submit], lambda: _load_button(busy=True), None, load, **QUIET
    )
    fetching = asked.then(fetch, [repo_id, fetched], [checkpoint, fetched, summary], **QUIET)
    for ended in (fetching.success, fetching.failure):
        ended(lambda: _load_button(busy=False), None, load, **QUIET)
    if library.names:
        fetching.failure(about, checkpoint, summary, **QUIET)
    picker = Picker(checkpoint, fetched, gr.State(False), gr.State(TABS[0].slug))
    gr.on(picker.changed, about, checkpoint, summary, **QUIET)
    return picker


def downloading(library: Library, repo_id: str) -> str:
    """How far a download has come."""
    size = f"{library.downloaded(repo_id.strip()) / 1e6:.1f} MB so far"
    return f'<p class="summary" role="status">Loading {escape(repo_id)} from the Hub: {size} …</p>'


def _load_button(busy: bool) -> gr.Button:
    return gr.Button("…" if busy else "Load", interactive=not busy)


def choices_of(library: Library, fetched: list[str] | None = None) -> list[tuple[str, str]]:
    """Labels and keys of the shipped checkpoints and of those fetched from the Hub."""
    shipped = [(_label(name, config), name) for name, config in library.configs.items()]
    return shipped + [(f"{key} · Hub", key) for key in fetched or []]


def _label(name: str, config: CheckpointConfig) -> str:
    """Name, kind, Source and Target, so that typing any of them finds the checkpoint."""
    if config.stage == SOURCE:
        return f"{name} · {config.kind}" + _unless_said(config.dataset, name)
    return f"{name} · {config.kind} · {config.source} → {config.dataset}"


def _unless_said(dataset: str, name: str) -> str:
    return "" if dataset == name else f" · {dataset}"


def summary_of(entry: Entry) -> str:
    """One line on what a checkpoint is."""
    config = entry.config
    active = sum(d.active for d in entry.dimensions)
    parts = [
        _stage(config),
        f"{active} of {entry.latent_size} dimensions active",
        f"factors: {', '.join(factor.name for factor in config.factors) or 'not known'}",
    ]
    return f'<p class="summary">{" · ".join(map(escape, parts))}</p>'


def _stage(config: Any) -> str:
    if config.kind == EXTERNAL:
        return f"external model, measured on {config.dataset}"
    if config.kind == SOURCE:
        return f"Source: trained on {config.dataset}"
    return f"{config.kind}: {config.source} to {config.dataset}"
