"""A page for every dimension on the real page."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.test_page import open_tab, pick
from tests.ui.material import NAMES

CONTENT = "#dimension-page .stage-column"


def test_a_dimension_is_shown_for_every_stage(open_page):
    page = open_page(path="?tab=dimension")
    expect(page.locator(CONTENT)).to_have_count(3)
    expect(page.locator(".stage-column.source .band img")).to_have_count(30)
    page.locator("#dimension label").nth(2).click()
    name = page.locator("#dimension label").nth(2).inner_text().split()[0]
    expect(page.locator(".dimension-verdict").first).to_contain_text(name)


def test_another_stage_shows_the_same_dimension(open_page):
    page = open_page(path="?tab=dimension&dim=2&by=shape")
    chosen = page.locator("#dimension input:checked")
    expect(chosen).to_have_value("2")
    pick(page, NAMES[-1])
    expect(page).to_have_url(re.compile("checkpoint=.*dim=2|dim=2.*checkpoint="))
    expect(page).to_have_url(re.compile("by=shape"))
    page.go_back()
    expect(page.locator(".family-line [aria-current]")).to_have_attribute("data-key", NAMES[0])
    page.go_forward()
    expect(page.locator(".family-line [aria-current]")).to_have_attribute("data-key", NAMES[-1])
    expect(page.locator(CONTENT)).to_have_count(3)
    expect(chosen).to_have_value("2")


@pytest.mark.parametrize(("width", "scheme"), [(420, "dark"), (1280, "light")])
def test_the_page_is_accessible(look, width, scheme):
    page = look(width, scheme)
    open_tab(page, re.compile("^Dimension$"))
    expect(page.locator(CONTENT)).to_have_count(3)
    for table in page.locator(".ties").all():
        table.locator("tbody th").first.evaluate("e => { e.textContent = 'lamp '.repeat(12); }")
        assert table.evaluate("e => e.scrollWidth <= e.clientWidth")
    found = Axe().run(page).response["violations"]
    assert not found, [(v["id"], v["nodes"][0]["html"]) for v in found]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
