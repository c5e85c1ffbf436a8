"""Sweeps over seeds: what each stage scores on average, and what stages differ by, seed by seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
TARGET_ONLY = "target-only"  # never saw a Source
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

    @property
    def reach(self) -> float:
        """Half of the mean's 95% interval (Student's t)."""
        return self._quantile * self.deviation / self.seeds**0.5

    @property
    def reach_of_one(self) -> float:
        """Half of the 95% interval around the mean that one more seed falls into."""
        return self._quantile * self.deviation * (1 + 1 / self.seeds) ** 0.5

    @property
    def reach_beside_one(self) -> float:
        """Half of the 95% interval that one more seed falls into around another single one, were
        its mean unknown."""
        return self._quantile * self.deviation * 2**0.5

    @property
    def _quantile(self) -> float:
        from scipy.stats import t

        return float(t.ppf((1 + LEVEL) / 2, self.seeds - 1))


Spreads = dict[str, Spread]  # by the labels of `SCORES`; accuracies as shares


@dataclass(frozen=True)
class OverSeeds:
    """What sweeps over seeds say of baselines.

    Attributes:
        levels: scores of a baseline, by (source, target, baseline).
        gains: by (source, target, stage, baseline), how far the stage is above it, seed by seed.
    """

    levels: dict[tuple[str, str, str], Spreads] = field(default_factory=dict)
    gains: dict[tuple[str, str, str, str], Spreads] = field(default_factory=dict)

    def level(self, source: str, target: str, baseline: str) -> Spreads:
        """Scores of a baseline on a Target; empty where it was not trained from several seeds."""
        return self.levels.get((source, target, baseline), {})

    def apart(self, target: str) -> Spreads:
        """How far seeds lie apart of networks that learn on a Target alone: of those that were
        trained from several, the scores that lie furthest; empty where none was."""
        alone = (target, TARGET_ONLY)
        found: Spreads = {}
        for (_, *way), spreads in self.levels.items():
            for label, spread in spreads.items() if (*way,) == alone else ():
                found[label] = max(spread, found.get(label, spread), key=lambda s: s.deviation)
        return found

    def gain(self, source: str, target: str, stage: str, baseline: str) -> Spreads:
        """How far a stage of a transfer is above a baseline; empty where that was not measured."""
        return self.gains.get((source, target, stage, baseline), {})


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


def over_seeds(
    rows: pd.DataFrame | None, alone: Mapping[tuple[str, str], object] | None = None
) -> OverSeeds:
    """What rows of sweeps say of every baseline that was trained from at least `FEWEST` seeds.

    Args:
        alone: by (source, target), how a network learns on that Target alone beside this transfer
            (`Transfer.alone`); those of equal ones are the same, whatever the Source.
    """
    found = OverSeeds()
    if rows is None:
        return found
    rows = staged(rows)
    known = rows[rows["baseline"].notna()]
    for (source, target, name), group in known.groupby(["source", "target", "stage"]):
        values = group.drop_duplicates("seed")
        spreads = _spreads({score.label: values[score.column].to_numpy() for score in SCORES})
        if spreads:
            found.levels[str(source), str(target), str(name)] = spreads
    _share(found.levels, alone or {})
    for (source, target), ways in rows[rows["target"] != ""].groupby(PLACE[:2]):
        rivals = ways["baseline"].notna()
        for stage in ways.loc[~rivals, "stage"].unique():
            for name in ways.loc[rivals, "stage"].unique():
                found.gains[str(source), str(target), stage, name] = _spreads(
                    {score.label: differences(ways, stage, name, score) for score in SCORES}
                )
    return found


def _share(
    levels: dict[tuple[str, str, str], Spreads], alone: Mapping[tuple[str, str], object]
) -> None:
    """Give what was learnt on a Target alone to every transfer whose own is made alike."""
    swept = [way for *way, name in levels if name == TARGET_ONLY]
    for (source, target), made in alone.items():
        for other, there in swept:
            if there == target and alone.get((other, there)) == made:
                levels.setdefault((source, target, TARGET_ONLY), levels[other, there, TARGET_ONLY])


def _spreads(values: dict[str, np.ndarray]) -> Spreads:
    """Of the scores that enough seeds have; a seed whose score is unknown (NaN) is left out."""
    known = {label: each[~np.isnan(each)] for label, each in values.items()}
    return {
        label: Spread(float(each.mean()), float(each.std(ddof=1)), len(each))
        for label, each in known.items()
        if len(each) >= FEWEST
    }


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
    found = score.unit * differences(group, stage, other, score)
    if len(found) < 2:
        return NOTHING
    low, high = paired_interval(found)
    digits = score.digits
    return f"{found.mean():+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def differences(group: pd.DataFrame, stage: str, other: str, score: Score) -> np.ndarray:
    """How far `stage` is above `other` in one score, of every seed that has both, (n,)."""
    wide = group.pivot_table(score.column, "seed", "stage")
    if stage not in wide or other not in wide:
        return np.empty(0)
    return np.asarray((wide[stage] - wide[other]).dropna())


def paired_interval(differences: np.ndarray) -> tuple[float, float]:
    """Student's 95% interval of the mean of differences (n,), n ≥ 2."""
    found = Spread(float(differences.mean()), float(differences.std(ddof=1)), len(differences))
    return found.mean - found.reach, found.mean + found.reach


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
