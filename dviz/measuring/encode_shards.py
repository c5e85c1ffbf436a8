"""A dataset of any size to codes, shard by shard (see dviz.measuring.shards)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dviz.data.table import UNKNOWN
from dviz.errors import DataFileError, DvizError
from dviz.measuring.shards import count_rows, read_about, write_shard

if TYPE_CHECKING:
    from dviz.checkpoint import Checkpoint
    from dviz.data.base import FactorDataset

CHUNK = 512  # images at once


@dataclass(frozen=True)
class EncodeJob:
    """What is encoded, with what, into how large shards.

    Attributes:
        checkpoint: its folder; dataset: its name; data_root: where its files lie.
        images: so many drawn uniformly; 0 for every image once, in order.
        rows: of a shard; seed: of what is drawn, and of what is random in a picture.
    """

    checkpoint: str
    dataset: str
    data_root: str | None = None
    images: int = 0
    rows: int = 100_000
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.images < 0 or self.rows < 1:
            raise DvizError(f"images is {self.images}, rows {self.rows}; allowed are 0 and 1 up")


def encode_all(
    job: EncodeJob, folder: Path, engine: Any, progress: Callable[[int], None] | None = None
) -> tuple[int, int]:
    """Write the shards that are not there yet.

    Returns:
        how many images all of them hold, and how many are left out: those with a label that is not
        known, where there are labels.

    Raises:
        DataFileError: the folder holds shards of another job.
        CheckpointError, DatasetError: these are missing or broken.
    """
    total = job.images or _dataset(job.dataset, job.data_root).num_images
    count = -(-total // job.rows)
    tell = progress or (lambda done: None)
    waiting = [k for k in range(count) if not _is_there(_path(folder, k), job)]
    tell(count - len(waiting))
    running: list[Any] = []
    while waiting or running:
        while waiting and len(running) < 2 * engine.workers:
            k = waiting.pop(0)
            rows = min(job.rows, total - k * job.rows)
            running.append(engine.submit(encode_shard, job, k, rows, _path(folder, k)))
        done = engine.first(running)
        running = [handle for handle in running if handle is not done]
        engine.check(done)
        tell(1)
    rows = sum(count_rows(_path(folder, k)) for k in range(count))
    return rows, total - rows


def encode_shard(job: EncodeJob, k: int, rows: int, path: Path) -> tuple[int]:
    """One piece of work: shard `k`, its first image `k` × `job.rows`. How many were written.

    Images whose labels are not all known are left out; those without labels are not.
    """
    checkpoint = _model(job.checkpoint, job.device, _weights(job.checkpoint))
    dataset = _dataset(job.dataset, job.data_root)
    start = k * job.rows
    indices = (
        dataset.sample_indices(rows, np.random.default_rng([job.seed, k]))
        if job.images
        else np.arange(start, start + rows)
    )
    classes = dataset.factors(indices)
    known = (classes != UNKNOWN).all(axis=1)
    parts = list(_codes(checkpoint, dataset, indices[known], job.seed, k))
    none = np.empty((0, checkpoint.representation.shape.latent_size), dtype=np.float32)
    codes = np.concatenate(parts or [none])
    names = dataset.space.names
    about = {"job": _told(job), "values": [list(f.values) for f in dataset.space.factors]}
    write_shard(path, codes, classes[known], names, about)
    return (int(known.sum()),)


def _codes(
    checkpoint: Checkpoint, dataset: FactorDataset, indices: np.ndarray, seed: int, k: int
) -> Iterator[np.ndarray]:
    rng = np.random.default_rng([seed, k, 1])
    for start in range(0, len(indices), CHUNK):
        images = dataset.images(indices[start : start + CHUNK], rng)
        yield checkpoint.representation.encode(images).mean


def _told(job: EncodeJob) -> dict[str, Any]:
    """What makes two jobs the same: not where files lie or what computes."""
    values = asdict(job)
    del values["device"], values["data_root"]
    return values | {
        "checkpoint": Path(job.checkpoint).resolve().name,
        "weights": _weights(job.checkpoint),
        "content": _dataset(job.dataset, job.data_root).content,
    }


def _weights(folder: str) -> str:
    """16 letters that differ where the files of a model do."""
    from dviz.checkpoint import ENCODER, WEIGHTS

    paths = [path for name in (WEIGHTS, ENCODER) if (path := Path(folder) / name).is_file()]
    return "".join(_digest(path, path.stat().st_mtime_ns) for path in paths)


@lru_cache(maxsize=8)
def _digest(path: Path, changed: int) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()


def _is_there(path: Path, job: EncodeJob) -> bool:
    if not path.exists():
        return False
    told, there = _told(job), read_about(path).get("job") or {}
    # What shards did not say at first counts as equal.
    if told | there != told:
        raise DataFileError(
            f"{path.parent} holds shards of another checkpoint, dataset or size; "
            "name another folder"
        )
    return True


def _path(folder: Path, k: int) -> Path:
    return folder / f"part-{k:06}.parquet"


@lru_cache(maxsize=1)
def _model(folder: str, device: str, weights: str) -> Checkpoint:
    from dviz.checkpoint import load_checkpoint

    return load_checkpoint(folder, device)


@lru_cache(maxsize=1)
def _dataset(name: str, root: str | None) -> FactorDataset:
    from dviz.data import load_dataset

    return load_dataset(name, root)
