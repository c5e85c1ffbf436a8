"""The real page in a real browser, on the small checkpoints."""

import re

import pytest
from playwright.sync_api import expect

from dviz.ui.parts.photo_page import EMPTY
from tests.browser.conftest import HUB_ID
from tests.ui.material import NAMES

SOURCE, DIRECT, TUNED = NAMES
TABS = ("Traverse", "Photos", "Association (OMES)", "Transfer")
PICTURE = "#panel .now canvas"


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()


def pick(page, name):
    chip = page.locator(f'.family-line [data-key="{name}"]')
    chip.click()
    expect(chip).to_have_attribute("aria-current", "true")


def open_folds(page, summaries, count):
    """Open all there are, once there are so many."""
    expect(summaries).to_have_count(count)
    for k in range(count):
        if not summaries.nth(k).evaluate("e => e.parentElement.open"):
            summaries.nth(k).click()


def wait_for_change(page, selector, before, attribute="src"):
    """Wait until an attribute (or the text) of an element is another one; the new one."""
    read = (
        f"e => e.{attribute}" if attribute == "innerText" else f"e => e.getAttribute('{attribute}')"
    )
    page.wait_for_function(
        f"([s, before]) => {{ const e = document.querySelector(s);"
        f" return e && ({read})(e) && ({read})(e) !== before; }}",
        arg=[selector, before],
    )
    return page.locator(selector).first.evaluate(read)


def drag(page, slider, share):
    """Drag a slider's thumb to a share of its length with the mouse."""
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    low, high, value = (
        float(slider.get_attribute("min")),
        float(slider.get_attribute("max")),
        float(slider.input_value()),
    )
    height = box["y"] + box["height"] / 2
    thumb = 8 + (box["width"] - 16) * (value - low) / (high - low)
    page.mouse.move(box["x"] + thumb, height)
    page.mouse.down()
    page.mouse.move(box["x"] + share * box["width"], height, steps=8)
    return page.mouse.up


@pytest.mark.parametrize(("width", "scheme"), [(420, "dark"), (1280, "light")])
def test_every_tab_opens_and_nothing_sticks_out(look, width, scheme):
    page = look(width, scheme)
    expect(page).to_have_title(re.compile("^dviz"))
    landmarks = (
        ".strip canvas[data-painted]",
        "#photo-bar .tries img",
        ".matrix .annotation",
        "#transfer .slope",
    )
    for name, landmark in zip(TABS, landmarks, strict=True):
        open_tab(page, name)
        page.locator(landmark).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_photograph_is_read_and_its_sliders_come_with_it(page, photograph, tmp_path):
    fake = tmp_path / "notes.png"
    fake.write_text("this is a text")
    open_tab(page, "Photos")
    page.locator("#photos input[type=file]").set_input_files([fake, photograph])
    expect(page.locator(".card", has_text="notes.png")).to_contain_text("not a picture")
    expect(page.locator("#photo-panel .caption")).to_contain_text("flower.png, ")
    expect(page.locator("#photo-panel .original canvas")).to_be_visible()
    expect(page.locator("#photo-panel .chips a")).to_have_count(0)  # one is there already
    expect(page.locator("#photo-bar .tries .tile")).to_have_count(len(NAMES))
    page.locator("#photo-words summary", has_text="The code in numbers").click()
    expect(page.locator("#photo-words tbody tr").first).to_be_attached()
    slider = page.locator("#photo-panel .dial input").first
    before = page.locator("#photo-panel .now canvas").get_attribute("data-painted")
    slider.focus()
    page.keyboard.press("PageUp")
    wait_for_change(page, "#photo-panel .now canvas", before, "data-painted")
    page.get_by_label("Clear").click()
    expect(page.locator("#photo-words")).to_contain_text(EMPTY)
    expect(page.locator("#photo-panel .panel")).to_be_hidden()


def test_alpha_and_pooling_change_the_scores(page):
    open_tab(page, "Association (OMES)")
    score = ".total.omes dd"
    expect(page.locator(f"{score}:visible")).to_have_count(3)
    before = page.locator(score).all_inner_texts()
    assert all(re.fullmatch(r"0\.\d{3}", text) for text in before)
    release = drag(page, page.locator("#alpha input[type=range]"), 0.95)
    wait_for_change(page, score, before[0], "innerText")
    release()
    dragged = page.locator(score).first.inner_text()
    page.get_by_label("max", exact=True).click()
    wait_for_change(page, score, dragged, "innerText")
    expect(page.locator(".matrix:visible")).to_have_count(3)


@pytest.mark.parametrize(("width", "scheme"), [(420, "dark"), (1280, "light")])
def test_score_tables_show_their_last_column(look, width, scheme):
    page = look(width, scheme)
    open_tab(page, "Association (OMES)")
    open_folds(page, page.locator("summary:visible", has_text="Scores by factor"), 3)
    tables = page.locator(".score-table:visible")
    expect(tables).to_have_count(3)
    for table in tables.all():
        assert table.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_a_transfer_is_told_in_a_sentence_and_a_chart_a_factor(look):
    page = look()
    open_tab(page, "Transfer")
    expect(page.locator(".verdict-line")).to_contain_text("Fine-tuning")
    expect(page.locator(".slope")).to_have_count(4)
    expect(
        page.get_by_role("img", name=re.compile("^thing: direct 40%, tuned 60%"))
    ).to_be_visible()
    open_folds(page, page.locator("#transfer summary"), 2)
    expect(page.locator("#transfer .findings")).to_contain_text("+20.0 ± 1.6 points")
    table = page.locator("#transfer table", has_text="gain, all").first
    expect(table.get_by_role("row", name="random, all")).to_be_visible()
    expect(table.get_by_role("row", name="gain, all")).to_contain_text("+20.0")


