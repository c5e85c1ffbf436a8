"""The real page: the matrix reordered, explained, compared with the ideal and taken away."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from dviz.ui.core.library import Library
from tests.browser.test_page import open_tab, wait_for_change
from tests.ui.material import NAMES

SOURCE, DIRECT, TUNED = NAMES
ROWS = ".matrix .ytick text"


@pytest.fixture
def association_tab(look):
    page = look()
    open_tab(page, "Association (OMES)")
    expect(page.locator(".matrix .annotation").first).to_be_visible()
    return page


def test_intervals_bars_ideal_and_change_stand_beside_the_matrices(association_tab):
    page = association_tab
    expect(page.locator(".score").first).to_contain_text(re.compile(r"95% interval|Too few"))
    expect(page.locator(".block.bars:visible")).to_have_count(3)
    expect(page.locator("#ideal-words")).to_contain_text("1 − 1/(values − 1)")
    expect(page.locator("#ideal-matrix .annotation").first).to_be_visible()
    expect(page.locator("#change-matrix .annotation").first).to_contain_text(
        re.compile(r"[+−]\.\d\d")
    )


def test_rows_are_reordered(association_tab):
    page = association_tab
    before = page.locator(ROWS).all_text_contents()
    page.locator("#order input").click()
    page.get_by_role("option", name="position y").click()
    expect(page.locator(ROWS)).not_to_have_text(before)


def test_a_cell_explains_itself(association_tab):
    page = association_tab
    plot = page.locator(".matrix .js-plotly-plot").first
    plot.scroll_into_view_if_needed()
    box = plot.locator(".heatmaplayer image, .heatmaplayer .hm").first.bounding_box()
    page.mouse.move(box["x"] + 12, box["y"] + 12)
    page.mouse.move(box["x"] + 15, box["y"] + 14)
    expect(plot.locator(".hoverlayer")).to_contain_text("S = 0.")


def test_a_chart_is_saved_as_a_picture_and_as_data(association_tab, checkpoints):
    page = association_tab
    tools = page.locator(".matrix .figure-tools").first
    heads = {"PNG": b"\x89PNG", "SVG": b"<svg", "CSV": b","}
    for kind, head in heads.items():
        with page.expect_download() as download:
            tools.get_by_role("button", name=kind).click()
        path = Path(download.value.path())
        assert path.read_bytes().startswith(head)
        assert re.fullmatch(
            rf"dviz-association-\d+\.{kind.lower()}", download.value.suggested_filename
        )
    header, *rows = csv.reader(path.read_text().splitlines())
    result = Library(checkpoints).get(SOURCE).result
    assert header[1:] == result.factors
    for name, *values in rows:
        expected = result.association_matrix[int(name[1:])]
        assert np.allclose([float(v or "nan") for v in values], expected, equal_nan=True)


def test_the_picker_finds_by_target(page):
    page.locator("#checkpoint input").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("things")
    expect(page.locator("ul[role=listbox] [role=option]")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.locator("#summary")).to_contain_text("things")


def test_a_transfer_is_diagnosed(look):
    page = look()
    open_tab(page, "Probes & transfer")
    expect(page.locator("#lineage li")).to_have_count(3)
    expect(page.locator("#findings")).to_contain_text("+20.0 points")
    expect(page.locator("#distance")).to_contain_text("was not measured")
    assert wait_for_change(page, "#findings", "", "innerText")
