"""Lets the scripts here find the package beside them, installed or not."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def run(command: str, name: str) -> None:
    """Run `dviz COMMAND` where a script is started (`name` is "__main__"), not where imported."""
    if name == "__main__":
        from dviz.cli import main

        main([command, *sys.argv[1:]])
