"""Which checkpoints belong together."""

import json
import shutil

from dviz.results.zoo import read_zoo, transfers_of
from tests.results.zoo import page_of
from tests.ui.material import NAMES

SOURCE = NAMES[0]


def test_a_transfer_is_its_source_its_direct_copy_and_its_fine_tuned_child(zoo):
    (transfer,) = transfers_of(read_zoo(zoo))
    found = (transfer.source, transfer.direct, transfer.tuned)
    assert tuple(model.config.name for model in found) == NAMES
    shutil.rmtree(zoo / SOURCE)
    assert not transfers_of(read_zoo(zoo))


def test_a_source_that_was_told_factors_says_so_wherever_it_is_named(zoo):
    before = page_of(zoo)
    assert "labelled)" not in before
    assert "labelled images)" not in before
    path = zoo / SOURCE / "config.json"
    config = json.loads(path.read_text())
    config["training"]["labelled_images"] = 5000
    path.write_text(json.dumps(config))
    (transfer,) = transfers_of(read_zoo(zoo))
    assert transfer.title == "color-dsprites (labelled) → things"
    page = page_of(zoo)
    assert f"### {transfer.title}" in page
    assert f"| {SOURCE} (5,000 labelled images) |" in page


def test_a_source_that_looks_through_another_network_says_so(zoo):
    path = zoo / SOURCE / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"encoder": "imagenet"}))
    (transfer,) = transfers_of(read_zoo(zoo))
    assert transfer.title == "color-dsprites (behind EfficientNet-Lite0) → things"


def test_a_score_lies_between_its_two_halves(zoo):
    for model in read_zoo(zoo):
        for pooling in ("avg", "max"):
            whole, *halves = (
                getattr(model.result.omes(pooling=pooling), what)
                for what in ("omes", "modularity", "compactness")
            )
            assert min(halves) <= whole <= max(halves)
