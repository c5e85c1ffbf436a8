"""A model of one's own: looked at on the page, measured, kept as a checkpoint."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dviz.api.extras import needed_by

if TYPE_CHECKING:
    from dviz.checkpoint import Checkpoint
    from dviz.data.base import FactorDataset
    from dviz.measuring.diagnosis import Finding
    from dviz.measuring.report import DatasetReport
    from dviz.representations.base import Representation

FIT = 1_000  # images that a PCA is fitted to
MOST = 64  # dimensions that a page takes
NUM_IMAGES, NUM_PAIRS = 2_000, 2_000


def inspect(
    encode: Any,
    decode: Any = None,
    dataset: Any = None,
    *,
    name: str = "your model",
    image_size: tuple[int, int] | int | None = None,
    channels: int | None = None,
    reduce: int | None = None,
    num_images: int = NUM_IMAGES,
    num_pairs: int = NUM_PAIRS,
    scores: bool = True,
    seed: int = 0,
    jobs: int = 2,
    **options: Any,
) -> Any:
    """Measure a model on a dataset, then open the app on it; in a notebook it opens inline.

    Args:
        encode: images uint8 (N, H, W, 3) to codes (N, D), or to mean and standard deviation; or a
            torch module, a scikit-learn transformer, an encoder.onnx, "timm:resnet18", or what
            `dviz.load` gives.
        decode: the way back, of the same kind. Without one, what is shown of a code is the
            dataset's image with the nearest one.
        dataset: a name, `(images, labels)`, or what `dviz.dataset` gives or takes.
        image_size, channels: what `encode` takes; inferred where it can be, else 64 and 3.
        reduce: show so many principal components of a code that has more numbers than 64.
        num_images, num_pairs, seed, jobs: of the measurement: images, pairs a factor behind the
            association, what draws them, processes.
        scores: also train classifiers and measure every metric, which takes most of the time; the
            association matrix and the page's own classifiers are there without.
        options: of Gradio's `Blocks.launch`, such as server_port=7861 or share=True.

    Returns:
        What Gradio's `launch` returns: the app, its local URL, and its public one if any.

    Raises:
        ValueError: an argument outside of what is described above.
    """
    with needed_by("dviz.inspect"):
        from dviz.ui.core.library import Library
        from dviz.ui.page import build_app, launch_options

    checkpoint, _ = _measured(
        _represent(encode, decode, dataset, image_size, channels, reduce, seed),
        _as_dataset(dataset),
        name=name,
        num_images=num_images,
        num_pairs=num_pairs,
        scores=scores,
        seed=seed,
        jobs=jobs,
    )
    library = Library()
    library.add(name, checkpoint)
    return build_app(library).launch(**launch_options(library) | options)


def measure_model(
    encode: Any,
    decode: Any = None,
    dataset: Any = None,
    *,
    image_size: tuple[int, int] | int | None = None,
    channels: int | None = None,
    reduce: int | None = None,
    num_images: int = NUM_IMAGES,
    num_pairs: int = NUM_PAIRS,
    scores: bool = True,
    seed: int = 0,
    jobs: int = 2,
) -> ModelMeasurement:
    """Everything that dviz measures of a model on a dataset; `dviz.measure(encode=…)`.

    Arguments as those of `inspect`; `num_pairs` a factor are behind the association.
    """
    _, report = _measured(
        _represent(encode, decode, dataset, image_size, channels, reduce, seed, most=None),
        _as_dataset(dataset),
        num_images=num_images,
        num_pairs=num_pairs,
        scores=scores,
        seed=seed,
        jobs=jobs,
    )
    from dviz.measuring.diagnosis import diagnose

    return ModelMeasurement(report, diagnose(report))


def save(
    folder: str | Path,
    encode: Any,
    decode: Any = None,
    dataset: Any = None,
    *,
    image_size: tuple[int, int] | int | None = None,
    channels: int | None = None,
    num_images: int = 15_000,
    num_pairs: int = 10_000,
    seed: int = 0,
    jobs: int = 2,
) -> DatasetReport:
    """Keep a model as a checkpoint folder: ONNX files, its report, codes and probes.

    It is then one like any other: `dviz.load`, the app, `dviz push`. Arguments as those of
    `measure_model`; `encode` must be a torch module, a PCA or an ONNX file.

    Raises:
        CheckpointError: it is made of something that has no ONNX form.
    """
    with needed_by("dviz.save"):
        from dviz.measuring.external import save_external

    return save_external(
        Path(folder),
        _represent(encode, decode, dataset, image_size, channels, None, seed, most=None),
        _as_dataset(dataset),
        num_images=num_images,
        num_pairs=num_pairs,
        seed=seed,
        jobs=jobs,
    )


@dataclass(frozen=True, repr=False)
class ModelMeasurement:
    """What was measured of a model.

    Attributes:
        report: every number (`dviz.measuring.report.DatasetReport`): `report.omes()`,
            `report.scores`, `report.mean_accuracy("gbt", "all")`.
        findings: what they say, in words.
    """

    report: DatasetReport
    findings: list[Finding]

    def __repr__(self) -> str:
        return "\n".join([*self._lines(), *(f"{f.title}. {f.text}" for f in self.findings)])

    def _repr_html_(self) -> str:
        lines = [*self._lines(), *(f"{f.title}. {f.text}" for f in self.findings)]
        return "".join(f"<p>{escape(line)}</p>" for line in lines)

    def _lines(self) -> list[str]:
        r = self.report
        active = f"{sum(r.active)} of {len(r.active)} dimensions active"
        lines = [f"{r.title}: {r.num_images:,} images, {active}; {r.fidelity}"]
        if r.factors:
            score = r.omes()
            known = (
                "no OMES"
                if math.isnan(score.omes)
                else f"OMES {score.omes:.3f} (modularity {score.modularity:.3f}, compactness "
                f"{score.compactness:.3f})"
            )
            others = [f"{name} {value:.3f}" for name, value in r.scores.items()]
            lines.append("; ".join([known, ", ".join(others)] if others else [known]))
            lines += [_of_factor(r, name, part) for name, part in score.per_factor.items()]
        return lines


def _of_factor(report: DatasetReport, name: str, part: dict[str, Any]) -> str:
    own = part["associated_dimension"]
    read = report.probe(name, "gbt", "all")
    missing = part["reason"] or "no dimension"
    words = missing if own is None else f"z{own} ({part['association']:.2f})"
    accuracy = "" if read is None else f", read right in {read.accuracy:.0%}"
    return f"  {name}: {words}{accuracy}"


def _measured(
    representation: Representation, dataset: FactorDataset, *, name: str = "model", **sizes: Any
) -> tuple[Checkpoint, DatasetReport]:
    """Measure into a folder that goes with the process."""
    from dviz.measuring.external import measure_into

    folder = tempfile.TemporaryDirectory(prefix="dviz-")
    sizes.setdefault("num_pairs", NUM_PAIRS)
    checkpoint, report = measure_into(
        Path(folder.name), representation, dataset, name=name, **sizes
    )
    _FOLDERS.append(folder)
    return checkpoint, report


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
"""They are deleted when the process ends; the app reads them meanwhile."""


def _represent(
    encode: Any,
    decode: Any,
    dataset: Any,
    image_size: tuple[int, int] | int | None,
    channels: int | None,
    reduce: int | None,
    seed: int,
    most: int | None = MOST,
) -> Representation:
    with needed_by("a model of your own"):
        from dviz.representations.build import as_representation
        from dviz.representations.reduced import ReducedRepresentation

    import numpy as np

    from dviz.api.model import Model

    encode = encode.representation if isinstance(encode, Model) else encode
    images = None
    if reduce is not None or callable(getattr(encode, "transform", None)):
        images = _as_dataset(dataset).sample(FIT, np.random.default_rng(seed + 1))[0]
    found = as_representation(
        encode, decode, image_size=image_size, channels=channels, images=images
    )
    if reduce is not None and images is not None:
        return ReducedRepresentation(found, reduce, images, seed)
    if most is not None and found.latent_size > most:
        raise ValueError(
            f"encode gives {found.latent_size} numbers; the page takes up to {most}: say reduce=10 "
            "to look at the first principal components, or use dviz.measure"
        )
    return found


def _as_dataset(dataset: Any) -> FactorDataset:
    from dviz.api.images import Dataset
    from dviz.api.images import dataset as named
    from dviz.data.base import FactorDataset

    if dataset is None:
        raise ValueError("dataset is missing: give a name, (images, labels) or dviz.dataset(…)")
    if isinstance(dataset, FactorDataset):
        return dataset
    if isinstance(dataset, Dataset):
        return dataset.source
    if isinstance(dataset, tuple) and len(dataset) == 2:
        return named(*dataset).source
    return named(dataset).source
