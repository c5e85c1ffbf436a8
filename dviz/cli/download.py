"""Fetch the official files of a dataset, or list what there is."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dviz.cli import common
from dviz.errors import DatasetError

if TYPE_CHECKING:
    from dviz.data import DatasetInfo


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = common.parser(
        "download",
        "Fetch a dataset's official files from their public home. A stopped download goes on\n"
        "where it was left off.",
        "dviz download dsprites\n  dviz download --list",
    )
    add = parser.add_argument
    add("name", nargs="?", help="name of a dataset, e.g. dsprites")
    add("--list", action="store_true", help="all datasets: what is there, licence and citation")
    add("--json", action="store_true", help="with --list: one JSON object")
    common.add_data_flag(parser)
    args = parser.parse_args(argv)
    if args.list == (args.name is not None):
        parser.error("give the name of a dataset, or --list")
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    from dviz.data.root import data_root

    root = data_root(args.data_root)
    if args.list:
        show_list(root, args.json)
    else:
        download(args.name, root)


def show_list(root: Path, as_json: bool) -> None:
    from dviz.data import dataset_info, list_datasets

    rows = [describe(dataset_info(name), root) for name in list_datasets()]
    if as_json:
        print(json.dumps({"root": str(root), "datasets": rows}))
        return
    print(f"Files are looked for in {root}\n")
    for row in rows:
        print(f"{row['name']} – {row['description']}")
        print(f"    {row['state']}")
        terms = [f"licence: {row['licence']}"] + ([row["citation"]] if row["citation"] else [])
        print(f"    {'; '.join(terms)}")


def describe(info: DatasetInfo, root: Path) -> dict[str, Any]:
    """What `--list` says of a dataset."""
    found = next((root / name for name in info.looked_for if (root / name).exists()), None)
    if found:
        state = f"there: {found}"
    elif not info.needs_files:
        state = "procedural, nothing to fetch" + (
            "; the official file can be had too" if info.files else ""
        )
    elif info.files:
        state = f"not there; dviz download {info.name}"
    elif info.url:
        state = f"not there; get it by hand from {info.url}"
    else:
        state = "yours: name it with --data-root PATH"
    return {
        "name": info.name,
        "title": info.title,
        "description": info.description,
        "there": found is not None,
        "procedural": not info.needs_files,
        "state": state,
        "licence": info.licence,
        "citation": info.citation,
        "url": info.url,
    }


def download(name: str, root: Path) -> None:
    from tqdm import tqdm

    from dviz.data import dataset_info
    from dviz.data.download import fetch, unpack

    info = dataset_info(name)
    if not info.files:
        how = f"get it by hand from {info.url}" if info.url else "it needs none"
        raise DatasetError(f"{info.name} has no file that can be fetched; {how}")
    print(f"{info.title}: {info.licence}. {info.citation}")
    for file in info.files:
        with tqdm(desc=file.path, unit="B", unit_scale=True, disable=None) as bar:

            def show(done: int, total: int | None, bar: tqdm = bar) -> None:
                bar.total = total
                bar.update(done - bar.n)

            path = fetch(file, root, show)
        if file.unpack:
            unpack(path)
        print(path)
