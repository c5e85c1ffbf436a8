"""A sweep as plain data: the spec, the cells of its grid, and the tables of the end.

A cell is one checkpoint: a Source that is trained, or a Source carried to a Target. Transfers wait
for their Source.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

PLACE = ("source", "recipe", "objective", "beta", "target", "transfer", "baseline", "seed")
"""Where a cell stands in the grid; the summary averages over the last."""


@dataclass(frozen=True)
class Spec:
    """What to run; its fields are the keys of the YAML file.

    Attributes:
        sources, objectives, betas, seeds: axes of the grid of Sources.
        recipes: one more axis, name → flags of train.py, which win over the other axes.
        targets, transfers: every Source is carried to each Target in each way; ways are
            name → flags of transfer.py.
        train: flags of train.py for all Sources, without the dashes in front.
        evaluate: num_images, num_pairs, seed and probes of dviz.measuring.encoder.measure.
        baselines: names out of docs/baselines.yaml, each trained and measured for every transfer.
        cpus, gpus: what one cell takes.
    """

    sources: list[str]
    objectives: list[str] = field(default_factory=lambda: ["beta-vae"])
    betas: list[float] = field(default_factory=lambda: [2.0])
    seeds: list[int] = field(default_factory=lambda: [0])
    recipes: dict[str, dict[str, Any]] = field(default_factory=lambda: {"default": {}})
    targets: list[str] = field(default_factory=list)
    transfers: dict[str, dict[str, Any]] = field(default_factory=lambda: {"direct": {}})
    train: dict[str, Any] = field(default_factory=dict)
    evaluate: dict[str, Any] = field(default_factory=dict)
    baselines: list[str] = field(default_factory=list)
    cpus: int = 1
    gpus: float = 0


@dataclass(frozen=True)
class Cell:
    """One task: a verb of dviz/cli/ with its flags, and its place in the grid."""

    name: str
    verb: str
    flags: list[str]
    place: dict[str, Any]
    parent: str | None = None

    def command(self) -> str:
        """As one would type it here: paths below this folder are relative."""
        here = f"{Path.cwd()}/"
        flags = [flag.removeprefix(here) for flag in self.flags]
        return shlex.join(["dviz", self.verb, *flags])


MEASURED_BY = ("num_images", "num_pairs", "seed", "probes")
"""Settings of `dviz.measuring.encoder.measure` that a spec may name."""


def read_spec(path: Path) -> Spec:
    """Read a YAML spec.

    Raises:
        ValueError: it is not YAML, has an unknown key, or one of another type than expected.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML ({' '.join(str(error).split())})") from error
    known = [f.name for f in fields(Spec)]
    if not isinstance(values, dict) or not values.get("sources"):
        raise ValueError(f"{path} must name its sources; its keys are {', '.join(known)}")
    for name, value in values.items():
        if name in ("recipes", "transfers") and isinstance(value, dict):
            # "direct:" alone is one without flags.
            values[name] = value = {way: {} if f is None else f for way, f in value.items()}
            odd = [way for way, flags in value.items() if not isinstance(flags, dict)]
            if odd:
                raise ValueError(f"{path}: {name}: {odd[0]} is no mapping of flags to values")
        if name not in known:
            raise ValueError(f"{path}: there is no key {name!r}; choose from {', '.join(known)}")
        expected = type(getattr(Spec(sources=[]), name))
        if not isinstance(value, expected) and (expected, type(value)) != (int, float):
            raise ValueError(f"{path}: {name} is {value!r}; a {expected.__name__} is expected")
    odd = [key for key in values.get("evaluate", {}) if key not in MEASURED_BY]
    if odd:
        raise ValueError(
            f"{path}: evaluate: there is no key {odd[0]!r}; choose from {', '.join(MEASURED_BY)}"
        )
    return Spec(**values)


