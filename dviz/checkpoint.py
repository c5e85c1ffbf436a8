"""A checkpoint is a folder that explains itself.

    model.safetensors    weights, in half precision
    config.json          architecture, dataset, factors, training, parent, code version
    report.json          everything measured of it (see dviz.measuring.report)
    probes.npz           classifiers that read factors from codes (see dviz.measuring.probe_files)
    representations.npz  codes of a sample: `mean` and `sampled`, float16 (N, D)
    classes.csv          that sample's labels: header of factor names, N rows of class indices
    thumbnails.npz       its first images, uint8 (M, 64, 64, 3), where no dataset here draws them
    traversal.png        picture of every active dimension (see dviz.publish.traversal)
    README.md            model card

Only the first two are needed to load it (and, to encode with an "imagenet" encoder, the package of
`dviz.models.efficientnet`). Somebody's own model (kind "external") has, in place of
the weights, `encoder.onnx` and, if it can paint, `decoder.onnx`.
"""

from __future__ import annotations

import csv
import operator
import zipfile
import zlib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from dviz import __version__
from dviz.errors import CheckpointError
from dviz.factors import Factor, FactorSpace
from dviz.files import atomic_path, write_json
from dviz.limits import LIMITS
from dviz.models.vae import ADDED, VAE, VAEConfig
from dviz.representations.base import Representation, Shape
from dviz.representations.own import VAERepresentation
from dviz.schema import ConfigShape, check_shape, read_object

WEIGHTS, CONFIG, REPORT, PROBES = (
    "model.safetensors",
    "config.json",
    "report.json",
    "probes.npz",
)
ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
ONNX = "onnx"  # folder of these two beside weights of dviz (see dviz.representations.export)
CODES, CLASSES = "representations.npz", "classes.csv"
THUMBNAILS, TRAVERSAL, CARD = "thumbnails.npz", "traversal.png", "README.md"
FILES = (
    WEIGHTS, ENCODER, DECODER, CONFIG, REPORT, PROBES, CODES, CLASSES, THUMBNAILS, TRAVERSAL, CARD,
)  # fmt: skip
SAMPLES = "data/samples.parquet"  # codes, labels and thumbnails (see dviz.publish.samples)
DERIVED = (f"{ONNX}/{ENCODER}", f"{ONNX}/{DECODER}", SAMPLES)
"""Files made of the others when a checkpoint is published, for those who have no dviz."""
FORMAT = 1

SOURCE, DIRECT, FINE_TUNED = "source", "direct", "fine-tuned"
EXTERNAL = "external"


