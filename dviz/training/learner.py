"""What learns, and one step of it: loss, gradient, update."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.optim import Adam
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dviz.data.base import FactorDataset
from dviz.models.efficientnet import load_network
from dviz.models.objectives import OBJECTIVES
from dviz.models.objectives.base import Loss, Objective, Weights
from dviz.models.vae import VAE, to_tensor
from dviz.models.weak import pair_posterior, regression_loss
from dviz.training.batches import Batch, Images
from dviz.training.config import TrainingConfig
from dviz.training.processes import Processes
from dviz.training.replay import Replay, start_colours
from dviz.training.schedule import learning_rate_at, weights_at
from dviz.training.state import Part
from dviz.training.statistics import reestimate_statistics


class NotFiniteError(FloatingPointError):
    """The loss or its gradient is infinite or not a number."""


@dataclass
class Learner:
    """A model and everything else that a run changes.

    `source` is what `config.replay` replays. `best` holds the weights of the lowest held-out loss
    so far; `waited` counts the checks since.
    """

    model: VAE
    dataset: FactorDataset
    config: TrainingConfig
    device: str
    processes: Processes
    source: FactorDataset | None = None
    best: dict[str, Tensor] = field(default_factory=dict)
    best_loss: float = math.inf
    waited: int = 0

    def __post_init__(self) -> None:
        config, model = self.config, self.model
        self._owners = self.dataset.space.ties(config.cyclic_dimensions)
        self._ties = torch.tensor(config.ties or range(len(self._owners)), device=self.device)
        self._check()
        model.to(self.device).train()
        self.replay = None
        if config.replay:
            self.replay = Replay(model, self.source, self.device, config.seed, config.replay_means)
        if config.channels_last:
            model.to(memory_format=torch.channels_last)
        if config.reestimate_statistics:
            reestimate_statistics(model, self.dataset, config.reestimate_statistics, config.seed)
        if config.freeze_statistics or config.update == "decoder":
            model.encoder.eval()
        model.encoder.requires_grad_(config.update != "decoder")
        model.decoder.requires_grad_(config.update in ("all", "decoder"))
        if config.update == "encoder-and-colours":
            model.decoder.colours.requires_grad_(True)
            start_colours(model, self.dataset, config.seed)
        self.processes.share_statistics(model)
        self.optimizer = Adam(
            [
                {"params": list(model.encoder.parameters()), "share": config.encoder_rate},
                {"params": list(model.decoder.parameters()), "share": 1.0},
            ],
            config.learning_rate,
        )
        self.objective = OBJECTIVES[config.objective](
            config, model.config.latent_size, self.dataset.num_images, self.device
        )
        self.ema = None
        if config.ema:
            average = get_ema_multi_avg_fn(config.ema)
            self.ema = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
        if config.compile:
            # Not the head: compiled in half precision, on CPUs with torch 2.14, the gradient of its
            # LayerNorm is not a number.
            model.encoder.convolutions.compile()
            model.decoder.compile()

    def _check(self) -> None:
        """Refuse what the first step would stumble over."""
        config, latent_size = self.config, self.model.config.latent_size
        if config.replay and self.source is None:
            raise ValueError(f"replay is {config.replay}; it needs the Source's dataset")
        if config.reconstruction == "perceptual":
            load_network(self.device)
        if config.update == "encoder-and-colours" and not self.model.config.recolour:
            raise ValueError(
                "update 'encoder-and-colours' needs a decoder with a colour map; see "
                "VAE.with_colours"
            )
        tied = len(self._owners) if config.supervision == "labels" else 0
        if config.labelled_images:
            if not len(self.dataset.space):
                raise ValueError(f"labelled_images: {self.dataset.name} has no labels")
            if len(self._ties) != len(self._owners):
                raise ValueError(
                    f"ties is {config.ties}; allowed is one dimension for each of the "
                    f"{len(self.dataset.space)} factors of {self.dataset.name}"
                )
            tied = max(tied, int(self._ties.max()) + 1)
        if tied > latent_size:
            raise ValueError(
                f"latent_size is {latent_size}; tying a dimension to each factor of "
                f"{self.dataset.name} needs at least {tied}"
            )

    def parts(self) -> dict[str, Part]:
        """What a saved state holds."""
        parts = {
            "model": self.model,
            "optimizer": self.optimizer,
            **self.objective.parts(),
            "ema": self.ema,
            "best": self.best,
        }
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def notes(self) -> dict[str, float | int | None]:
        loss = self.best_loss if math.isfinite(self.best_loss) else None
        return {"best_loss": loss, "waited": self.waited}

    @notes.setter
    def notes(self, values: dict[str, float | int | None]) -> None:
        loss = values.get("best_loss")
        self.best_loss = math.inf if loss is None else float(loss)
        self.waited = int(values.get("waited") or 0)

    def step(self, step: int, batch: Batch) -> dict[str, Tensor]:
        """One update; what to report of it, in nats an image (`loss` with all weights).

        Raises:
            NotFiniteError: the loss is not finite; nothing was updated.
        """
        config = self.config
        with self._autocast(config.precision == "bfloat16"):
            loss, report = self._loss(step, batch)
        for group in self.optimizer.param_groups:
            group["lr"] = group["share"] * learning_rate_at(step, config)
        self.optimizer.zero_grad()
        report["loss"].backward()
        if step < config.decoder_first * config.steps:
            for weight in self.model.encoder.parameters():
                weight.grad = None
        self.processes.average_gradients(self.model)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        if not torch.isfinite(norm):
            raise NotFiniteError(f"the loss is {report['loss'].item()} at step {step}")
        self.optimizer.step()
        report |= self.objective.teach(loss, batch.generator, self.processes.average_gradients)
        if self.ema is not None:
            self.ema.update_parameters(self.model)
        return report

    def _loss(self, step: int, batch: Batch) -> tuple[Loss, dict[str, Tensor]]:
        x = batch.x
        if self.config.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        weights = self._weights(step)
        posterior = self._posterior(x, batch)
        loss = self.objective.loss(self.model, x, weights, batch.noise, posterior)
        report = {"loss": loss.total, "reconstruction": loss.reconstruction, "kl": loss.kl}
        if loss.total_correlation is not None:
            report["total_correlation"] = loss.total_correlation
        if batch.labelled is not None:
            images, targets = batch.labelled
            error = regression_loss(self.model.encode(images)[0].float(), targets, self._ties)
            report["regression"] = error
            report["loss"] = report["loss"] + self.config.regression_weight * error
        if batch.source is not None:
            report["replay"] = self.replay.loss(self.model, batch.source, batch.x, batch.generator)
            report["loss"] = report["loss"] + self.config.replay * report["replay"]
        return loss, report

    def _posterior(self, x: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        # A frozen encoder gives the very codes that the decoder will be given later.
        frozen = self.config.update == "decoder"
        with self._autocast(False) if frozen else nullcontext():
            mean, log_variance = (value.float() for value in self.model.encode(x))
        if self.config.supervision == "none":
            return mean, log_variance
        if self.config.supervision == "labels":
            return pair_posterior(mean, log_variance, batch.changed, batch.known, ties=self._owners)
        count = batch.changed.sum(1) if self.config.supervision == "known-k" else None
        return pair_posterior(mean, log_variance, count=count)

    def _autocast(self, enabled: bool) -> torch.autocast:
        kind = torch.device(self.device).type
        return torch.autocast(kind, torch.bfloat16, enabled=enabled)

    def _weights(self, step: int) -> Weights:
        tied = len(self._owners)
        return weights_at(step, self.config, self.model.config.latent_size, tied, self.device)

    @property
    def result(self) -> VAE:
        """The model as it would be kept now."""
        return self.model if self.ema is None else self.ema.module

    @property
    def patience_is_out(self) -> bool:
        return 0 < self.config.patience <= self.waited

    def check(self, held_out: Images) -> Tensor:
        """The held-out loss now, (); remembers the weights if it is the lowest."""
        model = self.result
        weights = self._weights(self.config.steps)
        loss = held_out_loss(model, self.objective, held_out, weights, self.config.seed)
        if loss < self.best_loss:
            self.best_loss, self.waited = loss, 0
            self.best.update({k: v.detach().clone() for k, v in model.state_dict().items()})
        else:
            self.waited += 1
        return torch.tensor(loss, device=self.device)

    def finish(self) -> None:
        """Leave the weights to keep in the model: the best, the averaged, or the last ones."""
        if self.config.patience and self.best:
            self.model.load_state_dict(self.best)
        elif self.ema is not None:
            self.model.load_state_dict(self.ema.module.state_dict())
        self.model.requires_grad_(True)
        self.model.eval()


@torch.no_grad()
def held_out_loss(
    model: VAE, objective: Objective, images: Images, weights: Weights, seed: int
) -> float:
    """What an objective says of fixed single images, nats an image.

    One fixed draw of the codes; BatchNorm with the statistics that the model would be used with.
    """
    device = next(model.parameters()).device
    noise = torch.Generator().manual_seed(seed)
    training = [module for module in model.modules() if module.training]
    model.eval()
    total = 0.0
    for start in range(0, len(images.images), 256):
        x = to_tensor(images.images[start : start + 256], device)
        total += objective.held_out(model, x, weights, noise).item() * len(x)
    for module in training:
        module.training = True
    return total / len(images.images)
