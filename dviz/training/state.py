"""Crash-safe training state: one safetensors file, replaced atomically, nothing pickled."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from dviz.errors import CheckpointError, TrainingError
from dviz.files import atomic_path

Part = nn.Module | torch.optim.Optimizer | dict[str, torch.Tensor]


def save_state(
    path: Path,
    parts: dict[str, Part],
    step: int,
    settings: dict[str, Any],
    notes: dict[str, Any] | None = None,
) -> None:
    """Write everything a run needs to go on after `step` steps.

    Random draws need no state: every step seeds its own (see `dviz.training.batches`). `settings`
    must be equal when the run is resumed; `notes` come back as they are.

    Raises:
        TrainingError: it cannot be written, for want of space say; what was saved before is kept.
    """
    tensors = {
        f"{name}.{key}": value.detach().contiguous()
        for name, part in parts.items()
        for key, value in _tensors_of(part).items()
    }
    metadata = {
        "step": str(step),
        "settings": json.dumps(settings, sort_keys=True),
        "notes": json.dumps(notes or {}),
    }
    try:
        with atomic_path(path) as temporary:
            save_file(tensors, temporary, metadata)
    except (OSError, SafetensorError) as error:
        raise TrainingError(
            f"the state after step {step} cannot be written to {path} ({error}); the state saved "
            "before is kept: make room and go on with --resume"
        ) from error


def load_state(
    path: Path, parts: dict[str, Part], settings: dict[str, Any], defaults: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    """Restore `parts` from `path` and return the number of steps done and the notes.

    `defaults` stand for settings that came after the run was started.

    Raises:
        CheckpointError: the file is unreadable, or was written with other `settings`.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            # Copies: what is mapped keeps the file open, and Windows does not replace an open one.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        step, saved = int(metadata["step"]), defaults | json.loads(metadata["settings"])
        notes = json.loads(metadata.get("notes", "{}"))
        settings = defaults | settings
        differing = sorted(k for k in saved | settings if saved.get(k) != settings.get(k))
        if not differing:
            for name, part in parts.items():
                prefix = f"{name}."
                found = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
                _restore(part, found)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{path.name} cannot be resumed from ({reason}); delete it to start anew"
        ) from error
    if differing:
        changes = ", ".join(f"{k}: {saved.get(k)!r} → {settings.get(k)!r}" for k in differing)
        raise CheckpointError(
            f"this run was started with other settings ({changes}); "
            "use the same ones to resume, or another folder"
        )
    return step, notes


def fingerprint(model: nn.Module) -> str:
    """16 letters that differ where weights do."""
    digest = hashlib.blake2b(digest_size=8)
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _tensors_of(part: Part) -> dict[str, torch.Tensor]:
    if isinstance(part, torch.optim.Optimizer):
        moments = part.state_dict()["state"]
        return {f"{index}.{name}": v for index, m in moments.items() for name, v in m.items()}
    return part.state_dict() if isinstance(part, nn.Module) else part


def _restore(part: Part, tensors: dict[str, torch.Tensor]) -> None:
    if isinstance(part, torch.optim.Optimizer):
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in tensors.items():
            index, name = key.split(".")
            moments.setdefault(int(index), {})[name] = value
        groups = part.state_dict()["param_groups"]
        part.load_state_dict({"state": moments, "param_groups": groups})
    elif isinstance(part, nn.Module):
        part.load_state_dict(tensors, strict=True)
    else:
        part.clear()
        part.update(tensors)
