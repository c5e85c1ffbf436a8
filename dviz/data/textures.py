"""Texture-dSprites: sprites cut out of five textures, in seven colours.

The textures are Brodatz photographs where a folder of them is found, else five seeded patterns.
They lie still while the sprite moves over them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from dviz.data.dsprites import PALETTE_BYTES, ColorDSprites, DSprites
from dviz.data.photos import decode_photo, square
from dviz.data.root import data_root
from dviz.errors import DatasetError, PhotoError
from dviz.factors import Factor, FactorSpace

FOLDER = "brodatz"
COUNT, SIDE = 5, 64
NAMES = ("stripes", "checks", "dots", "clouds", "grain")
DARKEST = 70


def procedural_textures(seed: int = 0) -> np.ndarray:
    """Five clearly different grey patterns, uint8 (5, 64, 64), 70 … 255: see `NAMES`."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    stripes = 0.5 + 0.5 * np.sin(2 * np.pi * (x + y) / 6)
    checks = ((x // 4 + y // 4) % 2).astype(float)
    dots = (np.hypot(x % 5 - 2, y % 5 - 2) > 1.2).astype(float)
    clouds = ndimage.gaussian_filter(rng.random((SIDE, SIDE)), 3, mode="wrap")
    grain = rng.random((SIDE, SIDE))
    patterns = np.stack([stripes, checks, dots, clouds, grain])
    low, high = (f(axis=(1, 2), keepdims=True) for f in (patterns.min, patterns.max))
    return np.rint(DARKEST + (255 - DARKEST) * (patterns - low) / (high - low)).astype(np.uint8)


def read_textures(folder: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """The first five `.tif` in `folder`, by name: grey uint8 (5, 64, 64), and their names.

    Of each the middle, a quarter of the width, areas averaged.

    Raises:
        DatasetError: there are fewer, or one cannot be read.
    """
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".tif", ".tiff"))[:COUNT]
    if len(paths) < COUNT:
        raise DatasetError(
            f"{folder} holds {len(paths)} .tif files; {COUNT} textures are needed, or take the "
            "folder away to have patterns drawn"
        )
    textures = []
    for path in paths:
        try:
            picture = Image.fromarray(square(decode_photo(path, enough=None))).convert("L")
        except PhotoError as error:
            raise DatasetError(f"{path} cannot be read: {error}") from error
        part = max(picture.width // 4, min(SIDE, picture.width))
        start = (picture.width - part) // 2
        box = (start, start, start + part, start + part)
        textures.append(np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX, box)))
    return np.stack(textures), tuple(path.stem for path in paths)


class TextureDSprites(ColorDSprites):
    """Factors texture 5, colour 7, shape 3, scale 6, orientation 40, position x and y 32."""

    name = "texture-dsprites"
    info = replace(
        DSprites.info,
        name=name,
        title="Texture-dSprites",
        description="A sprite cut out of one of five textures, in seven colours, on black.",
        citation=f"{DSprites.info.citation}; Brodatz, Textures, 1966",
    )

    def __init__(self, root: str | Path | None = None) -> None:
        super().__init__(root)
        folder = data_root(root) / FOLDER
        if folder.is_dir():
            textures, names = read_textures(folder)
            drawn_on = "Brodatz textures"
        else:
            textures, names = procedural_textures(), NAMES
            drawn_on = "procedural textures"
        self.info = replace(self.info, origin=f"{self.origin}, {drawn_on}")
        self.space = FactorSpace([Factor("texture", COUNT, names), *self.space.factors])
        scaled = textures[:, None, None] * (PALETTE_BYTES[:, :, None, None] / 255)
        self._fills = np.rint(scaled).astype(np.uint8)  # (5, 7, 3, 64, 64)

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        classes = np.asarray(classes)
        frames = self._draw(classes[:, -5:])[:, None].view(np.uint8)  # (N, 1, 64, 64)
        planes = self._fills[classes[:, 0], classes[:, 1]]  # (N, 3, 64, 64)
        planes *= frames
        return planes.transpose(0, 2, 3, 1)
