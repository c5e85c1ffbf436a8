"""Where checkpoints are found, in a checkout and far from one."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
SHIPPED = PACKAGE / "shipped"
"""The few that a wheel holds (see pyproject.toml); a checkout has none here, but all of them in
its checkpoints/."""


def checkpoints_folder(folder: str | Path | None = None) -> Path:
    """The folder of checkpoint folders.

    Args:
        folder: that one. By default the folder in DVIZ_CHECKPOINTS, else checkpoints/ of the
            checkout that this package lies in, else those that came in the wheel.
    """
    if folder is not None:
        return Path(folder).expanduser()
    if os.environ.get("DVIZ_CHECKPOINTS"):
        return Path(os.environ["DVIZ_CHECKPOINTS"]).expanduser()
    checkout = PACKAGE.parent / "checkpoints"
    return checkout if checkout.is_dir() and not SHIPPED.is_dir() else SHIPPED
