"""Texture-dSprites: sprites cut out of five textures, in seven colours.

The textures are Brodatz photographs where a folder of them is found; else photographs that come
inside scikit-image, where that is installed (CC0: brick, grass, gravel; NASA: moon, stars); else
five seeded patterns. They lie still while the sprite moves over them.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.stats import rankdata

from dviz.data.dsprites import PALETTE_BYTES, ColorDSprites, DSprites
from dviz.data.photos import decode_photo, square
from dviz.data.root import data_root
from dviz.errors import DatasetError, PhotoError
from dviz.factors import Factor, FactorSpace

FOLDER = "brodatz"
COUNT, SIDE = 5, 64
NAMES = ("stripes", "checks", "dots", "clouds", "grain")
PACKAGE = "skimage"
PHOTOGRAPHED = {
    "brick": "brick.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "moon": "moon.png",
    "stars": "hubble_deep_field.jpg",
}
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


def photographed_textures() -> np.ndarray | None:
    """The photographs inside scikit-image as textures: grey uint8 (5, 64, 64), 70 … 255.

    Of each the middle, half of its height, areas averaged, and made as bright as the others. None
    where they are not all there.
    """
    found = find_spec(PACKAGE)  # finds the folder without importing the package
    for folder in (found and found.submodule_search_locations) or ():
        paths = [Path(folder) / "data" / file for file in PHOTOGRAPHED.values()]
        if all(path.is_file() for path in paths):
            return np.stack([_equalised(_middle(path, 2)) for path in paths])
    return None


def _equalised(texture: np.ndarray) -> np.ndarray:
    """Every level equally often: told by its pattern alone, and not too dark for colours."""
    rank = rankdata(texture, axis=None).reshape(texture.shape) - 1
    return np.rint(DARKEST + (255 - DARKEST) * rank / (rank.size - 1)).astype(np.uint8)


def _middle(path: Path, part: int) -> np.ndarray:
    """The middle of a picture, one `part`th of its width, as grey uint8 (64, 64)."""
    try:
        picture = Image.fromarray(square(decode_photo(path, enough=None))).convert("L")
    except PhotoError as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
    side = max(picture.width // part, min(SIDE, picture.width))
    start = (picture.width - side) // 2
    box = (start, start, start + side, start + side)
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX, box))


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
    return np.stack([_middle(path, 4) for path in paths]), tuple(path.stem for path in paths)


def _textures(folder: Path) -> tuple[np.ndarray, tuple[str, ...], str]:
    """Textures, their names, and what kind they are, for `origin`."""
    if folder.is_dir():
        return *read_textures(folder), "Brodatz textures"
    photographed = photographed_textures()
    if photographed is not None:
        return photographed, tuple(PHOTOGRAPHED), "photographed textures"
    return procedural_textures(), NAMES, "procedural textures"


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
        self.textures, names, drawn_on = _textures(data_root(root) / FOLDER)
        self.info = replace(self.info, origin=f"{self.origin}, {drawn_on}")
        self.space = FactorSpace([Factor("texture", COUNT, names), *self.space.factors])
        scaled = self.textures[:, None, None] * (PALETTE_BYTES[:, :, None, None] / 255)
        self._fills = np.rint(scaled).astype(np.uint8)  # (5, 7, 3, 64, 64)

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        classes = np.asarray(classes)
        frames = self._draw(classes[:, -5:])[:, None].view(np.uint8)  # (N, 1, 64, 64)
        planes = self._fills[classes[:, 0], classes[:, 1]]  # (N, 3, 64, 64)
        planes *= frames
        return planes.transpose(0, 2, 3, 1)
