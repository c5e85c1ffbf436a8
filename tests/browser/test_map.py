"""The map of codes on the real page: points, hover, lasso, path, and the way to the sliders."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from dviz.ui.core.library import Library
from tests.browser.test_page import open_tab
from tests.ui.material import NAMES

SOURCE, DIRECT, TUNED = NAMES
POINTS = "#map .points"


def open_map(page):
    open_tab(page, "Map")
    page.wait_for_selector("#map [data-points]", state="attached")
    expect(page.locator("#map .map-edge.across canvas").first).to_be_attached()


@pytest.fixture
def map_page(open_page):
    page = open_page(path="?tab=map")
    open_map(page)
    return page


def box_of(page):
    points = page.locator(POINTS)
    points.scroll_into_view_if_needed()
    return points.bounding_box()


def point_at_one(page):
    """Move the mouse until there is a sample under it; its row."""
    box, hover = box_of(page), page.locator("#map .map-hover[data-row]")
    for step in range(1, 40):
        page.mouse.move(box["x"] + 16 * step, box["y"] + 10 * step % box["height"])
        if hover.count() and hover.is_visible():
            return int(hover.get_attribute("data-row")), box
    raise AssertionError("no sample was met")


def lasso(page, share):
    """Draw a rectangle over the left part of the map."""
    page.locator("[data-tool=lasso]").click()
    box = box_of(page)
    right, bottom = box["x"] + share * box["width"], box["y"] + box["height"] - 2
    page.mouse.move(box["x"] + 2, box["y"] + 60)
    page.mouse.down()
    for x, y in ((right, box["y"] + 60), (right, bottom), (box["x"] + 2, bottom)):
        page.mouse.move(x, y, steps=3)
    page.mouse.up()


def test_a_click_loads_the_sliders_with_the_code_the_point_has(map_page, checkpoints):
    row, _ = point_at_one(map_page)
    expect(map_page.locator("#map .decoded[data-painted]")).to_be_visible()
    expect(map_page.locator("#map .genuine")).to_be_visible()
    map_page.mouse.down()
    map_page.mouse.up()
    tab = map_page.get_by_role("tab", name="Traverse")
    expect(tab).to_have_attribute("aria-selected", "true")
    map_page.wait_for_selector("#panel [data-painter]", state="attached")
    sliders = map_page.locator("#panel .dial input")
    expected = Library(checkpoints).get(SOURCE).sample[0][row]
    for slider in sliders.all():
        value = float(slider.input_value())
        assert abs(value - expected[int(slider.get_attribute("data-dimension"))]) <= 0.006
    map_page.wait_for_url(re.compile("z="))
    written = re.search(r"[?&]z=([^&]*)", map_page.url)[1]
    assert np.allclose([float(value) for value in written.split(",")], expected, atol=6e-4)


def test_a_point_stays_the_start_of_its_sliders(map_page, checkpoints):
    row, _ = point_at_one(map_page)
    map_page.mouse.down()
    map_page.mouse.up()
    expect(map_page.get_by_role("tab", selected=True)).to_have_text("Traverse")
    change = map_page.locator("#panel .change")
    expect(change).to_contain_text("0.0%")
    expect(map_page.locator("#panel .dial .undo:enabled")).to_have_count(0)
    map_page.wait_for_url(re.compile("z="))
    there = map_page.url
    slider = map_page.locator("#panel .dial input").first
    slider.focus()
    low, high, value = (float(slider.evaluate(f"e => e.{k}")) for k in ("min", "max", "value"))
    map_page.keyboard.press("PageUp" if value < (low + high) / 2 else "PageDown")
    expect(map_page).not_to_have_url(there)
    moved = slider.input_value()
    map_page.go_back()
    expect(map_page.get_by_role("tab", selected=True)).to_have_text("Map")
    map_page.go_forward()
    expect(map_page.get_by_role("tab", selected=True)).to_have_text("Traverse")
    expect(map_page.locator("#panel .dial .undo:enabled")).to_have_count(1)
    expect(slider).to_have_value(moved)
    map_page.get_by_role("button", name="Back to the start").click()
    expect(change).to_contain_text("0.0%")
    expected = Library(checkpoints).get(SOURCE).sample[0][row]
    for slider in map_page.locator("#panel .dial input").all():
        value = float(slider.input_value())
        assert abs(value - expected[int(slider.get_attribute("data-dimension"))]) <= 0.001


def test_a_lasso_says_what_samples_share_and_gives_them_away(map_page):
    lasso(map_page, 0.35)
    expect(map_page.locator(".map-picked h2")).to_contain_text("samples share")
    expect(map_page.locator(".map-words li").first).to_be_visible()
    expect(map_page.locator(".map-bars figure")).to_have_count(6)
    assert not Axe().run(map_page).response["violations"]
    with map_page.expect_download() as download:
        map_page.locator(".save-picked").click()
    header, *rows = csv.reader(Path(download.value.path()).read_text().splitlines())
    assert header[0] == "sample"
    assert f"{len(rows):,} samples share" == map_page.locator(".map-picked h2").inner_text()
    map_page.locator(".clear-picked").click()
    expect(map_page.locator(".map-picked")).to_be_hidden()


def test_a_path_becomes_a_film(map_page):
    map_page.locator("[data-tool=path]").click()
    _, box = point_at_one(map_page)
    map_page.mouse.down()
    map_page.mouse.up()
    for share in (0.5, 0.6, 0.7):  # until another sample is near
        map_page.mouse.click(box["x"] + share * box["width"], box["y"] + share * box["height"])
    expect(map_page.locator(".map-path-words")).to_contain_text(re.compile(r"\d samples, \d+ pic"))
    expect(map_page.locator(".film[data-painted]")).to_be_visible()
    with map_page.expect_download() as download:
        map_page.locator(".save-path").click()
    assert Image.open(download.value.path()).n_frames > 1


def test_source_and_target_are_seen_in_one_map(map_page):
    before = int(
        map_page.locator("#map [data-points], #map[data-points]").first.get_attribute("data-points")
    )
    map_page.locator(".map-stages label.fine-tuned").click()
    expect(map_page.locator(".map-shift tbody tr")).to_have_count(2)
    after = int(
        map_page.locator("#map [data-points], #map[data-points]").first.get_attribute("data-points")
    )
    assert after > before
    expect(map_page.locator(".map-legend button")).to_have_count(2)
    map_page.wait_for_url(re.compile("shown=source"))


def test_a_map_has_an_address(map_page, open_page):
    map_page.locator(".axis-up").select_option("pc1")
    map_page.locator(".map-colour").select_option("shape")
    map_page.wait_for_url(re.compile("colour=shape"))
    other = open_page(path="?" + map_page.url.partition("?")[2])
    open_map(other)
    expect(other.locator(".axis-up")).to_have_value("pc1")
    expect(other.locator(".map-colour")).to_have_value("shape")


def test_a_click_opens_the_page_of_an_axis_and_back_returns(map_page):
    map_page.locator(".about-across").click()
    expect(map_page.locator(".dimension-verdict").first).to_be_visible()
    map_page.wait_for_url(re.compile("tab=dimension"))
    map_page.go_back()
    expect(map_page.get_by_role("tab", selected=True)).to_have_text("Map")


def test_keys_move_point_and_take(map_page):
    map_page.locator(POINTS).focus()
    hover = map_page.locator("#map .map-hover")
    for key in ["ArrowLeft", "ArrowUp", "+"] * 12:
        map_page.keyboard.press(key)
        if hover.is_visible():
            break
    expect(hover).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(420, "dark"), (1280, "light")])
def test_the_map_is_accessible(look, width, scheme):
    page = look(width, scheme)
    open_map(page)
    found = Axe().run(page).response["violations"]
    assert not found, [(v["id"], v["nodes"][0]["html"]) for v in found]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
