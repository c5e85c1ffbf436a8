"""A cyclic factor that owns two dimensions has one slider, which leads around its circle."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import expect

from dviz.checkpoint import CONFIG, REPORT
from dviz.cli.benchmarks.page import running_app
from dviz.measuring.report import read_report, write_report
from tests.browser.conftest import PAINTED
from tests.browser.test_traverse import pixels, wait_for_other_pixels
from tests.ui.material import NAMES

SOURCE = NAMES[0]
SAME = "before => document.querySelector('#panel .now canvas').toDataURL() === before"


@pytest.fixture
def page(checkpoints, tmp_path, context, pages):
    """The page of a Source whose orientation owns z3 and z4."""
    folder = tmp_path / SOURCE
    shutil.copytree(checkpoints / SOURCE, folder)
    config = json.loads((folder / CONFIG).read_text())
    config["training"]["cyclic_dimensions"] = 2
    (folder / CONFIG).write_text(json.dumps(config))
    report = read_report(folder / REPORT)
    results = {
        name: replace(result, active=[True] * len(result.active), moves=[])
        for name, result in report.results.items()
    }
    write_report(folder / REPORT, replace(report, results=results))
    with running_app(tmp_path) as url:
        page = context.new_page()
        page.on("pageerror", lambda error: pages.complaints.append(str(error)))
        page.goto(url)
        page.wait_for_selector(PAINTED, state="attached")
        yield page
        page.close()


def plane(page):
    """Where z3 and z4 stand."""
    values = [page.locator(f".alone input[data-dimension='{d}']").input_value() for d in (3, 4)]
    return np.array(values, dtype=float)


def test_it_turns_both_goes_round_and_back(page):
    slider = page.get_by_role("slider", name="z3, z4 ← orientation")
    expect(page.locator(".alone summary")).to_have_text("z3 and z4, each alone")
    assert page.locator("#panel .strip").count() == page.locator("#panel .dials .dial").count() - 1
    before, begun = pixels(page), plane(page)
    slider.focus()
    page.keyboard.press("PageUp")
    wait_for_other_pixels(page, before)
    assert not np.isclose(plane(page), begun, atol=1e-3).any()
    for _ in range(9):
        page.keyboard.press("PageUp")  # a tenth of the circle each
    low, high = (float(slider.get_attribute(name)) for name in ("min", "max"))
    assert (low, high) == (-180, 180)
    page.wait_for_function(SAME, arg=before)
    assert plane(page) == pytest.approx(begun, abs=0.01)
    number = page.locator("#panel .dials .dial", has=slider).locator("output")
    expect(number).to_have_text(re.compile(r"-?\d+°"))
    told = f"z3, z4, orientation: {number.inner_text()}"
    expect(slider).to_have_attribute("aria-valuetext", told)
