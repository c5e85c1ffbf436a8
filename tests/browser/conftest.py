"""One app and one browser for all tests here, and pages with a calm console.

A test that changes what a page shows has a fresh one; those that only look share one.
"""

import os

import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from dviz.cli.benchmarks.page import BROWSER_FLAGS, NO_BROWSER, find_chromium, running_app
from tests.publish import hub_server
from tests.ui.material import NAMES

PAINTED = "#panel [data-painter]"  # the panel knows who paints, and has painted
HUB_ID = "ada/sprites"
PATIENCE = 40_000  # milliseconds; a busy machine is no failure


@pytest.fixture(scope="session")
def context(tmp_path_factory):
    """One cache for all pages, as a person's browser has."""
    path = find_chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(NO_BROWSER)
        pytest.skip(NO_BROWSER)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        # With a folder of its own a browser keeps the compiled scripts too.
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("browser"),
            executable_path=path,
            args=BROWSER_FLAGS,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        yield context
        context.close()


@pytest.fixture
def stranger(context):
    """Somebody else's context, who has never been here."""
    other = context.browser.new_context()
    other.set_default_timeout(PATIENCE)
    yield other
    other.close()


@pytest.fixture(scope="session")
def url(context, checkpoints, tmp_path_factory):
    """The running app; its Hub is one of ours, which holds a checkpoint under HUB_ID."""
    home = tmp_path_factory.mktemp("hub")
    with hub_server.running() as hub:
        hub.commit(HUB_ID, {f.name: f.read_bytes() for f in (checkpoints / NAMES[0]).iterdir()})
        settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
        with running_app(checkpoints, **settings) as url:
            yield url


class Pages:
    """Opens the page, and hears what its console complains of."""

    def __init__(self, context, url):
        self.context, self.url, self.complaints, self.kept = context, url, [], {}
        # A context has six connections to a server, and every open page holds one.
        self.kept_context = context.browser.new_context(reduced_motion="reduce")
        self.kept_context.set_default_timeout(PATIENCE)

    def open(self, width=1280, scheme="light", path="", context=None):
        """A fresh page at a width and in a colour scheme."""
        page = (context or self.context).new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)
        page.on("request", self._watch)
        page.goto(self.url + path)
        # A page that opens on another tab leaves the panel for when it is asked for.
        elsewhere = "tab=" in path and "tab=traverse" not in path
        page.wait_for_selector("#panel" if elsewhere else PAINTED, state="attached")
        return page

    def look(self, width=1280, scheme="light"):
        """The page for tests that change no more than the tab that is open."""
        if (width, scheme) not in self.kept:
            self.kept[width, scheme] = self.open(width, scheme, context=self.kept_context)
        return self.kept[width, scheme]

    def check(self):
        """Nothing may have complained since the last check."""
        heard, self.complaints = self.complaints, []
        assert not heard

    def _hear(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def _watch(self, request):
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.complaints.append(f"the page asks for {request.url}")


@pytest.fixture(scope="session")
def pages(context, url):
    return Pages(context, url)


@pytest.fixture(autouse=True)
def _calm(pages):
    yield
    pages.check()


@pytest.fixture
def look(pages):
    return pages.look


@pytest.fixture
def open_page(pages):
    """Open a fresh page, for this test alone."""
    opened = []

    def open_page(*args, **kwargs):
        opened.append(pages.open(*args, **kwargs))
        return opened[-1]

    yield open_page
    for page in opened:
        page.close()


@pytest.fixture
def page(open_page):
    return open_page()


@pytest.fixture(scope="session")
def photograph(tmp_path_factory):
    """A real photograph as a file."""
    path = tmp_path_factory.mktemp("photos") / "flower.png"
    Image.fromarray(load_sample_image("flower.jpg")).save(path)
    return path
