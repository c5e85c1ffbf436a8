"""What a run is told: one frozen TrainingConfig, checked when it is made."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from dviz.factors import UNIFORM
from dviz.models.objectives import OBJECTIVES, RECONSTRUCTIONS, ObjectiveSettings
from dviz.models.settings import check_settings, setting, settings_of

BASICS, SOURCE, TARGET = "training", "weak supervision", "fine-tuning"
OBJECTIVE, STOPPING, SPEED = "objective", "when to stop, what to keep, what to show", "speed"
"""Headings of the settings' flags."""

SUPERVISIONS = ("labels", "adaptive", "known-k", "none")
UPDATES = ("all", "encoder", "encoder-and-colours", "decoder")
PRECISIONS = ("float32", "bfloat16")


def _changing(text: str) -> int | str:
    return int(text) if text.isdigit() else text


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(ObjectiveSettings):
    """How one run learns. Two runs with equal configs on one machine give equal weights.

    Every setting says what it is, and what it may be, where it is declared: here, and for those
    that belong to one objective in its file (`dviz.models.objectives`).
    """

    steps: int = setting(help="optimiser steps", group=BASICS, at_least=1, always=True)
    batch_size: int = setting(
        64,
        "pairs a step, or images where supervision is none; over all processes",
        group=BASICS,
        at_least=1,
        always=True,
    )
    learning_rate: float = setting(
        2e-3, "of Adam; the peak of the one-cycle schedule", group=BASICS, above=0, always=True
    )
    schedule: str = setting(
        "one-cycle",
        "of the learning rate",
        group=BASICS,
        choices=("one-cycle", "constant"),
        always=True,
    )
    beta: float = setting(
        2.0,
        "weight of the KL divergence; of the total correlation for beta-tcvae (β) and factor-vae "
        "(γ)",
        group=BASICS,
        at_least=0,
        always=True,
    )
    untied_beta: float = setting(
        2.0,
        "β of the dimensions tied to no factor",
        group=SOURCE,
        at_least=0,
        always=True,
    )
    tied: int = setting(
        0,
        "in fine-tuning, how many dimensions the Source tied to its factors: the others stay as "
        "quiet as they were there; 0: none counts as untied",
        at_least=0,
        always=True,
    )
    beta_warmup: float = setting(
        0.125,
        "share of the steps over which β rises linearly from 0",
        group=BASICS,
        share=True,
        always=True,
    )
    supervision: str = setting(
        "labels",
        "which dimensions of a pair may differ: labels (dimension j is tied to factor j), adaptive "
        "(Ada-GVAE: found from the posteriors), known-k (the k that differ most, k being known of "
        "each pair); none: single images",
        group=SOURCE,
        choices=SUPERVISIONS,
        always=True,
    )
    k: int | str = setting(
        UNIFORM,
        "factors that change in a pair: a number, or uniform (drawn anew for each)",
        group=SOURCE,
        parse=_changing,
        fits=lambda k: k == UNIFORM or (isinstance(k, int) and k >= 1),
        allowed=f"{UNIFORM!r} and whole numbers from 1",
        always=True,
    )
    cyclic_dimensions: int = setting(
        1,
        "dimensions that a cyclic factor owns: 1 as in the study, or 2, the plane of its circle",
        group=SOURCE,
        choices=(1, 2),
    )
    # A decoder that has not met the Target sends back gradients that undo what the encoder learnt.
    decoder_first: float = setting(
        0.0,
        "share of the steps in which the encoder stands still",
        group=TARGET,
        share=True,
        always=True,
    )
    # With the statistics of the Target's batches, a Source's codes start out far off.
    freeze_statistics: bool = setting(
        False,
        "the encoder's BatchNorm keeps the statistics it came with",
        group=TARGET,
        always=True,
    )
    # Below 1 a Target is met more by drawing it anew than by giving dimensions another meaning.
    encoder_rate: float = setting(
        1.0,
        "learning rate of the encoder, as a share of the decoder's",
        group=TARGET,
        at_least=0,
        always=True,
    )
    clip: float = setting(1.0, "largest norm of the gradient", group=BASICS, above=0, always=True)
    seed: int = setting(0, "seeds weights, data and noise", group=BASICS, at_least=0, always=True)

    objective: str = setting(
        "beta-vae", "what is minimised", group=OBJECTIVE, choices=tuple(OBJECTIVES)
    )
    reconstruction: str = setting(
        "bernoulli",
        "bernoulli (pixel cross-entropy), gaussian (half the squared error), or perceptual "
        "(bernoulli, and how unlike pictures are to a network trained on ImageNet)",
        group=OBJECTIVE,
        choices=RECONSTRUCTIONS,
    )
    # Features of a picture say little, and cost much, before it shows a scene.
    perceptual_after: float = setting(
        0.0,
        "share of the steps before pictures are compared by that network too",
        group=OBJECTIVE,
        share=True,
        only_with=("reconstruction", "perceptual"),
    )

    labelled: float = setting(
        1.0,
        "share of the pairs whose changed factors are known; the others are adaptive",
        group=SOURCE,
        share=True,
        only_with=("supervision", "labels"),
    )
    labelled_images: int = setting(
        0,
        "single images whose factors are known, each read off the mean of its dimension",
        group=OBJECTIVE,
        at_least=0,
    )
    regression_weight: float = setting(
        10.0,
        "weight of reading them, in nats a unit of squared error",
        group=OBJECTIVE,
        at_least=0,
    )
    ties: tuple[int, ...] = setting(
        (), "the dimension of each factor for reading them; (): dimension j to factor j"
    )

    # "encoder-and-colours" is for a Target that shows the Source's factors in another guise: the
    # decoder draws what it drew, and a map of colours behind it learns the Target's.
    update: str = setting(
        "all",
        "what learns: all, the encoder alone, the encoder and a map of colours behind the decoder, "
        "or the decoder alone, which leaves every code as it is (see dviz paint)",
        group=TARGET,
        choices=UPDATES,
    )
    replay: float = setting(
        0.0,
        "weight, in nats, of the Source's images over pixels of the Target: they keep the codes "
        "that the Source's encoder gives them; 0: none",
        group=TARGET,
        at_least=0,
    )
    replay_means: float = setting(
        0.0,
        "with replay: how much more the means of these codes count, as in dimensions that the "
        "Source knows only roughly",
        group=TARGET,
        at_least=0,
    )
    reestimate_statistics: int = setting(
        0,
        "first take BatchNorm's statistics anew from so many images of the Target; 0: keep them",
        group=TARGET,
        at_least=0,
    )
    patience: int = setting(
        0,
        "held-out checks in vain before a run stops and goes back to its best weights; 0: never",
        group=STOPPING,
        at_least=0,
    )
    held_out: int = setting(
        512,
        "images of that check, never trained on singly; never more than a tenth of the dataset",
        group=STOPPING,
        at_least=1,
    )
    check_every: int = setting(500, "steps between two checks", group=STOPPING, at_least=1)

    ema: float = setting(
        0.0,
        "decay of the average of the weights that is kept in the end, such as 0.999; 0: the last "
        "weights",
        group=STOPPING,
        at_least=0,
        below=1,
    )
    precision: str = setting(
        "float32",
        "bfloat16: convolutions and linear layers in half precision",
        group=SPEED,
        choices=PRECISIONS,
    )
    channels_last: bool = setting(
        False, "memory layout, often faster on GPUs, on CPUs with compile", group=SPEED
    )
    compile: bool = setting(False, "torch.compile; pays in long runs", group=SPEED)

    def __post_init__(self) -> None:
        check_settings(self)
        if self.replay_means and not self.replay:
            raise ValueError(
                f"replay_means is {self.replay_means}; it counts within replay, which is 0"
            )
        if self.update == "encoder" and self.decoder_first:
            raise ValueError(
                f"decoder_first is {self.decoder_first}; with update 'encoder' only 0 is allowed"
            )
        if self.update == "decoder" and self.reestimate_statistics:
            raise ValueError(
                f"reestimate_statistics is {self.reestimate_statistics}; with update 'decoder' "
                "only 0 is allowed, codes stay as they are"
            )

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
        core = {name: every[name] for name in _ALWAYS}
        return core | {k: v for k, v in every.items() if k not in core and v != DEFAULTS[k]}


_ALWAYS = [known.name for known, about in settings_of(TrainingConfig) if about.always]
DEFAULTS = TrainingConfig(steps=1).every_setting()
"""Every setting at rest: what a run that was started before a setting existed leaves unsaid."""
