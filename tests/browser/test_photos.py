"""The real page: photos prepared, tried, blended, and their view shared."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_page import wait_for_change

NOW = "#photo-panel .now canvas"


def painted(page):
    """Wait for the panel; its picture."""
    page.wait_for_selector("#photo-panel [data-painter]", state="attached")
    return page.locator(NOW).evaluate("c => c.toDataURL()")


def pressed(page, group):
    return page.locator(f"#photo-bar .{group} .tile[aria-pressed=true]")


@pytest.fixture
def photos_tab(open_page):
    page = open_page(path="?tab=photos&photos=0,1")
    painted(page)
    return page


def test_a_view_and_a_reader_are_pictures_to_press_and_have_an_address(photos_tab, open_page, url):
    page = photos_tab
    caption = page.locator("#photo-panel .caption")
    page.locator("#photo-bar .views .tile", has_text="padded").click()
    expect(caption).to_contain_text("padded")
    page.locator("#photo-bar .tries .tile[aria-pressed=false]").first.click()
    expect(pressed(page, "tries")).to_have_count(1)
    page.wait_for_url(re.compile("reader="))
    link = page.locator("#photo-panel .dial .title a").first  # of the reader, whoever stands above
    assert pressed(page, "tries").inner_text()
    assert "checkpoint=" in link.get_attribute("href")
    page.locator("#photo-bar .shots .tile").nth(1).click()
    expect(pressed(page, "shots")).to_contain_text("A")
    page.wait_for_url(re.compile("photo=1"))
    expect(caption).to_contain_text("tower, ")
    told = caption.inner_text()
    slider = page.locator("#photo-panel .dial input").first
    slider.focus()
    page.keyboard.press("PageUp")
    page.wait_for_url(re.compile("photo_z="))
    value = slider.input_value()
    other = open_page(path=page.url.removeprefix(url))
    painted(other)
    expect(other.locator("#photo-panel .caption")).to_have_text(f"Started from {told}")
    expect(other.locator("#photo-panel .dial input").first).to_have_value(value)
    page.go_back()
    expect(pressed(page, "shots").locator("small")).to_have_text("A")
    expect(caption).not_to_have_text(told)


def test_two_photos_are_blended_and_one_gives_the_other_a_factor(photos_tab):
    page = photos_tab
    start = painted(page)
    blend = page.locator("#photo-panel .blend input")
    blend.focus()
    page.keyboard.press("End")
    wait = "([s, before]) => document.querySelector(s).toDataURL() !== before"
    page.wait_for_function(wait, arg=[NOW, start])
    values = page.locator("#photo-panel .dial input").evaluate_all("e => e.map((i) => i.value)")
    page.locator("#photo-panel .reset").click()
    page.wait_for_function(
        "([s, x]) => document.querySelector(s).toDataURL() === x", arg=[NOW, start]
    )
    gift = page.locator("#photo-panel .gift").first
    gift.drag_to(page.locator(NOW))
    dial = page.locator("#photo-panel .dial input").first
    expect(dial).to_have_value(values[0])


def test_one_photo_has_nothing_to_be_compared_with(open_page):
    page = open_page(path="?tab=photos")
    painted(page)
    expect(page.locator("#photo-panel .second")).to_be_hidden()
    expect(page.locator("#photo-bar .several")).to_be_hidden()
    expect(page.locator("#photo-words")).not_to_contain_text("All photos")
    before = page.locator("#photo-words").inner_text()
    page.locator("#examples button").nth(1).click()
    page.wait_for_url(re.compile("photos=0%2C1|photos=0,1"))
    wait_for_change(page, "#photo-words", before, "innerText")
    page.locator("#camera").get_by_role("button", name="More: camera or clipboard").click()
    expect(page.locator("#camera").get_by_label("Paste from clipboard")).to_be_visible()


def test_while_models_try_a_photo_the_one_before_is_marked_as_old(photos_tab, photograph):
    page = photos_tab
    panel, status = page.locator("#photo-panel"), page.locator("#photo-status")
    expect(panel).to_have_attribute("aria-busy", "false")
    expect(status.locator(".note")).to_have_count(0)
    page.evaluate(
        """() => {
          const panel = document.querySelector("#photo-panel");
          window.marks = [];
          new MutationObserver(() => window.marks.push([
            panel.getAttribute("aria-busy"),
            document.querySelector("#photo-status .note")?.textContent ?? "",
            document.querySelector("#photo-panel .caption").textContent.includes("flower.png"),
          ])).observe(panel, { attributeFilter: ["aria-busy"] });
        }"""
    )
    page.locator("#photos input[type=file]").set_input_files([photograph])
    expect(page.locator("#photo-panel .caption")).to_contain_text("flower.png")
    expect(panel).to_have_attribute("aria-busy", "false")
    busy, idle = page.evaluate("window.marks")
    assert busy == ["true", "Every model tries …", False]
    assert idle[:2] == ["false", ""]
    assert page.locator("#examples").bounding_box()["y"] < status.bounding_box()["y"]
    assert status.bounding_box()["y"] <= page.locator("#photo-bar").bounding_box()["y"]


def test_one_s_own_photo_starts_anew_and_back_leaves_it_alone(photos_tab, photograph):
    page = photos_tab
    slider = page.locator("#photo-panel .dial input").first
    start = slider.input_value()
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_url(re.compile("photo_z="))
    moved = slider.input_value()
    page.locator("#photos input[type=file]").set_input_files([photograph])
    expect(page.locator("#photo-panel .caption")).to_contain_text("flower.png")
    expect(slider).not_to_have_value(moved)
    assert "photos=none" in page.url
    assert "photo_z" not in page.url
    page.locator("#photo-bar .views .tile[aria-pressed=false]").first.click()
    page.wait_for_url(re.compile("view="))
    page.go_back()
    expect(page.locator("#photo-panel .caption")).to_contain_text("flower.png")
    expect(page.locator("#photo-panel .second")).to_be_hidden()
    assert start != moved
