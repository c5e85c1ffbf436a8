"""The dSprites family, drawn on the fly.

dSprites (Matthey et al. 2017) holds 737,280 binary 64×64 images of a square, an ellipse and a
heart in 6 sizes, 40 orientations and 32 × 32 positions. A pixel is set where its centre lies
inside the shape. The official file is read where it is found; the outlines below, for where it is
not, were fitted to genuine frames (mean intersection over union
.9996, 94% of frames equal in every pixel).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from dviz.data.base import FactorDataset
from dviz.data.info import OFFICIAL, TWIN, DatasetInfo, RemoteFile
from dviz.data.official_sprites import FILE, OfficialSprites
from dviz.data.root import data_root
from dviz.factors import Factor, FactorSpace

SIDE = 64
# White, then six colours of equal saturation and lightness around the colour circle.
PALETTE = np.array(
    [
        (1.0, 1.0, 1.0),
        (0.9096, 0.5883, 0.3658),
        (0.6350, 0.6928, 0.3626),
        (0.3764, 0.7284, 0.5963),
        (0.3955, 0.7074, 0.7878),
        (0.6963, 0.6221, 0.8997),
        (0.9082, 0.5511, 0.7494),
    ]
)
PALETTE_BYTES = np.rint(255 * PALETTE).astype(np.uint8)
COLOURS = ("white", "orange", "olive", "green", "blue", "violet", "pink")
SHAPES = ("square", "ellipse", "heart")

SQUARE_HALF_SIDE = 9.6
ELLIPSE_AXES = (12.768, 7.216)
HEART_EDGES = 128
# No shape reaches farther than 9.6·√2 pixels from its centre, so a patch of 29 × 29 holds it.
PATCH = np.arange(-14, 15)
TURN = 39  # steps of a whole turn: the first and the last of the 40 orientations are one
REPEATS = np.array([4, 2, 1])  # how often a square, an ellipse, a heart looks the same in a turn


def _heart_outline() -> np.ndarray:
    """Vertices (128, 2) of the heart, pixels at scale 1, y down, sorted by angle in [−π, π)."""
    t = np.linspace(-np.pi, np.pi, HEART_EDGES, endpoint=False)
    u = 9.6 * np.sin(t) ** 3
    v = -1.4381 - 0.66226 * (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    vertices = np.stack([u, v], axis=1)
    return vertices[np.argsort(np.arctan2(v, u))]


_HEART = _heart_outline()
_HEART_ANGLES = np.arctan2(_HEART[:, 1], _HEART[:, 0])
_HEART_NEXT = np.roll(_HEART, -1, axis=0)
_HEART_RADII = np.hypot(*_HEART.T)


def _inside_square(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(u), np.abs(v)) < SQUARE_HALF_SIDE


def _inside_ellipse(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return (u / ELLIPSE_AXES[0]) ** 2 + (v / ELLIPSE_AXES[1]) ** 2 < 1


def _inside_heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The heart is star-shaped about its centre: a point is compared with the one edge it faces.

    Points nearer than every edge or farther than every vertex need no angle.
    """
    radius = np.hypot(u, v)
    inside = radius < _HEART_RADII.min() * 0.98
    near = np.nonzero(~inside & (radius < _HEART_RADII.max()))
    pu, pv = u[near], v[near]
    edge = np.searchsorted(_HEART_ANGLES, np.arctan2(pv, pu), side="right") - 1
    (au, av), (bu, bv) = _HEART[edge].T, _HEART_NEXT[edge].T
    inside[near] = (bu - au) * (pv - av) - (bv - av) * (pu - au) > 0
    return inside


_INSIDE = (_inside_square, _inside_ellipse, _inside_heart)


def draw_sprites(latents: np.ndarray) -> np.ndarray:
    """Draw dSprites frames.

    Args:
        latents: int64 (N, 5): shape, scale, orientation, position x, position y.

    Returns:
        bool (N, 64, 64), True inside the sprite.
    """
    shape, scale, orientation, pos_x, pos_y = np.asarray(latents).T
    centre_x, centre_y = 16 + 32 * pos_x / 31, 16 + 32 * pos_y / 31  # (N,)
    columns = np.floor(centre_x).astype(np.int64)[:, None] + PATCH  # (N, 29)
    rows = np.floor(centre_y).astype(np.int64)[:, None] + PATCH
    size = 0.5 + 0.1 * scale
    cos, sin = (f(2 * np.pi * orientation / TURN) / size for f in (np.cos, np.sin))
    dx = (columns + 0.5 - centre_x[:, None])[:, None, :]  # (N, 1, 29)
    dy = (rows + 0.5 - centre_y[:, None])[:, :, None]  # (N, 29, 1)
    u = cos[:, None, None] * dx - sin[:, None, None] * dy  # (N, 29, 29)
    v = sin[:, None, None] * dx + cos[:, None, None] * dy

    patch = np.empty(u.shape, dtype=bool)
    for kind, is_inside in enumerate(_INSIDE):
        chosen = shape == kind
        patch[chosen] = is_inside(u[chosen], v[chosen])

    frames = np.zeros((len(shape), SIDE, SIDE), dtype=bool)
    frames[np.arange(len(shape))[:, None, None], rows[:, :, None], columns[:, None, :]] = patch
    return frames


