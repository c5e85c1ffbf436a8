"""Models as ONNX files, which run without torch: in a browser, in another language, here."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from dviz.errors import CheckpointError
from dviz.files import atomic_path
from dviz.models.vae import VAE
from dviz.representations.base import Representation
from dviz.representations.modules import ModuleRepresentation, evaluating
from dviz.representations.onnx_files import OnnxRepresentation, require_onnx
from dviz.representations.outputs import pick
from dviz.representations.own import VAERepresentation
from dviz.representations.scikit import TransformerRepresentation

TOLERANCE = 1e-4
OPSET = 18
PROBES = 8  # images and codes that the two sides are compared on


@dataclass(frozen=True)
class Difference:
    """The largest differences of a file's answers from the model's own."""

    codes: float
    pixels: float | None


class _Encoder(nn.Module):
    """Images float32 (N, C, H, W) in [0, 1] to mean and, where there is one, standard deviation."""

    def __init__(self, module: Any, representation: ModuleRepresentation | None) -> None:
        super().__init__()
        self.module: Any = module
        self._representation = [representation]  # in a list it is no submodule

    def forward(self, images: Tensor) -> Any:
        own = self._representation[0]
        output = self.module.encode(images) if own is None else own.encode_planes(images)
        mean, std = pick(output, log_variance=True)
        return mean if std is None else (mean, std)


class _Decoder(nn.Module):
    """Codes float32 (N, D) to images (N, C, H, W) in [0, 1]."""

    def __init__(self, module: Any, representation: ModuleRepresentation | None) -> None:
        super().__init__()
        self.module: Any = module
        self._representation = [representation]  # in a list it is no submodule

    def forward(self, codes: Tensor) -> Tensor:
        own = self._representation[0]
        if own is None:
            images: Tensor = self.module.decode(codes)
            return images
        images = own.decode_codes(codes)
        if images.ndim == 2:
            images = images.reshape(-1, own.shape.channels, *own.shape.image_size)
        return images


class _Projection(nn.Module):
    """What a PCA does to flattened images, channels last, and back."""

    mean: Tensor
    down: Tensor
    up: Tensor

    def __init__(self, pca: Any, size: tuple[int, int], channels: int) -> None:
        super().__init__()
        scale = np.sqrt(pca.explained_variance_) if pca.whiten else np.ones(pca.n_components_)
        parts = {
            "mean": pca.mean_,
            "down": (pca.components_ / scale[:, None]).T,
            "up": pca.components_ * scale[:, None],
        }
        for name, values in parts.items():
            self.register_buffer(name, torch.tensor(np.asarray(values), dtype=torch.float32))
        self.sizes = (*size, channels)

    def encode(self, images: Tensor) -> Tensor:
        return (images.permute(0, 2, 3, 1).flatten(1) - self.mean) @ self.down

    def decode(self, codes: Tensor) -> Tensor:
        pixels = codes @ self.up + self.mean
        return pixels.clamp(0, 1).reshape(-1, *self.sizes).permute(0, 3, 1, 2)


def export_onnx(representation: Representation, encoder: Path, decoder: Path) -> Difference:
    """Write `encoder` and, if it can paint, `decoder`, and see that they give the same.

    The encoder takes images float32 (N, C, H, W) in [0, 1], of the representation's size and
    channels, and gives `mean` (N, D) and, where there is one, `std`; the decoder takes such codes
    and gives images of the same kind.

    Raises:
        CheckpointError: it is made of something that has no ONNX form, such as a plain function;
            its encoder gives no codes, or none in tensors; or the files' answers differ by more
            than 1e-4.
    """
    require_onnx()
    encoder.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(representation, OnnxRepresentation):
        copyfile(representation.encoder.path, encoder)
        if representation.decoder is not None:
            copyfile(representation.decoder.path, decoder)
        return Difference(0.0, 0.0)
    down, up = _modules(representation)
    shape = representation.shape
    pixels = torch.rand(2, shape.channels, *shape.image_size)
    with evaluating(*filter(None, (down, up))):
        _write(down, pixels, encoder, "images", _outputs(down, pixels))
        if up is not None:
            _write(up, torch.randn(2, shape.latent_size), decoder, "codes", ["images"])
    return compare(representation, encoder, decoder if up is not None else None)


def compare(representation: Representation, encoder: Path, decoder: Path | None) -> Difference:
    """How far the files' answers lie from the representation's own; at most 1e-4.

    Raises:
        CheckpointError: they lie farther apart.
    """
    size = representation.shape.image_size
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (PROBES, *size, 3), dtype=np.uint8)
    other = OnnxRepresentation(encoder, decoder, image_size=size)
    try:
        own, found = representation.encode(images), other.encode(images)
        codes = float(np.abs(own.mean - found.mean).max())
        scale = max(1.0, float(np.abs(own.mean).max()))
        if own.std is not None and found.std is not None:
            # On what it has never seen, such as this noise, a deviation may be in the thousands.
            off = np.abs(own.std - found.std) / np.maximum(1, own.std)
            codes = max(codes, float(off.max()))
        pixels = None
        if decoder is not None:
            painted = [r.decode(own.mean).astype(int) for r in (representation, other)]
            pixels = float(np.abs(painted[0] - painted[1]).max()) / 255
    finally:
        other.close()
    if codes > TOLERANCE * scale or (pixels or 0) > 1 / 255:
        raise CheckpointError(
            f"{encoder.name} differs from the model by {codes:.2g} in codes and {pixels or 0:.2g} "
            f"in pixels; at most {TOLERANCE} and 1/255 are allowed"
        )
    return Difference(codes, pixels)


def _modules(representation: Representation) -> tuple[nn.Module, nn.Module | None]:
    if isinstance(representation, VAERepresentation):
        vae: VAE = representation.model
        return _Encoder(vae, None), _Decoder(vae, None)
    if isinstance(representation, ModuleRepresentation):
        down = _Encoder(representation.encoder, representation)
        both = representation.decoder or representation.encoder
        return down, _Decoder(both, representation) if representation.has_decoder else None
    if isinstance(representation, TransformerRepresentation) and _is_pca(representation):
        shape = representation.shape
        projection = _Projection(representation.transformer, shape.image_size, shape.channels)
        return _Encoder(projection, None), _Decoder(projection, None)
    raise CheckpointError(
        "this cannot be written as ONNX: give torch modules, a PCA, or ONNX files of your own"
    )


def _is_pca(representation: TransformerRepresentation) -> bool:
    from sklearn.decomposition import PCA

    return isinstance(representation.transformer, PCA)


def _outputs(encoder: nn.Module, pixels: Tensor) -> list[str]:
    """What the encoder's file gives, by name.

    Raises:
        CheckpointError: it gives no codes, or none that torch can follow back to the images.
    """
    try:
        with torch.inference_mode():
            found = encoder(pixels)
    except ValueError as error:
        raise CheckpointError(f"this cannot be written as ONNX: {error}") from error
    parts = found if isinstance(found, tuple) else (found,)
    if not all(isinstance(part, Tensor) for part in parts):
        raise CheckpointError(
            "this cannot be written as ONNX: encode gives numbers that are no tensors of torch; "
            "leave out .numpy() and the like"
        )
    return ["mean", "std"][: len(parts)]


def _write(module: nn.Module, example: Tensor, path: Path, given: str, names: list[str]) -> None:
    with atomic_path(path) as temporary, _quiet(), _unchecked():
        try:
            torch.onnx.export(
                module,
                (example.to(next(iter(module.parameters()), example).device),),
                temporary,
                input_names=[given],
                output_names=names,
                dynamic_shapes=({0: torch.export.Dim("N")},),
                opset_version=OPSET,
                external_data=False,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            reason = " ".join(str(error.__cause__ or error).split())[:200]
            raise CheckpointError(
                f"{path.name} cannot be written: the module does what has no ONNX form, such as "
                f"a step that depends on the values it sees ({reason})"
            ) from error


@contextmanager
def _unchecked() -> Iterator[None]:
    """Distributions that do not look at their parameters, which an exporter does not know yet."""
    before = Distribution._validate_args
    Distribution.set_default_validate_args(False)
    try:
        yield
    finally:
        Distribution.set_default_validate_args(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter tells of every step; what goes wrong comes as an exception anyway."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