def test_another_checkpoint_changes_every_tab(page):
    pick(page, TUNED)
    expect(page.get_by_role("slider", name=re.compile("← .*size"))).to_be_visible()
    expect(page.locator(".current")).to_contain_text("things")
    open_tab(page, "Photos")
    expect(page.locator("#photo-bar .tries .tile[aria-pressed=true]")).to_have_count(1)


@pytest.mark.parametrize("tab", ["Photos", "Association (OMES)", "Datasets"])
def test_nothing_shows_through_the_picker(look, tab):
    page = look()
    open_tab(page, tab)
    page.locator(".gradio-container .block:visible").nth(1).wait_for()
    page.locator(".current").click()
    page.locator(".families").evaluate("e => { e.style.minHeight = '500px'; }")  # as of many
    through = page.locator(".picker").evaluate(
        """picker => {
          const { left, right, top, bottom } = picker.getBoundingClientRect(), found = [];
          for (let y = top + 8; y < Math.min(bottom, innerHeight) - 8; y += 8) {
            for (let x = left + 8; x < right - 8; x += 8) {
              const hit = document.elementFromPoint(x, y);
              if (!hit.closest("#top")) found.push(hit.outerHTML);
            }
          }
          return found;
        }"""
    )
    page.keyboard.press("Escape")
    assert not through


def test_a_pick_leaves_the_chips_where_they_are(page):
    chips = page.locator(".family-line .chip")
    before = [chip.bounding_box() for chip in chips.all()]
    pick(page, TUNED)
    expect(page.locator(".current")).to_contain_text("things")
    assert [chip.bounding_box() for chip in chips.all()] == before


def test_folds_stay_as_the_reader_left_them(page):
    open_tab(page, "Association (OMES)")
    folds = page.locator("details:visible", has_text="Scores by factor")
    open_folds(page, folds.locator("summary"), 3)
    folds.nth(1).locator("summary").click()
    score = page.locator(".total.omes dd").first
    before = score.inner_text()
    page.locator("#alpha input[type=number]").fill("1")
    page.locator("#alpha input[type=number]").press("Enter")
    expect(score).not_to_have_text(before)
    expect(folds.first).to_have_attribute("open", "")
    expect(folds.nth(1)).not_to_have_attribute("open", "")
    expect(folds.nth(2)).to_have_attribute("open", "")


def ask_the_hub(page, repo_id):
    page.locator(".current").click()
    page.locator(".picker .more").evaluate("e => { e.open = true; }")
    page.get_by_label("Its id there").fill(repo_id)
    page.get_by_role("button", name="Load", exact=True).click()


def test_a_checkpoint_comes_from_the_hub(page):
    ask_the_hub(page, HUB_ID)
    expect(page.locator(f'.source-card[data-key="{HUB_ID}"]')).to_have_attribute(
        "aria-current", "true"
    )
    expect(page.locator(".picker")).to_be_hidden()
    page.wait_for_url(re.compile("checkpoint=ada%2Fsprites"))
    expect(page.get_by_role("slider", name=re.compile("← .*position x"))).to_be_visible()
    open_tab(page, "Association (OMES)")
    expect(page.locator(".matrix:visible")).to_have_count(1)


@pytest.mark.parametrize("repo_id", ["ada/nothing", "no id at all", "../../etc"])
def test_a_hub_id_that_leads_nowhere_is_explained(look, repo_id):
    page = look()
    ask_the_hub(page, repo_id)
    toast = page.get_by_test_id("toast-body")
    expect(toast).to_be_visible()
    assert re.search("no model|not the id|no checkpoint", toast.inner_text())
    expect(page.locator(".family-line [aria-current]")).to_have_attribute("data-key", SOURCE)
    expect(page.get_by_role("button", name="Load", exact=True)).to_be_enabled()
    page.keyboard.press("Escape")
    page.get_by_test_id("toast-close").click()
    expect(toast).to_be_hidden()


def test_on_a_phone_it_is_said_what_this_is_and_charts_stand_in_pairs(look):
    page = look(420, "dark")
    expect(page.locator(".masthead p")).to_be_visible()
    open_tab(page, "Transfer")
    slopes = page.locator("#transfer .slopes").first.locator(".slope")
    slopes.first.wait_for()
    assert slopes.nth(0).bounding_box()["y"] == slopes.nth(1).bounding_box()["y"]


def test_on_a_phone_the_picture_stays_in_view(open_page):
    page = open_page(420)
    slider = page.locator("#panel .dials > .dial-list .dial input").last
    slider.evaluate("e => e.scrollIntoView({ block: 'end' })")
    before = page.get_attribute(PICTURE, "data-painted")
    release = drag(page, slider, 0.1)
    wait_for_change(page, PICTURE, before, "data-painted")
    release()
    assert -1 <= page.locator(PICTURE).bounding_box()["y"] < slider.bounding_box()["y"] - 100
