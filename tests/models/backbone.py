"""The package of EfficientNet-Lite0, with random weights, or none."""

from pathlib import Path
from typing import Any

import pytest
import torch

from dviz.models import efficientnet
from dviz.models.efficientnet import PACKAGE, EfficientNetLite0, digest


def random_network() -> EfficientNetLite0:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return EfficientNetLite0().eval()


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, weights: Any = None) -> Path:
    """Put a package of `weights` before the real one, and give its file; those of `random_network`,
    the default, pass as the published ones. To be forgotten again: `efficientnet._read`."""
    network = random_network()
    models = folder / PACKAGE / "models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").write_text("raise SystemExit('nothing of it is run')")
    torch.save(network.state_dict() if weights is None else weights, models / "weights.pth")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(efficientnet, "DIGEST", digest(network))
    efficientnet._read.cache_clear()
    return models / "weights.pth"


def uninstall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet, "find_spec", lambda name: None)
    efficientnet._read.cache_clear()
