"""Model cards: what a checkpoint is, what was measured of it, and how to use it; `README.md`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
from huggingface_hub import ModelCardData

from dviz.checkpoint import (
    CARD,
    DECODER,
    DERIVED,
    DIRECT,
    ENCODER,
    EXTERNAL,
    FILES,
    FINE_TUNED,
    ONNX,
    REPORT,
    SAMPLES,
    SOURCE,
    THUMBNAILS,
    TRAVERSAL,
    CheckpointConfig,
    read_config,
)
from dviz.data import DatasetInfo, dataset_info
from dviz.data.folder import is_own_folder
from dviz.data.registry import known_info
from dviz.errors import DatasetError
from dviz.files import write_text
from dviz.measuring.report import DatasetReport, Report, read_report
from dviz.models.efficientnet import HOW_TO_GET
from dviz.publish.measured import TASK, compared, measured, model_index
from dviz.publish.own import shared_report
from dviz.publish.traversal import rows_of
from dviz.representations.base import SIDE

TAGS = [
    "disentanglement",
    "representation-learning",
    "transfer-learning",
    "variational-autoencoder",
    "vae",
]

SUPERVISIONS = {
    "labels": "with weak supervision (Ada-GVAE; which factors change in a pair is known)",
    "adaptive": "with weak supervision (Ada-GVAE; which factors change in a pair is inferred)",
    "known-k": "with weak supervision (Ada-GVAE; how many factors change in a pair is known)",
    "none": "without supervision",
}

ONE_SEED = "It is one training with one seed; another seed gives another code and other figures."

STUDY = """\
The method, its protocol and OMES are from

