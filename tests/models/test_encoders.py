import pytest
import torch

from dviz.models.encoders import ENCODERS


@pytest.mark.parametrize("kind", ENCODERS)
def test_an_image_has_a_mean_and_a_log_variance_a_dimension(kind):
    encoder = ENCODERS[kind](8, 5).eval()
    x = torch.rand(3, 3, 64, 64)
    mean, log_variance = encoder(x)
    assert mean.shape == log_variance.shape == (3, 5)
    alone, _ = encoder(x[:1])
    assert torch.allclose(alone, mean[:1], atol=1e-5), "the others of a batch change nothing"
