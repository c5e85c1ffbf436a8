"""What the faults happen to, in processes of their own."""

import os
import resource
import signal
import sys

import numpy as np
import torch
from safetensors import SafetensorError

from dviz.checkpoint import DIRECT, REPORT, CheckpointConfig, save_checkpoint
from dviz.files import write_json
from dviz.measuring.shards import write_shard
from dviz.training.config import TrainingConfig
from dviz.training.loop import train
from tests.training.problems import Squares, fresh, weights

CONFIG = TrainingConfig(steps=40, batch_size=4, learning_rate=3e-3, seed=5)


def run_to_the_end(folder, resume):
    torch.set_num_threads(1)
    model = fresh()
    train(model, Squares(), CONFIG, folder, save_every=3, resume=resume)
    torch.save(weights(model), folder / "end.part")
    os.replace(folder / "end.part", folder / "end.pt")


def counted(folder, resume, last=None):
    """The same, every call counted into ``folder/calls``; killed past all handlers at ``last``."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")
        if calls == last:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    run_to_the_end(folder, resume)
    sys.setprofile(None)
    (folder / "calls").write_text(str(calls))


def identity(model):
    return CheckpointConfig(
        name="a", kind=DIRECT, dataset="squares", factors=Squares().space.factors,
        architecture=model.config, source="squares",
    )  # fmt: skip


def save_a_checkpoint(folder):
    model = fresh(seed=1)
    save_checkpoint(folder, model, identity(model))


def save_a_report(folder):
    write_json(folder / REPORT, {"numbers": list(range(200_000))})


def save_a_shard(folder):
    rng = np.random.default_rng(1)
    write_shard(folder / "part.parquet", rng.standard_normal((20_000, 10)),
                rng.integers(0, 9, (20_000, 2)), ("a", "b"))  # fmt: skip


def on_a_full_disk(save, folder, result):
    """No file may grow beyond 20 kB; the system says so as it does of a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        save(folder)
    except (OSError, SafetensorError):
        os._exit(7)
    os._exit(0)
