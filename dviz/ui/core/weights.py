"""A decoder's weights as the page fetches them: one run of bytes, under an address of its own.

The weights that spread the code over the feature maps are most of a decoder, and rounding them to
float16 moves no pixel by more than 1 of 255 within a dataset's range of codes. The rest is float32:
rounded too, it would move pixels by up to 11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.routing import Route
from torch import nn

from dviz.models.vae import VAE, VAEConfig
from dviz.ui.core import blobs
from dviz.ui.core.blobs import Blob

if TYPE_CHECKING:
    from dviz.ui.core.library import Entry, Library

PATH = "dviz/decoder"
MAX_FILTERS = 128  # a larger decoder is too slow for a page; the server paints for it


@dataclass(frozen=True)
class PackedDecoder(Blob):
    """A decoder's weights as bytes, and its shape.

    The bytes, little-endian: weight and bias of every layer in PyTorch's order and layout as
    float32, but for the weight of the last linear layer, which comes after all of them as float16.
    """

    shape: VAEConfig


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
    return PackedDecoder(small.tobytes() + half.tobytes(), model.config)


def address_of(entry: Entry) -> dict[str, Any] | None:
    """What the page needs to fetch and build the decoder of `entry`; JSON-able."""
    packed = entry.decoder
    if packed is None:
        return None
    return {
        "url": blobs.address(PATH, packed.digest, entry.key),
        "digest": packed.digest,
        "filters": packed.shape.filters,
        "latent_size": packed.shape.latent_size,
        "hidden": packed.shape.decoder_hidden,
        "recolour": packed.shape.recolour,
    }


def decoder_route(library: Library) -> Route:
    """The route behind these addresses."""
    return blobs.route(PATH, lambda key: library.get(key).decoder, "there is no such decoder")
