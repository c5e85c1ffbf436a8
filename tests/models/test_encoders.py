import pytest
import torch
from safetensors.torch import save_file

from dviz.models.efficientnet import FILE, EfficientNetLite0, load_network
from dviz.models.encoders import ENCODERS


@pytest.fixture(autouse=True)
def backbone(tmp_path, monkeypatch):
    torch.manual_seed(0)
    save_file(EfficientNetLite0().state_dict(), tmp_path / FILE)
    monkeypatch.setenv("DVIZ_DATA", str(tmp_path))


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
