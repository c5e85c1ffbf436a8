"""A model by name: images in, codes out, and back."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dviz.api.extras import needed_by
from dviz.api.places import checkpoints_folder

if TYPE_CHECKING:
    from dviz.checkpoint import Checkpoint
    from dviz.factors import Factor
    from dviz.measuring.report import Report
    from dviz.representations.base import Representation

AT_ONCE = 256  # images or codes


def load(name: str | Path, *, revision: str | None = None, device: str = "cpu") -> Model:
    """A trained model.

    >>> model = load("color-dsprites")
    >>> codes = model.encode(np.zeros((2, 64, 64, 3), np.uint8))
    >>> codes.shape, model.decode(codes).shape
    ((2, 10), (2, 64, 64, 3))

    Args:
        name: a folder; the name of a checkpoint that came with dviz (or lies in
            DVIZ_CHECKPOINTS); or the id of one on the Hugging Face Hub, "user/name".
        revision: of the Hub: a branch, tag or commit.
        device: "cpu", "cuda", "mps".

    Raises:
        CheckpointError: there is none of that name, or it is broken.
        ValueError: `name` is no text or path.
    """
    if not isinstance(name, (str, Path)):
        raise ValueError(
            f"name is {type(name).__name__}; expected a checkpoint's name, folder or Hub id. A "
            "model of your own needs no loading: dviz.inspect(model, dataset=…) shows it, "
            "dviz.measure(encode=model, dataset=…) measures it"
        )
    with needed_by("dviz.load"):
        from dviz.checkpoint import CONFIG, load_checkpoint
        from dviz.errors import CheckpointError
        from dviz.publish import hub

    for folder in (Path(name), checkpoints_folder() / name):
        if (folder / CONFIG).is_file() and revision is None:
            return Model(load_checkpoint(folder, device))
    if str(name).count("/") != 1 or str(name).startswith(("/", ".", "~")):
        raise _unknown(str(name))
    try:
        return Model(hub.load(str(name), revision), device)
    except CheckpointError as error:
        if revision is not None:
            raise
        raise CheckpointError(
            f"there is no folder {str(name)[:80]!r} with a {CONFIG} here, nor could it be had from "
            f"the Hub: {error}"
        ) from error


class Model:
    """An encoder and its decoder, with everything that was measured of them.

    Attributes:
        checkpoint: folder, config and weights (`dviz.checkpoint.Checkpoint`).
        name: what it is called.
        latent_size: D, how many numbers a code has.
        factors: of the dataset it belongs to.
        representation: what the rest of dviz works with
            (`dviz.representations.base.Representation`).
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        self.checkpoint = checkpoint
        self.name: str = checkpoint.config.name
        self.factors: tuple[Factor, ...] = checkpoint.config.factors
        self.latent_size: int = checkpoint.config.architecture.latent_size
        self.representation: Representation = checkpoint.representation.to(device)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Codes of images: posterior means, float32 (N, D).

        Args:
            images: uint8 (N, H, W, 3), or one (H, W, 3); other sizes than 64 × 64 are resized.

        Raises:
            ValueError: `images` is no such array.
        """
        images = np.asarray(images)
        images = images[None] if images.ndim == 3 else images
        codes = [np.empty((0, self.latent_size), np.float32)]
        codes += [self.representation.encode(some).mean for some in _parts(images) if len(some)]
        return np.concatenate(codes)

    def decode(self, codes: Any) -> np.ndarray:
        """What codes look like: images uint8 (N, 64, 64, 3), of an external model in its own size.

        Args:
            codes: numbers (N, D), or one code (D,); an array or a tensor.

        Raises:
            ValueError: `codes` is no such table, or not finite, or the model has no decoder.
        """
        from dviz.representations.base import check_codes

        table = check_codes(codes, self.latent_size)
        return np.concatenate([self.representation.decode(some) for some in _parts(table)])

    @cached_property
    def report(self) -> Report:
        """Everything measured of it; `report.results[dataset].omes()`. Empty where nothing was.

        Raises:
            CheckpointError: `report.json` cannot be read.
        """
        from dviz.checkpoint import REPORT
        from dviz.measuring.report import read_report

        return read_report(self.checkpoint.folder / REPORT)

    def __repr__(self) -> str:
        config = self.checkpoint.config
        origin = "" if config.kind == "source" else f", from {config.source}"
        return f"{self.name}: {config.kind} on {config.dataset}{origin}, D = {self.latent_size}"


def _parts(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + AT_ONCE] for start in range(0, max(len(rows), 1), AT_ONCE)]


def _unknown(name: str) -> Exception:
    from dviz.checkpoint import CONFIG
    from dviz.errors import CheckpointError

    folder = checkpoints_folder()
    there = sorted(path.parent.name for path in folder.glob(f"*/{CONFIG}"))
    found = f"here are {', '.join(there)}" if there else f"none lies in {folder}"
    return CheckpointError(
        f"there is no checkpoint {name[:80]!r}; {found}. Or give a folder, or a Hub id, user/name"
    )
