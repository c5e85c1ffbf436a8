"""`dviz evaluate udr`: which of several models disentangles, told without labels."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from dviz.cli import common
from dviz.cli.evaluations.subcommand import subcommand


def add_udr(commands: argparse._SubParsersAction) -> None:
    parser = subcommand(
        commands,
        "udr",
        "Unsupervised disentanglement ranking (Duan et al. 2020): checkpoints see the same images\n"
        "and are ranked by how one-to-one their latents map to those of the others. Over seeds of\n"
        "one recipe, or over any checkpoints.",
        "dviz evaluate udr checkpoints/color-dsprites checkpoints/white-color-dsprites\n"
        "  dviz evaluate udr sweeps/seeds/* --dataset dsprites",
    )
    add = parser.add_argument
    add("folders", type=Path, nargs="+", help="two or more checkpoint folders")
    add("--dataset", help="whose images they see (default: the first one's own)")
    add("--images", type=int, default=5_000, help="random images (default 5000)")
    add("--kind", choices=("lasso", "spearman"), default="lasso", help="how latents are compared")
    add("--seed", type=int, default=0)
    add("--json", action="store_true", help="print one JSON object")
    common.add_data_flag(parser)
    common.add_device_flags(parser)
    parser.set_defaults(run=run_udr)


def run_udr(args: argparse.Namespace) -> None:
    device = common.pick_device(args.device, args.threads)
    from dviz.checkpoint import load_checkpoint
    from dviz.data import load_dataset
    from dviz.measuring.encoder import encode_sample
    from dviz.metrics.udr import KL_THRESHOLD, udr

    checkpoints = [load_checkpoint(folder, device) for folder in args.folders]
    dataset = load_dataset(args.dataset or checkpoints[0].config.dataset, args.data_root)
    samples = [
        encode_sample(checkpoint.representation, dataset, args.images, args.seed)
        for checkpoint in checkpoints
    ]
    informative = [
        sample.active if sample.std is None else sample.kl() > KL_THRESHOLD for sample in samples
    ]
    found = udr([sample.mean for sample in samples], informative, kind=args.kind)
    names = [checkpoint.config.name for checkpoint in checkpoints]
    if args.json:
        print(json.dumps({"models": names, "dataset": dataset.name, **found.to_dict()}))
        return
    for i in (-found.scores).argsort():  # those without a score come last
        print(f"{names[i]:40} UDR {found.scores[i]:.3f}")
