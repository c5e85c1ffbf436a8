"""Put checkpoints on the Hugging Face Hub."""

from __future__ import annotations

import argparse
from pathlib import Path

import common

from dviz.errors import DvizError


def arguments() -> argparse.Namespace:
    parser = common.parser(
        "Push checkpoint folders to the Hugging Face Hub, each in one commit: weights, config,\n"
        "report, probes, codes and model card, nothing else.\n"
        "The token comes from HF_TOKEN or from `hf auth login`.",
        "python scripts/push_to_hub.py checkpoints/color-dsprites --repo-id ada/color-dsprites\n"
        "  python scripts/push_to_hub.py checkpoints/* --repo-id ada --dry-run",
    )
    add = parser.add_argument
    add("checkpoints", nargs="+", type=Path, help="checkpoint folders")
    add(
        "--repo-id",
        required=True,
        help="user/name; or user alone, then each goes to user/<name of its folder>",
    )
    add("--revision", help="branch to commit to, created where there is none (default: main)")
    add("--private", action="store_true", help="make new repositories private")
    add("--dry-run", action="store_true", help="check the folders and list what would be sent")
    return parser.parse_args()


def repo_id_of(folder: Path, repo_id: str, alone: bool) -> str:
    """Where `folder` goes."""
    if "/" not in repo_id:
        return f"{repo_id}/{folder.resolve().name}"
    if not alone:
        raise DvizError(
            f"--repo-id {repo_id} names one repository, but there are several checkpoints; "
            f"give {repo_id.split('/')[0]} alone, then each goes to a repository of its own"
        )
    return repo_id


def show(folder: Path, repo_id: str) -> None:
    """Check `folder` and list the files that a push would send."""
    from dviz.checkpoint import CARD, FILES, load_checkpoint

    load_checkpoint(folder)
    print(f"{repo_id}:")
    for name in FILES:
        if (folder / name).is_file():
            print(f"  {(folder / name).stat().st_size:>12,} bytes  {name}")
        elif name == CARD:
            print(f"  (written first)     {name}")


def main() -> None:
    args = arguments()
    alone = len(args.checkpoints) == 1
    targets = [(folder, repo_id_of(folder, args.repo_id, alone)) for folder in args.checkpoints]
    from dviz import hub
    from dviz.card import write_card
    from dviz.checkpoint import CARD
    from dviz.traversal import write_traversal

    for folder, repo_id in targets:
        if args.dry_run:
            show(folder, repo_id)
            continue
        if not (folder / CARD).exists():
            write_traversal(folder)
            write_card(folder, repo_id)
        print(hub.push(folder, repo_id, revision=args.revision, private=args.private))


if __name__ == "__main__":
    common.run(main)