@dataclass(frozen=True)
class CheckpointConfig:
    """What a checkpoint is and where it comes from; `config.json`.

    Attributes:
        name: folder name, e.g. "color-dsprites-to-coil100".
        kind: "source", "direct" (weights copied to the Target), "fine-tuned", or "external"
            (somebody's own model, as ONNX files).
        dataset: what it was last trained on, or for "direct" what it is to be used on.
        factors: the factors of `dataset`.
        architecture: what the model is built from; of an external one what it takes and gives.
        training: settings of the last training, empty for "direct".
        parent: name of the checkpoint its weights come from; None for a Source.
        source: dataset of the Source at the root of its lineage.
        painting: settings of learning the decoder anew from frozen codes, on what `dataset`, and
            what was there `before`; empty where it is the one that learnt along with the encoder.
        version: version of dviz that wrote it.
    """

    name: str
    kind: str
    dataset: str
    factors: tuple[Factor, ...]
    architecture: VAEConfig | Shape
    training: dict[str, Any] = field(default_factory=dict)
    parent: str | None = None
    source: str = ""
    painting: dict[str, Any] = field(default_factory=dict)
    version: str = __version__

    @property
    def space(self) -> FactorSpace:
        return FactorSpace(self.factors)

    @property
    def stage(self) -> str:
        """Its place in a lineage: an external model is where one begins, as a Source is."""
        return SOURCE if self.kind == EXTERNAL else self.kind

    def painted_on(self, dataset: str) -> int:
        """Images of `dataset`, with repeats, from whose frozen codes alone the decoder learnt."""
        painting = self.painting
        sizes = [painting.get(name) for name in ("steps", "batch_size")]
        if painting.get("dataset") != dataset or not all(isinstance(n, int) for n in sizes):
            return 0
        return sizes[0] * sizes[1]

    @property
    def paints_dataset(self) -> bool:
        """Whether its decoder learnt `dataset`, as a direct transfer's did only if painted anew."""
        return self.kind != DIRECT or self.painted_on(self.dataset) > 0

    def learnt_architecture(self) -> VAEConfig:
        """The architecture with the decoder that learnt along with the encoder."""
        before = self.painting.get("before", {})
        return _architecture({"kind": self.kind, **asdict(self.architecture), **before})

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; the architecture lies flat on top, where PyTorchModelHubMixin looks for it."""
        values = asdict(self)
        return {"format": FORMAT, **values.pop("architecture"), **values}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CheckpointConfig:
        """Inverse of `to_dict`. Raises CheckpointError where something is missing or odd."""
        try:
            if values["format"] != FORMAT:
                raise CheckpointError(
                    f"config.json has format {values['format']!r}, this dviz reads {FORMAT}; "
                    "update dviz or train anew"
                )
            check_shape(ConfigShape, values, f"{CONFIG} is not a dviz checkpoint's")
            factors = tuple(
                Factor(
                    str(f["name"]),
                    operator.index(f["size"]),
                    tuple(map(str, f["values"])),
                    f["cyclic"],
                )
                for f in values["factors"]
            )
            parent = values["parent"]
            config = cls(
                factors=factors,
                architecture=_architecture(values),
                training=dict(values["training"]),
                painting=dict(values["painting"]),
                parent=None if parent is None else str(parent),
                **{k: str(values[k]) for k in ("name", "kind", "dataset", "source", "version")},
            )
            FactorSpace(factors)  # names must differ
            return config
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"config.json is not a dviz checkpoint's ({error!r} is missing or wrong)"
            ) from error


def _architecture(values: dict[str, Any]) -> VAEConfig | Shape:
    if values["kind"] == EXTERNAL:
        return Shape(values["latent_size"], tuple(values["image_size"]), values["channels"])
    values = ADDED | values
    return VAEConfig(**{setting.name: values[setting.name] for setting in fields(VAEConfig)})


def _half(weights: torch.Tensor) -> torch.Tensor:
    """Float weights in half precision, unless some are too large for it; counts as they are."""
    rounded = weights.half() if weights.is_floating_point() else weights
    return (rounded if torch.isfinite(rounded).all() else weights).contiguous()


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint: what it does, its config, and where it lies."""

    config: CheckpointConfig
    representation: Representation
    folder: Path

    @property
    def model(self) -> VAE:
        """The model itself, in evaluation mode, for what trains it further or looks inside.

        Raises:
            CheckpointError: it is somebody's own, of which there is only what it does.
        """
        if not isinstance(self.representation, VAERepresentation):
            raise CheckpointError(
                f"{self.config.name} is an external model (ONNX): it can be measured and looked "
                "at, but not trained, carried over or taken apart"
            )
        return self.representation.model


def save_checkpoint(folder: str | Path, model: VAE, config: CheckpointConfig) -> None:
    """Write weights and config into `folder`, each file atomically, the config last.

    Weights are rounded to half precision (11 significant bits), which halves the file; what is
    read again computes in float32.
    """
    folder = Path(folder)
    weights = {name: _half(value.cpu()) for name, value in model.state_dict().items()}
    with atomic_path(folder / WEIGHTS) as temporary:
        save_file(weights, temporary, {"format": "pt"})
    write_json(folder / CONFIG, config.to_dict())


def clear_checkpoint(folder: str | Path) -> None:
    """Delete a checkpoint's files from `folder`, and leave what else lies there."""
    for name in (*FILES, *DERIVED):
        (Path(folder) / name).unlink(missing_ok=True)


def read_config(folder: str | Path) -> CheckpointConfig:
    """Read a checkpoint's `config.json` alone.

    Raises:
        CheckpointError: there is none, or it is not ours.
    """
    path = Path(folder) / CONFIG
    try:
        values = read_object(path, LIMITS.config_bytes)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no {CONFIG} in checkpoint {path.parent.name}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(
            f"{CONFIG} of checkpoint {path.parent.name} cannot be read ({reason})"
        ) from error
    return CheckpointConfig.from_dict(values)


