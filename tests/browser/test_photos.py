"""The real page: photos prepared, judged, compared and taken away."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect

from dviz.ui.parts.cards import GUESSES
from dviz.ui.parts.compare import ONE_PHOTO
from dviz.ui.parts.neighbours import NEIGHBOURS
from tests.browser.test_page import open_tab, wait_for_change
from tests.ui.material import SHAPE

SEEN = "#cards .card .picture:nth-child(2) img"


@pytest.fixture
def photos_tab(look):
    return with_photos(look())


def with_photos(page):
    open_tab(page, "Encode photos")
    expect(page.locator("#cards .card")).to_have_count(1)
    return page


def test_preparation_shows_at_once_what_the_model_sees(page):
    with_photos(page)
    before = page.get_attribute(SEEN, "src")
    for choice in ("Pad to a square", "Black around object", "Black by border colour"):
        page.get_by_label(choice).click()
        before = wait_for_change(page, SEEN, before)
    page.locator("#tolerance input[type=number]").fill("150")
    page.locator("#tolerance input[type=number]").press("Enter")
    page.locator("#tolerance input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    wait_for_change(page, SEEN, before)
    assert page.locator("#cards img").first.evaluate("e => e.naturalWidth > 64")


def test_a_photo_unlike_the_dataset_is_judged_with_reasons(photos_tab):
    verdict = photos_tab.locator("#cards .verdict")
    expect(verdict).to_contain_text("Out of distribution")
    expect(verdict.locator("li").first).to_contain_text("usual")
    expect(photos_tab.locator("#cards .card img")).to_have_count(4)
    expect(photos_tab.locator("#cards .card")).to_contain_text(GUESSES)


def test_neighbours_by_all_codes_and_by_one_dimension(photos_tab):
    page = photos_tab
    expect(page.locator("#nearest img")).to_have_count(NEIGHBOURS)
    before = page.locator("#nearest").inner_text()
    page.locator("#near-by input").click()
    page.get_by_role("option", name="position x").click()
    wait_for_change(page, "#nearest", before, "innerText")
    expect(page.locator("#nearest")).to_contain_text("position x")


def test_two_photos_are_compared_and_swapped_and_taken_away(page):
    with_photos(page)
    expect(page.locator("#compared")).to_contain_text(ONE_PHOTO)
    page.locator("#examples button").nth(1).click()
    expect(page.locator("#examples button[aria-pressed=true]")).to_have_count(2)
    swaps = page.locator("#compared .swaps img")
    rows = page.locator("#compared tbody tr")
    expect(page.locator("#compared caption").first).to_contain_text("standard deviations")
    expect(rows.first.locator(".signed b")).to_be_visible()
    expect(swaps).to_have_count(rows.count() + 2)
    before = page.get_attribute("#compared .swaps img", "src")
    page.locator("#first input").click()
    page.get_by_role("option").nth(1).click()
    wait_for_change(page, "#compared .swaps img", before)
    with page.expect_download() as download:
        page.locator("#overview a", has_text="photos.csv").click()
    with Path(download.value.path()).open(newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 2
    assert {f"z{d}" for d in range(SHAPE.latent_size)} < set(found[0])
    expect(page.locator("#overview a", has_text="photos.json")).to_be_visible()


def test_a_picture_from_the_clipboard_or_camera_has_its_place(photos_tab):
    page = photos_tab
    page.locator("#camera").get_by_role("button", name="Camera or clipboard").click()
    expect(page.locator("#camera").get_by_label("Paste from clipboard")).to_be_visible()
