"""Everybody finds their way: nothing that axe finds, in any tab."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.test_page import open_tab

LANDMARKS = {
    "Photos": "#photo-panel .strip canvas[data-painted]",
    "Association (OMES)": ".matrix .figure-tools button",
    "Transfer": "#transfer .slope",
    "Your data": "#own-borrow",
    "Datasets": "#dataset-sheet img",
}


@pytest.mark.parametrize(("width", "scheme"), [(420, "dark"), (1280, "light")])
def test_tabs_are_accessible(look, width, scheme):
    page = look(width, scheme)
    for name, landmark in LANDMARKS.items():
        open_tab(page, name)
        page.locator(landmark).first.wait_for()
        page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
        assert "common." not in page.inner_text("body")  # a word that Gradio forgot to translate
        found = Axe().run(page).response["violations"]
        assert not found, [(name, v["id"], v["nodes"][0]["html"]) for v in found]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
