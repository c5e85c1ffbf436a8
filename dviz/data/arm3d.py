"""arm3d: a robot arm holds up an object in a kitchen, ray-cast.

A stand-in for Isaac3D with the same nine factors in the same sizes and order. It is no copy of it:
a simpler room, a simpler arm, light without bounces. It is there so that a transfer to a scene of
this kind can be tried where the 13 GB of Isaac3D are not at hand.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from dviz.data.base import FactorDataset
from dviz.data.info import DatasetInfo
from dviz.data.isaac3d import SIZES, Isaac3D
from dviz.data.raycast import (
    Body,
    Box,
    Camera,
    Cylinder,
    Hits,
    Plane,
    Solid,
    Sphere,
    Spot,
    dot,
    in_the_way,
    lanczos,
    lit,
    rod,
    shrink,
    tetrahedron,
    trace,
)
from dviz.factors import Factor, FactorSpace

SIDE, SAMPLES = 64, 2
_WEIGHTS = lanczos(SIDE, SAMPLES)

# Metres: x to the right, y away from the camera, z up; the robot stands at x = y = 0.
HAND_X = np.linspace(-0.75, 0.75, 8)
HAND_Z = np.linspace(1.0, 1.75, 5)
CAMERA_HEIGHTS = np.linspace(1.35, 1.95, 4)
SCALES = np.linspace(0.12, 0.27, 4)
INTENSITIES = np.linspace(0.15, 0.75, 4)
LIGHT_DEGREES = np.linspace(-65, 65, 6)
OBJECT_COLOURS = ((0.86, 0.86, 0.84), (0.68, 0.68, 0.95), (0.42, 0.40, 0.85), (0.16, 0.04, 0.80))
WALL_COLOURS = ((0.77, 0.57, 0.76), (0.88, 0.80, 0.88), (0.62, 0.68, 0.58), (0.27, 0.60, 0.13))
SHAPES = ("cube", "sphere", "tetrahedron")

VALUES = (
    SHAPES,
    tuple(f"{x:+.2f} m" for x in HAND_X),
    tuple(f"{z:.2f} m" for z in HAND_Z),
    tuple(f"{z:.2f} m" for z in CAMERA_HEIGHTS),
    tuple(f"{100 * s:.0f} cm" for s in SCALES),
    tuple(f"{i:.2f}" for i in INTENSITIES),
    tuple(f"{d:.0f}°" for d in LIGHT_DEGREES),
    ("white", "lavender", "violet", "blue"),
    ("pink", "pale pink", "sage", "green"),
)

AMBIENT, HEADLIGHT = 0.42, 0.14
WALL, FLOOR, CEILING = (0.0, 0.0, 0.0), (0.60, 0.57, 0.52), (1.9, 1.9, 1.86)
CREAM, GREY, STEEL, WOOD = (
    (0.80, 0.78, 0.74),
    (0.60, 0.58, 0.54),
    (0.50, 0.51, 0.53),
    (0.40, 0.24, 0.11),
)
BLACK, RUST, DARK_RUST = (0.10, 0.10, 0.10), (0.58, 0.25, 0.13), (0.40, 0.15, 0.07)


class Part(NamedTuple):
    """A body and its colour."""

    body: Body
    colour: tuple[float, float, float]


def _box(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> Solid:
    """A box from its extents."""
    low, high = np.array((x, y, z)).T
    return Solid(Box(tuple(((high - low) / 2).tolist())), tuple(((high + low) / 2).tolist()))


def _disc(x: float, y: float, z: float, radius: float, half: float, along: int) -> Solid:
    """A cylinder whose axis is the world's axis number `along`."""
    return Solid(
        Cylinder(radius, half), (x, y, z), np.roll(np.eye(3, dtype=np.float32), along + 1, 1)
    )


