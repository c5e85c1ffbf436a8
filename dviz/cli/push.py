"""Put checkpoints on the Hugging Face Hub."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dviz.api.extras import needed_by
from dviz.cli import common
from dviz.errors import DvizError


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = common.parser(
        "push",
        "Push checkpoint folders to the Hugging Face Hub, each in one commit: weights, config,\n"
        "report, probes, codes, picture and a model card made for where it goes; also, for those\n"
        "who have no dviz, the model as ONNX and its codes and labels as Parquet.\n"
        "All are read to the end before the first is sent.\n"
        "The token comes from HF_TOKEN or from `hf auth login`.",
        "dviz push checkpoints/color-dsprites --repo-id ada/color-dsprites\n"
        "  dviz push --all --repo-id ada --dry-run",
    )
    add = parser.add_argument
    add("checkpoints", nargs="*", type=Path, help="checkpoint folders")
    add(
        "--all",
        action="store_true",
        help="every checkpoint in checkpoints/ but those made with your own pictures",
    )
    add(
        "--repo-id",
        required=True,
        help="user/name; or user alone, then each goes to user/<name of its folder>",
    )
    add("--revision", help="branch to commit to, created where there is none (default: main)")
    add("--private", action="store_true", help="make new repositories private")
    add("--no-onnx", action="store_true", help="without the model as ONNX files")
    add("--no-parquet", action="store_true", help="without codes and labels as Parquet")
    add("--dry-run", action="store_true", help="check the folders and list what would be sent")
    return parser.parse_args(argv)


def chosen(args: argparse.Namespace) -> list[Path]:
    """The folders to push; with --all it says which are left out."""
    from dviz.publish.own import public_checkpoints

    if args.all == bool(args.checkpoints):
        raise DvizError("name the checkpoint folders to push, or give --all")
    if not args.all:
        return args.checkpoints
    public, own = public_checkpoints(common.ROOT)
    if own:
        print(f"left out, made with your own pictures (name them to push them): {', '.join(own)}")
    if not public:
        what = "no others" if own else "no checkpoints"
        raise DvizError(f"there are {what} in checkpoints/; train one first, or name folders")
    return [common.ROOT / "checkpoints" / name for name in public]


def repo_id_of(folder: Path, repo_id: str, alone: bool) -> str:
    """Where `folder` goes."""
    if "/" not in repo_id:
        return f"{repo_id}/{folder.resolve().name}"
    if not alone:
        raise DvizError(
            f"--repo-id {repo_id} names one repository, but there may be several checkpoints; "
            f"give {repo_id.split('/')[0]} alone, then each goes to a repository of its own"
        )
    return repo_id


def without(args: argparse.Namespace) -> list[str]:
    """The files that are not wanted there."""
    from dviz.checkpoint import DECODER, ENCODER, ONNX, SAMPLES

    onnx = [f"{ONNX}/{ENCODER}", f"{ONNX}/{DECODER}"]
    return (onnx if args.no_onnx else []) + ([SAMPLES] if args.no_parquet else [])


def show(folder: Path, repo_id: str, revision: str | None, left_out: Sequence[str]) -> None:
    """List the files that a push would send, those too that it would make first."""
    from dviz.checkpoint import CARD, CLASSES, CODES, DERIVED, EXTERNAL, FILES, SAMPLES, read_config
    from dviz.publish.card import checkpoint_card
    from dviz.publish.own import shared_content, size_of

    told = {
        name: f"{size_of(shared_content(folder / name)):>12,} bytes"
        for name in FILES
        if (folder / name).is_file()
    }
    # An external model is ONNX as it is.
    made = set((SAMPLES,) if read_config(folder).kind == EXTERNAL else DERIVED) - {*left_out}
    if not all((folder / name).is_file() for name in (CODES, CLASSES)):
        made -= {SAMPLES}
    card = checkpoint_card(folder, repo_id, revision, {*told, *made}, shared=True)
    told[CARD] = f"{len(card.encode()):>12,} bytes"
    told |= dict.fromkeys((name for name in DERIVED if name in made), f"{'made anew':>18}")
    print(f"{repo_id}:")
    for name, size in told.items():
        print(f"  {size}  {name}")


def derive(folder: Path, args: argparse.Namespace) -> None:
    """Write the ONNX files and the Parquet file beside the others."""
    from dviz.checkpoint import DECODER, ENCODER, EXTERNAL, ONNX, SAMPLES, load_checkpoint
    from dviz.publish.samples import write_samples
    from dviz.representations.export import export_onnx

    if not args.no_parquet:
        with needed_by("Parquet (or --no-parquet)"):
            write_samples(folder, folder / SAMPLES)
    checkpoint = load_checkpoint(folder)
    if not args.no_onnx and checkpoint.config.kind != EXTERNAL:
        export_onnx(checkpoint.representation, folder / ONNX / ENCODER, folder / ONNX / DECODER)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    folders = chosen(args)
    alone = not args.all and len(folders) == 1
    targets = {folder: repo_id_of(folder, args.repo_id, alone) for folder in folders}
    twice = [repo_id for repo_id, times in Counter(targets.values()).items() if times > 1]
    if twice:
        raise DvizError(f"several folders would go to {twice[0]}; push them one by one")
    from dviz.publish import hub

    for repo_id in targets.values():
        hub.check_names(repo_id, args.revision)
    for folder in targets:
        hub.check_checkpoint(folder)
    for folder, repo_id in targets.items():
        common.tell_left_out(folder)
        if args.dry_run:
            show(folder, repo_id, args.revision, without(args))
        else:
            derive(folder, args)
            settings = {"revision": args.revision, "private": args.private}
            print(hub.push(folder, repo_id, **settings, without=without(args)))
