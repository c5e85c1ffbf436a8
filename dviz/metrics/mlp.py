"""The multilayer-perceptron probe: two hidden layers of 256, standardised inputs.

Trained on a short one-cycle schedule. It ends while the network still generalises, which early
stopping on held-out rows does too, but it needs no rows held out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from dviz.metrics.pairs import CONSTANT

if TYPE_CHECKING:
    import torch
    from torch import nn

HIDDEN = (256, 256)
EPOCHS, MIN_STEPS, MAX_BATCH = 20, 100, 256
PEAK_LEARNING_RATE, WEIGHT_DECAY = 1e-2, 1e-2


@dataclass(frozen=True)
class Mlp:
    """A fitted network as plain arrays.

    mean, scale: standardisation (D,); weights: (in, out) per layer; biases: (out,) per layer.
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    def predict_proba(self, codes: np.ndarray) -> np.ndarray:
        """Class probabilities of codes (N, D), float64 (N, C)."""
        hidden = ((codes - self.mean) / self.scale).astype(np.float32)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = np.maximum(hidden @ weight + bias, 0)
        return softmax((hidden @ self.weights[-1] + self.biases[-1]).astype(np.float64))

    def tempered(self, temperature: float) -> Mlp:
        """The same answers with logits over `temperature`: surer below 1, less sure above."""
        *weights, weight = self.weights
        *biases, bias = self.biases
        last = np.float32(temperature)
        return replace(self, weights=(*weights, weight / last), biases=(*biases, bias / last))

    def to_arrays(self) -> dict[str, np.ndarray]:
        # Half precision moves probabilities by less than .002 and halves a checkpoint's probes.
        layers = {f"weight{i}": weight.astype(np.float16) for i, weight in enumerate(self.weights)}
        layers |= {f"bias{i}": bias for i, bias in enumerate(self.biases)}
        return {"mean": self.mean, "scale": self.scale, **layers}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Mlp:
        layers = range(len(HIDDEN) + 1)
        weights = tuple(arrays[f"weight{i}"].astype(np.float32) for i in layers)
        return cls(
            arrays["mean"], arrays["scale"], weights, tuple(arrays[f"bias{i}"] for i in layers)
        )


def fit_mlp(codes: np.ndarray, targets: np.ndarray, classes: int, seed: int) -> Mlp:
    """Fit to codes (N, D) and targets in 0..classes-1 (N,). Deterministic for a seed."""
    import torch
    from torch import nn

    mean, scale = codes.mean(axis=0), codes.std(axis=0)
    scale = np.where(scale > CONSTANT * np.abs(codes).max(axis=0), scale, 1.0)
    x = torch.from_numpy(((codes - mean) / scale).astype(np.float32))
    y = torch.from_numpy(targets.astype(np.int64))
    generator = torch.Generator().manual_seed(seed)
    network = _network((x.shape[1], *HIDDEN, classes), generator)
    batch = int(np.clip(len(x) // 25, 32, MAX_BATCH))
    per_epoch = -(-len(x) // batch)
    epochs = max(EPOCHS, -(-MIN_STEPS // per_epoch))
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, PEAK_LEARNING_RATE, total_steps=epochs * per_epoch
    )
    with torch.enable_grad():
        for _ in range(epochs):
            for rows in torch.randperm(len(x), generator=generator).split(batch):
                loss = nn.functional.cross_entropy(network(x[rows]), y[rows])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    weights = tuple(layer.weight.detach().numpy().T.copy() for layer in layers)
    return Mlp(mean, scale, weights, tuple(layer.bias.detach().numpy().copy() for layer in layers))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis."""
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def _network(sizes: tuple[int, ...], generator: torch.Generator) -> nn.Sequential:
    """A ReLU network with PyTorch's usual initial weights, drawn from `generator`."""
    from torch import nn

    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        linear = nn.utils.skip_init(nn.Linear, fan_in, fan_out)
        for parameter in (linear.weight, linear.bias):
            nn.init.uniform_(parameter, -(fan_in**-0.5), fan_in**-0.5, generator=generator)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])