def _sprite_factors() -> list[Factor]:
    return [
        Factor("shape", 3, SHAPES),
        Factor("scale", 6, tuple(f"{0.5 + 0.1 * i:.1f}" for i in range(6))),
        Factor("orientation", 40, tuple(f"{360 * i / TURN:.0f}°" for i in range(40)), True),
        Factor("position x", 32),
        Factor("position y", 32),
    ]


class DSprites(FactorDataset):
    """dSprites: 737,280 images of a white sprite on black.

    The subclasses change its colour and what lies behind it. A colour that does not vary is no
    factor of variation, so only the coloured ones list it.

    Args:
        root: where the official file may lie; see `dviz.data.root.data_root` for the default.
            Without it sprites are drawn, and `origin` says so.

    Raises:
        DatasetError: the official file is there, but broken.
    """

    name = "dsprites"
    info = DatasetInfo(
        name=name,
        title="dSprites",
        description="A white square, ellipse or heart on black.",
        needs_files=False,
        origin=TWIN,
        on_black=True,
        licence="Apache-2.0",
        citation="Matthey, Higgins, Hassabis and Lerchner, dSprites, 2017",
        url="https://github.com/google-deepmind/dsprites-dataset",
        looked_for=(FILE,),
        files=(
            RemoteFile(
                f"https://github.com/google-deepmind/dsprites-dataset/raw/master/{FILE}", FILE
            ),
        ),
    )
    coloured = False

    def __init__(self, root: str | Path | None = None) -> None:
        colour = [Factor("colour", 7, COLOURS)] if self.coloured else []
        self.space = FactorSpace([*colour, *_sprite_factors()])
        path = data_root(root) / FILE
        official = OfficialSprites(path) if path.is_file() else None
        self._draw = official.read if official else draw_sprites
        if official:
            self.info = replace(self.info, origin=OFFICIAL)

    def angles(self, classes: np.ndarray) -> np.ndarray:
        """As of every dataset; a shape's orientation counts modulo what leaves it as it is."""
        classes = np.asarray(classes)
        shape, orientation = classes[:, -5], classes[:, -3]
        angles = np.full(classes.shape, np.nan)
        angles[:, -3] = 2 * np.pi * (REPEATS[shape] * orientation % TURN) / TURN
        return angles

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        classes = np.asarray(classes)
        # Planes first is several times faster to fill, and is how the model wants them in the end.
        frames = self._draw(classes[:, -5:])[:, None]  # (N, 1, 64, 64)
        if self.coloured:
            colours = PALETTE_BYTES[classes[:, 0]]  # (N, 3)
        else:
            colours = np.full((len(classes), 3), 255, dtype=np.uint8)
        colours = colours[:, :, None, None]
        if self.info.noisy:
            planes = _noise((len(classes), 3, SIDE, SIDE), rng or np.random.default_rng(0))
            np.copyto(planes, colours, where=frames)
        else:
            planes = frames.view(np.uint8) * colours  # (N, 3, 64, 64)
        return planes.transpose(0, 2, 3, 1)


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Every pixel and channel independent and uniform over 0 … 255."""
    # A generator of its own that is twice as fast as the usual one.
    fast = np.random.Generator(np.random.SFC64(rng.integers(2**63)))
    words = fast.integers(0, 2**64, size=int(np.prod(shape)) // 8, dtype=np.uint64)
    return words.view(np.uint8).reshape(shape)


class NoisyDSprites(DSprites):
    """dSprites before noise: every background pixel a random colour, drawn anew each time."""

    name = "noisy-dsprites"
    info = replace(
        DSprites.info,
        name=name,
        title="Noisy-dSprites",
        description="A white sprite before noise: every background pixel a random colour.",
        noisy=True,
        on_black=False,
    )


class WhiteColorDSprites(DSprites):
    """The white part of Color-dSprites, as dSprites: the study's Source for colourless Targets."""

    name = "white-color-dsprites"
    info = replace(
        DSprites.info,
        name=name,
        title="White-Color-dSprites",
        description="The white part of Color-dSprites.",
    )


class ColorDSprites(DSprites):
    """dSprites in seven colours: 5,160,960 images."""

    name = "color-dsprites"
    info = replace(
        DSprites.info,
        name=name,
        title="Color-dSprites",
        description="A square, ellipse or heart in seven colours on black.",
    )
    coloured = True


class NoisyColorDSprites(ColorDSprites):
    """Color-dSprites before noise."""

    name = "noisy-color-dsprites"
    info = replace(
        DSprites.info,
        name=name,
        title="Noisy-Color-dSprites",
        description="A coloured sprite before noise: every background pixel a random colour.",
        noisy=True,
        on_black=False,
    )
