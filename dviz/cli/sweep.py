"""Run a grid of trainings and transfers on Ray, here or on a cluster, and tabulate the scores."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dviz.cli import common, grid
from dviz.errors import DvizError

if TYPE_CHECKING:
    from dviz.measuring.report import DatasetReport

Row = dict[str, Any]


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = common.parser(
        "sweep",
        "Run every cell of the grid in SPEC.yaml (see docs/recipes.yaml), several at once, and "
        "write results.csv\nand summary.csv. Finished cells are skipped, failed ones tried again; "
        "started ones go on where they were.\nOn a cluster, --output must be a folder that all "
        "machines see.",
        "dviz sweep docs/recipes.yaml --output sweeps/recipes --workers 2",
    )
    add = parser.add_argument
    add("spec", type=Path, help="YAML file; its keys are the fields of Spec in dviz/cli/grid.py")
    add("--output", required=True, type=Path, help="folder for the checkpoints and the tables")
    add("--address", default="local", help="of a running Ray cluster (default: start one here)")
    add("--workers", type=int, help="cells at once on a local Ray (default: as many as fit)")
    add("--retries", type=int, default=2, help="times a failed cell is tried again (default 2)")
    add("--parquet", action="store_true", help="write the tables as Parquet too")
    add("--json", action="store_true", help="print the summary as JSON")
    common.add_data_flag(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    spec, output = grid.read_spec(args.spec), args.output.resolve()
    cells = grid.cells_of(spec, output, args.data_root)
    for cell in cells:
        check(cell)
    rows = {c.name: grid.finished_row(c, output, spec.evaluate) for c in cells}
    waiting = [cell for cell in cells if rows[cell.name] is None]
    tell(f"{len(cells)} cells, {len(cells) - len(waiting)} of them finished before")
    failed = run_all(waiting, rows, spec, args, output) if waiting else []
    write_tables([row for row in rows.values() if row], output, args)
    if failed:
        raise DvizError(
            f"{len(failed)} of {len(cells)} cells failed: {', '.join(failed)}; "
            "the same command tries them again"
        )


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def check(cell: grid.Cell) -> None:
    """Refuse flags that the verb would refuse, before anything runs; and unknown names."""
    from dviz.data import dataset_info

    args = import_module(f"dviz.cli.{cell.verb}").arguments(cell.flags)
    for axis in ("source", "target"):
        if axis in cell.place:
            dataset_info(cell.place[axis])
    if cell.verb == "baseline":
        from dviz.training.baselines import choose_recipes

        choose_recipes(args.recipes, args.only)


def run_all(
    waiting: list[grid.Cell],
    rows: dict[str, Row | None],
    spec: grid.Spec,
    args: argparse.Namespace,
    output: Path,
) -> list[str]:
    """Run cells on Ray as their parents finish; fill `rows`, return the names of what failed."""
    ray = _start_ray(spec, args)
    task = ray.remote(num_cpus=spec.cpus, num_gpus=spec.gpus, max_retries=0)(run_cell)
    try:
        return drive(
            waiting,
            rows,
            args.retries,
            start=lambda cell: task.remote(cell, str(output), spec.evaluate, str(common.ROOT)),
            finish=lambda running: ray.wait(running)[0][0],
            result=ray.get,
        )
    finally:
        ray.shutdown()


def _start_ray(spec: grid.Spec, args: argparse.Namespace) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise DvizError("sweeps run on Ray; pip install -r requirements-scale.txt") from error
    options = {}
    if args.address == "local":
        options["include_dashboard"] = False
        if args.workers:
            options["num_cpus"] = args.workers * spec.cpus
    variables = {"OMP_NUM_THREADS": str(max(1, spec.cpus)), "TQDM_DISABLE": "1"}
    ray.init(
        args.address,
        runtime_env={"env_vars": variables},
        log_to_driver=False,
        logging_level="ERROR",
        **options,
    )
    return ray


def drive(
    waiting: list[grid.Cell],
    rows: dict[str, Row | None],
    retries: int,
    *,
    start: Callable[[grid.Cell], Any],
    finish: Callable[[list[Any]], Any],
    result: Callable[[Any], Row],
) -> list[str]:
    """Start every cell whose parent is done, wait for one, and so on until nothing is left.

    Args:
        rows: results by name; filled here.
        start: begins a cell and returns a handle; finish: waits for one of the handles and returns
            it; result: what it gave, or raises what ended it.

    Returns:
        Names of the cells that failed for good, and of those that waited for them.
    """
    waiting, running, attempts, failed = list(waiting), {}, {}, []
    while waiting or running:
        for cell in [c for c in waiting if c.parent is None or rows.get(c.parent)]:
            waiting.remove(cell)
            running[start(cell)] = cell
        if not running:  # what is left waits for what failed
            return [*failed, *(cell.name for cell in waiting)]
        handle = finish(list(running))
        cell = running.pop(handle)
        try:
            rows[cell.name] = result(handle)
            tell(f"finished {cell.name}")
        except Exception as error:
            attempts[cell.name] = attempts.get(cell.name, 0) + 1
            reason = " ".join(str(getattr(error, "cause", None) or error).split())[:300]
            again = attempts[cell.name] <= retries
            tell(f"failed {cell.name}: {reason}{'; trying again' if again else ''}")
            if again:
                waiting.append(cell)
            else:
                failed.append(cell.name)
    return failed


def run_cell(cell: grid.Cell, output: str, evaluate: Row, root: str) -> Row:
    """Do one cell in this process and write its `cell.json`; goes on where a dead one was."""
    if root not in sys.path:
        sys.path.insert(0, root)
    from dviz.files import write_json

    folder = Path(output) / cell.name
    # Whom to look for if it hangs; removed when the cell is done.
    write_json(folder / "running.json", {"pid": os.getpid(), "host": socket.gethostname()})
    # CPU time, so that what else the machine does counts for nothing.
    began = time.process_time()
    import_module(f"dviz.cli.{cell.verb}").main([*cell.flags, "--resume"])
    seconds = time.process_time() - began
    row = {key: cell.place.get(key) for key in grid.PLACE}
    row |= scores(folder, evaluate, cell)
    row |= {"cpu_seconds": round(seconds, 1), "folder": cell.name, "command": cell.command()}
    settings = grid.settings_of(cell, evaluate)
    write_json(folder / "cell.json", {"settings": settings, "row": row})
    (folder / "running.json").unlink(missing_ok=True)
    return row


def scores(folder: Path, evaluate: Row, cell: grid.Cell) -> Row:
    """What was measured of a cell's encoder: now, or by the cell itself where it is a baseline."""
    if cell.verb != "baseline":
        return scores_of(measured(folder, evaluate, cell))
    from dviz.checkpoint import REPORT
    from dviz.measuring.report import read_report

    report = read_report(folder.parent / str(cell.parent) / REPORT)
    found = (b.result for b in report.baselines if b.name == cell.place["baseline"])
    result = next(found, None)
    return {} if result is None else scores_of(result)


