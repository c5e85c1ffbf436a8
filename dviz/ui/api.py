"""Named endpoints for scripts: /checkpoints, /encode, /decode, /association."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from dviz.errors import CheckpointError
from dviz.metrics.omes import POOLINGS
from dviz.ui.errors import friendly
from dviz.ui.inspector import as_code, decode, encode
from dviz.ui.library import Library
from dviz.ui.tabs.association import association_of
from dviz.ui.uploads import read_photo


def build_api(library: Library) -> None:
    """Register the endpoints within the current Blocks; nothing of it shows on the page."""

    @friendly
    def checkpoints() -> list[dict[str, Any]]:
        """The shipped checkpoints: name, kind, dataset, factors and latent size of each."""
        return [
            {
                "name": name,
                "kind": config.kind,
                "dataset": config.dataset,
                "source": config.source,
                "parent": config.parent,
                "latent_size": config.architecture.latent_size,
                "factors": {factor.name: factor.size for factor in config.factors},
            }
            for name, config in library.configs.items()
        ]

    @friendly
    def association(checkpoint: str, alpha: float = 0.5, pooling: str = "avg") -> dict[str, Any]:
        """OMES and its parts, of a checkpoint's own report."""
        entry = library.get(checkpoint)
        if entry.result is None:
            raise CheckpointError(f"{checkpoint} came without a report")
        _check_scoring(alpha, pooling)
        score = association_of(entry, alpha, pooling).to_dict()
        return {"checkpoint": entry.key, "dataset": entry.result.dataset, **score}

    @friendly
    def encode_photo(checkpoint: str, image: str) -> dict[str, Any]:
        """Codes, standard deviations and predicted factors of a picture."""
        return encoding_of(library, checkpoint, image)

    @friendly
    def decode_code(checkpoint: str, code: list[float]) -> np.ndarray:
        """The 64 × 64 image of a code, one number a dimension."""
        entry = library.get(checkpoint)
        try:
            values = as_code(code, entry.latent_size)
        except ValueError as error:
            raise CheckpointError(str(error)) from error
        return decode(entry.model, values)[0]

    gr.api(checkpoints, api_name="checkpoints", queue=False)
    gr.api(association, api_name="association", queue=False)
    with gr.Row(visible=False):
        checkpoint = gr.Textbox(label="checkpoint")
        image = gr.File(label="image", type="filepath")
        code = gr.JSON(label="code")
        answer = gr.JSON(label="answer")
        picture = gr.Image(label="image", format="png", type="numpy")
        button = gr.Button()
    button.click(encode_photo, [checkpoint, image], answer, api_name="encode")
    button.click(decode_code, [checkpoint, code], picture, api_name="decode")


def encoding_of(library: Library, checkpoint: str, image: str) -> dict[str, Any]:
    """What /encode answers; JSON-able."""
    entry = library.get(checkpoint)
    codes = encode(entry.model, read_photo(image)[None])
    return {
        "checkpoint": entry.key,
        "codes": codes.mean[0].tolist(),
        "std": codes.std[0].tolist(),
        "factors": {
            p.factor: {"value": p.value, "confidence": p.confidence, "chance": p.chance}
            for p in entry.predict(codes.mean)[0]
        },
    }


def _check_scoring(alpha: Any, pooling: Any) -> None:
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not 0 <= alpha <= 1:
        raise CheckpointError(f"alpha is {alpha!r}; it must be a number from 0 to 1")
    if pooling not in POOLINGS:
        raise CheckpointError(f"pooling is {pooling!r}; choose from {', '.join(POOLINGS)}")
