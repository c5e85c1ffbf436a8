import pytest
import torch
from torch.distributions import Bernoulli, Normal
from torch.distributions import kl_divergence as torch_kl

from dviz.models.objectives import (
    ada_gvae_loss,
    beta_vae_loss,
    kl_divergence,
    reconstruction_loss,
)
from dviz.models.vae import VAE, VAEConfig


@pytest.fixture
def model():
    torch.manual_seed(0)
    return VAE(VAEConfig(4, 5))


def noise():
    return torch.Generator().manual_seed(3)


def images(n):
    return torch.rand(n, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_kl_agrees_with_torch_distributions():
    mean, log_variance = torch.randn(4, 3), torch.randn(4, 3)
    expected = torch_kl(Normal(mean, torch.exp(log_variance / 2)), Normal(0.0, 1.0))
    assert torch.allclose(kl_divergence(mean, log_variance), expected, atol=1e-5)
    assert kl_divergence(torch.zeros(1, 3), torch.zeros(1, 3)).abs().max() == 0


def test_reconstruction_is_the_bernoulli_likelihood_of_an_image():
    logits, x = torch.randn(4, 3, 8, 8), torch.rand(4, 3, 8, 8).round()
    expected = -Bernoulli(logits=logits).log_prob(x).sum((1, 2, 3)).mean()
    assert torch.allclose(reconstruction_loss(logits, x), expected)


def test_total_weighs_each_dimension(model):
    beta = torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0])
    loss = beta_vae_loss(model, images(6), beta, noise())
    assert loss.kl.shape == (5,)
    assert loss.total.item() == pytest.approx(
        (loss.reconstruction + (beta * loss.kl).sum()).item(), rel=1e-6
    )


def test_pairs_that_share_nothing_are_single_images(model):
    x = images(8)
    everything = torch.ones(4, 5, dtype=torch.bool)
    pairs = ada_gvae_loss(model, x, everything, torch.tensor(1.0), noise())
    single = beta_vae_loss(model, x, torch.tensor(1.0), noise())
    assert pairs.total.item() == pytest.approx(single.total.item(), rel=1e-6)


@pytest.mark.parametrize("known", [True, False])
def test_order_within_pairs_does_not_matter_to_the_kl(model, known):
    x = images(8)
    changed = torch.tensor([[True, False, False]]).expand(4, 3) if known else None
    one = ada_gvae_loss(model, x, changed, torch.tensor(1.0), noise())
    other = ada_gvae_loss(model, torch.cat([x[4:], x[:4]]), changed, torch.tensor(1.0), noise())
    assert torch.allclose(one.kl, other.kl, rtol=1e-4)


def test_averaging_leaves_only_changed_dimensions_to_tell_a_pair_apart(model):
    x = images(8)
    changed = torch.tensor([[True, False, False]]).expand(4, 3)
    beta = torch.tensor(1.0)
    loss = ada_gvae_loss(model, x, changed, beta, noise())
    loss.total.backward()
    gradients = [p.grad for p in model.parameters()]
    assert all(g is not None and torch.isfinite(g).all() for g in gradients)
    assert loss.kl.min() >= 0
