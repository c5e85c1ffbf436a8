"""Small models of strangers, as modules and as ONNX files; and a small dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from dviz.data.base import FactorDataset
from dviz.factors import Factor, FactorSpace

SIZE, LATENT = 16, 3


class Discs(FactorDataset):
    """A disc that is bright or dark, high or low."""

    name = "discs"

    def __init__(self):
        self.space = FactorSpace([Factor("light", 3), Factor("height", 4)])

    def render(self, classes, rng=None):
        rows = np.arange(64)[:, None]
        light, height = np.asarray(classes).T
        inside = (rows - 10 - 14 * height[:, None, None]) ** 2 + (rows.T - 32) ** 2 < 64
        shown = inside * (80 + 80 * light[:, None, None])
        return np.repeat(shown[..., None], 3, axis=-1).astype(np.uint8)


class Linear(nn.Module):
    """A linear VAE of 16 × 16 grey images: encode gives mean and log-variance."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.down = nn.Linear(SIZE * SIZE, 2 * LATENT)
        self.up = nn.Linear(LATENT, SIZE * SIZE)
        for layer in (self.down, self.up):
            nn.init.normal_(layer.weight, std=0.1, generator=generator)

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, log_variance = self.down(x.flatten(1)).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.up(z)).reshape(-1, 1, SIZE, SIZE)


def write_encoder(path: Path, latent: int = 3, batch: int | str = "N", bias: float = 0.0) -> Path:
    """`images` (N, 3, 8, 8) to `codes` (N, latent): a mean over the picture, times a matrix."""
    weights = np.random.default_rng(0).normal(size=(3, latent)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["images"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["codes"]),
    ]
    return write(
        path,
        nodes,
        ("images", [batch, 3, 8, 8]),
        ("codes", [batch, latent]),
        {"weights": weights, "bias": np.full(latent, bias, dtype=np.float32)},
    )


def write_decoder(path: Path, latent: int = 3) -> Path:
    """`codes` (N, latent) to `images` (N, 3, 8, 8) in (0, 1)."""
    weights = np.random.default_rng(1).normal(size=(latent, 192)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["codes", "weights"], ["flat"]),
        helper.make_node("Sigmoid", ["flat"], ["pixels"]),
        helper.make_node("Reshape", ["pixels", "sizes"], ["images"]),
    ]
    sizes = np.array([-1, 3, 8, 8], dtype=np.int64)
    return write(
        path,
        nodes,
        ("codes", ["N", latent]),
        ("images", ["N", 3, 8, 8]),
        {"weights": weights, "sizes": sizes},
    )


def build(nodes, given, wanted, weights=None):
    """A model of one input and one output, float32 both, as a ModelProto."""
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info(given[0], TensorProto.FLOAT, given[1])],
        [helper.make_tensor_value_info(wanted[0], TensorProto.FLOAT, wanted[1])],
        [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def write(path: Path, nodes, given, wanted, weights=None) -> Path:
    onnx.save(build(nodes, given, wanted, weights), path)
    return path
