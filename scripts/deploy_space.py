"""Put the app on the Hugging Face Hub as a Space."""

from __future__ import annotations

import argparse

import common


def arguments() -> argparse.Namespace:
    parser = common.parser(
        "Deploy the app as a Space, in one commit: app, package, requirements and the shipped\n"
        "checkpoints; no data, no training state, no tests.\n"
        "The token comes from HF_TOKEN or from `hf auth login`.",
        "python scripts/deploy_space.py --repo-id ada/dviz --dry-run",
    )
    add = parser.add_argument
    add("--repo-id", required=True, help="user/name of the Space, created where there is none")
    add("--private", action="store_true", help="make a new Space private")
    add("--dry-run", action="store_true", help="check everything and list what would be sent")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    from dviz.space import check_space, deploy, space_files

    if not args.dry_run:
        print(deploy(common.ROOT, args.repo_id, private=args.private))
        return
    check_space(common.ROOT)
    sizes = {name: (common.ROOT / name).stat().st_size for name in space_files(common.ROOT)}
    for name, size in sizes.items():
        print(f"{size:>12,} bytes  {name}")
    print(f"{sum(sizes.values()):>12,} bytes in {len(sizes)} files would go to {args.repo_id}")


if __name__ == "__main__":
    common.run(main)
