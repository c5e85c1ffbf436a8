"""Sweeps over seeds: what each stage scores on average, and what stages differ by, seed by seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from dviz.errors import DataFileError
from dviz.results.markdown import NOTHING, table

LEVEL = 0.95
PLACE = ["source", "target", "stage"]
WANTED = ["target", "transfer", "baseline", "reconstruction", "command"]  # older sweeps lack some
PAIRS = (
    ("fine-tuned", "direct"),
    ("fine-tuned", "target-only"),
    ("direct", "target-only"),
    ("direct", "Source"),
    ("fine-tuned", "Source"),
)
FIRST = 0  # the seed on which settings were chosen
FEWEST = 3  # other seeds, for differences without it to say anything
NOTE = (
    "Mean ± standard deviation; every stage starts from another seed each time. Steps are those of "
    "the training that made the encoder (target-only: as many as fine-tuned), so compare within a "
    "sweep: `docs/` holds the specs (`seeds-*.yaml`), `checkpoints/seeds/` each seed's figures. "
    "Probes of photographs are tested on photographs they have not seen."
)


class Spread(NamedTuple):
    """A score over seeds: mean, standard deviation (n − 1), and how many."""

    mean: float
    deviation: float
    seeds: int


class Score(NamedTuple):
    """A column of the tables: its name there and in the sweep, factor to its unit, digits."""

    label: str
    column: str
    unit: int
    digits: int


SCORES = (
    Score("OMES avg", "omes_avg", 1, 3),
    Score("OMES max", "omes_max", 1, 3),
    Score("modularity avg", "modularity_avg", 1, 3),
    Score("GBT, all", "gbt_all", 100, 1),
    Score("MLP, all", "mlp_all", 100, 1),
)


def section(rows: pd.DataFrame | None) -> str:
    """Tables of all sweeps: every stage, differences of stages, and the rule without labels."""
    if rows is None:
        return "Not measured yet."
    rows = staged(rows)
    parts = [_stages(rows), NOTE, _differences(rows), *_chosen(rows)]
    return "\n\n".join(part for part in parts if part)


def staged(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that hold scores, with columns `stage` and `steps` of the training behind it."""
    rows = rows.reindex(columns=[*dict.fromkeys([*rows.columns, *WANTED])])
    rows = rows[rows["omes_avg"].notna()].copy()
    rows["target"] = rows["target"].fillna("")
    rows["stage"] = rows["baseline"].fillna(rows["transfer"]).fillna("Source")
    twice = rows.duplicated([*PLACE, "seed"])
    if twice.any():
        where = ", ".join(str(part) for part in rows.loc[twice, [*PLACE, "seed"]].iloc[0])
        raise DataFileError(
            f"checkpoints/seeds: {where} has several rows; keep one recipe, objective and β of a "
            "sweep"
        )
    steps = rows["command"].astype(str).str.extract(r"--steps (\d+)")[0]
    rows["steps"] = steps.map(lambda s: f"{int(s):,}" if isinstance(s, str) else NOTHING)
    return rows


def spreads(rows: pd.DataFrame | None) -> dict[tuple[str, str], dict[str, Spread]]:
    """Of every Target and baseline that was trained from several seeds, each score over these.

    Keys are (target, baseline), and within the labels of `SCORES`; accuracies as shares.
    """
    found: dict[tuple[str, str], dict[str, Spread]] = {}
    if rows is None:
        return found
    rows = staged(rows)
    for (target, name), group in rows[rows["baseline"].notna()].groupby(["target", "stage"]):
        if len(group) >= FEWEST:
            found[str(target), str(name)] = {
                score.label: Spread(
                    float(group[score.column].mean()), float(group[score.column].std()), len(group)
                )
                for score in SCORES
            }
    return found


def _stages(rows: pd.DataFrame) -> str:
    lines = []
    for (source, target, stage), group in rows.groupby(PLACE):
        way = f"{source} → {target}" if target else source
        steps = ", ".join(sorted(set(group["steps"])))
        spread = [mean_and_sd(score.unit * group[score.column], score.digits) for score in SCORES]
        lines.append([f"{way}, {stage}", steps, str(len(group)), *spread])
    return table(["", "steps", "seeds", *(score.label for score in SCORES)], lines)


def mean_and_sd(values: pd.Series, digits: int) -> str:
    """Mean ± standard deviation (n − 1) of what is known."""
    values = values.dropna()
    if not len(values):
        return NOTHING
    spread = f" ± {values.std():.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{spread}"


def _differences(rows: pd.DataFrame) -> str:
    lines = []
    for (source, target), group in rows[rows["target"] != ""].groupby(PLACE[:2]):
        before = rows[(rows["source"] == source) & (rows["stage"] == "Source")]
        group = pd.concat([group, before], ignore_index=True)
        for stage, other in PAIRS:
            for part, told in _with_and_without_the_first(group):
                cells = [paired(part, stage, other, score) for score in SCORES]
                if any(cell != NOTHING for cell in cells):
                    lines.append([f"{source} → {target}, {stage} − {other}{told}", *cells])
    if not lines:
        return ""
    header = ["", *(score.label for score in SCORES)]
    return (
        "Differences seed by seed: their mean, and in brackets its 95% interval (Student's t over "
        f"the seeds). Settings were chosen on seed {FIRST}.\n\n" + table(header, lines)
    )


def _with_and_without_the_first(group: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str]]:
    yield group, ""
    others = group[group["seed"] != FIRST]
    if others["seed"].nunique() >= FEWEST:
        yield others, f", without seed {FIRST}"


def paired(group: pd.DataFrame, stage: str, other: str, score: Score) -> str:
    """The difference of two stages in one score, seed by seed, with its interval, in words."""
    wide = group.pivot_table(score.column, "seed", "stage")
    if stage not in wide or other not in wide:
        return NOTHING
    differences = score.unit * (wide[stage] - wide[other]).dropna().to_numpy()
    if len(differences) < 2:
        return NOTHING
    low, high = paired_interval(differences)
    digits = score.digits
    mean = differences.mean()
    return f"{mean:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def paired_interval(differences: np.ndarray) -> tuple[float, float]:
    """Student's 95% interval of the mean of differences (n,), n ≥ 2."""
    from scipy.stats import t

    n = len(differences)
    half = t.ppf((1 + LEVEL) / 2, n - 1) * differences.std(ddof=1) / np.sqrt(n)
    return float(differences.mean() - half), float(differences.mean() + half)


def _chosen(rows: pd.DataFrame) -> Iterator[str]:
    """Which seed the rule without labels takes, and what it costs against looking at labels."""
    tuned = rows[(rows["stage"] == "fine-tuned") & rows["reconstruction"].notna()]
    for (source, target), group in tuned.groupby(PLACE[:2]):
        ranked = group.sort_values(["reconstruction", "seed"])
        median, best = ranked.iloc[(len(ranked) - 1) // 2], group.loc[group["omes_avg"].idxmax()]
        yield (
            f"{source} → {target}: the fine-tuned network of median reconstruction loss, a rule "
            f"that needs no label, is seed {median['seed']:.0f} with OMES avg "
            f"{median['omes_avg']:.3f}; picked by labels it would be seed {best['seed']:.0f} with "
            f"{best['omes_avg']:.3f}."
        )
