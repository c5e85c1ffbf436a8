"""`dviz COMMAND`: one file a command, imported when it is asked for."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from dviz import __version__
from dviz.api.extras import needed_by
from dviz.errors import DvizError

COMMANDS = {
    "app": "open the page",
    "train": "learn a representation of a Source dataset",
    "transfer": "copy a checkpoint to a Target and, if asked, fine-tune it there",
    "paint": "learn a checkpoint's decoder anew, from its codes as they are",
    "baseline": "train and measure what a transfer is compared with",
    "encode": "encode a dataset of any size into shards of codes",
    "evaluate": "measure disentanglement, of a checkpoint or of anybody's codes",
    "sweep": "run a grid of trainings and transfers, and tabulate the scores",
    "reproduce": "write the study's tables from the shipped reports",
    "download": "fetch a dataset's official files, or list what there is",
    "preview": "draw a contact sheet of a dataset",
    "export": "write a checkpoint's model as ONNX files, which run without torch",
    "push": "put checkpoints on the Hugging Face Hub",
    "space": "put the page on the Hugging Face Hub as a Space",
    "benchmark": "measure speed, agreement with references, and what attacks do",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; what a user can mend becomes one line on stderr and exit code 2."""
    asked = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):  # β and → are not in every code page
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    command = _parser().parse_args(asked[:1]).command
    try:
        with needed_by("this command", "app" if command == "app" else ""):
            import_module(f"dviz.cli.{command}").main(asked[1:])
    except BrokenPipeError:  # whoever read the output has read enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (DvizError, ValueError, FloatingPointError, OSError) as error:
        print(f"dviz {command}: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nstopped; what was saved so far is kept", file=sys.stderr)
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dviz",
        description="See whether a representation is disentangled, and whether it survives the "
        "trip from synthetic to real images.",
        epilog="commands:\n"
        + "\n".join(f"  {name:10} {what}" for name, what in COMMANDS.items())
        + "\n\nexample:\n  dviz app\n  dviz train --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"dviz {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    return parser
