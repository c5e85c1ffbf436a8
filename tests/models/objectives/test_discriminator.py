import math

import pytest
import torch

from dviz.models.objectives.discriminator import (
    Discriminator,
    density_ratio,
    discriminator_loss,
    shuffle_dimensions,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_shuffling_keeps_each_dimension_and_breaks_their_ties():
    z = torch.randn(500, 1, generator=generator()).expand(500, 3)
    shuffled = shuffle_dimensions(z, generator(1))
    assert (shuffled.sort(dim=0).values == z.sort(dim=0).values).all()
    assert torch.corrcoef(shuffled.T).triu(1).abs().max() < 0.2


def test_it_learns_to_tell_tangled_codes_and_cannot_tell_independent_ones():
    losses, ratios = [], []
    for tangled in (True, False):
        torch.manual_seed(0)
        critic = Discriminator(2, 32)
        optimizer, draws = torch.optim.Adam(critic.parameters(), 2e-3), generator(2)
        for _ in range(150):
            z = torch.randn(128, 2, generator=draws)
            z = z[:, :1].expand(128, 2) if tangled else z
            loss = discriminator_loss(critic, z, draws)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
        ratios.append(density_ratio(critic, z).item())
    assert losses[0] < 0.5 * math.log(2)
    assert losses[1] == pytest.approx(math.log(2), abs=0.08)
    assert ratios[0] > 1 > abs(ratios[1])


def test_its_own_loss_does_not_reach_the_encoder():
    z = torch.randn(8, 3, requires_grad=True)
    discriminator_loss(Discriminator(3, 8), z, generator()).backward()
    assert z.grad is None
