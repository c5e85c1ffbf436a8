"""The package of EfficientNet-Lite0, with random weights, or none."""

from hashlib import sha256
from pathlib import Path

import pytest
import torch

from dviz.models import efficientnet
from dviz.models.efficientnet import PACKAGE, EfficientNetLite0


def _random_weights() -> dict[str, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return EfficientNetLite0().state_dict()


def install(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Put a package of random weights, known as the published ones, before the real one, and give
    its file. To be forgotten again: `efficientnet._read`."""
    models = folder / PACKAGE / "models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").write_text("raise SystemExit('nothing of it is run')")
    path = models / "weights.pth"
    torch.save(_random_weights(), path)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(efficientnet, "DIGEST", sha256(path.read_bytes()).hexdigest())
    efficientnet._read.cache_clear()
    return path


def uninstall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet, "find_spec", lambda name: None)
    efficientnet._read.cache_clear()
