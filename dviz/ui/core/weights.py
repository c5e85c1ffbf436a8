"""A decoder's weights as the page fetches them: one run of bytes, under an address of its own.

The weights that spread the code over the feature maps are most of a study decoder, and rounding
them to float16 moves no pixel by more than 1 of 255 within a dataset's range of codes. The rest is
float32: rounded too, it would move pixels by up to 11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.routing import Route
from torch import Tensor, nn

from dviz.models.decoders import STYLE
from dviz.models.vae import VAE
from dviz.ui.core import blobs
from dviz.ui.core.blobs import Blob

if TYPE_CHECKING:
    from dviz.ui.core.library import Entry, Library

PATH = "dviz/decoder"
MAX_FILTERS = {"study": 128, "modulated": 64}  # beyond, the server paints for a page: too slow


@dataclass(frozen=True)
class PackedDecoder(Blob):
    """A decoder's weights as bytes, and its shape.

    `shape`, JSON-able, is what decoder.js builds it from. The bytes, little-endian: weight and bias
    of every layer in PyTorch's order and layout as float32, but for the weight of the study
    decoder's last linear layer, which comes after all of them as float16; `shape["halves"]` says
    how many numbers that are.
    """

    shape: dict[str, Any]


def pack_decoder(model: VAE) -> PackedDecoder | None:
    """Pack the decoder of `model`; None where the page could not run it.

    That is where its decoder has more filters than `MAX_FILTERS`, or weights that do not fit.
    """
    config = model.config
    if config.painting_filters > MAX_FILTERS[config.decoder]:
        return None
    large = _large_weight(model)
    rest = [p.detach().cpu().numpy().ravel() for p in model.decoder.parameters() if p is not large]
    small = np.concatenate(rest).astype("<f4")
    with np.errstate(over="ignore"):
        half = np.zeros(0, "<f2") if large is None else large.detach().cpu().numpy().astype("<f2")
    if not (np.isfinite(half).all() and np.isfinite(small).all()):
        return None
    shape = {
        "decoder": config.decoder,
        "filters": config.painting_filters,
        "latent_size": config.latent_size,
        "hidden": config.decoder_hidden,
        "style": STYLE,
        "recolour": config.recolour,
        "halves": half.size,
    }
    return PackedDecoder(small.tobytes() + half.tobytes(), shape)


def _large_weight(model: VAE) -> Tensor | None:
    """The weight that is most of a study decoder."""
    if model.config.decoder != "study":
        return None
    return next(m for m in reversed(model.decoder.start) if isinstance(m, nn.Linear)).weight


def address_of(entry: Entry) -> dict[str, Any] | None:
    """What the page needs to fetch and build the decoder of `entry`; JSON-able."""
    packed = entry.decoder
    if packed is None:
        return None
    return {
        "url": blobs.address(PATH, packed.digest, entry.key),
        "digest": packed.digest,
        **packed.shape,
    }


def decoder_route(library: Library) -> Route:
    """The route behind these addresses."""
    missing = "there is no such decoder"
    return blobs.route(PATH, library, lambda key: library.get(key).decoder, missing)
