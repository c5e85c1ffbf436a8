"""Measure disentanglement, of a checkpoint or of anybody's codes. See dviz/cli/evaluations."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dviz.cli import common
from dviz.cli.evaluations import checkpoints, distance, own_codes, refresh, udr

COMMANDS = (
    own_codes.add_omes,
    own_codes.add_metrics,
    checkpoints.add_checkpoint,
    checkpoints.add_check,
    refresh.add_refresh,
    udr.add_udr,
    distance.add_distance,
)


def main(argv: Sequence[str] | None = None) -> None:
    parser = common.parser(
        "evaluate",
        "Measure disentanglement.",
        "dviz evaluate omes --representations representations.npz --classes classes.csv --json",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    asked = list(sys.argv[1:] if argv is None else argv)
    if asked[:1] == ["--check"]:  # as `reproduce.py --check` is said
        asked[0] = "check"
    args = parser.parse_args(asked)
    args.run(args)
