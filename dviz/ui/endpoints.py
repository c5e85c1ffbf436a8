"""Named endpoints for scripts: /checkpoints, /encode, /decode, /swap, /association, /diagnosis.

Their docstrings are what an agent reads of them as tools (`dviz app --mcp`). Beside them GET
/health says whether the app is up.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import gradio as gr
import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from dviz import __version__
from dviz.data.photos import BACKGROUNDS
from dviz.errors import CheckpointError
from dviz.metrics.omes import POOLINGS
from dviz.ui.core import inspector
from dviz.ui.core.library import Library
from dviz.ui.core.reading import read, swaps
from dviz.ui.core.uploads import MODES, PLAIN, Photo, Preparation, read_photo
from dviz.ui.parts.blocks import plain_file
from dviz.ui.parts.errors import friendly
from dviz.ui.parts.photo_table import reading_dict
from dviz.ui.parts.transfer import diagnosed, distance_in
from dviz.ui.tabs.association import association_of


def build_api(library: Library) -> None:
    """Register the endpoints within the current Blocks; nothing of it shows on the page."""
    _build_questions(library)
    _build_pictures(library)


def _build_questions(library: Library) -> None:
    """Endpoints that ask about checkpoints."""

    @friendly
    def checkpoints() -> list[dict[str, Any]]:
        """The checkpoints there are: name, kind, dataset, factors and latent size of each."""
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
        """How disentangled a checkpoint is on its dataset: OMES and its parts.

        Gives the score in [0, 1], higher is better, its modularity and compactness, the matrix of
        associations of dimensions with factors, and for each factor the dimension that follows it.

        Args:
            checkpoint: name of a shipped checkpoint (see checkpoints), or a Hub id, "user/name".
            alpha: weight of modularity against compactness, from 0 to 1.
            pooling: "avg" or "max", over dimensions.
        """
        entry = library.get(checkpoint)
        if entry.result is None:
            raise CheckpointError(f"{checkpoint} {entry.why_no_result}")
        _check_scoring(alpha, pooling)
        score = association_of(entry, alpha, pooling).to_dict()
        return {"checkpoint": entry.key, "dataset": entry.result.dataset, **score}

    @friendly
    def diagnosis(checkpoint: str) -> dict[str, Any]:
        """What went well or wrong on the way from a Source to a Target, in words.

        Args:
            checkpoint: name of a shipped checkpoint (see checkpoints), or a Hub id, "user/name".
        """
        return diagnosis_of(library, checkpoint)

    gr.api(checkpoints, api_name="checkpoints", queue=False)
    gr.api(association, api_name="association")  # in the queue: they may fetch from the Hub
    gr.api(diagnosis, api_name="diagnosis")


def _build_pictures(library: Library) -> None:
    """Endpoints that take or give pictures."""

    @friendly
    def encode(
        checkpoint: str, image: str, shape: str = "crop", background: str = "keep"
    ) -> dict[str, Any]:
        """What a model makes of a picture: its code, the factors read off it, how unusual it is.

        Args:
            checkpoint: name of a shipped checkpoint (see checkpoints), or a Hub id, "user/name".
            image: the picture, uploaded or as a data: URI (addresses are not fetched); JPEG, PNG,
                WebP, GIF, BMP or TIFF.
            shape: how it is made square: "crop" its middle, or "pad" it.
            background: "keep", or make it black by the "border" colour or around the "object".
        """
        return encoding_of(library, checkpoint, image, _preparation(shape, background))

    @friendly
    def decode(checkpoint: str, code: list[float]) -> np.ndarray:
        """The 64 × 64 picture that a model paints of a code.

        Args:
            checkpoint: name of a shipped checkpoint (see checkpoints), or a Hub id, "user/name".
            code: a list of numbers, one for each dimension, such as encode gives.
        """
        entry = library.get(checkpoint)
        try:
            values = inspector.as_code(code, entry.latent_size)
        except ValueError as error:
            raise CheckpointError(str(error)) from error
        return inspector.decode(entry.model, values)[0]

    @friendly
    def swap(checkpoint: str, image: str, other: str, dimension: float) -> np.ndarray:
        """A picture as its model paints it, with another picture's value of one dimension.

        Args:
            checkpoint: name of a shipped checkpoint (see checkpoints), or a Hub id, "user/name".
            image: the picture, uploaded or as a data: URI.
            other: the picture that the value is taken from, likewise.
            dimension: number of the dimension, from 0.
        """
        return swapped(library, checkpoint, image, other, dimension)

    with gr.Row(visible=False):
        checkpoint = gr.Textbox(label="checkpoint")
        image, other = (plain_file(label=name, type="filepath") for name in ("image", "other"))
        shape = gr.Textbox("crop", label="shape")
        background = gr.Textbox("keep", label="background")
        code = gr.JSON(label="code")
        code.api_info = _numbers  # of any JSON nobody learns what it takes
        dimension = gr.Number(label="dimension", precision=None)
        answer = gr.JSON(label="answer")
        picture = gr.Image(label="image", format="png", type="numpy")
        button = gr.Button()
    given = [checkpoint, image, shape, background]
    button.click(encode, given, answer, api_name="encode")
    button.click(decode, [checkpoint, code], picture, api_name="decode")
    button.click(swap, [checkpoint, image, other, dimension], picture, api_name="swap")


def health_route(library: Library) -> Route:
    """GET /health: 200 with what is installed and loaded, as soon as the app serves."""

    async def health(request: Request) -> JSONResponse:  # waits for no thread
        installed, loaded = len(library.configs), library.loaded
        state = {"status": "ok", "version": __version__, "checkpoints": installed, "loaded": loaded}
        return JSONResponse(state, headers={"Cache-Control": "no-store"})

    return Route("/health", health)


def encoding_of(
    library: Library, checkpoint: str, image: str, how: Preparation = PLAIN
) -> dict[str, Any]:
    """What /encode answers; JSON-able."""
    entry = library.get(checkpoint)
    reading = read(entry, [Photo("", read_photo(image, how))])[0]
    values = reading_dict(reading)
    del values["name"]
    # In full: whoever decodes a code wants the picture of just this one.
    full = {"codes": reading.code.tolist(), "std": reading.std.tolist()}
    return {"checkpoint": entry.key, **values, **full}


def diagnosis_of(library: Library, checkpoint: str) -> dict[str, Any]:
    """What /diagnosis answers; JSON-able."""
    key = library.get(checkpoint).key
    entries = [library.get(name) for name in library.lineage(key)]
    distance = distance_in(entries)
    return {
        "lineage": [entry.key for entry in entries],
        "findings": [asdict(finding) for finding in diagnosed(entries)],
        "distance": None if distance is None else asdict(distance),
    }


def swapped(
    library: Library, checkpoint: str, image: str, other: str, dimension: Any
) -> np.ndarray:
    """What /swap answers: an image uint8 (64, 64, 3)."""
    entry = library.get(checkpoint)
    place = [d for d in entry.dimensions if d.index == dimension and dimension is not True]
    if not place:
        raise CheckpointError(
            f"dimension is {dimension!r}; it must be a whole number from 0 to "
            f"{entry.latent_size - 1}"
        )
    first, second = inspector.encode(
        entry.model, np.stack([read_photo(path) for path in (image, other)])
    ).mean
    return swaps(entry.model, first, second, place)[0]


def _numbers() -> dict[str, Any]:
    """The JSON schema of a list of numbers."""
    return {"type": "array", "items": {"type": "number"}}


def _preparation(shape: Any, background: Any) -> Preparation:
    for name, value, allowed in (
        ("shape", shape, tuple(MODES.values())),
        ("background", background, BACKGROUNDS),
    ):
        if value not in allowed:
            raise CheckpointError(f"{name} is {value!r}; choose from {', '.join(allowed)}")
    return Preparation(shape, background)


def _check_scoring(alpha: Any, pooling: Any) -> None:
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not 0 <= alpha <= 1:
        raise CheckpointError(f"alpha is {alpha!r}; it must be a number from 0 to 1")
    if pooling not in POOLINGS:
        raise CheckpointError(f"pooling is {pooling!r}; choose from {', '.join(POOLINGS)}")
