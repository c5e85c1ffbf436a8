"""What a decoder can paint at best: each kind is given the true factors of every image.

No encoder and no prior are in the way, so what is missing here is the decoder's own doing.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR

from dviz.cli import common
from dviz.data import FactorDataset, load_dataset
from dviz.factors import FactorSpace
from dviz.measuring.fidelity import colour_error, overlap
from dviz.models.decoders import DECODERS, Decoder, build_decoder
from dviz.models.objectives.losses import reconstruction_loss
from dviz.models.vae import to_tensor

BATCH, CHECKED = 64, 1000
CLIP = 300.0  # largest norm of the gradient, in nats an image
KINDS = (
    10  # up to so many values of a factor are kinds of a thing, each told by a number of its own
)


def main(argv: list[str]) -> None:
    parser = common.parser(
        "benchmark decoders",
        __doc__ or "",
        "dviz benchmark decoders study modulated --steps 2000 --threads 1",
    )
    add = parser.add_argument
    add("kinds", nargs="*", default=list(DECODERS), help=f"of {', '.join(DECODERS)}")
    add("--dataset", default="color-dsprites")
    add("--steps", type=int, default=4000, help=f"of {BATCH} images")
    add("--filters", type=int, default=32)
    add("--hidden", type=int, default=256, help="one more layer of the study's decoder")
    add("--learning-rate", type=float, default=4e-3, help="peak of a one-cycle schedule")
    add("--threads", type=int, default=1)
    add("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    dataset = load_dataset(args.dataset)
    for kind in args.kinds:
        torch.manual_seed(args.seed)
        hidden = args.hidden if kind == "study" else 0
        size = told(dataset.space, np.zeros((1, len(dataset.space)), np.int64)).shape[1]
        decoder = build_decoder(kind, args.filters, size, hidden, recolour=False)
        began = time.process_time()
        learn(decoder, dataset, args.steps, args.learning_rate, args.seed)
        minutes = (time.process_time() - began) / 60
        nats, iou, colour = judge(decoder, dataset, args.seed + 1)
        print(
            f"{kind}: cross-entropy {nats:.1f} nats, IoU {iou:.3f}, colour error {colour:.3f}, "
            f"{minutes:.1f} CPU minutes"
        )


def told(space: FactorSpace, classes: np.ndarray) -> Tensor:
    """True factors (N, F) as a decoder can use them, float32 (N, I).

    A cyclic factor as a point on a circle, one of few values as one number a value, any other
    standardised.
    """
    parts = []
    for factor, values in zip(space.factors, torch.from_numpy(classes).T, strict=True):
        if factor.cyclic:
            angle = 2 * np.pi * values / factor.size
            parts.append(torch.stack([angle.cos(), angle.sin()], dim=1) * np.sqrt(2))
        elif factor.size <= KINDS:
            parts.append(F.one_hot(values, factor.size))
        else:
            scale = np.sqrt((factor.size**2 - 1) / 12)
            parts.append(((values - (factor.size - 1) / 2) / scale)[:, None])
    return torch.cat(parts, dim=1).float()


def learn(decoder: Decoder, dataset: FactorDataset, steps: int, rate: float, seed: int) -> None:
    """Teach `decoder` to paint the images of their factors, by pixel cross-entropy."""
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.Adam(decoder.parameters(), rate)
    schedule = OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(steps):
        images, classes = dataset.sample(BATCH, rng)
        loss = reconstruction_loss(decoder(told(dataset.space, classes)), to_tensor(images))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), CLIP)
        optimizer.step()
        schedule.step()


@torch.no_grad()
def judge(decoder: Decoder, dataset: FactorDataset, seed: int) -> tuple[float, float, float]:
    """Cross-entropy in nats an image, overlap and colour error of the object, on fresh images."""
    images, classes = dataset.sample(CHECKED, np.random.default_rng(seed))
    x, logits = to_tensor(images), decoder(told(dataset.space, classes))
    picture = torch.sigmoid(logits)
    nats = reconstruction_loss(logits, x).item()
    return nats, overlap(x, picture).nanmean().item(), colour_error(x, picture).nanmean().item()
