"""What is somebody's own, made of pictures that did not come with dviz, and stays with them."""

from __future__ import annotations

from dataclasses import replace
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
    as one's own. What was only measured on them stays public; see `own_results`.

    Raises:
        CheckpointError: a config cannot be read.
    """
    paths = sorted((Path(root) / "checkpoints").glob(f"*/{CONFIG}"))
    configs = {path.parent.name: read_config(path.parent) for path in paths}
    public, own = [], []
    for name in configs:
        line = [configs[ancestor] for ancestor in line_of(name, configs)]
        datasets = {dataset for config in line for dataset in (config.dataset, config.source)}
        is_public = all(map(_comes_with_dviz, filter(None, datasets)))
        (public if is_public else own).append(name)
    return public, own


def _comes_with_dviz(dataset: str) -> bool:
    return known_info(dataset) is not None and not is_own_folder(dataset)


def own_results(config: CheckpointConfig, report: Report) -> list[str]:
    """The datasets of a report that are one's own, but for those that the checkpoint is of.

    Their scores and the names of their factors are nobody else's business, where somebody shares
    a checkpoint that they only measured on pictures of theirs.
    """
    its_own = (config.dataset, config.source)
    return [name for name in report.results if name not in its_own and not _comes_with_dviz(name)]


def shared_report(folder: str | Path) -> Report:
    """The report of the checkpoint in `folder` without its `own_results`.

    Raises:
        CheckpointError: the config or the report cannot be read.
    """
    folder = Path(folder)
    report = read_report(folder / REPORT)
    own = own_results(read_config(folder), report)
    return replace(report, results={k: v for k, v in report.results.items() if k not in own})


def shared_content(path: Path) -> Path | bytes:
    """What is sent of a checkpoint's file: the file, or a report without its `own_results`."""
    if path.name != REPORT:
        return path
    shared = shared_report(path.parent)
    whole = len(read_report(path).results) == len(shared.results)
    return path if whole else json_text(shared.to_dict()).encode()
