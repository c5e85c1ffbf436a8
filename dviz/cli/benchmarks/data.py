"""How fast datasets give images, as training sees them: float tensors in batches of pairs."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from dviz.cli import common
from dviz.data import FactorDataset, list_datasets, load_dataset
from dviz.errors import DatasetError
from dviz.models.vae import to_tensor

PAIRS = 64


def main(argv: list[str]) -> None:
    parser = common.parser(
        "benchmark data", __doc__ or "", "dviz benchmark data shapes3d arm3d --seconds 2"
    )
    parser.add_argument("datasets", nargs="*", default=list_datasets())
    parser.add_argument("--data-root")
    parser.add_argument("--seconds", type=float, default=5.0, help="time spent on each")
    parser.add_argument("--warm-up", type=float, default=8.0, help="seconds before that")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    for name in args.datasets:
        try:
            dataset = load_dataset(name, args.data_root)
        except DatasetError as error:
            print(f"{name}: left out, {error}")
            continue
        images_per_second(dataset, args.warm_up, args.threads)
        rate = images_per_second(dataset, args.seconds, args.threads)
        print(f"{name} ({dataset.origin}): {rate:,.0f} images/s in {args.threads} threads")


def images_per_second(dataset: FactorDataset, seconds: float, threads: int) -> float:
    """Images a second of `threads` threads that each make batches of pairs."""

    def work(seed: int) -> int:
        rng, images = np.random.default_rng(seed), 0
        while time.perf_counter() - began < seconds:
            first, second, _ = dataset.sample_pairs(PAIRS, rng, "uniform")
            images += len(torch.cat([to_tensor(first), to_tensor(second)]))
        return images

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, range(threads))) / (time.perf_counter() - began)