```bibtex
@inproceedings{dapueto2024transferring,
  title     = {Transferring disentangled representations: bridging the gap between synthetic and
               real images},
  author    = {Dapueto, Jacopo and Noceti, Nicoletta and Odone, Francesca},
  booktitle = {Advances in Neural Information Processing Systems},
  year      = {2024},
  url       = {https://arxiv.org/abs/2409.18017}
}
```"""


def write_card(folder: str | Path) -> None:
    """Write `checkpoint_card` into the folder, for whoever has it on disk.

    Raises:
        CheckpointError: the config or the report cannot be read.
    """
    write_text(Path(folder) / CARD, checkpoint_card(folder))


def checkpoint_card(
    folder: str | Path,
    repo_id: str | None = None,
    revision: str | None = None,
    files: Collection[str] | None = None,
    *,
    shared: bool = False,
) -> str:
    """The `model_card` of the checkpoint in `folder`; `files` are by default those in it.

    Where it is `shared` with others it says nothing of `dviz.publish.own.own_results`.

    Raises:
        CheckpointError: the config or the report cannot be read.
    """
    folder = Path(folder)
    config = read_config(folder)
    report = shared_report(folder) if shared else read_report(folder / REPORT)
    if files is None:
        files = [name for name in (*FILES, *DERIVED) if (folder / name).is_file()]
    return model_card(config, report, repo_id, revision, files)


def model_card(
    config: CheckpointConfig,
    report: Report | None = None,
    repo_id: str | None = None,
    revision: str | None = None,
    files: Collection[str] = (),
) -> str:
    """A model card: YAML front matter with the figures as `model-index`, then Markdown.

    Args:
        report: what was measured, if anything was.
        repo_id, revision: where it will be on the Hub, for the example of how to load it; by
            default the example loads it from disk.
        files: those of a checkpoint that lie beside the card.
    """
    report = report or Report()
    results = list(report.results.values())
    metadata = ModelCardData(
        library_name="dviz",
        license="apache-2.0",
        pipeline_tag=TASK,
        tags=TAGS,
        datasets=_datasets(config),
        model_name=config.name,
        **_lineage(config, repo_id),
        eval_results=[entry for result in results for entry in model_index(result)] or None,
    )
    sections = [
        f"# {config.name}",
        _introduction(config, report),
        _facts(config),
        _picture(config, report.results.get(config.dataset)) if TRAVERSAL in files else "",
        _usage(config, repo_id, revision, files),
        *(measured(result) for result in results),
        compared(report),
        _limits(config),
        _licence([config.source, config.dataset, *(result.dataset for result in results)]),
    ]
    body = "\n\n".join(section for section in sections if section)
    return f"---\n{metadata.to_yaml()}\n---\n\n{body}\n"


def _datasets(config: CheckpointConfig) -> list[str] | None:
    """Names of the public datasets it learnt from or was carried to."""
    names = dict.fromkeys(filter(None, (config.source, config.dataset)))
    return [name for name in names if _info(name) is not None] or None


def _lineage(config: CheckpointConfig, repo_id: str | None) -> dict[str, str]:
    """The checkpoint its weights come from, which lies beside it on the Hub."""
    if repo_id is None or config.parent is None:
        return {}
    found = {"base_model": f"{repo_id.split('/')[0]}/{config.parent}"}
    return found | ({"base_model_relation": "finetune"} if config.kind == FINE_TUNED else {})


def _introduction(config: CheckpointConfig, report: Report) -> str:
    if config.kind == EXTERNAL:
        what = config.architecture.summary.partition(": ")[2]
        return f"A model of somebody's own, as ONNX: {what}. It was measured on {config.dataset}."
    supervision = SUPERVISIONS.get(config.training.get("supervision", ""), "")
    if labelled := config.training.get("labelled_images", 0):
        supervision += f" and {labelled:,} images whose factors are known (semi-supervised)"
    source, dataset = (
        report.results[name].title if name in report.results else name
        for name in (config.source, config.dataset)
    )
    if config.kind == SOURCE:
        origin = f"It was trained on {dataset} {supervision}".rstrip() + "."
    elif config.kind == DIRECT:
        anew = config.painted_on(config.dataset) > 0
        origin = (
            f"Its {'encoder is that' if anew else 'weights are those'} of {config.parent}, learnt "
            f"on {source} and carried over to {dataset} unchanged{_statistics(config)}"
            f"{'; its decoder learnt there from the codes as they are' if anew else ''}."
        )
    else:
        origin = (
            f"It started from {config.parent}, learnt on {source}, and was fine-tuned on "
            f"images of {dataset} {supervision}".rstrip()
            + "."
        )
    return (
        "A variational autoencoder of 64×64 RGB images whose latent dimensions are meant to stand "
        f"for one factor of variation each. {origin}"
    )


def _statistics(config: CheckpointConfig) -> str:
    """What else was done to a direct transfer, if anything."""
    images = config.training.get("reestimate_statistics", 0)
    words = f", but for its BatchNorm statistics, taken anew from {images:,} images"
    return words if images else ""


def _facts(config: CheckpointConfig) -> str:
    facts = {
        "kind": config.kind,
        "source dataset": _described(config.source) if config.source != config.dataset else "",
        "dataset": _described(config.dataset),
        "factors": ", ".join(f"{factor.name} ({factor.size})" for factor in config.factors),
        "architecture": config.architecture.summary,
        "encoder": _looks_through(config),
        "training": ", ".join(
            f"{name.replace('_', ' ')} {value}" for name, value in config.training.items()
        ),
        "decoder": _painting(config),
        "parent": config.parent,
        "written by": f"dviz {config.version}",
    }
    return "\n".join(f"- {name}: {value}" for name, value in facts.items() if value)


def _looks_through(config: CheckpointConfig) -> str:
    """What an encoder needs that is not among its weights."""
    network = config.architecture.looks_through
    return network and (
        f"looks through {network} (Tan and Le 2019), trained on ImageNet; Apache-2.0, part of its "
        f"ONNX file, else `{HOW_TO_GET}`"
    )


def _painting(config: CheckpointConfig) -> str:
    """Where the decoder comes from, if it did not learn along with the encoder."""
    dataset = str(config.painting.get("dataset", ""))
    images = config.painted_on(dataset)
    if not images:
        return ""
    loss = config.painting.get("reconstruction", "bernoulli")
    by = "" if loss == "bernoulli" else f", by a {loss} loss"
    return f"learnt from the frozen codes of {images:,} images of {dataset}{by}"


def _described(dataset: str) -> str:
    info = _info(dataset)
    return f"{dataset} – {info.description}" if info else dataset


def _info(dataset: str) -> DatasetInfo | None:
    """What is known of a dataset; None of somebody's own pictures, and of an unknown name."""
    try:
        return None if is_own_folder(dataset) else dataset_info(dataset)
    except DatasetError:
        return None


