"""What the page does with a model, as pure functions: encode, decode, traverse. No Gradio here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dviz.factors import Factor
from dviz.measuring.report import NOTABLE, DatasetReport
from dviz.models.vae import VAE
from dviz.representations.base import SIDE, Representation
from dviz.representations.build import as_representation
from dviz.representations.pictures import fit

# What a code ranges over where nothing was measured: the prior N(0, 1) without its tails.
PRIOR_LOW, PRIOR_HIGH = -2.5, 2.5
MAX_DIMENSIONS = 32  # more sliders or rows than this help nobody
AS_WELL = 0.05  # of S below a dimension's, down to which another follows its factor as well
MAX_MIXED = 2  # factors named of those that a dimension mixes


@dataclass(frozen=True)
class Codes:
    """Posteriors of a few images: mean and standard deviation, float32 (N, D)."""

    mean: np.ndarray
    std: np.ndarray


@dataclass(frozen=True)
class Dimension:
    """One latent dimension as a person meets it.

    Attributes:
        index: its place in the code.
        active: whether it carries anything (see `dviz.metrics.diagnostics.active_dimensions`).
        low, high: 1st and 99th percentile of the posterior means on the dataset.
        mean, std: of the posterior means.
        kl: mean KL to the prior, nats; None where it was not measured.
        factors: names of the factors associated with it, and S there, the strongest first; none
            so weak that its name would mislead.
        mixture: where it has no factor of its own, those that change it all the same, likewise;
            None where no association was measured.
        moved: the factors it moves in the picture, most first, where the one that it moves most is
            none of its own; None where name and picture agree, or that was not measured.
        shared: for each of `factors` the other dimensions that follow it as well, or all but.
    """

    index: int
    active: bool = True
    low: float = PRIOR_LOW
    high: float = PRIOR_HIGH
    mean: float = 0.0
    std: float = 1.0
    kl: float | None = None
    factors: tuple[tuple[str, float], ...] = ()
    mixture: tuple[tuple[str, float], ...] | None = None
    moved: tuple[str, ...] | None = None
    shared: tuple[tuple[str, ...], ...] = ()

    @property
    def name(self) -> str:
        return f"z{self.index}"

    @property
    def label(self) -> str:
        """For example "z4 ← position x · 0.93"."""
        if not self.factors:
            return self.name
        return f"{self.name} ← " + ", ".join(f"{name} · {s:.2f}" for name, s in self.factors)

    @property
    def remark(self) -> str:
        """What is said in place of a factor, for example "also camera height 0.71"."""
        if not self.active:
            return "inactive" if self.kl is None else f"KL {self.kl:.3f} nats"
        if self.moved is not None:
            more = f"{self.moved[0]} more" if self.moved else "nothing"
            return f"moves {more} in the picture"
        for (name, _), others in zip(self.factors, self.shared, strict=False):
            if others:
                factor = f"{name} " if len(self.factors) > 1 else ""
                more = f" +{len(others) - MAX_MIXED}\u00a0more" if len(others) > MAX_MIXED else ""
                return f"{factor}also in {', '.join(others[:MAX_MIXED])}{more}"
        if self.factors or self.mixture is None:
            return ""
        if not self.mixture:
            return "no clear factor"
        verb = "also" if len(self.mixture) == 1 else "mixes"
        # The last word of a name and its number stay on one line.
        named = ", ".join(f"{name}\u00a0{s:.2f}" for name, s in self.mixture[:MAX_MIXED])
        more = len(self.mixture) - MAX_MIXED
        return f"{verb} {named}" + (f" +{more}\u00a0more" if more > 0 else "")


@dataclass(frozen=True)
class Prediction:
    """A factor's most probable class, what it is called, and its probability in [0, 1]."""

    factor: str
    value: str
    confidence: float
    chance: float


def describe_dimensions(latent_size: int, result: DatasetReport | None) -> list[Dimension]:
    """Every dimension of a code, in order; with defaults where there is no report."""
    if result is None or len(result.active) != latent_size:
        return [Dimension(index) for index in range(latent_size)]
    S, labels = result.association_matrix, result.labels()
    told = not np.isnan(S).all()  # of no factor, or of one with too few pairs, nothing is known
    dimensions = []
    for d in range(latent_size):
        own = [result.factors.index(name) for name in labels.get(d, ())]
        moved = result.moved(d) if result.label_holds(d) is False else None
        mixed = np.flatnonzero(S[d] >= NOTABLE) if result.active[d] and not own else []
        dimensions.append(
            Dimension(
                index=d,
                active=result.active[d],
                low=result.low[d],
                high=result.high[d],
                mean=result.mean[d],
                std=result.std[d],
                kl=None if result.kl is None else result.kl[d],
                factors=_strongest(result.factors, S[d], own),
                mixture=_strongest(result.factors, S[d], mixed) if told else None,
                moved=None if moved is None else tuple(moved),
                shared=_shared(result, S, d, own),
            )
        )
    return dimensions


