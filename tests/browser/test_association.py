"""The real page: the matrix explained and taken away; checkpoints found."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from dviz.ui.core.library import Library
from tests.browser.test_page import open_tab
from tests.ui.material import NAMES

SOURCE, DIRECT, TUNED = NAMES


@pytest.fixture
def association_tab(look):
    page = look()
    open_tab(page, "Association (OMES)")
    expect(page.locator(".matrix .annotation").first).to_be_visible()
    return page


def test_intervals_and_the_change_stand_beside_the_matrices(association_tab):
    page = association_tab
    expect(page.locator(".score").first).to_contain_text(re.compile(r"95% interval|Too few"))
    expect(page.locator("#change-matrix .annotation").first).to_contain_text(
        re.compile(r"[+−]\.\d\d")
    )


def test_a_cell_explains_itself(association_tab):
    page = association_tab
    plot = page.locator(".matrix .js-plotly-plot").first
    plot.scroll_into_view_if_needed()
    box = plot.locator(".heatmaplayer image, .heatmaplayer .hm").first.bounding_box()
    page.mouse.move(box["x"] + 12, box["y"] + 12)
    page.mouse.move(box["x"] + 15, box["y"] + 14)
    expect(plot.locator(".hoverlayer")).to_contain_text("S = 0.")


def test_names_of_dimensions_are_as_readable_as_those_of_factors(association_tab):
    plot = association_tab.locator(".matrix").first
    inks = [
        plot.locator(name).first.evaluate("node => getComputedStyle(node).fill")
        for name in (".ytick a", ".xtick text")
    ]
    assert inks[0] == inks[1]


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


def test_the_picker_finds_by_target(look):
    page = look()
    page.locator(".current").click()
    search = page.get_by_label("Search checkpoints")
    expect(search).to_be_focused()
    search.fill("things fine-tuned")
    expect(page.locator(".family:visible")).to_have_count(1)
    search.fill("nowhere")
    expect(page.locator(".family:visible")).to_have_count(0)
    expect(page.get_by_text("No checkpoint matches")).to_be_visible()
    search.fill("")
    page.keyboard.press("Escape")
    expect(page.locator(".picker")).to_be_hidden()
    expect(page.locator(".current")).to_be_focused()
