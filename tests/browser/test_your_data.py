"""The real page: somebody drops in their own codes."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from dviz.metrics.association import associate
from dviz.metrics.omes import omes
from tests.measuring.study_files import write_classes, write_representations
from tests.metrics.tables import codes_of, uniform

FACTORS = uniform(500, sizes=(6, 9, 10))  # enough pairs to say something
CODES = codes_of("tangled", FACTORS)[:, :3].astype(np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    write_representations(folder / "codes.npz", CODES)
    write_classes(folder / "labels.csv", ["shape", "scale", "colour"], FACTORS)
    (folder / "broken.csv").write_text("z0,shape\n1.0,2\nnan,1\n")
    return folder


def open_with(page, *paths: Path):
    page.get_by_role("tab", name="Your data").click()
    page.locator("#own-files input[type=file]").set_input_files(list(paths))


@pytest.fixture(scope="module")
def scored(pages, files):
    page = pages.open()
    open_with(page, files / "codes.npz", files / "labels.csv")
    yield page
    page.close()


def test_two_files_are_scored_at_once_and_follow_alpha(scored):
    page = scored
    S = associate(CODES, FACTORS).matrix
    score = page.locator("#own-score .omes dd")
    expect(score).to_have_text(f"{omes(S).omes:.3f}")
    expect(page.locator("#own-matrix .heatmaplayer .hm")).to_have_count(1)
    page.locator("#own-alpha input[type=number]").fill("1")
    page.locator("#own-alpha input[type=number]").press("Enter")
    expect(score).to_have_text(f"{omes(S).modularity:.3f}")
    page.locator("#own-pooling").get_by_label("max").check()
    expect(score).to_have_text(f"{omes(S, pooling='max').modularity:.3f}")


def test_everything_is_measured_and_can_be_taken_away(scored):
    page = scored
    page.locator("#own-measure").click()
    link = page.locator("#own-numbers a", has_text="report.json")
    expect(link).to_be_visible(timeout=120_000)
    for name in ("MIG", "SAP", "DCI completeness trees", "probe mlp pruned"):
        expect(page.locator("#own-numbers").get_by_role("row", name=name)).to_be_visible()
    with page.expect_download() as download:
        link.click()
    report = json.loads(Path(download.value.path()).read_text())
    assert report["n_samples"] == len(CODES)
    assert {"omes", "mig", "sap", "dci", "probes"} <= set(report)


def test_what_was_measured_is_accessible(scored):
    page = scored
    page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    assert "common." not in page.inner_text("body")
    found = Axe().run(page).response["violations"]
    assert not found, [(v["id"], v["nodes"][0]["html"]) for v in found]


def test_other_files_can_be_picked_in_their_place(scored):
    with scored.expect_file_chooser() as chooser:
        scored.locator("#own-files").get_by_role("button", name="Upload", exact=True).click()
    assert chooser.value.is_multiple()


def test_a_broken_table_is_explained_and_the_next_one_read(page, files):
    open_with(page, files / "broken.csv")
    toast = page.get_by_test_id("toast-body")
    expect(toast).to_contain_text("broken.csv")
    assert not re.search(r"/tmp|Traceback", toast.inner_text())
    page.get_by_role("button", name="Try an example").click()
    page.wait_for_url(re.compile("own="))
    expect(page.locator("#own-score .omes dd")).to_be_visible()


def test_back_brings_the_scores_and_the_closer_look_along(page, files):
    open_with(page, files / "codes.npz", files / "labels.csv")
    score = page.locator("#own-score .omes dd")
    S = associate(CODES, FACTORS).matrix
    expect(score).to_have_text(f"{omes(S).omes:.3f}")
    chosen = page.locator("#own-first input")
    before = chosen.input_value()
    page.locator("#own-pooling").get_by_label("max").check()
    expect(score).to_have_text(f"{omes(S, pooling='max').omes:.3f}")
    page.go_back()
    expect(score).to_have_text(f"{omes(S).omes:.3f}")
    expect(chosen).to_have_value(before)


def test_back_from_an_example_brings_ones_own_again(page, files):
    open_with(page, files / "codes.npz", files / "labels.csv")
    score, about = page.locator("#own-score .omes dd"), page.locator("#own-about")
    own = f"{omes(associate(CODES, FACTORS).matrix).omes:.3f}"
    expect(score).to_have_text(own)
    page.get_by_role("button", name="Try an example").click()
    page.wait_for_url(re.compile("own="))
    expect(about).not_to_contain_text("your data")
    page.go_back()
    expect(about).to_contain_text("your data")
    expect(score).to_have_text(own)


def test_columns_are_those_of_the_file_that_is_there(page, tmp_path):
    for name, value in (("first.csv", "red"), ("second.csv", "blue")):
        rows = "\n".join(f"{n % 5},{n % 3},{value}{n % 2}" for n in range(20))
        (tmp_path / name).write_text(f"z0,2019,2020\n{rows}\n")
    open_with(page, tmp_path / "first.csv")
    last = page.locator("#own-columns label").last
    expect(last).to_contain_text("red0")
    with page.expect_file_chooser() as chooser:
        page.locator("#own-files").get_by_role("button", name="Upload", exact=True).click()
    chooser.value.set_files([tmp_path / "second.csv"])  # goes beside the first, which is refused
    expect(page.get_by_test_id("toast-body")).to_contain_text("first.csv, second.csv")
    page.locator("#own-files").get_by_role("button", name="Remove this file").first.click()
    expect(page.locator("#own-about")).to_contain_text("second")
    expect(last).to_contain_text("blue0")


def test_who_stops_sees_no_progress_and_may_go_on(page, files):
    open_with(page, files / "codes.npz", files / "labels.csv")
    page.locator("#own-measure").click()
    status = page.locator("#own-numbers [role=status]")
    expect(status).to_be_visible()
    page.locator("#own-stop").click()
    expect(page.locator("#own-numbers")).to_contain_text("Stopped")
    expect(status).to_have_count(0)
    expect(page.locator("#own-measure")).to_be_enabled()
