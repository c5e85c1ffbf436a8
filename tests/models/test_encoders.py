import pytest
import torch

from dviz.models.efficientnet import load_network
from dviz.models.encoders import ENCODERS

pytestmark = pytest.mark.usefixtures("backbone")


@pytest.mark.parametrize("kind", ENCODERS)
def test_an_image_has_a_mean_and_a_log_variance_a_dimension(kind):
    encoder = ENCODERS[kind](8, 5).eval()
    x = torch.rand(3, 3, 64, 64)
    mean, log_variance = encoder(x)
    assert mean.shape == log_variance.shape == (3, 5)
    alone, _ = encoder(x[:1])
    assert torch.allclose(alone, mean[:1], atol=1e-5), "the others of a batch change nothing"


def test_what_imagenet_taught_is_neither_learnt_nor_kept():
    encoder = ENCODERS["imagenet"](8, 5).train()
    before = {name: value.clone() for name, value in load_network().state_dict().items()}
    mean, _ = encoder(torch.rand(3, 3, 64, 64))
    mean.sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())
    assert all(
        torch.equal(value, before[name]) for name, value in load_network().state_dict().items()
    )
    assert {name.partition(".")[0] for name in encoder.state_dict()} == {"head"}


def test_behind_features_variances_stay_finite_and_come_down_again():
    encoder = ENCODERS["imagenet"](8, 5)
    with torch.no_grad():
        encoder.head[-1].bias[5:] = 200.0  # float32 ends at exp(88)
    _, log_variance = encoder(torch.rand(3, 3, 64, 64))
    assert torch.isfinite(log_variance.exp()).all()
    log_variance.sum().backward()
    assert (encoder.head[-1].bias.grad[5:] > 0).all(), "a step down the gradient lowers them"
