import pytest
import torch

from dviz.models.weak import (
    average_shared,
    changed_by_count,
    changed_by_divergence,
    changed_by_labels,
    pair_posterior,
    regression_loss,
    standardised,
    symmetric_divergence,
)


def posteriors(n=6, d=5):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(n, d, generator=generator) for _ in range(4)]


def test_a_dimension_is_tied_to_each_factor_and_the_rest_to_none():
    changed = torch.tensor([[True, False, True]])
    assert changed_by_labels(changed, 5).tolist() == [[True, False, True, False, False]]
    with pytest.raises(ValueError, match=r"latent_size is 2.*at least 3"):
        changed_by_labels(changed, 2)
    assert changed_by_labels(changed, 5, (0, 1, 1, 2)).tolist() == [
        [True, False, False, True, False]
    ]


def test_shared_dimensions_become_equal_and_changed_ones_stay():
    before = posteriors()
    changed = torch.rand(6, 5, generator=torch.Generator().manual_seed(1)) < 0.5
    mean1, log_variance1, mean2, log_variance2 = average_shared(*before, changed)
    for one, other, old_one, old_other in (
        (mean1, mean2, before[0], before[2]),
        (log_variance1, log_variance2, before[1], before[3]),
    ):
        assert (one[~changed] == other[~changed]).all()
        assert (one[changed] == old_one[changed]).all()
        assert (other[changed] == old_other[changed]).all()
    shared = ~changed
    assert torch.allclose(mean1[shared], (before[0] + before[2])[shared] / 2)
    variance = (before[1].exp() + before[3].exp()) / 2
    assert torch.allclose(log_variance1[shared].exp(), variance[shared])


def test_averaging_equal_posteriors_changes_nothing():
    mean, log_variance, *_ = posteriors()
    nothing = torch.zeros_like(mean, dtype=torch.bool)
    averaged = average_shared(mean, log_variance, mean, log_variance, nothing)
    assert torch.allclose(averaged[0], mean)
    assert torch.allclose(averaged[1], log_variance, atol=1e-6)


def test_averaging_keeps_extreme_variances_finite():
    mean = torch.zeros(1, 2)
    wide, narrow = torch.full((1, 2), 200.0), torch.full((1, 2), -200.0)
    averaged = average_shared(mean, wide, mean, narrow, torch.zeros(1, 2, dtype=torch.bool))
    assert torch.isfinite(averaged[1]).all()


def test_the_adaptive_rule_finds_the_dimension_that_moved():
    mean1, log_variance, *_ = posteriors(n=40)
    mean2 = mean1 + 0.05 * torch.randn(mean1.shape, generator=torch.Generator().manual_seed(2))
    moved = torch.arange(40) % 5
    mean2[torch.arange(40), moved] += 3
    changed = changed_by_divergence(mean1, log_variance * 0, mean2, log_variance * 0)
    assert (changed.int().argmax(1) == moved).all()
    assert (changed.sum(1) == 1).all()


def test_the_adaptive_rule_is_symmetric():
    mean1, log_variance1, mean2, log_variance2 = posteriors()
    one = changed_by_divergence(mean1, log_variance1, mean2, log_variance2)
    other = changed_by_divergence(mean2, log_variance2, mean1, log_variance1)
    assert (one == other).all()
    assert one.any(1).all()
    assert not one.all(1).any()


def test_a_known_count_takes_the_dimensions_that_differ_most():
    pair, count = posteriors(), torch.tensor([0, 1, 2, 3, 4, 5])
    changed = changed_by_count(*pair, count)
    assert (changed.sum(1) == count).all()
    divergence = symmetric_divergence(*pair)
    inside = divergence.masked_fill(~changed, torch.inf).amin(1)
    outside = divergence.masked_fill(changed, -torch.inf).amax(1)
    assert (inside > outside).all()


def test_only_known_pairs_are_averaged_by_their_labels():
    mean1, log_variance1, mean2, log_variance2 = posteriors()
    mean, log_variance = torch.cat([mean1, mean2]), torch.cat([log_variance1, log_variance2])
    changed = torch.eye(6, 5, dtype=torch.bool)
    known = torch.arange(6) < 3
    labels = pair_posterior(mean, log_variance, changed)[0].view(2, 6, 5)
    adaptive = pair_posterior(mean, log_variance)[0].view(2, 6, 5)
    mixed = pair_posterior(mean, log_variance, changed, known)[0].view(2, 6, 5)
    assert (mixed[:, :3] == labels[:, :3]).all()
    assert (mixed[:, 3:] == adaptive[:, 3:]).all()
    assert (labels != adaptive).any()


def test_standardised_factors_have_mean_0_and_variance_1():
    classes = torch.cartesian_prod(torch.arange(5), torch.arange(1), torch.arange(8))
    targets = standardised(classes, torch.tensor([5, 1, 8]))
    assert torch.allclose(targets.mean(0), torch.zeros(3), atol=1e-6)
    assert torch.allclose(targets.square().mean(0), torch.tensor([1.0, 0.0, 1.0]))


def test_regression_counts_the_tied_dimensions_only():
    mean, targets = torch.randn(6, 5), torch.randn(6, 2)
    ties = torch.tensor([4, 1])
    assert regression_loss(mean, mean[:, ties], ties) == 0
    moved = mean.clone()
    moved[:, [0, 2, 3]] += 9
    assert regression_loss(moved, targets, ties) == regression_loss(mean, targets, ties)
    off = regression_loss(mean, mean[:, ties] + torch.tensor([1.0, 2.0]), ties)
    assert off.item() == pytest.approx(5)
    unknown = torch.full_like(targets, torch.nan)
    assert regression_loss(mean, unknown, ties) == 0
