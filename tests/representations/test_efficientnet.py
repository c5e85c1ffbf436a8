import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dviz.errors import DvizError
from dviz.representations.efficientnet import (
    FILE,
    EfficientNetLite0,
    FrozenFeatures,
    SameConv2d,
    find_weights,
    load_network,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The network's file, with random weights."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    save_file(EfficientNetLite0().state_dict(), folder / FILE)
    return folder


def images(n, side=64):
    return np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def test_features_are_as_many_as_published(root):
    network = load_network(root)
    assert (
        sum(p.numel() for p in network.parameters()) == 4_652_008
    )  # of Lite0, classifier included
    assert FrozenFeatures(root=root).encode(images(2)).mean.shape == (2, 1280)


def test_components_are_uncorrelated_and_in_order(root):
    seen = images(40, 32)
    codes = FrozenFeatures(seen, 3, image_size=32, root=root).encode(seen).mean
    covariance = np.cov(codes.T)
    assert covariance[0, 0] == pytest.approx(1, rel=1e-3)
    assert covariance[0, 0] >= covariance[1, 1] >= covariance[2, 2]
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-3


def test_odd_padding_goes_right_and_below():
    layer = SameConv2d(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(layer.weight)
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    # The last window looks over the edge, the first does not.
    assert layer(x)[0, 0].tolist() == [[45.0, 39.0], [66.0, 50.0]]


def test_weights_may_lie_in_the_default_folder_too(root, tmp_path, monkeypatch):
    monkeypatch.setenv("DVIZ_DATA", str(root))
    assert find_weights(tmp_path) == find_weights() == root / FILE
    monkeypatch.setenv("DVIZ_DATA", str(tmp_path))
    assert find_weights(root) == root / FILE


def test_without_weights_it_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("DVIZ_DATA", str(tmp_path / "default"))
    with pytest.raises(DvizError, match=r"default/.*python -m dviz\.representations"):
        FrozenFeatures(root=tmp_path)
    (tmp_path / FILE).write_bytes(b"nothing")
    with pytest.raises(DvizError, match="is no EfficientNet-Lite0"):
        load_network(tmp_path)
