"""What metrics gain on photographs by a split by row, beside one that keeps a photograph whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from dviz.checkpoint import load_checkpoint
from dviz.cli import common
from dviz.data import load_dataset
from dviz.measuring.encoder import EncodedSample, encode_sample, other_scores
from dviz.measuring.splits import training_rows
from dviz.results.markdown import table


def main(argv: list[str]) -> None:
    parser = common.parser(
        "benchmark split",
        __doc__ or "",
        "dviz benchmark split checkpoints/color-dsprites-to-coil100-finetuned",
    )
    parser.add_argument("checkpoints", nargs="+", type=Path, help="of photographs")
    parser.add_argument("--images", type=int, default=15_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    common.add_data_flag(parser)
    args = parser.parse_args(argv)
    for folder in args.checkpoints:
        checkpoint = load_checkpoint(folder)
        dataset = load_dataset(checkpoint.config.dataset, args.data_root)
        sample = encode_sample(checkpoint.representation, dataset, args.images, args.seed)
        whole, mixed = orders(sample, args.seed)
        names = list(dataset.space.names)
        found = [
            other_scores(rows_of(sample, order), names, args.seed, args.jobs)
            for order in (whole, mixed)
        ]
        print(f"\n{checkpoint.config.name}, {len(whole):,} images\n")
        rows = [(k, by, found[1][k], found[1][k] - by) for k, by in found[0].items()]
        print(
            table(
                ("score", "by photograph", "by row", "difference"),
                [(k, f"{by:.4f}", f"{row:.4f}", f"{gain:+.4f}") for k, by, row, gain in rows],
            )
        )


def orders(sample: EncodedSample, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The same images in two orders, of which metrics train on the first two thirds: photographs
    whole, and at random.

    Raises:
        ValueError: there are too few photographs to keep them apart.
    """
    train = training_rows(sample.photographs, seed)
    if train is None:
        raise ValueError("these images belong to no photographs, or to fewer than three")
    first, last = np.flatnonzero(train), np.flatnonzero(~train)
    third = min(len(first) // 2, len(last))
    whole = np.concatenate([first[: 2 * third], last[:third]])
    return whole, np.random.default_rng([seed, 1]).permutation(whole)


def rows_of(sample: EncodedSample, rows: np.ndarray) -> EncodedSample:
    """Some images of a sample, in another order."""
    return replace(
        sample,
        mean=sample.mean[rows],
        std=None if sample.std is None else sample.std[rows],
        sampled=sample.sampled[rows],
        classes=sample.classes[rows],
        photographs=None if sample.photographs is None else sample.photographs[rows],
    )
