"""The app, from Python; in a notebook it opens inline."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dviz.api.extras import needed_by
from dviz.api.places import checkpoints_folder
from dviz.errors import CheckpointError


def launch(checkpoints: str | Path | None = None, **options: Any) -> Any:
    """Serve the app.

    Args:
        checkpoints: folder of checkpoint folders, see `dviz.api.places.checkpoints_folder`.
        options: of Gradio's `Blocks.launch`, such as server_port=7861 or share=True.

    Returns:
        What Gradio's `launch` returns: the app, its local URL, and its public one if any.

    Raises:
        CheckpointError: there is no folder `checkpoints`, or it is a file or a checkpoint itself.
        ValueError: it is no path at all.
    """
    if not isinstance(checkpoints, (str, Path, type(None))):
        raise ValueError(
            f"checkpoints is {type(checkpoints).__name__}; expected the path of a folder. "
            "dviz.inspect(model, dataset=…) opens the page on a model of your own"
        )
    folder = checkpoints_folder(checkpoints)
    if folder.is_file():
        raise CheckpointError(
            f"{folder.name} is a file; expected a folder of checkpoint folders. "
            f"dviz.inspect({folder.name!r}, dataset=…) opens the page on an ONNX file, dviz.save "
            "makes a checkpoint of it"
        )
    if checkpoints is not None and not folder.exists():
        raise CheckpointError(
            f"there is no folder {folder}; name one that holds checkpoint folders, or none for "
            "those that come with dviz"
        )
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    with needed_by("dviz.launch"):
        from dviz.checkpoint import CONFIG
        from dviz.ui.core.library import Library
        from dviz.ui.page import build_app, launch_options

    if (folder / CONFIG).is_file():
        raise CheckpointError(
            f"{folder} is a checkpoint itself; name the folder that it lies in, "
            f"{folder.resolve().parent}, and choose {folder.resolve().name} on the page"
        )
    library = Library(folder)
    return build_app(library).launch(**launch_options(library) | options)
