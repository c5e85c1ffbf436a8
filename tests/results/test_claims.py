"""What is said of the study's claims follows the figures of the reports."""

import re
from dataclasses import replace

import numpy as np
import pytest

from dviz.checkpoint import REPORT
from dviz.measuring.differences import Difference
from dviz.measuring.report import BY_PHOTOGRAPH, Baseline, read_report
from dviz.results.claims import _kept, verdicts
from dviz.results.seeds import OverSeeds, Spread
from dviz.results.zoo import read_zoo, transfers_of
from tests.results.zoo import edit, probes
from tests.ui.material import NAMES

SOURCE, DIRECT, TUNED = NAMES
STAGES = ("direct", "fine-tuned")


def claims_of(root):
    return verdicts(transfers_of(read_zoo(root))).split("\n\n**")


def pure(result):
    return np.eye(len(result.active), len(result.factors)).tolist()


def rename(zoo, target):
    """Call the Target something else."""
    for name in (DIRECT, TUNED):
        for path in (zoo / name).glob("*.json"):
            path.write_text(path.read_text().replace('"things"', f'"{target}"'))


def test_modularity_is_kept_up_to_a_tolerance(zoo):
    rename(zoo, "noisy-dsprites")
    for name in (SOURCE, TUNED):
        edit(zoo / name, lambda r: replace(r, association=pure(r), evidence=None))
    assert "after fine-tuning in 1 of 1 transfers" in claims_of(zoo)[0]
    mixed = lambda result: np.full_like(pure(result), 0.5).tolist()  # noqa: E731
    edit(zoo / TUNED, lambda result: replace(result, association=mixed(result)))
    kept = claims_of(zoo)[0]
    assert "after fine-tuning in 0 of 1 transfers" in kept
    assert "fine-tuned no (avg -" in kept
    assert "falls by at most 0.05" in kept


def test_a_claim_follows_its_figures(zoo):
    rename(zoo, "coil100-augmented")
    claim = claims_of(zoo)[1]
    assert "accuracy rises by more than twice its standard error in 1 of 1, and" in claim
    assert "- color-dsprites → coil100-augmented: yes, 30.0 +20.0 ± " in claim
    edit(zoo / TUNED, lambda result: replace(result, probes=probes(result, 0.2)))
    claim = claims_of(zoo)[1]
    assert "accuracy rises by more than twice its standard error in 0 of 1, and" in claim
    assert "- color-dsprites → coil100-augmented: no, 30.0 -10.0 ± " in claim


def test_what_is_lost_against_the_source_is_told_beside(zoo):
    rename(zoo, "coil100-augmented")
    for name, blur in ((SOURCE, 0.0), (DIRECT, 0.3), (TUNED, 0.2)):
        blurred = lambda r, blur=blur: np.abs(np.array(pure(r)) - blur).tolist()  # noqa: E731
        edit(zoo / name, lambda r, of=blurred: replace(r, association=of(r), evidence=None))
    claim = claims_of(zoo)[1]
    assert "directly in 1 and after fine-tuning in 1 of 1 transfers" in claim
    direct, tuned = re.search(r"Source's: direct (-[\d.]+), fine-tuned (-[\d.]+)\)", claim).groups()
    assert float(direct) < float(tuned) < 0
    assert "from photographs" not in claim
    for path in (zoo / SOURCE).glob("*.json"):
        path.write_text(path.read_text().replace('"color-dsprites"', '"coil100-augmented-binary"'))
    assert "not from a synthetic Source but from photographs" in claims_of(zoo)[1]


def test_a_baseline_can_beat_us(zoo):
    result = read_report(zoo / TUNED / REPORT).results["things"]
    dull = np.full_like(result.association_matrix, 0.3).tolist()
    better = replace(result, probes=probes(result, 0.6), association=dull)
    worse = replace(better, probes=probes(result, 0.4))
    rivals = [Baseline("rival", "another", better), Baseline("other", "a third", worse)]
    edit(zoo / TUNED, lambda result: result, baselines=rivals)
    claim = claims_of(zoo)[2]
    way = "color-dsprites → things"
    assert "GBT 0 of 2" in claim
    assert f"- no: {way}, fine-tuned, GBT: rival -10.0 ± " in claim
    assert f"- no: {way}, direct, GBT: rival -30.0 ± " in claim
    assert f"{way}, fine-tuned, OMES avg" in claim
    assert "MLP" not in claim  # nobody measured it
    assert "encoders, direct and fine-tuned, of 1 transfers" in claim
    assert "not counted" not in claim


def test_transfers_without_baselines_are_named(zoo):
    result = read_report(zoo / TUNED / REPORT).results["things"]
    both = []
    for baselines in ([], [Baseline("rival", "another", result)]):
        edit(zoo / TUNED, lambda result: result, baselines=baselines)
        both += transfers_of(read_zoo(zoo))
    claim = verdicts(both).split("\n\n**")[2]
    assert "of 1 transfers" in claim
    assert "Without baselines, and not counted: color-dsprites → things." in claim


def test_a_network_that_several_transfers_meet_is_said_to_be_one(zoo):
    """The verdicts against it are no independent ones."""
    result = read_report(zoo / TUNED / REPORT).results["things"]
    edit(zoo / TUNED, lambda result: result, baselines=[Baseline("rival", "another", result)])
    once = transfers_of(read_zoo(zoo))
    assert "is met by several" not in verdicts(once)
    assert "is met by several: rival on things (2 transfers)" in verdicts(once * 2)