def _shared(
    result: DatasetReport, S: np.ndarray, d: int, own: Sequence[int]
) -> tuple[tuple[str, ...], ...]:
    """For each of a dimension's own factors the names of those that follow it as well."""
    rows = [k for k, active in enumerate(result.active) if active and k != d]
    ordered = sorted(own, key=lambda j: -S[d, j])
    return tuple(
        tuple(f"z{k}" for k in sorted(rows, key=lambda k: -S[k, j]) if S[k, j] >= S[d, j] - AS_WELL)
        for j in ordered
    )


def _strongest(
    names: Sequence[str], row: np.ndarray, chosen: Sequence[int]
) -> tuple[tuple[str, float], ...]:
    """Names of the chosen factors and S there, the strongest first."""
    return tuple((names[j], float(row[j])) for j in sorted(chosen, key=lambda j: -row[j]))


def by_factor(dimensions: Sequence[Dimension], factors: Sequence[str]) -> list[Dimension]:
    """Sorted by the first of `factors` each is associated with; those without one come last."""
    order = {name: place for place, name in enumerate(factors)}

    def place(dimension: Dimension) -> tuple[int, int]:
        places = [order.get(name, len(order)) for name, _ in dimension.factors]
        return min(places, default=len(order)), dimension.index

    return sorted(dimensions, key=place)


def encode(model: VAE | Representation, images: np.ndarray) -> Codes:
    """Posteriors of images uint8 (N, H, W, 3); deviations 0 where a code is all there is."""
    found = as_representation(model).encode(images)
    return Codes(found.mean, np.zeros_like(found.mean) if found.std is None else found.std)


def decode(model: VAE | Representation, codes: np.ndarray) -> np.ndarray:
    """Images uint8 (N, 64, 64, 3) of codes (N, D), whatever size the decoder paints.

    Raises:
        ValueError: codes do not have the model's latent size, or are not finite.
    """
    return fit(as_representation(model).decode(codes), (SIDE, SIDE))


def as_code(values: Any, size: int) -> np.ndarray:
    """One code float32 (size,) out of whatever a request holds.

    Raises:
        ValueError: it is not a list of so many finite numbers.
    """
    try:
        with np.errstate(over="ignore"):
            code = np.array(values, dtype=np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError):
        code = np.zeros(0, dtype=np.float32)
    if code.shape != (size,) or not np.isfinite(code).all():
        raise ValueError(f"a code must be a list of {size} finite numbers")
    return code


def as_codes(values: Any, size: int, limit: int) -> np.ndarray:
    """Codes float32 (N, size), 1 ≤ N ≤ `limit`, out of whatever a request holds.

    Raises:
        ValueError: it is not a list of codes, or there are none or too many.
    """
    if not isinstance(values, list) or not 1 <= len(values) <= limit:
        raise ValueError(f"codes must be a list of 1 to {limit} codes")
    return np.stack([as_code(code, size) for code in values])


def sweep(code: np.ndarray, dimension: Dimension, steps: int) -> np.ndarray:
    """`code` (D,) with one dimension moved from its low to its high: float32 (steps, D)."""
    codes = np.repeat(np.asarray(code, dtype=np.float32)[None], steps, axis=0)
    codes[:, dimension.index] = np.linspace(dimension.low, dimension.high, steps)
    return codes


def most_probable(
    factors: Sequence[Factor], probabilities: Sequence[tuple[np.ndarray, np.ndarray]]
) -> list[Prediction]:
    """The most probable class of each factor.

    Args:
        probabilities: for each factor class indices (C,) and their probabilities (C,).
    """
    predictions = []
    for factor, (classes, values) in zip(factors, probabilities, strict=True):
        best = int(np.argmax(values))
        predictions.append(
            Prediction(
                factor.name,
                factor.label(int(classes[best])),
                float(values[best]),
                1 / factor.size,
            )
        )
    return predictions
