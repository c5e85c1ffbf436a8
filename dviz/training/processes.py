"""One run on many processes or GPUs, started by `accelerate launch`; a run alone needs nothing.

Every process seeds the whole batch and works on its slice; gradients, BatchNorm statistics and
reported losses are means over all of them. So the run is the one that a single process with the
whole batch would be, up to the order of sums; but for β-TCVAE, whose total correlation is estimated
within each slice, and the perceptual loss, whose features' variances are.
"""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor, nn

from dviz.errors import TrainingError


class Processes:
    """The processes of a run. `count` is 1 unless `join_processes` found more."""

    def __init__(self, accelerator: Any = None) -> None:
        self._accelerator = accelerator
        self.rank = accelerator.process_index if accelerator else 0
        self.count = accelerator.num_processes if accelerator else 1

    @property
    def main(self) -> bool:
        """Whether this is the one that writes files."""
        return self.rank == 0

    @property
    def device(self) -> str | None:
        """Where this process computes; None where it may choose."""
        return str(self._accelerator.device) if self._accelerator else None

    def slice(self, size: int) -> slice:
        """This process's part of `size` rows."""
        if size % self.count:
            raise ValueError(f"batch_size is {size}; allowed are multiples of {self.count} here")
        share = size // self.count
        return slice(self.rank * share, (self.rank + 1) * share)

    def mean(self, value: Tensor) -> Tensor:
        """Mean of `value` over the processes."""
        return self._accelerator.reduce(value, "mean") if self.count > 1 else value

    def average_gradients(self, module: nn.Module) -> None:
        """Give every process the mean gradient, in one message."""
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        if self.count == 1 or not gradients:
            return
        flat = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = flat.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def any(self, flag: bool, step: int) -> bool:
        """Whether one of them says so; many ask each other only every tenth step."""
        if self.count == 1:
            return flag
        return step % 10 == 0 and bool(self.mean(torch.tensor(float(flag), device=self.device)) > 0)

    def share_statistics(self, model: nn.Module) -> None:
        """Let BatchNorm see the whole batch."""
        if self.count > 1:
            for module in model.modules():
                if type(module) is nn.BatchNorm2d:
                    module.__class__ = _SharedBatchNorm2d


class _SharedBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm over the batches of all processes. torch's own, SyncBatchNorm, is for GPUs only."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        kind, x = x.dtype, x.float()  # in half precision statistics would be rounded
        mean = _mean_over_processes(x.mean((0, 2, 3)))
        centred = x - mean[:, None, None]
        variance = _mean_over_processes(centred.square().mean((0, 2, 3)))
        with torch.no_grad():
            n = x.numel() // len(mean) * torch.distributed.get_world_size()
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * n / (n - 1), self.momentum)
            self.num_batches_tracked.add_(1)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(kind)


def _mean_over_processes(value: Tensor) -> Tensor:
    """Differentiable: the gradient of every process's loss comes back."""
    from torch.distributed.nn.functional import all_reduce

    return all_reduce(value.contiguous()) / torch.distributed.get_world_size()


def join_processes(device: str) -> Processes:
    """The processes that `accelerate launch` started together; this one alone otherwise.

    Raises:
        TrainingError: there are several, but accelerate is not installed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes()
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise TrainingError(
            "training on several processes needs accelerate; pip install -r requirements-scale.txt"
        ) from error
    return Processes(Accelerator(cpu=device == "cpu"))
