"""One training loop, for a Source (pairs, weak supervision) and for fine-tuning (single images)."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from dviz.data.base import FactorDataset
from dviz.errors import TrainingError
from dviz.models.vae import ADDED, VAE
from dviz.training.batches import Batch, draw_batch, held_out_images, labelled_images
from dviz.training.config import DEFAULTS, TrainingConfig
from dviz.training.history import History
from dviz.training.interrupt import held_interrupts
from dviz.training.learner import Learner, NotFiniteError
from dviz.training.lock import only_run_in
from dviz.training.processes import Processes
from dviz.training.samples import write_sheet
from dviz.training.state import load_state, save_state

STATE = "state.safetensors"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class Progress:
    """Where a run stands, in nats an image (`loss` with all weights) and images a second."""

    step: int
    loss: float
    reconstruction: float
    kl: float
    images_per_second: float


class Outcome(NamedTuple):
    """How far a run came: steps done, and the seconds they took, breaks left out."""

    steps: int
    seconds: float


def train(
    model: VAE,
    dataset: FactorDataset,
    config: TrainingConfig,
    folder: Path,
    *,
    device: str = "cpu",
    save_every: int = 500,
    sheet_every: int = 0,
    tensorboard: bool = False,
    resume: bool = False,
    prefetch: bool = False,
    processes: Processes | None = None,
    source: FactorDataset | None = None,
    start: str = "",
    on_step: Callable[[Progress], None] = lambda progress: None,
) -> Outcome:
    """Train `model` in place on `dataset` and return how far it came.

    Writes into `folder`: `state.safetensors` (every `save_every` steps and at the end),
    `history.jsonl` (every 50 steps), sample sheets and TensorBoard's event files if asked for. With
    `resume` goes on from there to the same weights as a run without a break. Ctrl-C and SIGTERM
    save the state before they end the run. With `prefetch` another thread draws the next batch
    while this one is learnt from: the same batches, sooner where drawing is slow. `source` is the
    dataset that `config.replay` replays; `start` says what the model was before, for a run
    that goes on from another.

    Raises:
        CheckpointError: the state to resume from is unreadable or belongs to another run.
        TrainingError: another run is training into `folder`, or it cannot be written to.
        FloatingPointError: the loss is not finite; the model is as it was last saved.
    """
    _at_least_zero(save_every=save_every, sheet_every=sheet_every)
    processes = processes or Processes()
    with ExitStack() as stack:
        if processes.main:
            stack.enter_context(_disk_errors_told(folder))
            stack.enter_context(only_run_in(folder))
        learner = Learner(model, dataset, config, processes.device or device, processes, source)
        stack.callback(learner.finish)
        run = _Run(learner, folder, save_every, sheet_every, prefetch, on_step, start)
        done = run.restore() if resume else 0
        history = History(folder, done, tensorboard) if processes.main else None
        if history:
            stack.callback(history.close)
        return run.go(done, history)


class _Run:
    """The loop itself."""

    def __init__(
        self,
        learner: Learner,
        folder: Path,
        save_every: int,
        sheet_every: int,
        prefetch: bool,
        on_step: Callable[[Progress], None],
        start: str,
    ) -> None:
        self.learner, self.folder, self.on_step = learner, folder, on_step
        self.save_every, self.sheet_every, self.prefetch = save_every, sheet_every, prefetch
        config, architecture, dataset = learner.config, learner.model.config, learner.dataset
        self.given = {
            "images": dataset.num_images,
            "content": dataset.content,
            "origin": dataset.origin,
            "start": start,
        }
        told = {"dataset": dataset.name, **self.given, **asdict(architecture)}
        self.settings = config.every_setting() | told
        self.saved: int | None = None
        self.seconds = 0.0  # of the steps until `began`
        self.began = time.perf_counter()
        self.labelled = labelled_images(dataset, config)
        self.held_out = held_out_images(dataset, config)

    def restore(self) -> int:
        """Go back to the last saved state and return its step, 0 if there is none."""
        path, learner = self.folder / STATE, self.learner
        if not path.exists():
            return 0
        # A state of before these were saved is taken to be of the same run.
        defaults = DEFAULTS | ADDED | self.given
        done, notes = load_state(path, learner.parts(), self.settings, defaults)
        self.seconds = notes.pop("seconds", 0.0)
        learner.notes = notes
        self.saved = done
        return done

    def save(self, done: int) -> None:
        learner = self.learner
        if learner.processes.main:
            notes = learner.notes | {"seconds": self.taken}
            save_state(self.folder / STATE, learner.parts(), done, self.settings, notes)
        self.saved = done

    @property
    def taken(self) -> float:
        """Seconds of this run and of those it goes on from."""
        return self.seconds + time.perf_counter() - self.began

    def go(self, start: int, history: History | None) -> Outcome:
        """Take steps `start` … `config.steps`, or until the held-out loss says stop."""
        learner, steps = self.learner, self.learner.config.steps
        if learner.patience_is_out:
            return Outcome(start, self.seconds)
        done, self.began = start, time.perf_counter()
        with held_interrupts() as interruption, closing(self._batches(start)) as batches:
            for done, batch in enumerate(batches, start + 1):
                report = self.step(done, batch)
                last = done == steps or learner.patience_is_out
                interrupted = learner.processes.any(interruption.signal is not None, done)
                if done % 10 == 0 or last:
                    self.on_step(self._progress(report, done, done - start))
                if done % 50 == 0 or last or "held_out" in report:
                    self._log(history, report, done)
                if self.sheet_every and done % self.sheet_every == 0 and history:
                    sheet = self.folder / "samples" / f"step-{done:06}.png"
                    write_sheet(sheet, learner.result, learner.dataset, learner.config.seed)
                if last or interrupted or (self.save_every and done % self.save_every == 0):
                    self.save(done)
                if interrupted:
                    interruption.end()
                if last:
                    break
        return Outcome(done, self.taken)

    def _batches(self, start: int) -> Iterator[Batch]:
        """The batches of the steps from `start` on."""
        learner = self.learner

        def draw(step: int) -> Batch:
            return draw_batch(
                learner.dataset, learner.config, step, learner.model.config.latent_size,
                learner.device, learner.processes, self.labelled, self.held_out,
                learner.source if learner.replay else None,
            )  # fmt: skip

        steps = range(start, learner.config.steps)
        if not self.prefetch:
            yield from map(draw, steps)
            return
        with ThreadPoolExecutor(1) as thread:
            coming = thread.submit(draw, start)
            for step in steps:
                batch = coming.result()
                if step + 1 < steps.stop:
                    coming = thread.submit(draw, step + 1)
                yield batch

    def step(self, done: int, batch: Batch) -> dict[str, Tensor]:
        """Take the step that makes them `done`, and measure the held-out loss if it is due."""
        learner = self.learner
        try:
            report = learner.step(done - 1, batch)
        except NotFiniteError as error:
            kept = f"step {self.restore()}" if self.saved else "before the first step"
            raise FloatingPointError(
                f"{error}; the weights of {kept} are kept. Try a lower learning rate, in another "
                "folder"
            ) from error
        if self.held_out is not None and done % learner.config.check_every == 0:
            report["held_out"] = learner.check(self.held_out)
        return report

    def _log(self, history: History | None, report: dict[str, Tensor], done: int) -> None:
        mean = self.learner.processes.mean
        values = {name: mean(value.detach()).tolist() for name, value in report.items()}
        if history:
            history.append({"step": done, **values})

    def _progress(self, report: dict[str, Tensor], done: int, taken: int) -> Progress:
        images = taken * self.learner.config.images_a_step
        return Progress(
            done,
            report["loss"].item(),
            report["reconstruction"].item(),
            report["kl"].sum().item(),
            images / (time.perf_counter() - self.began),
        )


def _at_least_zero(**values: int) -> None:
    for name, value in values.items():
        if value < 0:
            raise ValueError(f"{name} is {value}; allowed are numbers from 0")


@contextmanager
def _disk_errors_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise TrainingError(
            f"{folder} cannot be written to ({error.strerror}); what was saved before is kept: "
            "make room and go on with --resume"
        ) from error