def test_baselines_whose_probes_were_split_otherwise_are_named(zoo):
    result = read_report(zoo / TUNED / REPORT).results["things"]
    rival = Baseline("rival", "another", replace(result, probes=probes(result, 0.4)))
    edit(zoo / TUNED, lambda result: result, baselines=[rival])
    assert "favours them" not in claims_of(zoo)[2]
    edit(zoo / TUNED, lambda result: replace(result, split=BY_PHOTOGRAPH), baselines=[rival])
    assert "which favours them: rival of color-dsprites → things." in claims_of(zoo)[2]


def test_what_learnt_on_the_source_is_compared_as_far_as_it_was_carried(zoo):
    result = read_report(zoo / TUNED / REPORT).results["things"]
    carried = "Learnt on the Source, then carried to the Target as ours."
    rivals = [
        Baseline("random", "untrained", result),
        Baseline("autoencoder", carried, result),
        Baseline("beta-vae", "learnt on the Source alone", result),
    ]
    edit(zoo / TUNED, lambda result: result, baselines=rivals)
    (transfer,) = transfers_of(read_zoo(zoo))
    names = {stage: [b.name for b in transfer.rivals_of(stage)] for stage in STAGES}
    assert names == {"direct": ["random", "beta-vae"], "fine-tuned": ["random", "autoencoder"]}
    edit(zoo / DIRECT, lambda result: result, baselines=[Baseline("autoencoder", carried, result)])
    (transfer,) = transfers_of(read_zoo(zoo))
    found = transfer.rivals_of("direct")
    assert [b.name for b in found] == ["autoencoder", "random", "beta-vae"]


@pytest.fixture
def dull(zoo):
    """Transfers with a rival of worse codes, and our OMES."""
    result = read_report(zoo / TUNED / REPORT).results["things"]
    worse = replace(result, association=np.full_like(result.association_matrix, 0.3).tolist())
    edit(zoo / TUNED, lambda result: result, baselines=[Baseline("rival", "another", worse)])
    return transfers_of(read_zoo(zoo)), result.omes().omes


WAY = "color-dsprites → things, fine-tuned, OMES avg: rival"


def test_of_a_baseline_over_seeds_the_mean_counts_and_how_far_one_more_may_lie(dull):
    transfers, ours = dull
    levels = {(SOURCE, "things", "rival"): {"OMES avg": Spread(ours - 0.1, 0.04, 5)}}
    once, over = verdicts(transfers), verdicts(transfers, OverSeeds(levels))
    assert f"yes: {WAY}" in once
    # 0.04 · 2.776 · √1.2 / 2: more than two standard deviations are needed.
    assert re.search(rf"no: {WAY} \+0\.100 ± 0\.06", over)
    levels = {("another", "things", "rival"): {"OMES avg": Spread(ours - 0.1, 0.04, 5)}}
    assert f"yes: {WAY}" in verdicts(transfers, OverSeeds(levels))


def test_the_target_alone_of_another_network_has_its_own_score_and_may_lie_as_far_off(dull):
    transfers, ours = dull
    (rival,) = transfers[0].tuned.report.baselines
    alone = replace(transfers[0].tuned.report, baselines=[replace(rival, name="target-only")])
    transfers = [replace(transfers[0], tuned=replace(transfers[0].tuned, report=alone))]
    way = WAY.replace("rival", "target-only")
    gap = f"{way} +{ours - rival.result.omes().omes:.3f}"
    for deviation, verdict in ((0.001, "yes"), (0.5, "no")):
        spread = {"OMES avg": Spread(0.9, deviation, 5)}
        over = verdicts(transfers, OverSeeds({("another", "things", "target-only"): spread}))
        assert f"{verdict}: {gap} ± " in over
        elsewhere = OverSeeds({("another", "photos", "target-only"): spread})
        assert f"yes: {gap} ± " in verdicts(transfers, elsewhere)


def test_where_both_have_seeds_their_mean_difference_counts_with_its_interval(dull):
    transfers, _ = dull
    labels = ("OMES avg", "GBT, all", "MLP, all")
    way = (SOURCE, "things", "fine-tuned", "rival")
    for mean, verdict in ((0.05, "yes"), (0.02, "no")):
        gains = {way: dict.fromkeys(labels, Spread(mean, 0.02, 4))}
        over = verdicts(transfers, OverSeeds(gains=gains))
        assert f"{verdict}: {WAY} +{mean:.3f} ± 0.016" in over  # 3.182 · 0.02 / √4 / 2
        assert "and rival (4 seeds) the difference is the mean over seeds" in over
        told = "OMES avg 2 of 2 (1 over seeds)" if verdict == "yes" else "OMES avg 1 of 2, GBT"
        assert told in over
    assert "over seeds" not in verdicts(transfers)


def test_modularity_within_its_error_of_the_tolerance_is_open():
    kept = [_kept([Difference(value, 0.005)]) for value in (-0.03, -0.041, -0.055, -0.07)]
    assert kept == ["yes", "open", "open", "no"]


def test_a_loss_that_is_not_the_studys_is_told(zoo):
    rename(zoo, "coil100-augmented")
    transfers = transfers_of(read_zoo(zoo))
    (transfer,) = transfers
    config = transfer.tuned.config
    told = replace(config, training=config.training | {"reconstruction": "perceptual"})
    changed = replace(transfer, tuned=replace(transfer.tuned, config=told))
    assert "a perceptual loss of pictures" not in verdicts(transfers)
    assert "a perceptual loss of pictures" in verdicts([changed])
