"""Measure disentanglement: OMES or every metric, on anybody's codes and labels."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dviz.cli import common
from dviz.errors import DataFileError

if TYPE_CHECKING:
    import numpy as np

    from dviz.checkpoint import Checkpoint
    from dviz.measuring.files import Labels
    from dviz.measuring.report import DatasetReport, Report

POOLINGS = ("avg", "max")


# --- omes -----------------------------------------------------------------------------------------


def add_omes(commands: argparse._SubParsersAction) -> None:
    parser = _command(
        commands,
        "omes",
        "OMES of a representation: modularity, compactness, and the association of every\n"
        "dimension with every factor.",
        "dviz evaluate omes --representations representations.npz --classes classes.csv",
    )
    _add_table_flags(parser)
    _add_omes_flags(parser)
    parser.set_defaults(run=run_omes)


def run_omes(args: argparse.Namespace) -> None:
    codes, labels = _read(args)
    from dviz.metrics.association import associate
    from dviz.metrics.diagnostics import active_dimensions
    from dviz.metrics.omes import omes

    found = associate(codes, labels.classes)
    active = active_dimensions(codes)
    result = omes(
        found.matrix, args.alpha, args.pooling, active, labels.names, found.reasons
    ).to_dict()
    for name, pairs in zip(labels.names, found.pairs.tolist(), strict=True):
        result["per_factor"][name]["pairs"] = pairs
    result |= {
        "n_samples": len(codes),
        "factors": list(labels.names),
        "dimensions": list(range(codes.shape[1])),
    }
    order = ("omes", "modularity", "compactness", "alpha", "pooling", "n_samples", "active")
    order += ("factors", "dimensions", "association", "per_factor")
    if args.json:
        print(json.dumps({key: result[key] for key in order}))
    else:
        print(_omes_table(result))


def _omes_table(result: dict[str, Any]) -> str:
    lines = [
        f"OMES {_number(result['omes'])}   modularity {_number(result['modularity'])}   "
        f"compactness {_number(result['compactness'])}   "
        f"(α {result['alpha']:g}, {result['pooling']} pooling, {result['n_samples']} samples)",
        "",
        _row("", result["factors"]),
    ]
    for d, row in zip(result["dimensions"], result["association"], strict=True):
        note = "" if d in result["active"] else "  inactive"
        lines.append(_row(f"z{d}", map(_number, row)) + note)
    lines.append("")
    parts = [result["per_factor"][name] for name in result["factors"]]
    for key in ("omes", "modularity", "compactness"):
        lines.append(_row(key, (_number(part[key]) for part in parts)))
    lines.append(_row("dimension", (_dimension(part) for part in parts)))
    lines.append(_row("pairs", (str(part["pairs"]) for part in parts)))
    reasons = [(name, result["per_factor"][name]["reason"]) for name in result["factors"]]
    lines += [f"{name}: {reason}" for name, reason in reasons if reason]
    return "\n".join(lines)


# --- metrics --------------------------------------------------------------------------------------


def add_metrics(commands: argparse._SubParsersAction) -> None:
    parser = _command(
        commands,
        "metrics",
        "OMES, MIG, SAP, DCI, BetaVAE and FactorVAE scores, modularity, explicitness, probes and\n"
        "label-free diagnostics. The first two thirds of the rows train, the last third tests.",
        "dviz evaluate metrics --representations representations.npz "
        "--classes classes.csv\n"
        "  dviz evaluate metrics --table codes_and_labels.csv --metrics omes,mig",
    )
    _add_table_flags(parser)
    _add_omes_flags(parser)
    add = parser.add_argument
    add("--metrics", default="all", help="all (default), or some by name, comma-separated")
    add("--shuffle", action="store_true", help="shuffle the rows first (for sorted tables)")
    add("--seed", type=int, default=0)
    add("--jobs", type=int, default=2, help="processes (default 2)")
    add("--output", type=Path, help="also write the JSON to this file")
    parser.set_defaults(run=run_metrics)


def run_metrics(args: argparse.Namespace) -> None:
    codes, labels = _read(args)
    from tqdm import tqdm

    from dviz.metrics.suite import METRICS, evaluate_all

    asked = list(METRICS) if args.metrics == "all" else args.metrics.split(",")
    with tqdm(total=len(asked), disable=None, leave=False) as bar:

        def show(name: str) -> None:
            bar.set_description(name)
            bar.update()

        result = evaluate_all(
            codes,
            labels.classes,
            names=labels.names,
            metrics=asked,
            alpha=args.alpha,
            pooling=args.pooling,
            seed=args.seed,
            n_jobs=args.jobs,
            shuffle=args.shuffle,
            progress=show,
        )
    if args.output is not None:
        from dviz.files import write_json

        write_json(args.output, result)
    print(json.dumps(result) if args.json else _metrics_table(result))


def _metrics_table(result: dict[str, Any]) -> str:
    from dviz.metrics.summary import score_rows, unscored

    factors = result["factors"]
    lines = [
        f"{result['n_samples']} samples, {len(result['active'])} of {len(result['dimensions'])} "
        "dimensions active",
        "",
        _row("", ["score", *factors], first=26),
    ]
    for label, score, parts in score_rows(result):
        lines.append(_row(label, [_number(score), *map(_number, parts)], first=26))
    lines += unscored(result)
    if "diagnostics" in result:
        correlation = result["diagnostics"]["gaussian_total_correlation"]
        lines += ["", f"Gaussian total correlation {_number(correlation)} nats"]
    return "\n".join(lines)


# --- checkpoint -----------------------------------------------------------------------------------


def add_checkpoint(commands: argparse._SubParsersAction) -> None:
    parser = _command(
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
    add("--description", default="", help="with --baseline-of: what the baseline is")
    common.add_data_flag(parser)
    common.add_device_flags(parser)
    parser.set_defaults(run=run_checkpoint)


def run_checkpoint(args: argparse.Namespace) -> None:
    device = common.pick_device(args.device, args.threads)
    from dviz.checkpoint import load_checkpoint
    from dviz.data import load_dataset
    from dviz.measuring.encoder import add_baseline, evaluate_checkpoint, measure
    from dviz.publish.card import write_card
    from dviz.publish.traversal import write_traversal

    checkpoint = load_checkpoint(args.folder, device)
    sizes = {"num_images": args.images, "num_pairs": args.pairs, "seed": args.seed}
    for name in args.datasets or [checkpoint.config.dataset]:
        dataset = load_dataset(name, args.data_root)
        if args.baseline_of is not None:
            result, _ = measure(checkpoint.model, dataset, **sizes, jobs=args.jobs)
            add_baseline(args.baseline_of, checkpoint.config.name, args.description, result)
        else:
            result = evaluate_checkpoint(checkpoint, dataset, **sizes, jobs=args.jobs)
        print(_report_summary(result))
    folder = args.baseline_of or args.folder
    write_traversal(folder)
    write_card(folder)


def _report_summary(result: DatasetReport) -> str:
    from dviz.metrics.omes import omes

    if not result.factors:
        return (
            f"{result.dataset}: no labels, so no scores; mean squared error {result.mse:.4f}, "
            f"{sum(result.active)} of {len(result.active)} dimensions active"
        )
    scores = [
        omes(result.association_matrix, 0.5, pooling, result.active).omes for pooling in POOLINGS
    ]
    accuracies = ", ".join(
        f"{model} {dims} {_number(result.mean_accuracy(model, dims))}"
        for model in ("gbt", "mlp")
        for dims in ("all", "pruned")
    )
    return (
        f"{result.dataset}: OMES avg {scores[0]:.3f}, max {scores[1]:.3f}; "
        f"mean accuracy {accuracies} ({result.seconds:.0f} s)"
    )


# --- check ----------------------------------------------------------------------------------------


def add_check(commands: argparse._SubParsersAction) -> None:
    parser = _command(
        commands,
        "check",
        "Measure a checkpoint again: with the sizes and seeds of its report.json, and compare;\n"
        "nothing is written. Exits with 1 where they differ by more than sampling explains.\n"
        "Baselines are not measured again: their encoders are not in the checkpoint.",
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
        checkpoint.model,
        load_dataset(stored.dataset, args.data_root),
        num_images=stored.num_images,
        num_pairs=stored.num_pairs,
        seed=stored.seed,
        probes=bool(stored.probes),
        jobs=args.jobs,
    )
    return disagreements(stored, again)


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


# --- distance -------------------------------------------------------------------------------------


def add_distance(commands: argparse._SubParsersAction) -> None:
    parser = _command(
        commands,
        "distance",
        "How far a Target lies from its Source, without labels: into the report.json of a\n"
        "transferred checkpoint whose Source lies beside it.",
        "dviz evaluate distance checkpoints/color-dsprites-to-coil100",
    )
    add = parser.add_argument
    add("folder", type=Path, help="folder of a transferred checkpoint")
    add("--images", type=int, default=5_000, help="random images of each (default 5000)")
    add("--seed", type=int, default=0)
    add("--json", action="store_true", help="print one JSON object")
    common.add_data_flag(parser)
    common.add_device_flags(parser)
    parser.set_defaults(run=run_distance)


def run_distance(args: argparse.Namespace) -> None:
    device = common.pick_device(args.device, args.threads)
    from dataclasses import asdict

    from dviz.checkpoint import load_checkpoint
    from dviz.data import load_dataset
    from dviz.measuring.shift import add_distance, measure_distance, source_of

    checkpoint = load_checkpoint(args.folder, device)
    source = source_of(checkpoint)
    names = source.config.dataset, checkpoint.config.dataset
    found = measure_distance(
        source,
        *(load_dataset(name, args.data_root) for name in names),
        num_images=args.images,
        seed=args.seed,
    )
    add_distance(checkpoint, found)
    if args.json:
        print(json.dumps(asdict(found)))
    else:
        print(
            f"{found.source} → {found.target}: codes: Fréchet {found.frechet:.3f}, MMD² "
            f"{found.mmd:.4f} (p {found.mmd_p_value:.3f}), outside the Source's range "
            f"{100 * found.outside:.1f}%; ELBO falls by {found.elbo_drop:.0f} nats; "
            f"pixels: Fréchet {found.pixel_frechet:.3f}"
        )


# --- what the commands share ----------------------------------------------------------------------


def _command(
    commands: argparse._SubParsersAction, name: str, description: str, example: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=description.split(":")[0].split(".")[0].split("\n")[0],
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_table_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--representations", type=Path, help=".npz with codes (N, D)")
    add("--key", default="mean", help="array in it: mean (default) or sampled")
    add("--classes", type=Path, help=".csv with a header of factor names and N rows of labels")
    add("--table", type=Path, help="instead of both: one .csv with columns z0, z1, ... and factors")
    add("--json", action="store_true", help="print one JSON object")


def _add_omes_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--alpha", type=float, default=0.5, help="modularity against compactness (default 0.5)")
    add("--pooling", choices=POOLINGS, default="avg", help="over dimensions (default avg)")


def _read(args: argparse.Namespace) -> tuple[np.ndarray, Labels]:
    """Codes and labels from the files asked for, at least 3 rows of them."""
    if args.table is None and (args.representations is None or args.classes is None):
        raise DataFileError("give --representations and --classes, or --table")
    if args.table is not None and (args.representations or args.classes):
        raise DataFileError("give --representations and --classes, or --table, not both")
    from dviz.measuring.files import read_classes, read_representations, read_table

    if args.table is not None:
        codes, labels = read_table(args.table)
    else:
        codes = read_representations(args.representations, args.key)
        labels = read_classes(args.classes, rows=len(codes))
    if len(codes) < 3:
        source = args.table or args.representations
        raise DataFileError(f"{source}: {len(codes)} rows; at least 3 are needed")
    return codes, labels


def _row(label: str, cells: Any, first: int = 12) -> str:
    return label.ljust(first) + " ".join(str(cell)[:12].rjust(12) for cell in cells)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _dimension(part: dict[str, Any]) -> str:
    dimension = part["associated_dimension"]
    return "–" if dimension is None else f"z{dimension}"


COMMANDS = (add_omes, add_metrics, add_checkpoint, add_check, add_distance)


def main(argv: Sequence[str] | None = None) -> None:
    parser = common.parser(
        "evaluate",
        "Measure disentanglement.",
        "dviz evaluate omes --representations representations.npz --classes classes.csv --json",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    asked = list(sys.argv[1:] if argv is None else argv)
    if asked[:1] == ["--check"]:  # as `reproduce.py --check` is said
        asked[0] = "check"
    args = parser.parse_args(asked)
    args.run(args)
