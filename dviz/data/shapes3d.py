"""3D Shapes: a cube, cylinder, sphere or capsule in a coloured room.

3D Shapes (Burgess and Kim 2018) holds all 480,000 combinations of six factors. The official file
`3dshapes.h5` is read where it is found; else the same scenes are ray-cast. Sizes, camera and light
of the twin were fitted to 50 genuine images, and it is off by 1.03 of 255 from them on average.
What it leaves out: the grain of floor and walls, dents in the walls, facets of curved objects.
"""

from __future__ import annotations

import colorsys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dviz.data.base import FactorDataset
from dviz.data.h5_images import H5Images
from dviz.data.info import OFFICIAL, TWIN, DatasetInfo, RemoteFile
from dviz.data.raycast import (
    Body,
    Box,
    Camera,
    Capsule,
    Cylinder,
    Plane,
    Solid,
    Sphere,
    Spot,
    dot,
    lanczos,
    lit,
    shrink,
    trace,
)
from dviz.data.root import data_root
from dviz.factors import Factor, FactorSpace

FILE = "3dshapes.h5"
SIDE, SAMPLES = 64, 3

HUES = np.array([colorsys.hsv_to_rgb(i / 10, 1, 1) for i in range(10)], dtype=np.float32)
COLOURS = ("red", "orange", "lime", "green", "mint", "cyan", "azure", "blue", "violet", "pink")
SCALES = np.linspace(0.75, 1.25, 8)
SHAPES = ("cube", "cylinder", "sphere", "capsule")
DEGREES = np.linspace(-30, 30, 15)

# Every channel of the ten hues is one of these six, so 0, 1/5, … 1 of the light is all it takes.
LEVELS = np.arange(6, dtype=np.float32) / 5
_LEVEL = np.rint(HUES * 5).astype(np.int64)  # (10, 3)

CAMERA_AWAY, CAMERA_HEIGHT = 8.0, 2.3391
CAMERA_PITCH, FOCAL, MIDDLE = 0.0043, 70.537, (31.9902, 31.7764)
WALL_AWAY, WALL_ASIDE, WALL_HEIGHT = 11.2896, 11.0578, 6.2718
FLOOR, WALL, OBJECT = 0, 1, 2
SKY = np.array([153, 226, 249], dtype=np.float32)
OBJECT_AT = (-0.0027, -0.0206, 0.0162)
LIGHT = Spot((-5.1843, 1.3276, 24.9625), (-4.8752, 1.5098, 0.0), 11.2994)
AMBIENT, HEADLIGHT, SPOTLIGHT = 0.3517, 0.592, 0.9705
GLOSS, GLOSS_EDGE = 0.1488, 0.036

ROOM = (
    Plane((0, 0, 1), 0),
    Plane((0, -1, 0), -WALL_AWAY, WALL_HEIGHT),
    Plane((1, 0, 0), -WALL_ASIDE, WALL_HEIGHT),
    Plane((-1, 0, 0), -WALL_ASIDE, WALL_HEIGHT),
)
_WEIGHTS = lanczos(SIDE, SAMPLES)
_REGION = np.array([FLOOR, WALL, WALL, WALL, OBJECT, -1])  # of each body; −1, the sky, is last


def _object(shape: int, scale: float) -> Solid:
    """The object, standing on the floor."""
    form, height = (
        (Box((1.0879 * scale, 1.0879 * scale, 1.08605 * scale)), 2.1721),
        (Cylinder(1.1632 * scale, 1.16585 * scale), 2.3317),
        (Sphere(1.3185 * scale), 2.637),
        (Capsule(1.0023 * scale, 1.01835 * scale), 4.0413),
    )[shape]
    x, y, z = OBJECT_AT
    return Solid(form, (x, y, z + height * scale / 2))


def _camera(degrees: float) -> Camera:
    yaw = np.deg2rad(degrees)
    position = (CAMERA_AWAY * np.sin(yaw), -CAMERA_AWAY * np.cos(yaw), CAMERA_HEIGHT)
    return Camera(position, yaw, CAMERA_PITCH, FOCAL, MIDDLE, SIDE, SAMPLES)


