"""What a Source still has to say while a model learns a Target: its images, and its colours.

Fine-tuning without labels tells an encoder that an image must be explained, not by which dimension.
Where the Target shows the Source's factors in another guise, two things of the Source help, and
neither needs a label: its encoder, which knows the code of every Source image (`Replay`), and its
decoder, which draws the scene rightly but for its colours (`start_colours`). Both take one colour,
which fills more than half of every channel, to be what lies behind the Source's scenes.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor

from dviz.data.base import FactorDataset
from dviz.models.objectives.losses import kl_divergence
from dviz.models.vae import VAE, to_tensor

NUM_IMAGES = 500
DISTANCE = 0.3  # between colours in [0, 1]³, from which on a pixel is no background at all


class Replay:
    """The encoder that came from the Source, and how to show it Source images as the Target's.

    An image of the Source is laid over pixels of the Target; the model has to give it the code that
    the Source's encoder gives the image alone.
    """

    def __init__(
        self, model: VAE, source: FactorDataset, device: str, seed: int, means: float = 0.0
    ) -> None:
        """`model` as it came from the Source; a copy of it is kept. `means`: see `loss`."""
        self.source, self.means = source, means
        self._teacher = copy.deepcopy(model).eval().requires_grad_(False)
        rng = np.random.default_rng([seed, 0, 5])
        indices = source.sample_indices(NUM_IMAGES, rng)
        self._background = background_colour(to_tensor(source.images(indices, rng), device))

    def loss(
        self, model: VAE, images: Tensor, target: Tensor, generator: torch.Generator
    ) -> Tensor:
        """KL(q of the Source's encoder ‖ q of `model`), () nats an image, and `means` times the
        squared distance between their means.

        The KL counts in widths of the posterior: a dimension that is known only roughly hardly
        matters to it. But scores and probes read the means, whose variance is about 1 in all.

        Args:
            images: of the Source, (N, 3, 64, 64).
            target: images whose pixels, in any order, lie behind; (M, 3, 64, 64).
        """
        mean, log_variance = self._teacher.encode(images)
        own_mean, own_log_variance = model.encode(self.over(images, target, generator))
        # KL of two Gaussians is that to N(0, 1) once the second has been made standard.
        scaled = (mean - own_mean) * torch.exp(-0.5 * own_log_variance)
        kl = kl_divergence(scaled, log_variance - own_log_variance).sum(1)
        return (kl + self.means * (mean - own_mean).square().sum(1)).mean()

    def over(self, images: Tensor, target: Tensor, generator: torch.Generator) -> Tensor:
        """`images` (N, 3, H, W), every background pixel a random pixel of `target`."""
        far = (images - self._background[:, None, None]).norm(dim=1, keepdim=True)
        scene = (far / DISTANCE).clamp(max=1)  # 0 background, between on its edge
        pixels = target.movedim(1, -1).reshape(-1, 3)
        n, _, height, width = images.shape
        drawn = torch.randint(len(pixels), (n * height * width,), generator=generator)
        behind = pixels[drawn.to(pixels.device)].reshape(n, height, width, 3).movedim(-1, 1)
        return scene * images + (1 - scene) * behind


@torch.no_grad()
def start_colours(model: VAE, target: FactorDataset, seed: int) -> None:
    """Set the decoder's colour map so that what it draws stands before the mean colour of `target`.

    The background becomes that colour; everything else keeps its own as far as one affine map can
    do both (least squares). The codes drawn for it are N(0, 1).
    """
    device = next(model.parameters()).device
    rng = np.random.default_rng([seed, 0, 6])
    images = target.images(target.sample_indices(NUM_IMAGES, rng), rng)
    mean = to_tensor(images, device).mean((0, 2, 3))  # (3,)
    codes = rng.standard_normal((NUM_IMAGES, model.config.latent_size), np.float32)
    drawn = torch.sigmoid(model.decoder.draw(torch.from_numpy(codes).to(device)))
    background = background_colour(drawn)
    colours = drawn.movedim(1, -1).reshape(-1, 3)
    scene = colours[(colours - background).norm(dim=1) > DISTANCE]
    if not len(scene):
        return
    weight = torch.linalg.lstsq((scene - background).cpu(), (scene - mean).cpu()).solution.T
    model.decoder.colours.weight.copy_(weight[:, :, None, None])
    model.decoder.colours.bias.copy_(mean - weight.to(device) @ background)


def background_colour(images: Tensor) -> Tensor:
    """Median of every channel over images (N, 3, H, W), (3,): black in sprites on black."""
    return images.movedim(1, 0).flatten(1).median(1).values
