"""Somebody's own model, as ONNX files, on every tab; with a decoder and without."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from dviz.checkpoint import REPORT
from dviz.cli.benchmarks.page import running_app
from dviz.measuring.external import save_external
from dviz.measuring.report import Report, write_report
from dviz.representations.onnx_files import OnnxRepresentation
from tests.browser.conftest import PAINTED
from tests.browser.test_page import open_tab, wait_for_change
from tests.representations.models import Discs, write_decoder, write_encoder
from tests.ui.material import made_up_scores

KINDS = ("painter", "looker")  # with a decoder, without
SAID = {"Map": "light", "Dimension": "light", "Association (OMES)": "light", "Transfer": "light"}


@pytest.fixture(scope="module")
def external(context, tmp_path_factory):
    """The address of an app that shows nothing but two external checkpoints."""
    root = tmp_path_factory.mktemp("external")
    encoder, decoder = write_encoder(root / "e.onnx"), write_decoder(root / "d.onnx")
    for name, way_back in zip(KINDS, (decoder, None), strict=True):
        model = OnnxRepresentation(encoder, way_back)
        settings = {"num_images": 240, "num_pairs": 60, "scores": False, "jobs": 1}
        result = save_external(root / name, model, Discs(), **settings)
        result = replace(result, probes=made_up_scores(result, 0.6))
        write_report(root / name / REPORT, Report({result.dataset: result}))
        model.close()
    with running_app(root) as url:
        yield url


@pytest.fixture
def shown(external, context, pages):
    opened = []

    def show(name):
        page = context.new_page()
        opened.append(page)
        page.on("pageerror", lambda error: pages.complaints.append(str(error)))
        page.goto(f"{external}?checkpoint={name}")
        page.wait_for_selector(PAINTED, state="attached")
        return page

    yield show
    for page in opened:
        page.close()


@pytest.mark.parametrize("name", KINDS)
def test_every_tab_works(shown, name):
    page = shown(name)
    expect(page.get_by_text("external model").first).to_be_visible()
    expect(page.locator("#panel [data-painter=server]")).to_have_count(1)
    note = page.locator("#panel .painted")
    if name == "painter":
        expect(note).to_be_hidden()
    else:
        expect(note).to_contain_text("this model has no decoder")
    canvas = page.locator("#panel .now canvas")
    before = canvas.get_attribute("data-painted")
    page.locator("#panel .dials > .dial-list .dial input").first.press("ArrowRight")
    wait_for_change(page, "#panel .now canvas", before, "data-painted")

    open_tab(page, "Photos")
    expect(page.locator("#photo-panel .caption")).not_to_be_empty()
    before = page.locator("#photo-words").inner_text()
    page.locator("#examples button").nth(1).click()
    wait_for_change(page, "#photo-words", before, "innerText")

    for tab, words in SAID.items():
        open_tab(page, tab)
        expect(page.get_by_role("tabpanel").filter(has_text=words).first).to_be_visible()
    expect(page.get_by_test_id("toast-body")).to_have_count(0)
