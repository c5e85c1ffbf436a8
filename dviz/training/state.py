"""Crash-safe training state: one safetensors file, replaced atomically, nothing pickled."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from dviz.errors import CheckpointError
from dviz.files import atomic_path


def save_state(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, step: int, settings: dict
) -> None:
    """Write everything a run needs to go on after `step` steps.

    Random draws need no state: every step seeds its own (see `dviz.training.loop`). `settings` must
    be equal when the run is resumed.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in moments.items()}
    metadata = {"step": str(step), "settings": json.dumps(settings, sort_keys=True)}
    with atomic_path(path) as temporary:
        save_file({k: v.contiguous() for k, v in tensors.items()}, temporary, metadata)


def load_state(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, settings: dict
) -> int:
    """Restore `model` and `optimizer` from `path` and return the number of steps done.

    Raises:
        CheckpointError: the file is unreadable, or was written with other `settings`.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        step, saved = int(metadata["step"]), json.loads(metadata["settings"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path.name} cannot be resumed from ({error}); delete it to start anew"
        ) from error
    differing = sorted(k for k in saved | settings if saved.get(k) != settings.get(k))
    if differing:
        changes = ", ".join(f"{k}: {saved.get(k)!r} → {settings.get(k)!r}" for k in differing)
        raise CheckpointError(
            f"this run was started with other settings ({changes}); "
            "use the same ones to resume, or another folder"
        )
    _restore(model, optimizer, tensors)
    return step


def _restore(
    model: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]
) -> None:
    weights = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    model.load_state_dict(weights, strict=True)
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".")
            moments.setdefault(int(index), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
