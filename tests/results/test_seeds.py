import numpy as np
import pandas as pd
import pytest

from dviz.errors import DataFileError
from dviz.results import seeds

COLUMNS = [score.column for score in seeds.SCORES]


def sweep(**stages):
    """Rows of a sweep; each stage's OMES over the seeds, every other score the same number."""
    rows = []
    for stage, values in stages.items():
        for seed, value in enumerate(values):
            place = {"source": "white", "seed": seed, "command": "dviz transfer --steps 5000"}
            place |= {"target": None if stage == "Source" else "noisy", "transfer": None}
            if stage == "target_only":
                place |= {"transfer": "fine-tuned", "baseline": "target-only", "command": "dviz"}
            elif stage != "Source":
                place["transfer"] = stage.replace("_", "-")
            rows.append(place | dict.fromkeys(COLUMNS, value) | {"reconstruction": 10 - seed})
    return pd.DataFrame(rows)


def test_stages_are_averaged_over_their_seeds():
    text = seeds.section(sweep(Source=[0.5, 0.7], direct=[0.1, np.nan]))
    assert "| white, Source | 5,000 | 2 | 0.600 ± 0.141 | 0.600 ± 0.141 |" in text
    assert "| white → noisy, direct | 5,000 | 1 | 0.100 |" in text
    assert " − " not in text, "a single seed has no interval"


def test_differences_are_taken_seed_by_seed():
    """Far apart over the seeds, but never among themselves."""
    text = seeds.section(
        sweep(direct=[0.1, 0.5, 0.9], fine_tuned=[0.2, 0.6, 1.0], target_only=[0.0, 0.5, 0.7])
    )
    assert "| white → noisy, fine-tuned − direct | +0.100 (+0.100 to +0.100) |" in text
    low, high = seeds.paired_interval(np.array([0.2, 0.1, 0.3]))
    assert f"fine-tuned − target-only | +0.200 ({low:+.3f} to {high:+.3f})" in text
    assert "| white → noisy, direct − target-only | +0.100 (" in text


def test_the_seed_that_settings_were_chosen_on_can_be_left_out():
    """It alone gained; the others are too few to say so where there were only three seeds."""
    tuned, direct = [0.9, 0.5, 0.6, 0.7], [0.1, 0.5, 0.6, 0.7]
    text = seeds.section(sweep(direct=direct, fine_tuned=tuned))
    assert "fine-tuned − direct, without seed 0 | +0.000 (+0.000 to +0.000)" in text
    text = seeds.section(sweep(direct=direct[:3], fine_tuned=tuned[:3]))
    assert "fine-tuned − direct | " in text
    assert "without seed" not in text


def test_an_interval_is_students():
    """n = 3, sd 1: 4.303 standard errors."""
    low, high = seeds.paired_interval(np.array([1.0, 2.0, 3.0]))
    assert (low, high) == pytest.approx((2 - 4.3027 / np.sqrt(3), 2 + 4.3027 / np.sqrt(3)), 1e-4)


def test_intervals_hold_the_true_difference_as_often_as_they_say():
    rng = np.random.default_rng(3)
    held = [
        low <= 1 <= high for low, high in map(seeds.paired_interval, rng.normal(1, 2, (2000, 5)))
    ]
    assert abs(np.mean(held) - seeds.LEVEL) < 0.015


def test_the_rule_takes_the_median_loss_whatever_the_labels_say():
    text = seeds.section(sweep(fine_tuned=[0.3, 0.1, 0.2]))
    assert "is seed 1 with OMES avg 0.100; picked by labels it would be seed 0 with 0.300" in text


def test_several_rows_of_a_seed_are_no_seeds():
    rows = sweep(direct=[0.1, 0.2, 0.3])
    with pytest.raises(DataFileError, match="several rows"):
        seeds.section(pd.concat([rows, rows]))


