"""One training loop, for a Source (pairs, weak supervision) and for fine-tuning (single images).

Every step draws its images and its noise from a seed made of the run's seed and the step's number.
So a resumed run is the same run, and nothing about randomness has to be saved.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from dviz.data.base import FactorDataset
from dviz.factors import UNIFORM
from dviz.models.objectives import Loss, ada_gvae_loss, beta_vae_loss
from dviz.models.vae import VAE, to_tensor
from dviz.training.state import load_state, save_state

SUPERVISIONS = ("labels", "adaptive", "none")
SCHEDULES = ("one-cycle", "constant")


@dataclass(frozen=True)
class TrainingConfig:
    """How one run learns. Two runs with equal configs on one machine give equal weights.

    Attributes:
        steps: optimiser steps.
        batch_size: pairs a step, or images where `supervision` is "none".
        learning_rate: of Adam; the peak where `schedule` is "one-cycle".
        beta: weight of the KL divergence of every dimension.
        untied_beta: its weight in the dimensions tied to no factor ("labels" only).
        beta_warmup: share of the steps over which both rise linearly from 0.
        supervision: "labels", "adaptive" (Ada-GVAE with known and unknown changes) or "none".
        k: factors that change in a pair, or "uniform" (see FactorSpace.sample_pairs).
        decoder_first: share of the steps in which the encoder stands still. A decoder that has not
            met the Target yet sends back gradients that undo what the encoder learnt.
        freeze_statistics: the encoder's BatchNorm keeps the statistics it came with. With those of
            the Target's batches instead, a Source's codes start out far off what it learnt.
        encoder_rate: learning rate of the encoder as a share of the decoder's. Below 1, a Target is
            met more by drawing it anew than by giving the dimensions another meaning.
        clip: largest norm of the gradient.
        seed: seeds weights, data and noise.
    """

    steps: int
    batch_size: int = 64
    learning_rate: float = 2e-3
    schedule: str = "one-cycle"
    beta: float = 2.0
    untied_beta: float = 2.0
    beta_warmup: float = 0.125
    supervision: str = "labels"
    k: int | str = UNIFORM
    decoder_first: float = 0.0
    freeze_statistics: bool = False
    encoder_rate: float = 1.0
    clip: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in (("supervision", SUPERVISIONS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; allowed are {allowed}")


@dataclass(frozen=True)
class Progress:
    """Where a run stands, in nats an image (`loss` with β) and images a second."""

    step: int
    loss: float
    reconstruction: float
    kl: float
    images_per_second: float


def learning_rate_at(step: int, config: TrainingConfig) -> float:
    """Learning rate of step 0 … steps − 1.

    "one-cycle" (Smith and Topin 2018): up from 1/25 of the peak along a cosine over the first
    tenth, then down to 1e-4 of that start.
    """
    peak = config.learning_rate
    if config.schedule == "constant":
        return peak
    rise = max(1.0, 0.1 * config.steps)
    start, end = peak / 25, peak / 25e4
    if step < rise:
        return _cosine(start, peak, step / rise)
    return _cosine(peak, end, (step - rise) / max(1.0, config.steps - 1 - rise))


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


def beta_at(step: int, config: TrainingConfig, latent_size: int, tied: int) -> torch.Tensor:
    """Weight of every dimension's KL divergence at `step`, float32 (D,); `tied` come first."""
    warmup = config.beta_warmup * config.steps
    share = min(1.0, (step + 1) / warmup) if warmup > 0 else 1.0
    beta = torch.full((latent_size,), config.beta)
    if config.supervision == "labels":
        beta[tied:] = config.untied_beta
    return share * beta


