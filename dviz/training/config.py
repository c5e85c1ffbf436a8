"""What a run is told: one frozen TrainingConfig, checked when it is made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from dviz.factors import UNIFORM

OBJECTIVES = ("beta-vae", "beta-tcvae", "factor-vae", "autoencoder")
RECONSTRUCTIONS = ("bernoulli", "gaussian")
SUPERVISIONS = ("labels", "adaptive", "known-k", "none")
SCHEDULES = ("one-cycle", "constant")
UPDATES = ("all", "encoder", "encoder-and-colours")
PRECISIONS = ("float32", "bfloat16")

_CHOICES = {
    "objective": OBJECTIVES,
    "reconstruction": RECONSTRUCTIONS,
    "supervision": SUPERVISIONS,
    "schedule": SCHEDULES,
    "update": UPDATES,
    "precision": PRECISIONS,
}
_AT_LEAST = {
    "steps": 1, "batch_size": 1, "beta": 0, "untied_beta": 0, "capacity": 0, "encoder_rate": 0,
    "labelled_images": 0, "regression_weight": 0, "reestimate_statistics": 0, "patience": 0,
    "tied": 0, "replay": 0, "replay_means": 0, "held_out": 1, "check_every": 1,
    "discriminator_units": 1, "seed": 0,
}  # fmt: skip
_POSITIVE = ("learning_rate", "clip", "discriminator_rate")
_SHARES = ("beta_warmup", "capacity_rise", "decoder_first", "labelled")


@dataclass(frozen=True)
class TrainingConfig:
    """How one run learns. Two runs with equal configs on one machine give equal weights.

    Attributes:
        steps: optimiser steps.
        batch_size: pairs a step, or images where `supervision` is "none"; over all processes.
        learning_rate: of Adam; the peak where `schedule` is "one-cycle".
        beta: weight of the KL divergence of every dimension; of the total correlation for
            "beta-tcvae" (Chen et al.'s β) and "factor-vae" (Kim and Mnih's γ).
        untied_beta: its weight in the dimensions tied to no factor ("labels", or `tied` > 0).
        tied: in fine-tuning, how many dimensions the Source tied to its factors; the others then
            stay as quiet as they were there. 0: none counts as untied.
        beta_warmup: share of the steps over which both rise linearly from 0.
        supervision: which dimensions of a pair may differ: "labels" (dimension j is tied to factor
            j), "adaptive" (Ada-GVAE: found from the posteriors), "known-k" (the k that differ most,
            k being known of each pair); or "none", single images.
        k: factors that change in a pair, or "uniform" (see FactorSpace.sample_pairs).
        decoder_first: share of the steps in which the encoder stands still. A decoder that has not
            met the Target yet sends back gradients that undo what the encoder learnt.
        freeze_statistics: the encoder's BatchNorm keeps the statistics it came with. With those of
            the Target's batches instead, a Source's codes start out far off what it learnt.
        encoder_rate: learning rate of the encoder as a share of the decoder's. Below 1, a Target is
            met more by drawing it anew than by giving the dimensions another meaning.
        clip: largest norm of the gradient.
        seed: seeds weights, data and noise.

        objective: see `dviz.models.objectives.losses`.
        reconstruction: "bernoulli" (pixel cross-entropy) or "gaussian" (half the squared error).
        capacity: C in nats of Burgess et al. 2018, |β·KL − β·C|; 0 for the plain KL ("beta-vae").
        capacity_rise: share of the steps over which C rises linearly from 0.
        discriminator_units, discriminator_rate: width and learning rate of FactorVAE's
            discriminator (paper: 1000 and 1e-4).

        labelled: share of the pairs whose changed factors are known ("labels"); the others are
            "adaptive".
        labelled_images: single images whose factors are known; 0 for none. Posterior mean j is
            drawn to factor j (or `ties[j]` to factor j), see `dviz.models.weak.regression_loss`.
        regression_weight: of that term, in nats a unit of squared error.
        ties: the dimension of each factor for that term, () for dimension j to factor j.

        update: "all"; "encoder": the decoder keeps its weights; "encoder-and-colours": it draws
            what it drew, and a map of colours behind it learns the Target's (`VAEConfig.recolour`).
            The encoder then has to find the codes that the decoder understands; meant for a Target
            that shows the Source's factors in another guise.
        replay: weight of the Source's images over pixels of the Target, see `dviz.training.replay`;
            in nats, 0 for none. replay_means: in it, that of the squared distance of means.
        reestimate_statistics: images from which the encoder's BatchNorm takes new statistics before
            the first step; 0 keeps them.
        patience: checks of the held-out loss without improvement after which a run stops and goes
            back to its best weights; 0 never.
        held_out: images of that check; single-image runs never train on them.
        check_every: steps between two checks.

        ema: decay of the average of the weights that is kept in the end, 0 for the last weights.
        precision: "bfloat16" runs convolutions and linear layers in half precision.
        channels_last, compile: memory layout, and torch.compile; only speed.
    """

    steps: int
    batch_size: int = 64
    learning_rate: float = 2e-3
    schedule: str = "one-cycle"
    beta: float = 2.0
    untied_beta: float = 2.0
    tied: int = 0
    beta_warmup: float = 0.125
    supervision: str = "labels"
    k: int | str = UNIFORM
    decoder_first: float = 0.0
    freeze_statistics: bool = False
    encoder_rate: float = 1.0
    clip: float = 1.0
    seed: int = 0

    objective: str = "beta-vae"
    reconstruction: str = "bernoulli"
    capacity: float = 0.0
    capacity_rise: float = 0.5
    discriminator_units: int = 1000
    discriminator_rate: float = 1e-4

    labelled: float = 1.0
    labelled_images: int = 0
    regression_weight: float = 10.0
    ties: tuple[int, ...] = ()

    update: str = "all"
    replay: float = 0.0
    replay_means: float = 0.0
    reestimate_statistics: int = 0
    patience: int = 0
    held_out: int = 512
    check_every: int = 500

    ema: float = 0.0
    precision: str = "float32"
    channels_last: bool = False
    compile: bool = False

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            self._require(name, getattr(self, name) in allowed, f"allowed are {allowed}")
        for name, low in _AT_LEAST.items():
            self._require(name, getattr(self, name) >= low, f"allowed are numbers from {low}")
        for name in _POSITIVE:
            self._require(name, getattr(self, name) > 0, "allowed are numbers above 0")
        for name in _SHARES:
            self._require(name, 0 <= getattr(self, name) <= 1, "allowed is a share from 0 to 1")
        self._require("ema", 0 <= self.ema < 1, "allowed are numbers from 0 to below 1")
        k_fits = self.k == UNIFORM or (isinstance(self.k, int) and self.k >= 1)
        self._require("k", k_fits, f"allowed are {UNIFORM!r} and whole numbers from 1")
        if self.capacity and self.objective != "beta-vae":
            raise ValueError(f"capacity is {self.capacity}; only objective 'beta-vae' has one")
        if self.labelled < 1 and self.supervision != "labels":
            raise ValueError(f"labelled is {self.labelled}; only supervision 'labels' has a share")
        if self.replay_means and not self.replay:
            raise ValueError(
                f"replay_means is {self.replay_means}; it counts within replay, which is 0"
            )
        if self.update == "encoder" and self.decoder_first:
            raise ValueError(
                f"decoder_first is {self.decoder_first}; with update 'encoder' only 0 is allowed"
            )

    def _require(self, name: str, fine: bool, allowed: str) -> None:
        if not fine:
            raise ValueError(f"{name} is {getattr(self, name)!r}; {allowed}")

    @property
    def pairs(self) -> bool:
        """Whether a step sees pairs of images rather than single ones."""
        return self.supervision != "none"

    @property
    def images_a_step(self) -> int:
        return self.batch_size * (2 if self.pairs else 1)

    def every_setting(self) -> dict[str, Any]:
        """JSON-able, complete."""
        return asdict(self) | {"ties": list(self.ties)}

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: the settings every run has, and those of the options that are not at rest."""
        every = self.every_setting()
        return {k: v for k, v in every.items() if k in _CORE or v != DEFAULTS[k]}


_NAMES = [field.name for field in fields(TrainingConfig)]
_CORE = frozenset(_NAMES[: _NAMES.index("seed") + 1])
DEFAULTS = TrainingConfig(steps=1).every_setting()
"""What an older file leaves unsaid."""
