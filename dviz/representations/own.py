"""dviz's own VAE as a representation."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from dviz.models.vae import IMAGE_SIDE, VAE, to_images, to_tensor
from dviz.representations.base import Codes, Reconstruction, Representation, Shape, check_codes


class VAERepresentation(Representation):
    """A trained VAE, in evaluation mode; any size of image is brought to 64 × 64 by area."""

    has_decoder = True

    def __init__(self, model: VAE) -> None:
        self.model = model.eval()
        self.shape = Shape(model.config.latent_size, (IMAGE_SIDE, IMAGE_SIDE), 3)

    @property
    def device(self) -> str:
        return str(next(self.model.parameters()).device)

    def to(self, device: str) -> VAERepresentation:
        self.model.to(device)
        return self

    @torch.inference_mode()
    def encode(self, images: np.ndarray) -> Codes:
        mean, log_variance = self.model.encode(to_tensor(images, self.device))
        return Codes(mean.cpu().numpy(), torch.exp(0.5 * log_variance).cpu().numpy())

    def _encode(self, images: np.ndarray) -> Codes:
        return self.encode(images)

    @torch.inference_mode()
    def _decode(self, codes: np.ndarray) -> np.ndarray:
        return to_images(self.model.decode(torch.from_numpy(codes).to(self.device)))

    @torch.inference_mode()
    def look_again(self, codes: np.ndarray) -> np.ndarray:
        z = torch.from_numpy(check_codes(codes, self.latent_size)).to(self.device)
        return self.model.encode(self.model.decode(z))[0].cpu().numpy()

    @torch.inference_mode()
    def reconstruct(self, images: np.ndarray, codes: np.ndarray) -> Reconstruction:
        """As for any representation, but in 64 × 64 pixels, the cross-entropy taken of logits."""
        x = to_tensor(images, self.device)
        logits = self.model.decoder(torch.from_numpy(codes).to(self.device))
        losses = binary_cross_entropy_with_logits(logits, x, reduction="none").sum((1, 2, 3))
        parts = (x, torch.sigmoid(logits), losses)
        return Reconstruction(*(part.cpu().numpy() for part in parts))
