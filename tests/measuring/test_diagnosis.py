"""Each signature is found where it is, with its figures, and not where it is not."""

from dataclasses import replace

import numpy as np
import pytest

from dviz.measuring.diagnosis import (
    against_baselines,
    diagnose,
    fine_tuning,
    lost_factors,
    mixed_factors,
    spread_factors,
    unmatched_factors,
)
from dviz.measuring.report import Baseline, DatasetReport, DistanceReport, ProbeScore

PURE = np.eye(3)
MIXED = np.full((3, 3), 0.7)
FACTORS = ["shape", "scale", "colour"]


def probes(every, one, chance=0.1):
    """The same accuracies for every factor, but for those given by name."""
    return [
        ProbeScore(factor, "gbt", dims, accuracy, accuracy, chance, 0.01)
        for factor in FACTORS
        for dims, values in (("all", every), ("pruned", one))
        for accuracy in [values.get(factor, 0.9) if isinstance(values, dict) else values]
    ]


def result(S=PURE, mse=0.005, every=0.9, one=0.9, dataset="things"):
    flat = [1.0] * 3
    return DatasetReport(
        dataset=dataset,
        factors=FACTORS,
        sizes=[4] * 3,
        seed=0,
        num_images=90,
        num_pairs=30,
        association=np.asarray(S, dtype=float).tolist(),
        active=[True] * 3,
        mean=flat,
        std=flat,
        low=[-2.0] * 3,
        high=[2.0] * 3,
        posterior_std=flat,
        kl=flat,
        reconstruction=100.0,
        mse=mse,
        probes=probes(every, one),
    )


def titles(findings, kind="warning"):
    return [finding.title for finding in findings if finding.kind == kind]


def test_a_perfect_transfer_has_no_warning():
    findings = diagnose(result(), result(), result())
    assert titles(findings) == []
    assert titles(findings, "note") == ["Fine-tuning changed little"]


def test_nothing_measured_says_nothing():
    assert diagnose() == []
    bare = replace(result(MIXED, mse=0.5), probes=[])
    assert diagnose(bare) == []
    assert diagnose(bare, bare) == []


def test_of_a_single_factor_only_what_is_read_is_told():
    alone = np.full((3, 3), np.nan)
    (found,) = fine_tuning(result(alone, every=0.5), result(alone), result(alone))
    assert found.title == "Fine-tuning made factors easier to read"
    assert found.text.startswith("Trees +40.0 ± ")
    assert "nan" not in found.text
    (found,) = fine_tuning(result(alone), result(alone))
    assert found.title == "Fine-tuning changed little"


def test_mixed_factors_are_low_omes_with_good_painting():
    (found,) = mixed_factors(result(MIXED))
    assert "mixed" in found.title
    assert "z0 (shape, scale, colour)" in found.text
    assert mixed_factors(result(MIXED, mse=0.2)) == []  # paints badly: another trouble
    assert mixed_factors(result(PURE)) == []


def test_a_spread_factor_is_told_in_the_figures_it_rests_on():
    (found,) = spread_factors(result(every={"colour": 0.71}, one={"colour": 0.24}))
    assert found.text == (
        "Colour is readable from all dimensions (71%) but not from its own alone (24%, chance "
        "10%). Such factors are spread over several dimensions."
    )


@pytest.mark.parametrize(
    ("every", "one"), [(0.2, 0.1), (0.9, 0.8), (0.5, 0.35)], ids=["unreadable", "small", "half"]
)
def test_a_factor_is_not_called_spread_for_less(every, one):
    assert spread_factors(result(every=every, one=one)) == []


def test_a_difference_within_the_noise_is_none():
    noisy = [replace(p, standard_error=0.3) for p in probes(0.71, 0.24)]
    assert spread_factors(replace(result(), probes=noisy)) == []


