"""Images per second of the training loop, of its arithmetic alone, and of a per-image loop.

The three take turns, ten steps each, so that whatever else the machine does hits all of them.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dviz.cli import common

if TYPE_CHECKING:
    import torch

    from dviz.data import FactorDataset
    from dviz.models.vae import VAE
    from dviz.training.config import TrainingConfig

STEPS = 10


def main(argv: list[str]) -> None:
    parser = common.parser(
        "benchmark training",
        __doc__ or "",
        "dviz benchmark training --filters 32 --batch-size 32 --threads 1",
    )
    add = parser.add_argument
    add("--dataset", default="color-dsprites")
    add("--filters", type=int, default=128, help="study: 128")
    add("--batch-size", type=int, default=64, help="pairs a step (64)")
    add("--rounds", type=int, default=5, help="turns of ten steps each (5)")
    add("--threads", type=int, help="CPU threads (default: all cores)")
    add("--device", default="cpu")
    add("--precision", choices=("float32", "bfloat16"), default="float32")
    add("--channels-last", action="store_true")
    add("--compile", action="store_true")
    add("--skip-per-image", action="store_true", help="leave the slow loop out")
    args = parser.parse_args(argv)
    import torch

    from dviz.data import load_dataset
    from dviz.training.config import TrainingConfig

    if args.threads:
        torch.set_num_threads(args.threads)
    dataset = load_dataset(args.dataset)
    config = TrainingConfig(
        steps=2 * STEPS,
        batch_size=args.batch_size,
        precision=args.precision,
        channels_last=args.channels_last,
        compile=args.compile,
    )
    ways = {"bare step": bare_steps, "training loop": loop_steps, "per-image loop": image_steps}
    if args.skip_per_image:
        del ways["per-image loop"]
    runs = {
        name: way(_model(args.filters), dataset, config, args.device) for name, way in ways.items()
    }
    rates = measure(runs, args.rounds, config.images_a_step)
    report(rates)
    data = data_rate(dataset, args.batch_size)
    share = statistics.median(rates["bare step"]) / data
    print(f"data alone: {data:.0f} images/s, that is {share:.1%} of a bare step (at most 10%)")


def _model(filters: int) -> VAE:
    from dviz.models.vae import VAE, VAEConfig

    return VAE(VAEConfig(filters))


def measure(
    runs: dict[str, Callable[[], float]], rounds: int, images: int
) -> dict[str, list[float]]:
    """Images a second of each run in every round; each run returns the seconds of STEPS steps."""
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            rates[name].append(STEPS * images / run())
    return rates


def report(rates: dict[str, list[float]]) -> None:
    for name, values in rates.items():
        print(
            f"{name:14} median {statistics.median(values):7.1f} images/s "
            f"(from {min(values):.1f} to {max(values):.1f})"
        )
    loop = rates["training loop"]
    ratios = [a / b for a, b in zip(loop, rates["bare step"], strict=True)]
    print(f"training loop / bare step: median {statistics.median(ratios):.3f} (at least .85)")
    if "per-image loop" in rates:
        gains = [a / b for a, b in zip(loop, rates["per-image loop"], strict=True)]
        print(f"training loop / per-image loop: median {statistics.median(gains):.2f}")


def loop_steps(
    model: VAE, dataset: FactorDataset, config: TrainingConfig, device: str
) -> Callable[[], float]:
    """dviz's loop, from drawing pairs to the history; its first ten steps warm up."""
    from dviz.training.loop import train

    def run() -> float:
        times = []
        with tempfile.TemporaryDirectory() as folder:
            train(
                model, dataset, config, Path(folder), device=device, save_every=0,
                on_step=lambda progress: times.append(time.perf_counter()),
            )  # fmt: skip
        return times[1] - times[0]

    return run


def bare_steps(
    model: VAE, dataset: FactorDataset, config: TrainingConfig, device: str
) -> Callable[[], float]:
    """Forward, backward and update on one ready batch of the same shape."""
    import torch

    x = torch.rand(config.images_a_step, 3, 64, 64, device=device)
    changed = torch.rand(config.batch_size, len(dataset.space), device=device) < 0.5
    update = _update(model, config, device)
    return lambda: _timed(lambda: update(x, changed), device)


def image_steps(
    model: VAE, dataset: FactorDataset, config: TrainingConfig, device: str
) -> Callable[[], float]:
    """The same update fed the usual way: a picture at a time through PIL, put together by a
    DataLoader."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    class Pairs(Dataset):
        def __len__(self) -> int:
            return 1_000_000

        def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            first, second, changed = dataset.sample_pairs(1, np.random.default_rng(index), config.k)
            return _tensor_of(first[0]), _tensor_of(second[0]), torch.from_numpy(changed[0])

    batches = iter(DataLoader(Pairs(), config.batch_size))
    update = _update(model, config, device)

    def step() -> None:
        first, second, changed = next(batches)
        update(torch.cat([first, second]).to(device), changed.to(device))

    return lambda: _timed(step, device)


def _tensor_of(image: np.ndarray) -> torch.Tensor:
    from PIL import Image
    from torchvision.transforms import functional

    return functional.to_tensor(functional.resize(Image.fromarray(image), [64, 64]))


def _update(
    model: VAE, config: TrainingConfig, device: str
) -> Callable[[torch.Tensor, torch.Tensor], None]:
    """One update by hand: the least there is to do."""
    import torch

    from dviz.models.objectives import OBJECTIVES
    from dviz.models.objectives.base import Weights
    from dviz.models.weak import pair_posterior

    model.to(device).train()
    if config.channels_last:
        model.to(memory_format=torch.channels_last)
    if config.compile:
        model.encoder.compile()
        model.decoder.compile()
    optimizer = torch.optim.Adam(model.parameters(), config.learning_rate)
    noise = torch.Generator().manual_seed(0)
    objective = OBJECTIVES["beta-vae"](config, model.config.latent_size)
    weights = Weights(torch.tensor(config.beta, device=device))
    half = config.precision == "bfloat16"

    def update(x: torch.Tensor, changed: torch.Tensor) -> None:
        if config.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=half):
            posterior = pair_posterior(*(v.float() for v in model.encode(x)), changed)
            loss = objective.loss(model, x, weights, noise, posterior).total
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()

    return update


def _timed(step: Callable[[], None], device: str) -> float:
    import torch

    step()
    began = time.perf_counter()
    for _ in range(STEPS):
        step()
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def data_rate(dataset: FactorDataset, batch_size: int) -> float:
    """Images a second that drawing pairs and turning them into tensors would allow."""
    from dviz.models.vae import to_tensor

    rng = np.random.default_rng(0)

    def draw() -> None:
        first, second, _ = dataset.sample_pairs(batch_size, rng, "uniform")
        to_tensor(first), to_tensor(second)

    return STEPS * 2 * batch_size / _timed(draw, "cpu")
