"""Put the app on the Hugging Face Hub as a Space."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from dviz.cli import common


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = common.parser(
        "space",
        "Deploy the app as a Space, in one commit: app, package, requirements and checkpoints; no\n"
        "data, no training state, no tests. Of checkpoints/ goes all but what was learnt on a\n"
        "folder of your own pictures, which would show codes and labels of them.\n"
        "The token comes from HF_TOKEN or from `hf auth login`.",
        "dviz space --repo-id ada/dviz --dry-run",
    )
    add = parser.add_argument
    add("--repo-id", required=True, help="user/name of the Space, created where there is none")
    add(
        "--checkpoints",
        nargs="+",
        type=Path,
        default=(),
        metavar="NAME",
        help="just these of checkpoints/, those of your own pictures too",
    )
    add("--private", action="store_true", help="make a new Space private")
    add("--dry-run", action="store_true", help="check everything and list what would be sent")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    from dviz.publish.hub import check_names
    from dviz.publish.own import public_checkpoints, size_of
    from dviz.publish.space import check_space, content, deploy, space_files

    check_names(args.repo_id)
    checkpoints = [folder.name for folder in args.checkpoints]
    if not checkpoints:
        checkpoints, own = public_checkpoints(common.ROOT)
        if own:
            print(f"left out, made with your own pictures (else --checkpoints): {', '.join(own)}")
    check_space(common.ROOT, checkpoints)
    for name in checkpoints:
        common.tell_left_out(common.ROOT / "checkpoints" / name)
    if not args.dry_run:
        print(deploy(common.ROOT, args.repo_id, checkpoints, private=args.private))
        return
    files = space_files(common.ROOT, checkpoints)
    sizes = {name: size_of(content(common.ROOT / name)) for name in files}
    for name, size in sizes.items():
        print(f"{size:>12,} bytes  {name}")
    print(f"{sum(sizes.values()):>12,} bytes in {len(sizes)} files would go to {args.repo_id}")
