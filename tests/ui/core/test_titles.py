"""One name for a checkpoint wherever it is told of, and datasets called as people call them."""

import json
import shutil
from dataclasses import replace

import pytest

from dviz.checkpoint import CONFIG
from dviz.measuring.diagnosis import diagnose
from dviz.measuring.report import Baseline, DistanceReport
from dviz.ui.core import starts
from dviz.ui.core.codes_map import map_value
from dviz.ui.core.families import families
from dviz.ui.core.library import Library
from dviz.ui.core.titles import title_of, titled, titles_of
from dviz.ui.parts import transfer
from dviz.ui.parts.dimension import column
from dviz.ui.parts.panel import stages_of
from dviz.ui.parts.photo_page import reader_of
from dviz.ui.parts.top import top_value
from dviz.ui.tabs import association
from dviz.ui.tabs.transfer import transfers_of
from tests.ui.material import NAMES

SOURCE, DIRECT, TUNED = NAMES
FIRST, DATASET = "other", "Color-dSprites"  # comes before SOURCE by its name


@pytest.fixture(scope="module")
def twins(checkpoints, tmp_path_factory):
    """Two Sources of one dataset, both carried to a Target, the second fine-tuned there."""
    root = tmp_path_factory.mktemp("twins")
    for name in NAMES:
        shutil.copytree(checkpoints / name, root / name)
    shutil.copytree(checkpoints / SOURCE, root / FIRST)
    config = shutil.copytree(checkpoints / DIRECT, root / f"{FIRST}-to-things") / CONFIG
    config.write_text(json.dumps(json.loads(config.read_text()) | {"parent": FIRST}))
    return Library(root)


def test_the_source_named_as_its_dataset_has_the_plain_title_wherever_it_stands(twins):
    config = twins.get(SOURCE).config
    keys = (f"{config.dataset}-labelled", config.dataset, "mine")
    titles = {keys[0]: f"{DATASET} (labelled)", keys[1]: DATASET, keys[2]: keys[2]}
    assert titles_of(dict.fromkeys(keys, config)) == titles


@pytest.mark.parametrize(("key", "title"), [(FIRST, DATASET), (SOURCE, SOURCE)])
def test_two_sources_of_a_dataset_are_told_apart_everywhere_by_the_same_names(twins, key, title):
    entry = twins.get(key)
    assert title in {f["key"]: f["title"] for f in families(twins)}[key]
    assert top_value(twins, entry, "")["title"] == title
    assert f"<h2>{title}" in transfers_of(twins, key)
    named = "" if title == DATASET else f"{title}, "
    assert f"<small>{named}measured on {DATASET}" in association.score_of(entry, 0.5, "avg")[0]
    assert f"<small>{title}</small>" in column(entry, 0)
    assert map_value(twins, entry)["stages"][0]["dataset"] == title
    assert stages_of(twins, entry)[0]["of"] == title


def test_a_name_that_adds_to_the_datasets_is_told_as_such(checkpoints, tmp_path):
    for name in ("color-dsprites", "color-dsprites-sharp"):
        shutil.copytree(checkpoints / SOURCE, tmp_path / name)
    library = Library(tmp_path)
    titles = [library.title(name) for name in ("color-dsprites", "color-dsprites-sharp")]
    assert titles == [DATASET, f"{DATASET} (sharp)"]


def test_what_came_of_a_source_names_that_source(twins):
    entry = twins.get(TUNED)
    assert top_value(twins, entry, "")["kind"] == f"fine-tuned, from {SOURCE}"
    assert reader_of(entry) == f"things, fine-tuned from {SOURCE}"
    assert f"<h2>{SOURCE} → things" in transfers_of(twins, TUNED)


def test_datasets_are_called_as_people_call_them(library):
    entry = library.get(SOURCE)
    assert f" of {DATASET}: " in starts.first(entry).caption
    assert titled(entry.result).title.startswith(DATASET)
    assert title_of("of nobody") == "of nobody"
    assert title_of("folder:microscope") == "microscope"  # one may have several


def test_what_reports_say_of_datasets_says_it_by_their_titles(checkpoints, monkeypatch):
    entry = Library(checkpoints).get(TUNED)
    numbers = dict.fromkeys(
        ["frechet", "mmd", "mmd_p_value", "outside", "elbo_source", "elbo_target"], 0.1
    )
    distance = DistanceReport(
        "color-dsprites", "shapes3d", SOURCE, 0, 100,
        outside_per_dimension=[0.1] * 5, pixel_frechet=0.1, **numbers,
    )  # fmt: skip
    results = {"things": replace(entry.result, dataset="color-dsprites")}
    baselines = [Baseline("random", "untrained", results["things"])]
    entry.report = replace(entry.report, distance=distance, results=results, baselines=baselines)
    given = []
    monkeypatch.setattr(transfer, "diagnose", lambda *args: given.extend(args) or diagnose(*args))
    found = transfer.diagnosed([entry])
    assert any("How far 3D Shapes lies from Color-dSprites" in one.title for one in found)
    assert any("every baseline" in one.title for one in found)  # the same dataset still
    *_, result, _, _ = given
    assert result.dataset == DATASET
    page = transfer.transfer_page([entry])
    assert "From Color-dSprites to 3D Shapes" in page
    assert "color-dsprites" not in page
