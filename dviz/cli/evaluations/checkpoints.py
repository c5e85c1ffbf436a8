"""`dviz evaluate checkpoint` and `dviz evaluate check`: measure a checkpoint, or again."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dviz.cli import common
from dviz.cli.evaluations.subcommand import subcommand

if TYPE_CHECKING:
    from dviz.checkpoint import Checkpoint
    from dviz.measuring.report import DatasetReport, Report


def add_checkpoint(commands: argparse._SubParsersAction) -> None:
    parser = subcommand(
        commands,
        "checkpoint",
        "Measure a checkpoint on datasets: association, OMES, probes and diagnostics, into its\n"
        "report.json; on its own dataset also codes, labels and fitted probes for the app.",
        "dviz evaluate checkpoint checkpoints/color-dsprites",
    )
    add = parser.add_argument
    add("folder", type=Path, help="checkpoint folder")
    add("--datasets", nargs="+", help="names (default: the checkpoint's own dataset)")
    add("--images", type=int, default=15_000, help="random images for the probes (default 15000)")
    add("--pairs", type=int, default=10_000, help="pairs a factor for S (default 10000)")
    add("--seed", type=int, default=0)
    add("--jobs", type=int, default=2, help="processes for the probes (default 2)")
    add("--baseline-of", type=Path, help="put the result into this checkpoint's report instead")
    add("--pictures", action="store_true", help="only what depends on the decoder")
    add("--description", default="", help="with --baseline-of: what the baseline is")
    common.add_data_flag(parser)
    common.add_device_flags(parser)
    parser.set_defaults(run=run_checkpoint)


def run_checkpoint(args: argparse.Namespace) -> None:
    device = common.pick_device(args.device, args.threads)
    from dataclasses import replace

    from dviz.checkpoint import load_checkpoint
    from dviz.measuring.encoder import add_baseline, evaluate_checkpoint, measure
    from dviz.measuring.pictures import measure_pictures
    from dviz.publish.card import write_card
    from dviz.publish.traversal import write_traversal

    checkpoint = load_checkpoint(args.folder, device)
    sizes = {"num_images": args.images, "num_pairs": args.pairs, "seed": args.seed}
    for name in args.datasets or [checkpoint.config.dataset]:
        dataset = common.load_and_tell(name, args.data_root)
        if args.baseline_of is not None:
            result, _ = measure(checkpoint.representation, dataset, **sizes, jobs=args.jobs)
            result = replace(result, painted=checkpoint.config.painted_on(name))
            add_baseline(args.baseline_of, checkpoint.config.name, args.description, result)
        elif args.pictures:
            result = measure_pictures(checkpoint, dataset)
        else:
            result = evaluate_checkpoint(checkpoint, dataset, **sizes, jobs=args.jobs)
        print(_report_summary(result))
    folder = args.baseline_of or args.folder
    write_traversal(folder)
    write_card(folder)


def _report_summary(result: DatasetReport) -> str:
    active = f"{sum(result.active)} of {len(result.active)} dimensions active"
    if not result.factors:
        return f"{result.dataset}: no labels, so no scores; {result.fidelity}, {active}"
    from dviz.results.markdown import percent

    accuracies = ", ".join(
        f"{model} {dims} {percent(result.mean_accuracy(model, dims))}"
        for model in ("gbt", "mlp")
        for dims in ("all", "union", "pruned")
    )
    return (
        f"{result.dataset}: {_omes_or_why_not(result)}; {active}; "
        f"mean accuracy in %: {accuracies}; {result.fidelity} ({result.seconds:.0f} s)"
    )


def _omes_or_why_not(result: DatasetReport) -> str:
    from dviz.metrics.association import leaves_no_pairs

    avg, largest = (result.omes(pooling=pooling).omes for pooling in ("avg", "max"))
    if not math.isnan(avg):
        return f"OMES avg {avg:.3f}, max {largest:.3f}"
    if not any(result.active):
        return "no OMES, as no dimension is active"
    if len(result.factors) == 1:
        return "no OMES of a single factor"
    for name, size in zip(result.factors, result.sizes, strict=True):
        if leaves_no_pairs(size, result.num_images):
            return (
                f"no OMES, as hardly two images differ in one factor alone: {name} has {size} "
                f"values in {result.num_images} images; leave it out or bin it"
            )
    return "no OMES, as too few images with all labels differ in one factor alone"


def add_check(commands: argparse._SubParsersAction) -> None:
    parser = subcommand(
        commands,
        "check",
        "Measure a checkpoint again: with the sizes and seeds of its report.json, and compare;\n"
        "nothing is written. Exits with 1 where they differ by more than sampling explains.\n"
        "So are its baselines, where their encoders are kept or can be built (dviz baseline).",
        "dviz evaluate --check checkpoints/color-dsprites",
    )
    add = parser.add_argument
    add("folder", type=Path, help="checkpoint folder")
    add("--datasets", nargs="+", help="names (default: all in the report, and the distance)")
    add("--jobs", type=int, default=2, help="processes for the probes (default 2)")
    common.add_data_flag(parser)
    common.add_device_flags(parser)
    parser.set_defaults(run=run_check)


def run_check(args: argparse.Namespace) -> None:
    device = common.pick_device(args.device, args.threads)
    from dviz.checkpoint import REPORT, load_checkpoint
    from dviz.errors import CheckpointError
    from dviz.measuring.report import read_report

    checkpoint = load_checkpoint(args.folder, device)
    name, report = checkpoint.config.name, read_report(checkpoint.folder / REPORT)
    if not report.results:
        raise CheckpointError(f"{name} has no report to check")
    found = []
    for dataset in args.datasets or report.results:
        if dataset not in report.results:
            raise CheckpointError(f"{name} was not measured on {dataset}")
        lines = _check_result(checkpoint, report.results[dataset], args)
        found += [f"{dataset}: {line}" for line in lines]
    found += [line for line in _check_baselines(checkpoint, report, args, device)]
    if report.distance and not args.datasets:
        found += [f"distance: {line}" for line in _check_distance(checkpoint, report, args)]
    if found:
        print("\n".join(found))
        sys.exit(1)
    print(f"{name}: measured again, the report holds")


def _check_result(
    checkpoint: Checkpoint, stored: DatasetReport, args: argparse.Namespace
) -> list[str]:
    from dviz.data import load_dataset
    from dviz.measuring.agreement import disagreements
    from dviz.measuring.encoder import measure

    again, _ = measure(
        checkpoint.representation,
        load_dataset(stored.dataset, args.data_root),
        num_images=stored.num_images,
        num_pairs=stored.num_pairs,
        seed=stored.seed,
        probes=bool(stored.probes),
        jobs=args.jobs,
    )
    return disagreements(stored, again)


def _check_baselines(
    checkpoint: Checkpoint, report: Report, args: argparse.Namespace, device: str
) -> list[str]:
    from dviz.cli.baseline import measured_again
    from dviz.measuring.agreement import disagreements

    found = []
    for baseline in report.baselines:
        if args.datasets and baseline.result.dataset not in args.datasets:
            continue
        again = measured_again(baseline, checkpoint, args.data_root, device, args.jobs)
        if again is None:
            note = "its encoder is not here; dviz baseline trains it anew"
            print(f"baseline {baseline.name}: not checked, {note}", file=sys.stderr)
            continue
        lines = disagreements(baseline.result, again)
        found += [f"baseline {baseline.name}: {line}" for line in lines]
    return found


def _check_distance(checkpoint: Checkpoint, report: Report, args: argparse.Namespace) -> list[str]:
    from dviz.data import load_dataset
    from dviz.measuring.agreement import distance_disagreements
    from dviz.measuring.shift import measure_distance, source_of

    stored = report.distance
    again = measure_distance(
        source_of(checkpoint),
        *(load_dataset(name, args.data_root) for name in (stored.source, stored.target)),
        num_images=stored.num_images,
        seed=stored.seed,
    )
    return distance_disagreements(stored, again)
