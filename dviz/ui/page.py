"""The page: its head, the tabs below, the address that both stand in, and the endpoints behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from starlette.middleware import Middleware

from dviz.errors import DvizError
from dviz.limits import LIMITS
from dviz.ui.core.codes_map import points_route
from dviz.ui.core.library import Library
from dviz.ui.core.scratch import use_scratch_folder
from dviz.ui.core.thumbnails import thumbnail_route
from dviz.ui.core.weights import decoder_route
from dviz.ui.endpoints import build_api, health_route
from dviz.ui.guard import Guard
from dviz.ui.parts.address import Address
from dviz.ui.parts.blocks import QuietBlocks
from dviz.ui.parts.errors import friendly
from dviz.ui.parts.top import build_top, downloading, top_value
from dviz.ui.tabs import TABS
from dviz.ui.tabs.base import Context

STATIC = Path(__file__).parent / "static"
TITLE = "dviz: what a representation keeps on its way to real images"
FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
HEAD = ("state.js", "figures.js", "folds.js", "gradio.js", "rows.js")  # scripts of every part
QUIET = {"show_progress": "hidden", "api_visibility": "private"}
POLL = 0.5  # seconds between two looks at a download
PHOTOS_KEPT = 3600  # seconds, where nobody looks at them
FIRST = TABS[0].slug


@dataclass(frozen=True)
class Shell:
    """What is around the tabs.

    Attributes:
        library: the checkpoints there are; top: the head of the page; tabs: their row.
        checkpoint: key of the one picked; fetched: keys of those from the Hub.
        tab: slug of the open one; visit: how often the page was set up from its address.
        shown: by slug, what each tab shows: a key and a visit. Its change paints the tab.
        address: what else stands in the address.
    """

    library: Library
    top: gr.HTML
    tabs: gr.Tabs
    checkpoint: gr.State
    fetched: gr.State
    tab: gr.State
    visit: gr.State
    shown: dict[str, gr.State]
    address: Address

    def showing(self, key: str, fetched: list[str], tab: str, visit: int) -> dict[Component, Any]:
        """Updates that show a checkpoint in the open tab."""
        value = top_value(self.library, self.library.get(key), FIRST, fetched)
        return {self.checkpoint: key, self.top: value, self.shown[tab]: (key, visit)}


def build_app(library: Library) -> gr.Blocks:
    """The whole page; only the checkpoint it opens with is loaded before somebody asks."""
    use_scratch_folder()
    with QuietBlocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 1800)) as app:
        shell = _build_shell(library)
        _follow_choices(shell)
        if library.names:
            _follow_address(shell, app)
        build_api(library)
    # Open, the endpoints could be called past the queue.
    return app.queue(default_concurrency_limit=4, max_size=LIMITS.queue, api_open=False)


def _build_shell(library: Library) -> Shell:
    first = next(iter(library.names), None)
    top = build_top(library, FIRST)
    checkpoint, fetched = gr.State(first), gr.State([])
    tab, visit = gr.State(FIRST), gr.State(0)
    # The first tab comes painted: what it shows at once is what it would be told to show.
    shown = {t.slug: gr.State((first, 1) if t.slug == FIRST else None) for t in TABS}
    address, photos = Address(), gr.State(None, time_to_live=PHOTOS_KEPT)
    with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
        for declared in TABS:
            slug = declared.slug
            with gr.Tab(declared.name, id=slug, elem_id=f"tab-{slug}") as pane:
                refresh = [shown[slug].change]
                declared.build(Context(library, checkpoint, refresh, address, photos))
            _follow_opening(pane, slug, tab, shown[slug], [checkpoint, visit])
    return Shell(library, top, tabs, checkpoint, fetched, tab, visit, shown, address)


def _follow_opening(
    pane: gr.Tab, slug: str, tab: gr.State, shown: gr.State, state: list[gr.State]
) -> None:
    """An opened tab shows the checkpoint picked."""

    def open_tab(key: str, visit: int) -> dict[Component, Any]:
        # A page selects its first tab by itself while it is put together; another is a visitor's.
        return {tab: slug, shown: (key, visit)} if visit or slug != FIRST else {tab: gr.skip()}

    pane.select(open_tab, state, [tab, shown], **QUIET)


def _follow_choices(shell: Shell) -> None:
    """Whatever is picked in the head is shown."""
    library, top = shell.library, shell.top
    came = gr.State(None)  # from the Hub, and what was shown when it was asked for

    @friendly
    def pick(event: gr.EventData) -> str:
        return library.get(event._data["key"]).key

    @friendly
    def show(key: str, fetched: list[str], tab: str, visit: int) -> dict[Component, Any]:
        """Whoever picked it: the head, a tab, or an address."""
        return shell.showing(key, fetched, tab, visit)

    @friendly
    def fetch(key: str | None, event: gr.EventData) -> Iterator[dict[Component, Any]]:
        repo_id = str(event._data["id"])
        for loading in beside(lambda: library.get(repo_id)):
            if not loading.done():
                yield {top: {"status": downloading(library, repo_id), "busy": True}}
        if (error := loading.exception()) is not None:
            yield {top: {"status": ""}}
            raise error
        yield {came: (loading.result().key, key)}

    @friendly
    def arrive(
        news: tuple[str, str | None], key: str | None, fetched: list[str], tab: str, visit: int
    ) -> dict[Component, Any]:
        """Show what came from the Hub, unless somebody picked something else meanwhile."""
        found, before = news
        fetched = [*fetched, found] if found not in [*library.names, *fetched] else fetched
        shown = shell.showing(found if key in (None, before) else key, fetched, tab, visit)
        return {shell.fetched: fetched, **shown}

    state = [shell.fetched, shell.tab, shell.visit]
    outputs = [shell.checkpoint, top, *shell.shown.values()]
    # Of two that are picked in a row, the second is meant.
    top.select(pick, None, shell.checkpoint, trigger_mode="multiple", **QUIET)
    shell.checkpoint.change(show, [shell.checkpoint, *state], outputs, **QUIET)
    fetching = top.submit(fetch, shell.checkpoint, [top, came], **QUIET)
    given = [came, shell.checkpoint, *state]
    fetching.success(arrive, given, [shell.fetched, *outputs], **QUIET)


def beside(work: Callable[[], Any], every: float = POLL) -> Iterator[Future]:
    """Do `work` in a thread; yields its future again and again, the last time when it is done.

    A visitor who leaves ends this in the loop that serves everybody, so it never waits for `work`.
    """
    worker = ThreadPoolExecutor(1)
    try:
        future = worker.submit(work)
        while wait([future], every).not_done:
            yield future
        yield future
    finally:
        worker.shutdown(wait=False)


def _follow_address(shell: Shell, app: gr.Blocks) -> None:
    """Set a page up from its address: when it opens, and after Back and Forward."""

    def restore(
        view: Mapping[str, Any], fetched: list[str], tab: str, visit: int
    ) -> dict[Component, Any]:
        key = view.get("checkpoint") or shell.library.names[0]
        try:
            key = shell.library.get(key).key
        except DvizError as error:
            gr.Warning(str(error))
            key = shell.library.names[0]
        if key not in [*shell.library.names, *fetched]:
            fetched = [*fetched, key]
        return {
            shell.visit: visit,
            shell.fetched: fetched,
            shell.tab: tab,
            **shell.address.restore(view),
            **shell.showing(key, fetched, tab, visit),
        }

    def arrive(opened: str, request: gr.Request) -> dict[Component, Any]:
        view = dict(request.query_params)
        # Whoever was quick enough to open a tab stays there.
        return restore(view, [], opened if opened != FIRST else _tab_of(view), 1)

    def return_to(fetched: list[str], visit: int, event: gr.EventData) -> dict[Component, Any]:
        view = dict(event._data["view"])
        tab = _tab_of(view)
        return {**restore(view, fetched, tab, visit + 1), shell.tabs: gr.Tabs(selected=tab)}

    outputs = [shell.visit, shell.fetched, shell.tab, shell.checkpoint, shell.top]
    outputs += [*shell.shown.values(), *shell.address.components]
    arrival = app.load(friendly(arrive), shell.tab, outputs, **QUIET)
    js = f"(top) => window.dviz.arrive(top.key, top.first, {json.dumps(FIRST)})"
    arrival.then(None, shell.top, js=js)
    back = [shell.fetched, shell.visit]
    shell.top.apply(friendly(return_to), back, [*outputs, shell.tabs], **QUIET)


def _tab_of(view: Mapping[str, Any]) -> str:
    """Slug of the tab that a view names."""
    return next((tab.slug for tab in TABS if tab.slug == view.get("tab")), FIRST)


def script(name: str) -> str:
    """A script of ours as an element of the page's head."""
    return f"<script>{(STATIC / 'js' / name).read_text('utf-8')}</script>"


def launch_options(library: Library) -> dict[str, Any]:
    """How `build_app`'s page is to be launched: its looks, limits on what strangers send, and the
    addresses of decoders and thumbnails."""
    theme = gr.themes.Default(
        primary_hue="blue", neutral_hue="slate", font=FONT, font_mono=MONO, radius_size="md"
    ).set(
        block_info_text_color="*neutral_500",
        body_text_color_subdued="*neutral_500",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
    )
    routes = [
        decoder_route(library),
        points_route(library),
        thumbnail_route(library),
        health_route(library),
    ]
    return {
        "theme": theme,
        "css_paths": sorted(STATIC.glob("*.css")),
        "max_file_size": LIMITS.upload_bytes,
        "state_session_capacity": LIMITS.sessions,
        "run_history": False,
        "ssr_mode": False,
        "_frontend": False,  # or a first page that takes three seconds, being cold, ends the app
        "footer_links": ["api"],
        "head": "".join(map(script, HEAD)),
        "app_kwargs": {
            "routes": routes,
            "middleware": [Middleware(Guard, folder=use_scratch_folder())],
        },
    }
