"""Somebody's own model, as ONNX files, on every tab: one paints and has two factors, the other
only looks, and its images have one label."""

import re
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import expect

from dviz.checkpoint import REPORT
from dviz.cli.benchmarks.page import running_app
from dviz.data.arrays import from_arrays
from dviz.measuring.external import save_external
from dviz.measuring.report import Report, write_report
from dviz.representations.onnx_files import OnnxRepresentation
from tests.browser.test_page import open_tab, wait_for_change
from tests.representations.models import Discs, write_decoder, write_encoder
from tests.ui.material import made_up_scores

KINDS = ("painter", "looker")
NOW = "#panel .now canvas"
FIRST_PLOT = 120_000  # milliseconds; no other test opened one of this app, and Plotly is large


def labelled_once():
    images, classes = Discs().sample(240, np.random.default_rng(0))
    return from_arrays(images, classes[:, 0], names=["light"], name="lamps")


@pytest.fixture(scope="module")
def external(context, tmp_path_factory):
    """The address of an app that shows nothing but two external checkpoints."""
    root = tmp_path_factory.mktemp("external")
    encoder, decoder = write_encoder(root / "e.onnx"), write_decoder(root / "d.onnx")
    settings = {"num_images": 240, "num_pairs": 60, "scores": False, "jobs": 1}
    for name, way_back, dataset in zip(
        KINDS, (decoder, None), (Discs(), labelled_once()), strict=True
    ):
        model = OnnxRepresentation(encoder, way_back)
        result = save_external(root / name, model, dataset, **settings)
        result = replace(result, probes=made_up_scores(result, 0.6))
        if way_back:  # so far off on its own images that no photo is worse
            result = replace(result, mse=1.0)
        else:  # as of a sample in which too few images differ
            result = replace(result, association=[[None] for _ in result.active], num_pairs=0)
        write_report(root / name / REPORT, Report({result.dataset: result}))
        model.close()
    with running_app(root) as url:
        yield url


@pytest.fixture
def shown(external, context, pages):
    opened = []

    def show(name, tab):
        page = context.new_page()
        opened.append(page)
        page.on("pageerror", lambda error: pages.complaints.append(str(error)))
        page.on("console", pages._hear)
        page.goto(f"{external}?checkpoint={name}&tab={tab}")
        expect(page.locator("#top .current b")).to_have_text(name)
        return page

    yield show
    for page in opened:
        page.close()


@pytest.mark.parametrize("name", KINDS)
def test_sliders_move_its_picture(shown, name):
    page = shown(name, "traverse")
    expect(page.locator("#top .current small")).to_contain_text("external model")
    expect(page.locator("#panel [data-painter=server]")).to_have_count(1)
    note = page.locator("#panel .painted")
    if name == "painter":
        expect(note).to_be_hidden()
    else:
        expect(note).to_contain_text("this model has no decoder")
    before = page.locator(NOW).get_attribute("data-painted")
    page.locator("#panel .dials > .dial-list .dial input").first.press("ArrowRight")
    wait_for_change(page, NOW, before, "data-painted")


def test_photos_are_read_by_its_probes_and_swap_what_they_show(shown):
    page = shown("painter", "photos")
    words = page.locator("#photo-words")
    for factor in ("light", "height"):
        expect(words.locator(".card tbody tr", has_text=factor)).to_contain_text("%")
    before = words.inner_text()
    page.locator("#examples button").nth(1).click()
    wait_for_change(page, "#photo-words", before, "innerText")
    gift = page.locator("#photo-panel .gift").first
    dial = page.locator("#photo-panel .dial input").first
    start = dial.input_value()
    gift.click()
    expect(dial).not_to_have_value(start)


def test_its_codes_are_a_map_a_page_a_dimension_and_a_matrix(shown):
    page = shown("painter", "map")
    page.wait_for_selector("#map [data-points='240'], #map[data-points='240']", state="attached")
    expect(page.locator("#map .map-edge.across canvas").first).to_be_attached()
    expect(page.locator(".map-colour option").first).to_have_text("light")
    open_tab(page, re.compile("^Dimension$"))
    expect(page.locator("#dimension-page .stage-column .band img")).to_have_count(30)
    open_tab(page, "Association (OMES)")
    expect(page.locator(".score").first).to_contain_text(re.compile(r"OMES\s*0\.\d\d\d"))
    expect(page.locator(".matrix .annotation").first).to_be_visible(timeout=FIRST_PLOT)
    open_tab(page, "Transfer")
    expect(page.locator(".slope-value", has_text="60%")).to_have_count(2)


def test_what_a_single_label_cannot_tell_is_said(shown):
    page = shown("looker", "association")
    expect(page.locator(".score").first).to_contain_text("Too few pairs of images")
    expect(page.locator(".matrix .annotation").first).to_be_visible(timeout=FIRST_PLOT)
    open_tab(page, re.compile("^Dimension$"))
    expect(page.locator(".dimension-verdict")).to_contain_text("is not known in S")
    open_tab(page, "Photos")
    tile = page.locator("#photo-bar .tries .tile", has_text="looker")
    expect(tile).to_contain_text("error not known")
    open_tab(page, "Transfer")
    expect(page.locator(".slope-value")).to_have_count(1)
    expect(page.get_by_test_id("toast-body")).to_have_count(0)
