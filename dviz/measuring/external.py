"""Somebody's own model as a checkpoint folder: measured, and saved as ONNX files with all of it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dviz.checkpoint import (
    CONFIG,
    DECODER,
    ENCODER,
    EXTERNAL,
    FILES,
    Checkpoint,
    CheckpointConfig,
    clear_checkpoint,
    read_config,
)
from dviz.data.base import FactorDataset
from dviz.errors import CheckpointError
from dviz.files import write_json
from dviz.measuring.encoder import evaluate_checkpoint
from dviz.measuring.report import DatasetReport
from dviz.representations.base import Representation


def measure_into(
    folder: Path,
    representation: Representation,
    dataset: FactorDataset,
    *,
    name: str = "",
    num_images: int = 3_000,
    num_pairs: int = 2_000,
    scores: bool = True,
    seed: int = 0,
    jobs: int = 2,
) -> tuple[Checkpoint, DatasetReport]:
    """A folder with everything a checkpoint has but the model itself, and that checkpoint.

    Its report, codes, labels and probes are written as for any other; beside them the first of its
    images, so that it can be looked at where `dataset` is not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = CheckpointConfig(
        name=name or folder.name,
        kind=EXTERNAL,
        dataset=dataset.name,
        factors=tuple(dataset.space.factors),
        architecture=representation.shape,
        source=dataset.name,
    )
    checkpoint = Checkpoint(config, representation, folder)
    sizes = {"num_images": num_images, "num_pairs": num_pairs, "seed": seed}
    result = evaluate_checkpoint(checkpoint, dataset, **sizes, scores=scores, jobs=jobs)
    write_json(folder / CONFIG, config.to_dict())
    return checkpoint, result


def save_external(
    folder: Path, representation: Representation, dataset: FactorDataset, **settings: Any
) -> DatasetReport:
    """Export a model as ONNX files into `folder`, and measure what they give.

    An external model that lies there is replaced when the new one is whole, and not before.

    Raises:
        CheckpointError: it is made of something that has no ONNX form, or a checkpoint of another
            kind lies there, or files that are called like one's.
    """
    from dviz.representations.export import export_onnx

    folder = folder.resolve()
    if (folder / CONFIG).is_file() and (kind := read_config(folder).kind) != EXTERNAL:
        raise CheckpointError(f"{folder.name} holds a {kind} checkpoint; choose another folder")
    taken = [name for name in FILES if (folder / name).exists()]
    if taken and CONFIG not in taken:
        raise CheckpointError(
            f"{folder.name} is no checkpoint but holds {', '.join(taken)}, which would be "
            "replaced; choose another folder"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".saving-") as place:
        new = Path(place) / folder.name
        export_onnx(representation, new / ENCODER, new / DECODER)
        _, result = measure_into(new, representation, dataset, **settings)
        folder.mkdir(exist_ok=True)
        clear_checkpoint(folder)
        for file in sorted(new.iterdir(), key=lambda file: file.name == CONFIG):
            file.replace(folder / file.name)
    return result
