"""The machine that something was trained or measured on, in words for a report."""

from __future__ import annotations

import os
import platform

import torch


def describe_machine(device: str = "cpu") -> str:
    """Processor, cores and torch's version; of a GPU its name too."""
    parts = [platform.machine(), f"{os.cpu_count()} cores", f"torch {torch.__version__}"]
    if torch.device(device).type == "cuda":
        parts.insert(0, torch.cuda.get_device_name(device))
    return ", ".join(parts)