def cells_of(spec: Spec, output: Path, data_root: str | None = None) -> list[Cell]:
    """Every cell of the grid, each Source before its transfers."""
    shared = _flags({"threads": max(1, spec.cpus), "data-root": data_root})
    cells: dict[str, Cell] = {}
    axes = (spec.sources, spec.recipes, spec.objectives, spec.betas, spec.seeds)
    for source, recipe, objective, beta, seed in product(*axes):
        own = {"objective": objective, "beta": beta} | spec.train | spec.recipes[recipe]
        place = {"source": source, "recipe": recipe, **{k: own[k] for k in ("objective", "beta")}}
        name = f"{source}_{recipe}_{own['objective']}_beta-{own['beta']}_seed-{seed}"
        name = _as_folder(name)
        flags = ["--dataset", source, "--output", str(output / name), *_flags(own)]
        flags += ["--seed", str(seed), *shared]
        cells[name] = Cell(name, "train", flags, place | {"seed": seed})
        for target, way in product(spec.targets, spec.transfers):
            child = _as_folder(f"{name}_to_{target}_{way}")
            flags = ["--checkpoint", str(output / name), "--target", target]
            flags += ["--output", str(output / child), *_flags(spec.transfers[way])]
            flags += ["--seed", str(seed), *shared]
            there = place | {"target": target, "transfer": way, "seed": seed}
            cells[child] = Cell(child, "transfer", flags, there, parent=name)
            for baseline in spec.baselines:
                cell = _baseline_cell(baseline, cells[child], spec, output, shared)
                cells[cell.name] = cell
    return list(cells.values())


def _baseline_cell(
    baseline: str, transfer: Cell, spec: Spec, output: Path, shared: list[str]
) -> Cell:
    """What trains and measures one baseline of a transfer, into that transfer's report."""
    sizes = {"num_images": "images", "num_pairs": "pairs", "seed": "seed"}
    measured = {flag: spec.evaluate[key] for key, flag in sizes.items() if key in spec.evaluate}
    flags = ["--checkpoint", str(output / transfer.name), "--only", baseline, "--jobs", "1"]
    flags += [*_flags(measured), *shared]
    name = _as_folder(f"{transfer.name}_against_{baseline}")
    place = transfer.place | {"baseline": baseline}
    return Cell(name, "baseline", flags, place, parent=transfer.name)


def _as_folder(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)


def _flags(values: dict[str, Any]) -> list[str]:
    """{"batch-size": 8, "compile": True, "freeze-statistics": False} as on a command line."""
    flags: list[str] = []
    for name, value in values.items():
        name = name.replace("_", "-")
        if value is None:
            continue
        if isinstance(value, bool):
            flags.append(f"--{name}" if value else f"--no-{name}")
        else:
            flags += [f"--{name}", str(value)]
    return flags


def finished_row(cell: Cell, output: Path, evaluate: dict[str, Any]) -> dict[str, Any] | None:
    """The row of a cell that is done already, else None.

    Raises:
        ValueError: it was done with other settings.
    """
    path = output / cell.name / "cell.json"
    try:
        done = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    if done["settings"] != settings_of(cell, evaluate):
        raise ValueError(f"{cell.name} in {output} was made by another spec; use another --output")
    return done["row"]


def settings_of(cell: Cell, evaluate: dict[str, Any]) -> dict[str, Any]:
    """What makes a finished cell the same cell."""
    ignored = {"--output", "--checkpoint", "--data-root", "--threads"}
    kept = [
        flag
        for before, flag in zip([None, *cell.flags], cell.flags, strict=False)
        if flag not in ignored and before not in ignored
    ]
    return {"verb": cell.verb, "flags": kept, "evaluate": evaluate}


def results_table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """One row a finished cell."""
    import pandas as pd

    table = pd.DataFrame(list(rows))
    return table.sort_values(list(PLACE), kind="stable").reset_index(drop=True)


def summary_table(results: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation (n − 1) over the seeds, and their number `seeds`."""
    groups = results.groupby(list(PLACE[:-1]), dropna=False, sort=True)
    scores = [c for c in results.select_dtypes("number").columns if c not in PLACE]
    summary = groups[scores].agg(["mean", "std"])
    summary.columns = [f"{name}_{'sd' if what == 'std' else what}" for name, what in summary]
    summary.insert(0, "seeds", groups.size())
    return summary.reset_index()


def summary_lines(summary: pd.DataFrame) -> Iterator[str]:
    """The summary for people: OMES, probes and time, as mean ± standard deviation."""
    scores = [c[:-5] for c in summary.columns if c.endswith("_mean")]
    for row in summary.to_dict("records"):
        place = ", ".join(str(row[key]) for key in PLACE[:-1] if row[key] == row[key] and row[key])
        parts = [
            f"{name} {row[f'{name}_mean']:.3f}"
            + (f" ± {row[f'{name}_sd']:.3f}" if row["seeds"] > 1 else "")
            for name in scores
            if row[f"{name}_mean"] == row[f"{name}_mean"]
        ]
        yield f"{place} (seeds: {row['seeds']}): {', '.join(parts)}"