# The walls come first: theirs is the colour that varies. The ceiling glows by itself.
KITCHEN = (
    Part(Plane((0, -1, 0), -1.9), WALL),
    Part(Plane((1, 0, 0), -2.6), WALL),
    Part(Plane((-1, 0, 0), -3.2), WALL),
    Part(Plane((0, 0, 1), 0), FLOOR),
    Part(Plane((0, 0, -1), -3.2), CEILING),
    # The fridge and the gap between its doors.
    Part(_box((-2.35, -1.4), (1.0, 1.9), (0, 1.75)), STEEL),
    Part(_box((-1.89, -1.86), (0.97, 1.0), (0.1, 1.7)), BLACK),
    # The kitchen counter: cupboards, plinth, top and one door; two wall cupboards.
    Part(_box((-1.35, 3.2), (1.3, 1.9), (0.1, 0.86)), CREAM),
    Part(_box((-1.35, 3.2), (1.35, 1.9), (0, 0.1)), BLACK),
    Part(_box((-1.37, 3.2), (1.26, 1.9), (0.86, 0.93)), WOOD),
    Part(_box((0.55, 1.15), (1.28, 1.3), (0.15, 0.8)), (0.88, 0.87, 0.84)),
    Part(_box((-1.25, -0.45), (1.6, 1.9), (1.45, 2.15)), CREAM),
    Part(_box((1.0, 1.85), (1.6, 1.9), (1.5, 2.15)), GREY),
    # The clock.
    Part(_disc(0.25, 1.87, 1.98, 0.16, 0.03, 1), (0.30, 0.30, 0.30)),
    Part(_disc(0.25, 1.85, 1.98, 0.12, 0.03, 1), (0.85, 0.85, 0.83)),
)
CART = (
    Part(_box((-0.24, 0.24), (-0.3, 0.3), (0.15, 0.62)), RUST),
    Part(_box((-0.16, 0.16), (-0.2, 0.2), (0.62, 0.78)), RUST),
    Part(_disc(-0.34, -0.12, 0.24, 0.24, 0.07, 0), DARK_RUST),
    Part(_disc(0.34, -0.12, 0.24, 0.24, 0.07, 0), DARK_RUST),
)
WALLS = [0, 1, 2]
SHOULDER, REACH = np.array([0.0, 0.0, 0.78]), 0.70
HAND_Y = -0.12
ELBOW_TOWARDS = np.array([-0.35, 0.75, 0.55])


def _hand(x: int, y: int) -> np.ndarray:
    """Where the hand is for classes of x- and y-move."""
    return np.array([HAND_X[x], HAND_Y, HAND_Z[y]])


def _robot_scene(x: int, y: int) -> list[Part]:
    """All but the object."""
    return [*KITCHEN, *CART, *_arm(_hand(x, y))]


def _arm(hand: np.ndarray) -> list[Part]:
    """Two links of length REACH from the shoulder to the hand, and their joints."""
    middle, span = (SHOULDER + hand) / 2, hand - SHOULDER
    length = np.linalg.norm(span)
    aside = ELBOW_TOWARDS - span * (ELBOW_TOWARDS @ span) / length**2
    bend = np.sqrt(REACH**2 - length**2 / 4)
    elbow = middle + aside / np.linalg.norm(aside) * bend
    joints = ((SHOULDER, 0.125), (elbow, 0.105), (hand, 0.09))
    return [
        Part(rod(SHOULDER, elbow, 0.08), RUST),
        Part(rod(elbow, hand, 0.062), RUST),
        *(Part(Solid(Sphere(radius), tuple(at)), DARK_RUST) for at, radius in joints),
    ]


@lru_cache(maxsize=480)
def _object(shape: int, scale: int, x: int, y: int) -> Solid:
    """The object above and before the hand, turned so that a cube shows three faces."""
    turn, tip = np.deg2rad(35), np.deg2rad(20)
    level = np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    tilt = np.array([[np.cos(tip), 0, np.sin(tip)], [0, 1, 0], [-np.sin(tip), 0, np.cos(tip)]])
    size = float(SCALES[scale])
    form = (Box((size * 0.85,) * 3), Sphere(size), tetrahedron(size * 1.45))[shape]
    centre = _hand(x, y) + np.array([0, -0.05, 0.04]) + np.array([0, -0.4, 0.8]) * size
    return Solid(form, tuple(centre), (level @ tilt).astype(np.float32))


