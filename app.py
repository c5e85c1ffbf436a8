"""Entry point of the page, here and on a Space: `python app.py`."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import torch

from dviz.ui.blocks import build_app, launch_options
from dviz.ui.library import Library


def main() -> None:
    """Serve the checkpoints beside this file, or those in DVIZ_CHECKPOINTS.

    Host and port are Gradio's GRADIO_SERVER_NAME and GRADIO_SERVER_PORT, by default
    127.0.0.1:7860; a Space listens on every interface.
    """
    # One picture is a few milliseconds' work: more threads would only wait for each other.
    torch.set_num_threads(1)
    beside = Path(__file__).resolve().parent / "checkpoints"
    library = Library(os.environ.get("DVIZ_CHECKPOINTS") or beside)
    host = "0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1"
    host = os.environ.get("GRADIO_SERVER_NAME") or host
    build_app(library).launch(server_name=host, **launch_options(library))


if __name__ == "__main__":
    main()
