"""A small picture of every checkpoint, under an address of its own.

It is cut from the traversal sheet that a checkpoint comes with, or else decoded from its mean code.
"""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dviz.checkpoint import TRAVERSAL
from dviz.errors import DvizError
from dviz.ui.core.inspector import decode
from dviz.ui.core.library import Library

PATH = "dviz/thumbnail"
SIDE = 64
A_DAY = {"Cache-Control": "public, max-age=86400"}


def thumbnail_of(library: Library, key: str) -> np.ndarray:
    """An image uint8 (64, 64, 3) of what a checkpoint paints.

    Raises:
        CheckpointError: there is no such checkpoint, or it is broken.
    """
    if key in library.configs and library.root is not None:
        sheet = library.root / key / TRAVERSAL
        if sheet.exists():
            return _cut(sheet)
    entry = library.get(key)
    mean = np.array([d.mean for d in entry.dimensions], dtype=np.float32)
    return decode(entry.model, mean)[0]


def thumbnail_route(library: Library) -> Route:
    """The route behind these addresses; it answers for what is shipped or loaded, and no other."""

    @lru_cache(maxsize=64)
    def png(key: str) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(thumbnail_of(library, key)).save(buffer, "PNG")
        return buffer.getvalue()

    async def serve(request: Request) -> Response:
        key = request.query_params.get("checkpoint", "")
        if not library.has(key):
            return Response("there is no such checkpoint", 404, media_type="text/plain")
        try:
            data = await run_in_threadpool(png, key)
        except DvizError as error:
            return Response(str(error), 404, media_type="text/plain")
        return Response(data, headers=A_DAY, media_type="image/png")

    return Route(f"/{PATH}", serve)


def _cut(sheet: Path) -> np.ndarray:
    """The picture in the middle of the first row of a traversal sheet."""
    with Image.open(sheet) as image:
        left = (image.width // SIDE // 2) * SIDE
        return np.asarray(image.convert("RGB").crop((left, 0, left + SIDE, SIDE)))