def test_stages_are_compared_with_their_source():
    text = seeds.section(sweep(Source=[0.5, 0.7], direct=[0.1, 0.5]))
    assert "| white → noisy, direct − Source | -0.300 (" in text


def test_baselines_of_several_seeds_have_a_spread():
    assert not seeds.over_seeds(None).levels
    few = seeds.over_seeds(sweep(direct=[0.1, 0.2], target_only=[0.4, 0.5]))
    assert not few.level("white", "noisy", "target-only")
    assert not few.gain("white", "noisy", "direct", "target-only")
    found = seeds.over_seeds(sweep(direct=[0.1, 0.2, 0.4], target_only=[0.4, 0.5, 0.6]))
    assert found.level("white", "noisy", "target-only")["OMES avg"] == pytest.approx((0.5, 0.1, 3))
    gain = found.gain("white", "noisy", "direct", "target-only")["OMES avg"]
    assert gain == pytest.approx((-0.8 / 3, 0.1 / 3**0.5, 3))
    assert not found.gain("white", "noisy", "fine-tuned", "target-only")


def test_networks_of_another_source_are_others_unless_they_learnt_alike_on_the_target_alone():
    rows = sweep(target_only=[0.4, 0.5, 0.6])
    carried = rows.assign(baseline="autoencoder")
    both = pd.concat([rows, carried, carried.assign(source="rooms", omes_avg=0.1)])
    alone = {("white", "noisy"): "small", ("rooms", "noisy"): "small", ("leaves", "noisy"): "deep"}
    found = seeds.over_seeds(both, alone | {("rooms", "photos"): "small"})
    means = [found.level(s, "noisy", "autoencoder")["OMES avg"].mean for s in ("white", "rooms")]
    assert means == pytest.approx([0.5, 0.1])
    for source in ("white", "rooms"):
        level = found.level(source, "noisy", "target-only")
        assert level["OMES avg"].mean == pytest.approx(0.5)
    assert not found.level("leaves", "noisy", "target-only")
    assert not found.level("rooms", "photos", "target-only")
    assert found.apart("noisy")["OMES avg"].mean == pytest.approx(0.5)
    assert not found.apart("photos")


def test_how_far_seeds_lie_apart_is_told_by_those_that_lie_furthest():
    few, near = sweep(target_only=[0.1, 0.9]), sweep(target_only=[0.4, 0.5, 0.6])
    far = sweep(target_only=[0.3, 0.5, 0.7])
    rows = [few.assign(source="few"), near.assign(source="near"), far.assign(source="far")]
    found = seeds.over_seeds(pd.concat(rows), {("few", "noisy"): 1, ("near", "noisy"): 1})
    assert found.apart("noisy")["OMES avg"].deviation == pytest.approx(0.2)
    assert found.level("few", "noisy", "target-only") == found.level("near", "noisy", "target-only")


def test_a_spread_tells_where_the_mean_and_where_one_more_lies():
    found = seeds.Spread(0.0, 1.0, 5)
    assert (found.reach, found.reach_of_one) == pytest.approx((1.2416, 3.0414), abs=1e-4)
    assert found.reach_beside_one == pytest.approx(2.7764 * 2**0.5, abs=1e-3)


def test_a_seed_without_a_score_is_left_out_of_a_spread():
    rows = sweep(fine_tuned=[0.4, 0.5, 0.6, 0.7], target_only=[0.1, 0.2, 0.3, 0.4])
    rows.loc[rows["baseline"].notna() & (rows["seed"] == 3), "gbt_all"] = np.nan
    found = seeds.over_seeds(rows)
    level = found.level("white", "noisy", "target-only")["GBT, all"]
    assert (level.mean, level.seeds) == (pytest.approx(0.2), 3)
    gain = found.gain("white", "noisy", "fine-tuned", "target-only")["GBT, all"]
    assert (gain.mean, gain.seeds) == (pytest.approx(0.3), 3)
