import pytest
import torch
from torch.distributions import Bernoulli, Normal
from torch.distributions import kl_divergence as torch_kl
from torch.nn import functional as F

from dviz.models.objectives import OBJECTIVES
from dviz.models.objectives.base import Weights
from dviz.models.objectives.beta_tcvae import total_correlation
from dviz.models.objectives.losses import (
    PERCEPTION,
    kl_divergence,
    perceptual_distance,
    reconstruction_loss,
)
from dviz.models.vae import VAE, VAEConfig
from dviz.models.weak import pair_posterior
from dviz.training.config import TrainingConfig
from dviz.training.schedule import weights_at


@pytest.fixture
def model():
    torch.manual_seed(0)
    return VAE(VAEConfig(4, 5))


def noise():
    return torch.Generator().manual_seed(3)


def images(n):
    return torch.rand(n, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def loss_of(model, x, weights, noise, name="beta-vae", posterior=None, **settings):
    config = TrainingConfig(steps=1, objective=name, discriminator_units=8, **settings)
    objective = OBJECTIVES[name](config, 5, num_images=1000)
    return objective.loss(model, x, Weights(weights), noise, posterior)


def pair_loss(model, x, changed, beta, noise):
    return loss_of(model, x, beta, noise, posterior=pair_posterior(*model.encode(x), changed))


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
    loss = loss_of(model, images(6), beta, noise())
    assert loss.kl.shape == (5,)
    assert loss.total.item() == pytest.approx(
        (loss.reconstruction + (beta * loss.kl).sum()).item(), rel=1e-6
    )


def test_pairs_that_share_nothing_are_single_images(model):
    x = images(8)
    everything = torch.ones(4, 5, dtype=torch.bool)
    pairs = pair_loss(model, x, everything, torch.tensor(1.0), noise())
    single = loss_of(model, x, torch.tensor(1.0), noise())
    assert pairs.total.item() == pytest.approx(single.total.item(), rel=1e-6)


@pytest.mark.parametrize("known", [True, False])
def test_order_within_pairs_does_not_matter_to_the_kl(model, known):
    x = images(8)
    changed = torch.tensor([[True, False, False]]).expand(4, 3) if known else None
    one = pair_loss(model, x, changed, torch.tensor(1.0), noise())
    other = pair_loss(model, torch.cat([x[4:], x[:4]]), changed, torch.tensor(1.0), noise())
    assert torch.allclose(one.kl, other.kl, rtol=1e-4)


def test_averaging_leaves_only_changed_dimensions_to_tell_a_pair_apart(model):
    x = images(8)
    changed = torch.tensor([[True, False, False]]).expand(4, 3)
    posterior = pair_posterior(*model.encode(x), changed)
    same = torch.randn(4, 5, generator=noise()).repeat(2, 1)
    loss = loss_of(model, x, torch.tensor(1.0), same, posterior=posterior)
    first, second = loss.z.chunk(2)
    assert (first[:, 1:] == second[:, 1:]).all()
    assert (first[:, 0] != second[:, 0]).all()


def test_the_gaussian_likelihood_has_variance_1():
    logits, x = torch.randn(4, 3, 8, 8), torch.rand(4, 3, 8, 8)
    mean = torch.sigmoid(logits)
    constant = -Normal(0.0, 1.0).log_prob(torch.zeros(3, 8, 8)).sum()
    expected = -Normal(mean, 1.0).log_prob(x).sum((1, 2, 3)).mean() - constant
    assert torch.allclose(reconstruction_loss(logits, x, "gaussian"), expected, rtol=1e-4)


def test_pictures_are_as_unlike_as_the_published_network_finds_them():
    patches = torch.rand(16, 3, 4, 4, generator=noise())
    x, other = F.interpolate(patches, scale_factor=16).split(8)
    logits = torch.logit(other).requires_grad_()
    distance = perceptual_distance(torch.sigmoid(logits), x)
    assert perceptual_distance(x, x).item() == pytest.approx(0, abs=1e-6)
    assert 0.8 < distance.item() < 2.5
    near = perceptual_distance(0.9 * x + 0.1 * other, x)
    assert 0 < near < distance
    loss = reconstruction_loss(logits, x, "perceptual")
    expected = reconstruction_loss(logits, x) + PERCEPTION * distance
    assert torch.allclose(loss, expected, rtol=1e-5)
    distance.backward()
    assert logits.grad.abs().sum() > 0


def test_before_its_time_only_pixels_are_compared(model, backbone):
    config = TrainingConfig(steps=4, reconstruction="perceptual", perceptual_after=0.5)
    objective = OBJECTIVES[config.objective](config, 5)
    x = images(6)
    pixels, features = (
        objective.loss(model, x, weights_at(step, config, 5, 0), noise()) for step in (1, 2)
    )
    assert pixels.reconstruction == loss_of(model, x, torch.tensor(2.0), noise()).reconstruction
    assert features.reconstruction > pixels.reconstruction
    # A held-out check tells of what is minimised in the end, whenever it is made.
    end = objective.held_out(model, x, weights_at(config.steps, config, 5, 0), noise())
    assert end > features.reconstruction


def test_in_half_precision_features_are_compared_in_full(backbone):
    x, other = torch.rand(2, 4, 3, 64, 64, generator=noise())
    with torch.autocast("cpu", torch.bfloat16):
        half = perceptual_distance(other, x)
    assert half == perceptual_distance(other, x)


def test_noise_may_be_a_draw_or_what_draws_it(model):
    x, beta = images(6), torch.tensor(1.0)
    drawn = torch.randn(6, 5, generator=noise())
    assert loss_of(model, x, beta, drawn).total == loss_of(model, x, beta, noise()).total


def test_an_allowance_is_free_to_reach_and_dear_to_miss(model):
    x, beta = images(6), torch.tensor(2.0)
    plain = loss_of(model, x, beta, noise())
    spent = (2 * plain.kl).sum().item()
    at = {"beta": 2.0, "capacity_rise": 0.0}
    met = loss_of(model, x, beta, noise(), capacity=spent / 2, **at)
    missed = loss_of(model, x, beta, noise(), capacity=(spent + 3) / 2, **at)
    assert met.total.item() == pytest.approx(plain.reconstruction.item(), rel=1e-6)
    assert (missed.total - met.total).item() == pytest.approx(3, rel=1e-2)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("settings", [{}, {"capacity": 1.0, "capacity_rise": 0.0}])
def test_what_tells_when_to_stop_is_what_is_minimised_without_what_needs_a_batch(
    model, name, settings
):
    x, beta = images(6), torch.full((5,), 7.0)
    settings = settings if name == "beta-vae" else {}
    config = TrainingConfig(steps=1, objective=name, beta=7.0, discriminator_units=8, **settings)
    objective = OBJECTIVES[name](config, 5, num_images=1000)
    loss = objective.loss(model, x, Weights(beta), noise())
    of_batch = {"beta-tcvae": 6.0, "factor-vae": 7.0}.get(name, 0.0)
    found = objective.held_out(model, x, Weights(beta), noise())
    expected = loss.total - (of_batch * loss.total_correlation if of_batch else 0)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    assert name == "autoencoder" or found > loss.reconstruction


def test_an_autoencoder_draws_nothing_and_pays_nothing(model):
    loss = loss_of(model, images(6), torch.ones(5), noise(), "autoencoder")
    assert loss.total == loss.reconstruction
    assert (loss.z == model.encode(images(6))[0]).all()
    assert not loss.kl.requires_grad


def correlated(n, rho):
    """Codes (n, 2) of a Gaussian with correlation `rho`, as posteriors narrower than it."""
    generator = torch.Generator().manual_seed(4)
    a, b = torch.randn(2, n, generator=generator)
    mean = torch.stack([a, rho * a + (1 - rho**2) ** 0.5 * b], dim=1)
    log_variance = torch.full_like(mean, -4.0)
    draw = torch.randn(mean.shape, generator=generator)
    return mean + draw * torch.exp(0.5 * log_variance), mean, log_variance


def test_total_correlation_is_that_of_the_aggregate_posterior():
    """Over the whole dataset (M = N, one batch) the estimate is off by the constant log N² only."""
    n = 3000
    found = [total_correlation(*correlated(n, rho), n).item() for rho in (0.0, 0.9)]
    variance = 1 + torch.tensor(-4.0).exp().item()
    expected = -0.5 * torch.tensor(1 - (0.9 / variance) ** 2).log().item()
    assert found[1] - found[0] == pytest.approx(expected, abs=0.1)


def test_total_correlation_ignores_the_order_of_images_and_dimensions():
    codes = correlated(64, 0.7)
    one = total_correlation(*codes, 64)
    shuffled = total_correlation(*(v.flip(0).flip(1) for v in codes), 64)
    assert one.item() == pytest.approx(shuffled.item(), rel=1e-5)


def test_weights_on_the_total_correlation_add_to_the_elbo(model):
    x, ones = images(8), torch.ones(5)
    elbo = loss_of(model, x, ones, noise()).total
    for name, beta in (("beta-tcvae", 4.0), ("factor-vae", 3.0)):
        loss = loss_of(model, x, beta * ones, noise(), name, beta=beta)
        expected = elbo + 3 * loss.total_correlation
        assert loss.total.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_moves_every_weight_and_can_be_held_out(model, name):
    loss = loss_of(model, images(8), torch.ones(5), noise(), name)
    assert loss.kl.shape == (5,)
    assert loss.z.shape == (8, 5)
    loss.total.backward()
    moved = {key for key, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert "encoder.head.2.weight" in moved
    assert "decoder.start.0.weight" in moved
    objective = OBJECTIVES[name](TrainingConfig(steps=1), 5)
    with torch.no_grad():
        held_out = objective.held_out(model, images(8), Weights(torch.ones(5)), noise())
    assert held_out.shape == ()
    assert torch.isfinite(held_out)
