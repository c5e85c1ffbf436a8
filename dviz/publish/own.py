"""What is somebody's own, made of pictures that did not come with dviz, and stays with them."""

from __future__ import annotations

from pathlib import Path

from dviz.checkpoint import CONFIG, REPORT, CheckpointConfig, read_config
from dviz.data.folder import is_own_folder
from dviz.data.registry import known_info
from dviz.files import json_text
from dviz.lineage import line_of
from dviz.measuring.report import Report, read_report


def public_checkpoints(root: str | Path) -> tuple[list[str], list[str]]:
    """Names of the project's checkpoints: those for everybody, and those of one's own pictures.

    What was trained on or carried to one's own pictures holds their codes and labels, and may hold
    the pictures; so may what was carried on from it. Whatever is not known to come with dviz counts
    as one's own. What was only measured on them is public, but for `own_results`.

    Raises:
        CheckpointError: a config cannot be read.
    """
    paths = sorted((Path(root) / "checkpoints").glob(f"*/{CONFIG}"))
    configs = {path.parent.name: read_config(path.parent) for path in paths}
    public, own = [], []
    for name in configs:
        line = [configs[ancestor] for ancestor in line_of(name, configs)]
        datasets = {dataset for config in line for dataset in (config.dataset, config.source)}
        # Without its parent nobody knows what else it learnt from.
        is_public = line[-1].parent is None and all(map(_comes_with_dviz, filter(None, datasets)))
        (public if is_public else own).append(name)
    return public, own


def _comes_with_dviz(dataset: str) -> bool:
    return known_info(dataset) is not None and not is_own_folder(dataset)


def own_results(config: CheckpointConfig, report: Report) -> list[str]:
    """The datasets of a report that are one's own, but for those that the checkpoint is of.

    Their scores and the names of their factors are nobody else's business, where somebody shares
    a checkpoint that they only measured on pictures of theirs.
    """
    named = [*report.results, *(baseline.result.dataset for baseline in report.baselines)]
    if report.distance is not None:
        named += [report.distance.source, report.distance.target]
    its_own = (config.dataset, config.source)
    own = (name for name in named if name not in its_own and not _comes_with_dviz(name))
    return list(dict.fromkeys(own))


def shared_report(folder: str | Path) -> Report:
    """The report of the checkpoint in `folder` without its `own_results`.

    Raises:
        CheckpointError: the config or the report cannot be read.
    """
    folder = Path(folder)
    report = read_report(folder / REPORT)
    own, distance = own_results(read_config(folder), report), report.distance
    return Report(
        {name: result for name, result in report.results.items() if name not in own},
        [baseline for baseline in report.baselines if baseline.result.dataset not in own],
        None if distance is None or {distance.source, distance.target} & {*own} else distance,
    )


def shared_content(path: Path) -> Path | bytes:
    """What is sent of a checkpoint's file: the file, or a report without its `own_results`."""
    if path.name != REPORT or not path.is_file():
        return path
    shared = shared_report(path.parent)
    return path if shared == read_report(path) else json_text(shared.to_dict()).encode()


def size_of(content: Path | bytes) -> int:
    """How many bytes are sent."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size
