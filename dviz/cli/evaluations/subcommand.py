"""What the commands of `dviz evaluate` share."""

from __future__ import annotations

import argparse
import re


def subcommand(
    commands: argparse._SubParsersAction, name: str, description: str, example: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=re.split(r":|\.\s+(?=[A-Z])|\n", description)[0].rstrip("."),
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def number(value: float | None) -> str:
    """Three digits, or a dash where it is not known."""
    return "–" if value is None else f"{value:.3f}"