def _camera(height: float) -> Camera:
    return Camera((0, -3.0, height), 0, -0.07, 60, (32, 32), SIDE, SAMPLES)


def _light(degrees: float) -> Spot:
    angle = np.deg2rad(degrees)
    return Spot((3.2 * np.sin(angle), -3.2 * np.cos(angle), 3.0), (0, 0.8, 1.2), 3)


CAMERAS = [_camera(height) for height in CAMERA_HEIGHTS]
FARTHEST = 8.0  # from any lamp to anything a camera sees
LIGHTS = [_light(degrees) for degrees in LIGHT_DEGREES]


def _ambient(normal: np.ndarray, camera: Camera) -> np.ndarray:
    """Light (...) from all around, a little more from above, and from the camera."""
    forward = camera.axes[2].reshape(3, *[1] * (normal.ndim - 1))
    return AMBIENT * (1 + 0.2 * normal[2]) + HEADLIGHT * np.maximum(-dot(normal, forward), 0)


def _lamp(light: Spot, point: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Light (...) from the lamp at intensity 1, were nothing in its way."""
    towards = light.towards(point)
    return light.strength(towards) * np.maximum(dot(normal, towards), 0)


def _develop(owner: np.ndarray, light: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """An image uint8 (64, 64, 3) from samples.

    Args:
        owner: int (128, 128), the body each sample shows.
        light: float32 (128, 128), what falls on it.
        colours: float32 (bodies, 3).
    """
    samples = np.take(np.ascontiguousarray(255 * colours.T), owner, axis=1)  # (3, 128, 128)
    samples *= light
    np.minimum(samples, 255, out=samples)
    return np.clip(np.rint(shrink(samples, _WEIGHTS)), 0, 255).transpose(1, 2, 0)


def _colours(parts: list[Part], thing: int, wall: int) -> np.ndarray:
    """Colours float32 (bodies + 1, 3) of a scene; the object is the last body."""
    colours = np.array([part.colour for part in parts] + [OBJECT_COLOURS[thing]], dtype=np.float32)
    colours[WALLS] = WALL_COLOURS[wall]
    return colours


def draw(classes: np.ndarray) -> np.ndarray:
    """Draw one scene after the other, each in full: uint8 (N, 64, 64, 3) of classes (N, 9).

    The plain way. `draw_fast` gives the same pictures many times as fast.
    """
    images = np.empty((len(classes), SIDE, SIDE, 3), dtype=np.uint8)
    for image, (shape, x, y, height, scale, intensity, lamp, thing, wall) in zip(
        images, classes, strict=True
    ):
        parts, camera, light = _robot_scene(x, y), CAMERAS[height], LIGHTS[lamp]
        bodies = [*(part.body for part in parts), _object(shape, scale, x, y)]
        hits = trace(bodies, camera)
        direct = _lamp(light, hits.point, hits.normal)
        direct *= lit(bodies, light.origin, hits.point, hits.body)
        total = _ambient(hits.normal, camera) + np.float32(INTENSITIES[intensity]) * direct
        image[:] = _develop(hits.body, total, _colours(parts, thing, wall))
    return images


class View(NamedTuple):
    """The scene without the object, as one of the cameras sees it.

    Attributes:
        hits: what its samples meet; parts: the bodies that `hits` counts.
        distance: float32 (128, 128) along the camera's rays.
        ambient: float32 (128, 128), see `_ambient`.
    """

    parts: list[Part]
    hits: Hits
    distance: np.ndarray
    ambient: np.ndarray


# 8 · 5 · 4 views and six lamps in each: together 150 MB once all have been asked for.
@lru_cache(maxsize=160)
def _view(x: int, y: int, height: int) -> View:
    parts, camera = _robot_scene(x, y), CAMERAS[height]
    hits = trace([part.body for part in parts], camera)
    distance = dot(camera.axes[2], hits.point - camera.origin[:, None, None])
    return View(parts, hits, distance, _ambient(hits.normal, camera))


@lru_cache(maxsize=960)
def _direct(x: int, y: int, height: int, lamp: int) -> np.ndarray:
    """Light float32 (128, 128) from a lamp on the scene without the object."""
    parts, hits, *_ = _view(x, y, height)
    bodies, light = [part.body for part in parts], LIGHTS[lamp]
    return _lamp(light, hits.point, hits.normal) * lit(bodies, light.origin, hits.point, hits.body)


@lru_cache(maxsize=2880)
def _casters(shape: int, scale: int, x: int, y: int, lamp: int) -> list[Solid]:
    """What may throw a shadow on the object."""
    bodies = [part.body for part in _robot_scene(x, y)]
    return in_the_way(bodies, LIGHTS[lamp].origin, _object(shape, scale, x, y))


def draw_fast(classes: np.ndarray) -> np.ndarray:
    """As `draw`: the object and its shadow are put into the scene without it, which is kept."""
    images = np.empty((len(classes), SIDE, SIDE, 3), dtype=np.uint8)
    for image, (shape, x, y, height, scale, intensity, lamp, thing, wall) in zip(
        images, classes, strict=True
    ):
        view, camera, light = _view(x, y, height), CAMERAS[height], LIGHTS[lamp]
        solid = _object(shape, scale, x, y)
        strength = np.float32(INTENSITIES[intensity])
        total, owner = strength * _direct(x, y, height, lamp), view.hits.body.copy()
        window = camera.shadow_window(solid, light.origin, FARTHEST)
        total[window] *= lit([solid], light.origin, view.hits.point[(slice(None), *window)])
        total += view.ambient

        seen, point = _seen(solid, camera, view.distance)
        normal = solid.normal(point)
        casters = _casters(shape, scale, x, y, lamp)
        direct = _lamp(light, point, normal) * lit(casters, light.origin, point)
        total[seen] = _ambient(normal, camera) + strength * direct
        owner[seen] = len(view.parts)
        image[:] = _develop(owner, total, _colours(view.parts, thing, wall))
    return images


def _seen(
    solid: Solid, camera: Camera, distance: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Where `solid` stands before a scene at `distance`: rows and columns, and points (3, N)."""
    rows, columns = window = camera.window(solid)
    rays = camera.rays[:, rows, columns]
    found = solid.distance(camera.origin, rays)
    near = np.nonzero(found < distance[window])
    point = camera.origin[:, None] + rays[:, near[0], near[1]] * found[near]
    return (near[0] + rows.start, near[1] + columns.start), point


# A picture is many small array operations: two threads at it spend more time on handing each other
# the interpreter's lock than on drawing, and would both fill the same cache.
_DRAWING = threading.Lock()


class Arm3D(FactorDataset):
    """arm3d, the stand-in for Isaac3D: its nine factors, 737,280 images, drawn on the fly."""

    name = "arm3d"
    info = DatasetInfo(
        name=name,
        title="Arm3D",
        description="A robot arm holds up an object in a kitchen: a ray-cast stand-in with "
        "Isaac3D's nine factors.",
        needs_files=False,
        origin="procedural stand-in",
        licence="Apache-2.0",
        citation=f"Factors after {Isaac3D.info.citation}",
        url="",
    )

    def __init__(self, root: object = None) -> None:
        self.space = FactorSpace(
            [
                Factor(name, size, values)
                for (name, size), values in zip(SIZES.items(), VALUES, strict=True)
            ]
        )

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        with _DRAWING:
            return draw_fast(np.asarray(classes))
