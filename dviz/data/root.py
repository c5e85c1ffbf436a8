"""Where datasets that need files are looked for."""

from __future__ import annotations

import os
from pathlib import Path


def data_root(root: str | Path | None = None) -> Path:
    """`root` if given, else the folder in DVIZ_DATA, else `dviz` in the user's cache folder."""
    if root is not None:
        return Path(root).expanduser()
    if os.environ.get("DVIZ_DATA"):
        return Path(os.environ["DVIZ_DATA"]).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "dviz"
