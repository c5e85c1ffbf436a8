"""What a transfer is compared with: recipes of docs/baselines.yaml, and the settings they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dviz.errors import DataFileError
from dviz.training.config import TrainingConfig

STARTS = ("untrained", "source", "target", "features")
# What only makes sense for a model that knows factors, or that came from such a Source.
_OURS_ALONE = (
    "supervision", "k", "labelled", "labelled_images", "ties", "tied", "cyclic_dimensions",
    "update", "replay", "replay_means", "untied_beta",
)  # fmt: skip

# Of a network that learnt nothing before.
_NOTHING_KEPT: dict[str, Any] = {
    "decoder_first": 0.0, "freeze_statistics": False, "reestimate_statistics": 0,
    "encoder_rate": 1.0,
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """One baseline; the keys of its entry in the YAML file.

    Attributes:
        name: of the baseline, in reports.
        description: what it is, in a sentence.
        start: where its encoder comes from, one of STARTS.
        train: settings of its training on the Source, in place of our Source's.
        components: principal components of "features"; 0 for all features.
        models: probes to read it with; () for all. pairs: a factor, for S; 0 for the usual number.
    """

    name: str
    description: str
    start: str
    train: dict[str, Any] = field(default_factory=dict)
    components: int = 0
    models: tuple[str, ...] = ()
    pairs: int = 0

    def __post_init__(self) -> None:
        if self.start not in STARTS:
            raise ValueError(f"start is {self.start!r}; allowed are {', '.join(STARTS)}")


def read_recipes(path: Path) -> dict[str, Recipe]:
    """The baselines that a YAML file lists.

    Raises:
        DataFileError: it is missing, or not a list of baselines.
    """
    import yaml

    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {
            name: Recipe(name, **entry | {"models": tuple(entry.get("models", ()))})
            for name, entry in entries.items()
        }
    except OSError as error:
        reason = error.strerror or error
        raise DataFileError(f"{path} cannot be read ({reason}); see --recipes") from error
    except (yaml.YAMLError, TypeError, AttributeError, ValueError) as error:
        known = ", ".join(f.name for f in fields(Recipe) if f.name != "name")
        reason = " ".join(str(error).split())[:200]
        raise DataFileError(
            f"{path} is no list of baselines ({reason}); the keys of one are {known}"
        ) from error


def choose_recipes(path: Path, names: Sequence[str] | None) -> list[Recipe]:
    """Those of the list at `path` that are named, or all.

    Raises:
        ValueError: one that is named is not there, or the list is broken.
    """
    recipes = read_recipes(path)
    unknown = [name for name in names or () if name not in recipes]
    if unknown:
        raise ValueError(f"--only is {unknown[0]!r}; {path.name} has {', '.join(recipes)}")
    return [recipes[name] for name in names or recipes]


def source_config(recipe: Recipe, ours: Mapping[str, Any], seed: int) -> TrainingConfig:
    """How a baseline learns on the Source: as many images as `ours`, our Source's settings."""
    settings = _shared(ours)
    pairs = ours.get("supervision", "labels") != "none"
    settings["batch_size"] = settings["batch_size"] * (2 if pairs else 1)
    return TrainingConfig(**_single_images(settings | recipe.train | {"seed": seed}))


def target_config(ours: Mapping[str, Any], recipe: Recipe, seed: int) -> TrainingConfig:
    """How a baseline learns on the Target: with the settings and steps of our fine-tuning."""
    settings = _shared(ours) | {"seed": seed}
    objective = recipe.train.get("objective")
    if objective:
        settings["objective"] = objective
    if recipe.start == "target":
        settings |= _NOTHING_KEPT
    return TrainingConfig(**_single_images(settings))


def settings_alone(ours: Mapping[str, Any]) -> dict[str, Any]:
    """Those settings of our fine-tuning that a network learns with on the Target alone, but for its
    seed: networks for which they are equal are made alike."""
    return {
        name: value
        for name, value in _shared(ours).items()
        if name != "seed" and name not in _NOTHING_KEPT
    }


def _shared(ours: Mapping[str, Any]) -> dict[str, Any]:
    """Those of our settings that any model can be trained with."""
    known = {f.name for f in fields(TrainingConfig)} - set(_OURS_ALONE)
    return {name: value for name, value in ours.items() if name in known}


def _single_images(settings: dict[str, Any]) -> dict[str, Any]:
    beta = settings.get("beta", TrainingConfig.beta)
    return settings | {"supervision": "none", "untied_beta": beta}