def test_factors_do_not_match_where_a_good_source_tells_nothing():
    source = replace(result(dataset="sprites"), factors=["shape", "scale", "hue"])
    target = result(every={"colour": 0.12, "scale": 0.12})
    (found,) = unmatched_factors(source, target)
    assert "colour 12% (chance 10%)" in found.text
    assert "shape" not in found.text
    assert "scale" not in found.text  # the Source has it: it had to
    assert unmatched_factors(replace(source, association=MIXED.tolist()), target) == []
    assert unmatched_factors(source, result()) == []
    unknown = replace(source, association=np.full((3, 3), np.nan).tolist())
    assert unmatched_factors(unknown, target) == [], "an OMES that nobody knows is no good one"


def test_a_factor_that_both_have_can_get_lost_on_the_way():
    source, target = result(dataset="sprites"), result(every={"colour": 0.12})
    (found,) = lost_factors(source, target)
    assert found.text == "Colour 90% on sprites, 12% here (chance 10%)."
    assert lost_factors(result(every={"colour": 0.15}), target) == []  # was never there
    assert lost_factors(source, result()) == []


def test_baselines_are_told_whichever_way_it_goes():
    worse = Baseline("random", "an untrained encoder", result(MIXED, every=0.2))
    stronger = Baseline("target-only", "trained there", result(MIXED, every=0.95))
    (good,) = against_baselines(result(), [worse])
    assert (good.kind, good.title) == ("good", "Better than every baseline")
    (mixed,) = against_baselines(result(), [worse, stronger])
    assert mixed.kind == "note"
    assert "trees 95% (here -5.0 ± 0.8 points)" in mixed.text
    elsewhere = replace(worse, result=result(dataset="elsewhere"))
    assert against_baselines(result(), [elsewhere]) == []


def test_disentanglement_lost_held_or_won_in_fine_tuning():
    (lost,) = fine_tuning(result(PURE), result(MIXED))
    assert (lost.kind, lost.title) == ("warning", "Disentanglement was lost in fine-tuning")
    (held,) = fine_tuning(result(every=0.4), result(every=0.6))
    assert held.kind == "good"
    assert "kept" in held.title
    assert "Trees +20.0 ± 0.8 points from all dimensions (pruned +0.0 ± 0.8)" in held.text
    (far,) = fine_tuning(result(MIXED), result(MIXED, every=0.95), result(PURE))
    assert "(1.00 on the Source)" in far.text
    (won,) = fine_tuning(result(MIXED), result(PURE))
    assert won.kind == "good"


def test_a_gain_within_its_error_is_none():
    (found,) = fine_tuning(result(every=0.600), result(every=0.605))
    assert (found.kind, found.title) == ("note", "Fine-tuning changed little")
    (worse,) = fine_tuning(result(every=0.6), result(every=0.5))
    assert worse.title == "Fine-tuning made factors harder to read"


def test_factors_are_matched_by_what_they_mean():
    names = ["object shape", "object scale", "object hue"]
    source = replace(result(dataset="shapes3d"), factors=names)
    called = dict(zip(FACTORS, names, strict=True))
    source = replace(source, probes=[replace(p, factor=called[p.factor]) for p in source.probes])
    target = result(every={"colour": 0.12})
    (found,) = lost_factors(source, target)
    assert "Colour (object hue there) 90% on shapes3d, 12% here" in found.text
    assert unmatched_factors(source, target) == []


def test_the_state_after_fine_tuning_is_what_is_diagnosed():
    direct, tuned = result(MIXED), result(PURE)
    assert titles(diagnose(None, direct)) == ["Factors are mixed on things"]
    assert titles(diagnose(None, direct, tuned)) == []


def test_a_distance_is_told_without_a_verdict():
    distance = DistanceReport(
        "sprites", "things", "a", 0, 5000, 1.0, 0.1, 0.01, 0.84, [0.1] * 3, -100.0, -350.0, 0.2
    )
    (found,) = diagnose(distance=distance)
    assert "84% of its images" in found.text
    assert "250 nats" in found.text


def test_without_labels_nothing_is_said_of_factors():
    bare = replace(result(), factors=[], sizes=[], association=[[]] * 3, probes=[])
    assert np.isnan(bare.omes().omes)
    assert diagnose(bare) == []
    assert titles(diagnose(bare, bare), "warning") == []
    assert against_baselines(bare, [Baseline("random", "", bare)]) == []