def measured(folder: Path, evaluate: Row, cell: grid.Cell) -> DatasetReport:
    """Measure a checkpoint on its dataset, and keep the report."""
    from dviz.checkpoint import REPORT, load_checkpoint
    from dviz.data import load_dataset
    from dviz.measuring.encoder import measure
    from dviz.measuring.report import Report, write_report

    checkpoint = load_checkpoint(folder)
    root = dict(zip(cell.flags, cell.flags[1:], strict=False)).get("--data-root")
    dataset = load_dataset(checkpoint.config.dataset, root)
    result, _ = measure(checkpoint.model, dataset, jobs=1, **evaluate)
    write_report(folder / REPORT, Report({dataset.name: result}))
    return result


def scores_of(result: DatasetReport) -> Row:
    """The scores of a report as columns of the tables; None where there is none."""
    row: Row = {}
    for pooling in ("avg", "max"):
        found = result.omes(pooling=pooling)
        row |= {
            f"omes_{pooling}": found.omes,
            f"modularity_{pooling}": found.modularity,
            f"compactness_{pooling}": found.compactness,
        }
    for model in ("gbt", "mlp"):
        for dimensions in ("all", "pruned"):
            row[f"{model}_{dimensions}"] = result.mean_accuracy(model, dimensions)
    row |= {"active": sum(result.active), "reconstruction": result.reconstruction}
    return {k: None if isinstance(v, float) and v != v else v for k, v in row.items()}


def write_tables(rows: list[Row], output: Path, args: argparse.Namespace) -> None:
    from dviz.files import atomic_path

    if not rows:
        return
    results = grid.results_table(rows)
    summary = grid.summary_table(results)
    for name, table in (("results", results), ("summary", summary)):
        with atomic_path(output / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
        if args.parquet:
            with atomic_path(output / f"{name}.parquet") as temporary:
                table.to_parquet(temporary, index=False)
    if args.json:
        print(json.dumps(json.loads(summary.to_json(orient="records")), indent=1))
    else:
        print("\n".join(grid.summary_lines(summary)))