def _picture(config: CheckpointConfig, result: DatasetReport | None) -> str:
    """The traversal picture, its rows named as everywhere by the factors that they stand for."""
    if result is None:
        return ""
    S, labels, rows = np.nan_to_num(result.association_matrix), result.labels(), []
    for row in rows_of(config, result, np.zeros(len(result.active)), 1):
        own = dict.fromkeys(name for d in row.dimensions for name in labels.get(d, []))
        strength = S[list(row.dimensions)].max(axis=0) if own else []
        told = [f"{name} {strength[result.factors.index(name)]:.2f}" for name in own]
        rows.append(f"{row.name} ({', '.join(told)})" if told else row.name)
    return (
        "## What its dimensions do\n\n"
        f"![Every active dimension moved from its 1st to its 99th percentile]({TRAVERSAL})\n\n"
        "One image's code; each row moves one dimension, or two around their circle. From above: "
        f"{', '.join(rows)}. In brackets the factors that change it more than any other, and how "
        "far (association, 0 to 1)."
    )


def _usage(
    config: CheckpointConfig, repo_id: str | None, revision: str | None, files: Collection[str]
) -> str:
    where = f'"{repo_id or config.name}"' + (f', revision="{revision}"' if revision else "")
    if config.kind == EXTERNAL:
        onnx = f"`{ENCODER}` and, where it has a way back, `{DECODER}` are its ONNX files"
        return _example(where, f"\n\nWithout dviz: {onnx}." if repo_id else "")
    told = []
    if f"{ONNX}/{ENCODER}" in files:
        told.append(
            f"`{ONNX}/{ENCODER}` takes images float32 (N, 3, 64, 64) in [0, 1] and gives `mean` "
            f"and `std`, `{ONNX}/{DECODER}` the way back"
        )
    if SAMPLES in files:
        told.append(
            f"`{SAMPLES}` holds {_sampled(config, files)}: "
            f'`pandas.read_parquet("hf://{repo_id}/{SAMPLES}")`'
        )
    return _example(where, f"\n\nWithout dviz: {'; '.join(told)}." if repo_id and told else "")


def _sampled(config: CheckpointConfig, files: Collection[str]) -> str:
    """What the Parquet file holds; see `dviz.publish.samples`."""
    info = known_info(config.dataset)
    pictures = THUMBNAILS in files or (info is not None and not info.needs_files)
    return "codes, labels and thumbnails" if pictures else "codes and labels"


def _example(where: str, anyone: str) -> str:
    return f"""\
## Use

**dviz** · `dviz.load({where})` · To have dviz, clone the project and `pip install '.[app]'` there.

```python
import dviz

model = dviz.load({where})
codes = model.encode(images)  # images: uint8 (N, H, W, 3)
images = model.decode(codes)
```{anyone}"""


def _limits(config: CheckpointConfig) -> str:
    height, width = getattr(config.architecture, "image_size", (SIDE, SIDE))
    limits = [
        f"Pictures are seen at {height}×{width} pixels; fine detail is lost.",
        "A dimension stands for a factor only as far as the association above says, and only on "
        "images like those it was measured on. A dimension associated with no factor may mix "
        "several.",
        f"It knows the factors that vary in {config.source or config.dataset}; others end up in "
        "whatever dimension they resemble, or nowhere.",
        *([] if config.kind == EXTERNAL else [ONE_SEED]),
        "It is meant for studying representations, not for decisions about people or safety.",
    ]
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits)


def _licence(datasets: Iterable[str]) -> str:
    """Terms of weights and images, and whom to cite; datasets with the same terms in one line."""
    titles: dict[str, list[str]] = {}
    for name in dict.fromkeys(filter(None, datasets)):
        info = _info(name)
        titles.setdefault(_terms(name, info), []).append(info.title if info else name)
    lines = [f"- {'; '.join(names)}: {terms}" for terms, names in titles.items()]
    return (
        "## Licence and citation\n\n"
        "Weights: Apache-2.0. Images, or the official ones that a twin is modelled on:\n\n"
        + "\n".join(lines)
        + f"\n\n{STUDY}"
    )


def _terms(name: str, info: DatasetInfo | None) -> str:
    if info is None:
        return "their terms are not known here; ask whoever published this model."
    known = known_info(name)
    images = "photographs" if known and known.photographs else "images"
    parts = (f"the {images} are {info.licence}", info.citation, info.url)
    return ". ".join(part for part in parts if part)