def cast(scale: int, shape: int, orientation: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What every sample of a scene shows, before hues.

    Args:
        scale, shape, orientation: classes of these factors.

    Returns:
        region: int64 (192, 192): FLOOR, WALL, OBJECT or −1 for the sky.
        light: float32 (192, 192), what the hue is multiplied by.
        gloss: float32 (192, 192), the white added to that, in 0 … 255; 0 but on the object.
    """
    bodies: list[Body] = [*ROOM, _object(shape, SCALES[scale])]
    camera = _camera(DEGREES[orientation])
    hits = trace(bodies, camera)
    region = _REGION[hits.body]
    towards = LIGHT.towards(hits.point)
    strength = LIGHT.strength(towards)
    facing_light = np.maximum(dot(hits.normal, towards), 0)
    facing_camera = np.maximum(-dot(hits.normal, camera.axes[2][:, None, None]), 0)
    spot = SPOTLIGHT * strength * facing_light * lit(bodies, LIGHT.origin, hits.point, hits.body)
    light = AMBIENT + HEADLIGHT * facing_camera + spot
    gloss = 255 * GLOSS * strength * np.minimum(facing_light / GLOSS_EDGE, 1)
    return region, light, np.where(region == OBJECT, gloss, 0)


def draw(classes: np.ndarray) -> np.ndarray:
    """Draw one scene after the other, each in full: uint8 (N, 64, 64, 3) of classes (N, 6).

    The plain way. `draw_fast` gives the same pictures several hundred times as fast.
    """
    images = np.empty((len(classes), SIDE, SIDE, 3), dtype=np.uint8)
    for image, (floor, wall, thing, *geometry) in zip(images, classes, strict=True):
        region, light, gloss = cast(*geometry)
        hues = np.stack([*HUES[[floor, wall, thing]], SKY / 255])[region]  # (192, 192, 3)
        light = np.where(region < 0, 1, light)
        samples = np.minimum(hues * light[..., None] * 255 + gloss[..., None], 255)
        pixels = shrink(samples.transpose(2, 0, 1), _WEIGHTS).transpose(1, 2, 0)
        image[:] = np.clip(np.rint(pixels), 0, 255)
    return images


class Parts(NamedTuple):
    """One geometry, ready to be given hues.

    Hues do not move anything, so there are only 8 · 4 · 15 = 480 geometries. Samples are clipped
    before they are shrunk, shrinking is linear, and regions do not overlap, so a picture is the
    sum of what its regions add to the final pixels.

    Attributes:
        levels: float32 (3, 6, 64, 64), what floor, walls and object add, in 0 … 255, at each of
            the six levels that a channel of a hue can have.
        sky: float32 (64, 64), how much of a pixel is sky.
    """

    levels: np.ndarray
    sky: np.ndarray


@lru_cache(maxsize=480)  # 150 MB once all have been asked for
def _parts(scale: int, shape: int, orientation: int) -> Parts:
    region, light, gloss = cast(scale, shape, orientation)
    shades = np.minimum(LEVELS[:, None, None] * light * 255 + gloss, 255)  # (6, 192, 192)
    shown = [np.where(region == part, shades, 0) for part in (FLOOR, WALL, OBJECT)]
    return Parts(
        shrink(np.stack(shown), _WEIGHTS), shrink((region < 0).astype(np.float32), _WEIGHTS)
    )


def draw_fast(classes: np.ndarray) -> np.ndarray:
    """As `draw` up to rounding, from parts that are drawn when first asked for and kept."""
    planes = np.empty((len(classes), 3, SIDE, SIDE), dtype=np.uint8)
    for image, hues, geometry in zip(planes, classes[:, :3], classes[:, 3:], strict=True):
        parts = _parts(*geometry.tolist())
        for channel, levels in enumerate(_LEVEL[hues].T):
            pixels = parts.sky * SKY[channel]
            for part, level in zip(parts.levels, levels, strict=True):
                pixels += part[level]
            image[channel] = np.clip(np.rint(pixels, out=pixels), 0, 255, out=pixels)
    return planes.transpose(0, 2, 3, 1)


class Shapes3D(FactorDataset):
    """3D Shapes: floor hue 10, wall hue 10, object hue 10, scale 8, shape 4, orientation 15.

    Args:
        root: where `3dshapes.h5` may lie; see `dviz.data.root.data_root` for the default. Without
            it the pictures are ray-cast, and `origin` says so.

    Raises:
        DatasetError: the file is there, but broken.
    """

    name = "shapes3d"
    info = DatasetInfo(
        name=name,
        title="3D Shapes",
        description="A cube, cylinder, sphere or capsule in a coloured room.",
        needs_files=False,
        origin=TWIN,
        licence="Apache-2.0",
        citation="Burgess and Kim, 3D Shapes Dataset, 2018",
        url="https://github.com/google-deepmind/3d-shapes",
        looked_for=(FILE,),
        files=(
            RemoteFile(
                url="https://storage.googleapis.com/3d-shapes/3dshapes.h5",
                path=FILE,
                size=267_573_662,
                checksum="md5:099a2078d58cec4daad0702c55d06868",
            ),
        ),
    )

    def __init__(self, root: str | Path | None = None) -> None:
        self.space = FactorSpace(
            [
                Factor("floor hue", 10, COLOURS, cyclic=True),
                Factor("wall hue", 10, COLOURS, cyclic=True),
                Factor("object hue", 10, COLOURS, cyclic=True),
                Factor("scale", 8, tuple(f"{scale:.2f}" for scale in SCALES)),
                Factor("shape", 4, SHAPES),
                Factor("orientation", 15, tuple(f"{degrees:.0f}°" for degrees in DEGREES)),
            ]
        )
        path = data_root(root) / FILE
        self._official = H5Images(path, self.space) if path.is_file() else None
        if self._official:
            self.info = replace(self.info, origin=OFFICIAL)

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        if self._official:
            return self._official.read(self.space.index(classes))
        return draw_fast(np.asarray(classes))
