"""One app and one browser for all tests here; a fresh page for each, with a calm console."""

import os

import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from scripts.benchmarks.page import BROWSER_FLAGS, NO_BROWSER, find_chromium, running_app
from tests import hub_server
from tests.ui.material import NAMES

PAINTED = "#panel [data-painter]"  # the panel knows who paints, and has painted
HUB_ID = "ada/sprites"
PATIENCE = 20_000  # milliseconds; a busy machine is no failure


@pytest.fixture(scope="session")
def browser():
    path = find_chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(NO_BROWSER)
        pytest.skip(NO_BROWSER)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def url(browser, checkpoints, tmp_path_factory):
    """The running app; its Hub is one of ours, which holds a checkpoint under HUB_ID."""
    home = tmp_path_factory.mktemp("hub")
    with hub_server.running() as hub:
        hub.commit(HUB_ID, {f.name: f.read_bytes() for f in (checkpoints / NAMES[0]).iterdir()})
        settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
        with running_app(checkpoints, **settings) as url:
            yield url


@pytest.fixture(scope="session")
def context(browser):
    """One cache for all pages, as a person's browser has."""
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def open_page(context, url):
    """Open the page at a width and in a colour scheme; nothing may complain in its console."""
    pages, complaints = [], []

    def hear(message):
        if message.type == "error":
            complaints.append(message.text)

    def watch(request):
        if not request.url.startswith((url, "data:", "blob:")):
            complaints.append(f"the page asks for {request.url}")

    def open_page(width=1280, scheme="light", path=""):
        page = context.new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", hear)
        page.on("request", watch)
        page.goto(url + path)
        # A page that opens on another tab leaves the panel for when it is asked for.
        elsewhere = "tab=" in path and "tab=traverse" not in path
        page.wait_for_selector("#panel" if elsewhere else PAINTED, state="attached")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert not complaints


@pytest.fixture
def page(open_page):
    return open_page()


@pytest.fixture(scope="session")
def photograph(tmp_path_factory):
    """A real photograph as a file."""
    path = tmp_path_factory.mktemp("photos") / "flower.png"
    Image.fromarray(load_sample_image("flower.jpg")).save(path)
    return path