def load_checkpoint(folder: str | Path, device: str = "cpu") -> Checkpoint:
    """Load weights (safetensors only, every layer must fit) and config from `folder`.

    An external model runs its ONNX files in processes of their own, on the CPU.

    Raises:
        CheckpointError: a file is missing, broken, or does not fit the architecture.
    """
    folder = Path(folder)
    config = read_config(folder)
    if config.kind == EXTERNAL:
        return _load_external(folder, config)
    path = folder / WEIGHTS
    if not path.exists():
        raise CheckpointError(
            f"checkpoint {folder.name} has no {WEIGHTS}; other kinds of weights are not read"
        )
    try:
        weights = load_file(path)
    except (SafetensorError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(
            f"{WEIGHTS} of checkpoint {folder.name} is broken or only partly downloaded ({reason})"
        ) from error
    # Built without storage first: a config that lies about sizes cannot fill the memory.
    with torch.device("meta"):
        model = VAE(config.architecture)
    expected = {name: value.shape for name, value in model.state_dict().items()}
    found = {name: value.shape for name, value in weights.items()}
    odd = sorted(k for k in expected | found if expected.get(k) != found.get(k))
    if odd:
        raise CheckpointError(
            f"{WEIGHTS} of checkpoint {folder.name} does not fit its config: "
            f"{len(odd)} layers are missing, extra or of another shape, such as {odd[0]}"
        )
    infinite = sorted(k for k, value in weights.items() if not torch.isfinite(value).all())
    if infinite:
        raise CheckpointError(
            f"{WEIGHTS} of checkpoint {folder.name} holds weights that are not finite, such as "
            f"{infinite[0]}; it cannot be used"
        )
    model.to_empty(device="cpu").load_state_dict(weights, strict=True)
    return Checkpoint(config, VAERepresentation(model.to(device)), folder)


def _load_external(folder: Path, config: CheckpointConfig) -> Checkpoint:
    from dviz.representations.onnx_files import OnnxRepresentation

    encoder, decoder = folder / ENCODER, folder / DECODER
    if not encoder.exists():
        raise CheckpointError(f"checkpoint {folder.name} has no {ENCODER}")
    assert isinstance(config.architecture, Shape)
    found = OnnxRepresentation(
        encoder,
        decoder if decoder.exists() else None,
        image_size=config.architecture.image_size,
        channels=config.architecture.channels,
    )
    if found.shape != config.architecture:
        found.close()
        raise CheckpointError(
            f"{ENCODER} of checkpoint {folder.name} does not fit its config: it has "
            f"{found.shape}, expected {config.architecture}"
        )
    return Checkpoint(config, found, folder)


def save_codes(
    folder: str | Path, mean: np.ndarray, sampled: np.ndarray, classes: np.ndarray, names: list[str]
) -> None:
    """Write `representations.npz` (mean, sampled: float16 (N, D)) and `classes.csv` ((N, F))."""
    folder = Path(folder)
    # Far from what it learnt an encoder may spread its samples beyond what half precision holds.
    top = np.finfo(np.float16).max
    codes = {
        name: np.clip(values, -top, top).astype(np.float16)
        for name, values in (("mean", mean), ("sampled", sampled))
    }
    with atomic_path(folder / CODES) as temporary:
        np.savez_compressed(temporary, **codes)
    with (
        atomic_path(folder / CLASSES) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        csv.writer(file, lineterminator="\n").writerows([names, *classes.tolist()])


def save_thumbnails(folder: str | Path, images: np.ndarray) -> None:
    """Write `thumbnails.npz` of images uint8 (M, 64, 64, 3), the first of those with codes."""
    with atomic_path(Path(folder) / THUMBNAILS) as temporary:
        np.savez_compressed(temporary, images=images)


def read_thumbnails(folder: str | Path) -> np.ndarray | None:
    """The images uint8 (M, 64, 64, 3) of `thumbnails.npz`; None where there is no such file.

    Raises:
        CheckpointError: it holds anything else.
    """
    path = Path(folder) / THUMBNAILS
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            images = archive["images"]
    except (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{THUMBNAILS} of checkpoint {path.parent.name} is broken") from error
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (64, 64, 3):
        raise CheckpointError(
            f"{THUMBNAILS} of checkpoint {path.parent.name} holds {images.dtype} {images.shape}; "
            "expected uint8 (M, 64, 64, 3)"
        )
    return images
