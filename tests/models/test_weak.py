import pytest
import torch

from dviz.models.weak import average_shared, changed_by_divergence, changed_by_labels


def posteriors(n=6, d=5):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(n, d, generator=generator) for _ in range(4)]


def test_a_dimension_is_tied_to_each_factor_and_the_rest_to_none():
    changed = torch.tensor([[True, False, True]])
    assert changed_by_labels(changed, 5).tolist() == [[True, False, True, False, False]]
    with pytest.raises(ValueError, match=r"latent_size is 2.*at least 3"):
        changed_by_labels(changed, 2)


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
