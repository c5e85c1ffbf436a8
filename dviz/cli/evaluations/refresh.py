"""`dviz evaluate refresh`: bring reports up to what is measured today."""

from __future__ import annotations

import argparse
from pathlib import Path

from dviz.cli import common
from dviz.cli.evaluations.subcommand import subcommand


def add_refresh(commands: argparse._SubParsersAction) -> None:
    parser = subcommand(
        commands,
        "refresh",
        "Add to reports what is measured today and was not then: intervals and noise of the\n"
        "association, mutual information; with --probes probes and scores anew. All from the\n"
        "codes stored beside them. What is up to date is left alone, so the same command goes on\n"
        "where it was.",
        "dviz evaluate refresh checkpoints/* --probes",
    )
    add = parser.add_argument
    add("folders", type=Path, nargs="+", help="checkpoint folders; others are passed over")
    add("--probes", action="store_true", help="probes and scores too (minutes each)")
    add("--jobs", type=int, default=1, help="processes for the probes (default 1)")
    common.add_data_flag(parser)
    common.add_device_flags(parser)
    parser.set_defaults(run=run_refresh)


def run_refresh(args: argparse.Namespace) -> None:
    device = common.pick_device(args.device, args.threads)
    from dviz.checkpoint import CODES, REPORT, load_checkpoint
    from dviz.data import load_dataset
    from dviz.measuring.refresh import refresh
    from dviz.publish.card import write_card

    for folder in args.folders:
        if not (folder / REPORT).exists() or not (folder / CODES).exists():
            continue
        checkpoint = load_checkpoint(folder, device)
        dataset = load_dataset(checkpoint.config.dataset, args.data_root)
        added = refresh(checkpoint, dataset, probes=args.probes, jobs=args.jobs)
        if added:
            write_card(folder)
        print(f"{folder.name}: {'brought up to date' if added else 'up to date'}", flush=True)
