"""`dviz evaluate omes` and `dviz evaluate metrics`: anybody's codes and labels."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dviz.cli.evaluations import shards
from dviz.cli.evaluations.subcommand import number, subcommand
from dviz.errors import DataFileError
from dviz.metrics.omes import POOLINGS

if TYPE_CHECKING:
    import numpy as np

    from dviz.measuring.files import Table
    from dviz.metrics.association import Association


def add_omes(commands: argparse._SubParsersAction) -> None:
    parser = subcommand(
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
    if shards.are_asked_for(args):
        result = score(args, *shards.stream(args))
    else:
        codes, labels, columns = _read(args)
        from dviz.metrics.association import associate
        from dviz.metrics.diagnostics import active_dimensions

        found, active = associate(codes, labels.classes), active_dimensions(codes)
        result = score(args, found, active, labels.names, len(codes))
        result["columns"] = list(columns)
    order = ("omes", "modularity", "compactness", "alpha", "pooling", "n_samples", "active")
    order += ("factors", "dimensions", "columns", "association", "per_factor")
    if args.json:
        print(json.dumps({key: result[key] for key in order}))
    else:
        print(_omes_table(result))


def score(
    args: argparse.Namespace,
    found: Association,
    active: np.ndarray,
    names: Sequence[str],
    rows: int,
) -> dict[str, Any]:
    """OMES of an association, as it is printed."""
    from dviz.metrics.omes import omes

    result = omes(found.matrix, args.alpha, args.pooling, active, names, found.reasons).to_dict()
    for name, pairs in zip(names, found.pairs.tolist(), strict=True):
        result["per_factor"][name]["pairs"] = pairs
    dimensions = list(range(len(found.matrix)))
    columns = [f"z{d}" for d in dimensions]
    about = {"n_samples": rows, "factors": list(names), "dimensions": dimensions}
    return result | about | {"columns": columns}


def _omes_table(result: dict[str, Any]) -> str:
    lines = [
        f"OMES {number(result['omes'])}   modularity {number(result['modularity'])}   "
        f"compactness {number(result['compactness'])}   "
        f"(α {result['alpha']:g}, {result['pooling']} pooling, {result['n_samples']} samples)",
        "",
        _row("", result["factors"]),
    ]
    columns = result["columns"]
    for d, row in zip(result["dimensions"], result["association"], strict=True):
        note = "" if d in result["active"] else "  inactive"
        lines.append(_row(columns[d], map(number, row)) + note)
    lines.append("")
    parts = [result["per_factor"][name] for name in result["factors"]]
    for key in ("omes", "modularity", "compactness"):
        lines.append(_row(key, (number(part[key]) for part in parts)))
    lines.append(_row("dimension", (_dimension(part, columns) for part in parts)))
    lines.append(_row("pairs", (str(part["pairs"]) for part in parts)))
    reasons = [(name, result["per_factor"][name]["reason"]) for name in result["factors"]]
    lines += [f"{name}: {reason}" for name, reason in reasons if reason]
    return "\n".join(lines)


def add_metrics(commands: argparse._SubParsersAction) -> None:
    from dviz.metrics.suite import METRICS

    parser = subcommand(
        commands,
        "metrics",
        f"Every metric at once:\n{', '.join(metric.title for metric in METRICS.values())}.\n"
        "Two thirds of the rows, drawn at random, train, the others test.",
        "dviz evaluate metrics --representations representations.npz "
        "--classes classes.csv\n"
        "  dviz evaluate metrics --table codes_and_labels.csv --metrics omes,mig",
    )
    _add_table_flags(parser)
    _add_omes_flags(parser)
    add = parser.add_argument
    names = ",".join(METRICS)
    add("--metrics", default="all", help=f"all (default), or some of {names}")
    add(
        "--shuffle",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="draw the rows that train at random (default), or take the first two thirds",
    )
    add("--seed", type=int, default=0)
    add("--jobs", type=int, default=2, help="processes (default 2)")
    add("--output", type=Path, help="also write the JSON to this file")
    parser.set_defaults(run=run_metrics)


def run_metrics(args: argparse.Namespace) -> None:
    if shards.are_asked_for(args):
        codes, labels = shards.sample(args)
    else:
        codes, labels, _ = _read(args)
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
    if shards.are_asked_for(args) and "omes" in asked:
        result = shards.with_all_rows(args, result)
    if args.output is not None:
        from dviz.files import write_json

        write_json(args.output, result)
    print(json.dumps(result) if args.json else _metrics_table(result))


def _metrics_table(result: dict[str, Any]) -> str:
    from dviz.metrics.summary import notes, score_rows

    factors, some = result["factors"], result.get("rows_trained_on")
    fewer = "" if some is None else f"; all but OMES on {some} of them"
    lines = [
        f"{result['n_samples']} samples, {len(result['active'])} of {len(result['dimensions'])} "
        f"dimensions active{fewer}",
        "",
        _row("", ["score", *factors], first=26),
    ]
    for label, score, parts in score_rows(result):
        lines.append(_row(label, [number(score), *map(number, parts)], first=26))
    return "\n".join(lines + notes(result))


def _add_table_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--representations", help=".npz with codes (N, D), or 'codes/*.parquet' with labels, too")
    add("--key", default="mean", help="array in it: mean (default) or sampled")
    add("--classes", type=Path, help=".csv with a header of factor names and N rows of labels")
    add("--table", type=Path, help="instead of both: one .csv with columns z0, z1, ... and factors")
    add("--json", action="store_true", help="print one JSON object")
    shards.add_flags(parser)


def _add_omes_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--alpha", type=float, default=0.5, help="modularity against compactness (default 0.5)")
    add("--pooling", choices=POOLINGS, default="avg", help="over dimensions (default avg)")


def _read(args: argparse.Namespace) -> Table:
    """Codes and labels from the files asked for, at least 3 rows of them."""
    if args.table is None and (args.representations is None or args.classes is None):
        raise DataFileError("give --representations and --classes, or --table")
    if args.table is not None and (args.representations or args.classes):
        raise DataFileError("give --representations and --classes, or --table, not both")
    from dviz.measuring.files import Table, read_classes, read_representations, read_table

    if args.table is not None:
        table = read_table(args.table)
    else:
        codes = read_representations(args.representations, args.key)
        labels = read_classes(args.classes, rows=len(codes))
        table = Table(codes, labels, tuple(f"z{d}" for d in range(codes.shape[1])))
    if len(table.codes) < 3:
        source = args.table or args.representations
        raise DataFileError(f"{source}: {len(table.codes)} rows; at least 3 are needed")
    return table


def _row(label: str, cells: Any, first: int = 12) -> str:
    return label.ljust(first) + " ".join(str(cell)[:12].rjust(12) for cell in cells)


def _dimension(part: dict[str, Any], columns: Sequence[str]) -> str:
    dimension = part["associated_dimension"]
    return "–" if dimension is None else columns[dimension]
