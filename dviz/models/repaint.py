"""Another decoder behind the same encoder: all that is said of a code stays true to the bit."""

from __future__ import annotations

from dataclasses import replace

import torch

from dviz.models.vae import VAE


def with_new_decoder(model: VAE, kind: str, seed: int = 0, filters: int = 0) -> VAE:
    """The model with an untrained decoder of `kind`, one of `dviz.models.decoders.DECODERS`,
    and of `filters` (0: as many as the encoder).

    The encoder keeps its weights and statistics; a map of colours behind the old decoder goes.
    """
    hidden = model.config.decoder_hidden if kind == "study" else 0
    config = replace(
        model.config,
        decoder=kind,
        decoder_hidden=hidden,
        decoder_filters=filters,
        recolour=False,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        painted = VAE(config)
    painted.encoder.load_state_dict(model.encoder.state_dict())
    return painted.to(next(model.parameters()).device).train(model.training)


def ignore_dimensions(model: VAE, ignored: torch.Tensor) -> None:
    """Make the decoder, in place and however it is trained from here, paint nothing of dimensions
    `ignored`, bool (D,).

    A decoder that learns from posterior means hardly sees a collapsed dimension move; what it would
    paint for another value of one, as the prior has them, is anything.
    """
    kept = (~ignored).to(next(model.parameters()))
    for layer in model.decoder.readers():
        with torch.no_grad():
            layer.weight.mul_(kept)
        layer.weight.register_hook(lambda gradient: gradient * kept)