def train(
    model: VAE,
    dataset: FactorDataset,
    config: TrainingConfig,
    folder: Path,
    *,
    device: str = "cpu",
    save_every: int = 500,
    resume: bool = False,
    on_step: Callable[[Progress], None] = lambda progress: None,
) -> None:
    """Train `model` in place on `dataset`.

    Writes `state.safetensors` (every `save_every` steps and at the end) and `history.jsonl`
    (every 50 steps) into `folder`; with `resume` goes on from there to the same weights as a run
    without a break.

    Raises:
        CheckpointError: the state to resume from is unreadable or belongs to another run.
        FloatingPointError: the loss is not finite; the last good state stays on disk.
    """
    model.to(device).train()
    if config.freeze_statistics:
        model.encoder.eval()
    optimizer = _optimizer(model, config)
    settings = asdict(config) | {"dataset": dataset.name, **asdict(model.config)}
    state, history = folder / "state.safetensors", folder / "history.jsonl"
    start = load_state(state, model, optimizer, settings) if resume and state.exists() else 0
    _truncate_history(history, start)
    began = time.perf_counter()
    for step in range(start, config.steps):
        loss = _step(model, dataset, optimizer, config, step, device)
        done = step + 1
        last = done == config.steps
        if done % 10 == 0 or last:
            seconds = time.perf_counter() - began
            on_step(_progress(loss, done, (done - start) * _images_a_step(config) / seconds))
        if done % 50 == 0 or last:
            _append_history(history, loss, done)
        if done % save_every == 0 or last:
            save_state(state, model, optimizer, done, settings)
    model.eval()


def _optimizer(model: VAE, config: TrainingConfig) -> torch.optim.Optimizer:
    return torch.optim.Adam(
        [
            {"params": list(model.encoder.parameters()), "share": config.encoder_rate},
            {"params": list(model.decoder.parameters()), "share": 1.0},
        ],
        config.learning_rate,
    )


def _step(
    model: VAE,
    dataset: FactorDataset,
    optimizer: torch.optim.Optimizer,
    config: TrainingConfig,
    step: int,
    device: str,
) -> Loss:
    rng = np.random.default_rng([config.seed, step])
    noise = torch.Generator().manual_seed(int(rng.integers(2**62)))
    beta = beta_at(step, config, model.config.latent_size, len(dataset.space)).to(device)
    if config.supervision == "none":
        images, _ = dataset.sample(config.batch_size, rng)
        loss = beta_vae_loss(model, to_tensor(images, device), beta, noise)
    else:
        first, second, differ = dataset.sample_pairs(config.batch_size, rng, config.k)
        x = torch.cat([to_tensor(first, device), to_tensor(second, device)])
        known = torch.from_numpy(differ).to(device) if config.supervision == "labels" else None
        loss = ada_gvae_loss(model, x, known, beta, noise)
    if not torch.isfinite(loss.total):
        raise FloatingPointError(
            f"the loss is {loss.total.item()} at step {step}; try a lower learning rate"
        )
    for group in optimizer.param_groups:
        group["lr"] = group["share"] * learning_rate_at(step, config)
    optimizer.zero_grad()
    loss.total.backward()
    if step < config.decoder_first * config.steps:
        for weight in model.encoder.parameters():
            weight.grad = None
    torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    optimizer.step()
    return loss


def _images_a_step(config: TrainingConfig) -> int:
    return config.batch_size * (1 if config.supervision == "none" else 2)


def _progress(loss: Loss, step: int, images_per_second: float) -> Progress:
    total, reconstruction, kl = loss.total.item(), loss.reconstruction.item(), loss.kl.sum().item()
    return Progress(step, total, reconstruction, kl, images_per_second)


def _append_history(path: Path, loss: Loss, step: int) -> None:
    values = {
        "step": step,
        "loss": loss.total.item(),
        "reconstruction": loss.reconstruction.item(),
        "kl": loss.kl.tolist(),
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(values) + os.linesep)


def _truncate_history(path: Path, step: int) -> None:
    """Forget what a broken run logged after its last saved state."""
    lines = path.read_text(encoding="utf-8").splitlines() if step and path.exists() else []
    kept = [line for line in lines if json.loads(line)["step"] <= step]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
