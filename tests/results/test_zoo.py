"""Which checkpoints belong together."""

import json
import shutil
from dataclasses import replace

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


def test_what_learns_on_the_target_alone_is_made_as_ours_but_for_what_a_source_gave(zoo):
    (transfer,) = transfers_of(read_zoo(zoo))
    config = transfer.tuned.config

    def alone(architecture=config.architecture, **training):
        changed = replace(config, architecture=architecture, training=config.training | training)
        return replace(transfer, tuned=replace(transfer.tuned, config=changed)).alone

    assert alone(replay=1.0, decoder_first=0.5, encoder_rate=0.1, seed=7) == transfer.alone
    assert alone(replace(config.architecture, recolour=True)) == transfer.alone
    assert alone(replace(config.architecture, encoder="deep")) != transfer.alone
    others = ({"steps": 7}, {"beta": 9.0}, {"objective": "beta-tcvae"}, {"clip": 0.5})
    for other in (*others, {"reconstruction": "perceptual"}):
        assert alone(**other) != transfer.alone


def test_a_score_lies_between_its_two_halves(zoo):
    for model in read_zoo(zoo):
        for pooling in ("avg", "max"):
            whole, *halves = (
                getattr(model.result.omes(pooling=pooling), what)
                for what in ("omes", "modularity", "compactness")
            )
            assert min(halves) <= whole <= max(halves)
