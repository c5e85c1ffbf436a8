"""Everybody finds their way: no serious finding of axe, and a short tour on the first visit."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.test_page import open_tab

LANDMARKS = {
    "Encode photos": "#codes .figure-tools button",
    "Association (OMES)": ".matrix .figure-tools button",
    "Probes & transfer": ".accuracy .figure-tools button",
    "Your data": "#own-borrow",
    "Datasets": "#dataset-sheet img",
}


@pytest.mark.parametrize(("width", "scheme"), [(420, "dark"), (1280, "light")])
def test_tabs_are_accessible(look, width, scheme):
    page = look(width, scheme)
    for name, landmark in LANDMARKS.items():
        open_tab(page, name)
        page.locator(landmark).first.wait_for()
        found = Axe().run(page).response["violations"]
        grave = [v for v in found if v["impact"] in ("serious", "critical")]
        assert not grave, [(name, v["id"], v["nodes"][0]["html"]) for v in grave]
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_first_visitor_is_shown_around_once(stranger, url):
    page = stranger.new_page()
    page.goto(url)
    tour = page.get_by_role("region", name="First visit")
    tour.get_by_role("button", name="drop in a photo").click()
    expect(page.get_by_role("tab", name="Encode photos")).to_have_attribute("aria-selected", "true")
    tour.get_by_role("button", name="Got it").click()
    expect(tour).to_be_hidden()
    page.wait_for_url(re.compile("tab=encode"))  # it is written a little later
    page.reload()
    page.locator("#cards .card img").first.wait_for()
    expect(page.locator("#tour section")).to_be_hidden()
