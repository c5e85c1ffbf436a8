"""A decoder's weights as the page fetches them: one run of bytes, under an address of its own.

The weights that spread the code over the feature maps are most of a decoder, and rounding them to
float16 moves no pixel by more than 1 of 255 within a dataset's range of codes. The rest is float32:
rounded too, it would move pixels by up to 11.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from torch import nn

from dviz.errors import DvizError
from dviz.models.vae import VAE, VAEConfig

if TYPE_CHECKING:
    from dviz.ui.core.library import Entry, Library

PATH = "dviz/decoder"
MAX_FILTERS = 128  # a larger decoder is too slow for a page; the server paints for it
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True)
class PackedDecoder:
    """A decoder's shape, its weights as bytes, and their digest.

    The bytes, little-endian: weight and bias of every layer in PyTorch's order and layout as
    float32, but for the weight of the last linear layer, which comes after all of them as float16.
    """

    shape: VAEConfig
    data: bytes
    digest: str


def pack_decoder(model: VAE) -> PackedDecoder | None:
    """Pack the decoder of `model`; None where the page could not run it.

    That is where it is not the study's, has more than 128 filters, or weights that float16 cannot
    hold.
    """
    if model.config.filters > MAX_FILTERS or model.config.decoder != "study":
        return None
    large = next(m for m in reversed(model.decoder.start) if isinstance(m, nn.Linear)).weight
    rest = [p.detach().cpu().numpy().ravel() for p in model.decoder.parameters() if p is not large]
    with np.errstate(over="ignore"):
        half = large.detach().cpu().numpy().astype("<f2")
    small = np.concatenate(rest).astype("<f4")
    if not (np.isfinite(half).all() and np.isfinite(small).all()):
        return None
    data = small.tobytes() + half.tobytes()
    return PackedDecoder(model.config, data, hashlib.sha256(data).hexdigest()[:16])


def address_of(entry: Entry) -> dict[str, Any] | None:
    """What the page needs to fetch and build the decoder of `entry`; JSON-able.

    The address is relative to the root of the app, and holds the digest of what is behind it, so
    that a browser never has to ask twice.
    """
    packed = entry.decoder
    if packed is None:
        return None
    return {
        "url": f"{PATH}/{packed.digest}?checkpoint={quote(entry.key, safe='')}",
        "digest": packed.digest,
        "filters": packed.shape.filters,
        "latent_size": packed.shape.latent_size,
        "hidden": packed.shape.decoder_hidden,
        "recolour": packed.shape.recolour,
    }


def decoder_route(library: Library) -> Route:
    """The route behind these addresses."""

    async def serve(request: Request) -> Response:
        digest = request.path_params["digest"]
        if request.headers.get("if-none-match") == f'"{digest}"':
            return Response(status_code=304, headers=FOREVER)
        key = request.query_params.get("checkpoint", "")
        try:
            packed = await run_in_threadpool(lambda: library.get(key).decoder)
        except DvizError as error:
            return Response(str(error), 404, media_type="text/plain")
        if packed is None or packed.digest != digest:
            return Response("there is no such decoder", 404, media_type="text/plain")
        headers = {"ETag": f'"{digest}"', **FOREVER}
        return Response(packed.data, headers=headers, media_type="application/octet-stream")

    return Route(f"/{PATH}/{{digest}}", serve)
