"""An analytic ray caster for the procedural 3D scenes: what a ray meets, and where light gets.

Scenes are lists of bodies: planes, and convex solids placed anywhere at any angle. Everything is
plain numpy in float32 over arrays of rays. Vectors come first, so that one component of all rays
lies together in memory: directions and points are (3, ...), distances (...). Rays of one call share
their origin, be it the camera or a light; a distance is a multiple of the ray's direction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

UPRIGHT = np.eye(3, dtype=np.float32)
_TINY = np.float32(1e-9)


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Scalar products of vectors (3, ...)."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def unit(vector: np.ndarray) -> np.ndarray:
    """Vectors (3, ...) at length 1."""
    return vector / np.sqrt(dot(vector, vector))


class Shape(Protocol):
    """A convex solid about the origin of its own frame."""

    @property
    def reach(self) -> float:
        """Radius of a ball about the origin that holds the shape."""

    def interval(self, origin: np.ndarray, ray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances where rays enter and leave; entering after leaving means a miss."""

    def normal(self, point: np.ndarray) -> np.ndarray:
        """Outward unit normals (3, N) at surface points (3, N)."""


def _quadratic(
    a: np.ndarray, b: np.ndarray, c: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Where a·t² + 2b·t + c ≤ 0 for a > 0; (inf, −inf) where nowhere."""
    square = b * b - a * c
    hit = square > 0
    root = np.sqrt(np.where(hit, square, 0))
    return np.where(hit, (-b - root) / a, np.inf), np.where(hit, (root - b) / a, -np.inf)


def _slab(origin: float, ray: np.ndarray, half: float) -> tuple[np.ndarray, np.ndarray]:
    """Where one coordinate lies between −half and half."""
    ray = np.where(np.abs(ray) < _TINY, _TINY, ray)
    first, second = (-half - origin) / ray, (half - origin) / ray
    return np.minimum(first, second), np.maximum(first, second)


@dataclass(frozen=True)
class Sphere:
    radius: float

    @property
    def reach(self) -> float:
        return self.radius

    def interval(self, origin: np.ndarray, ray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _quadratic(dot(ray, ray), dot(origin, ray), dot(origin, origin) - self.radius**2)

    def normal(self, point: np.ndarray) -> np.ndarray:
        return unit(point)


@dataclass(frozen=True)
class Box:
    """Half lengths of the sides along x, y, z."""

    half: tuple[float, float, float]

    @property
    def reach(self) -> float:
        return float(np.linalg.norm(self.half))

    def interval(self, origin: np.ndarray, ray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        enter, leave = _slab(origin[0], ray[0], self.half[0])
        for axis in (1, 2):
            near, far = _slab(origin[axis], ray[axis], self.half[axis])
            enter, leave = np.maximum(enter, near), np.minimum(leave, far)
        return enter, leave

    def normal(self, point: np.ndarray) -> np.ndarray:
        relative = point / np.asarray(self.half, dtype=np.float32)[:, None]
        face = np.abs(relative).argmax(axis=0)  # (N,)
        return np.where(np.arange(3)[:, None] == face, np.sign(point), 0).astype(np.float32)


@dataclass(frozen=True)
class Cylinder:
    """Axis along z, from −half to half."""

    radius: float
    half: float

    @property
    def reach(self) -> float:
        return float(np.hypot(self.radius, self.half))

    def interval(self, origin: np.ndarray, ray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        enter, leave = _round_side(origin, ray, self.radius)
        near, far = _slab(origin[2], ray[2], self.half)
        return np.maximum(enter, near), np.minimum(leave, far)

    def normal(self, point: np.ndarray) -> np.ndarray:
        x, y, z = point
        radius = np.hypot(x, y)
        on_cap = np.abs(z) / self.half > radius / self.radius
        side = np.stack([x, y, np.zeros_like(z)]) / np.maximum(radius, _TINY)
        return np.where(on_cap, np.stack([np.zeros_like(z)] * 2 + [np.sign(z)]), side)


@dataclass(frozen=True)
class Capsule:
    """Everything within `radius` of the segment from −half to half on the z axis."""

    radius: float
    half: float

    @property
    def reach(self) -> float:
        return self.radius + self.half

    def interval(self, origin: np.ndarray, ray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        enter, leave = _round_side(origin, ray, self.radius)
        near, far = _slab(origin[2], ray[2], self.half)
        enter, leave = np.maximum(enter, near), np.minimum(leave, far)
        hit = enter < leave
        enter, leave = np.where(hit, enter, np.inf), np.where(hit, leave, -np.inf)
        for end in (-self.half, self.half):
            centre = np.array([0, 0, end], dtype=np.float32)
            near, far = Sphere(self.radius).interval(origin - centre, ray)
            enter, leave = np.minimum(enter, near), np.maximum(leave, far)
        return enter, leave

    def normal(self, point: np.ndarray) -> np.ndarray:
        x, y, z = point
        return unit(np.stack([x, y, z - np.clip(z, -self.half, self.half)]))


@dataclass(frozen=True)
class Polyhedron:
    """The points P with normal·P ≤ offset for every face.

    Args:
        normals: unit normals float32 (F, 3) outwards.
        offset: distance of every face from the origin, above 0.
        reach: distance of the farthest corner.
    """

    normals: np.ndarray
    offset: float
    reach: float

    def interval(self, origin: np.ndarray, ray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        enter, leave = [], []
        for normal in self.normals:
            slope = dot(normal, ray)
            slope = np.where(np.abs(slope) < _TINY, _TINY, slope)
            crossing = (self.offset - dot(normal, origin)) / slope
            enter.append(np.where(slope < 0, crossing, -np.inf))
            leave.append(np.where(slope > 0, crossing, np.inf))
        return np.maximum.reduce(enter), np.minimum.reduce(leave)

    def normal(self, point: np.ndarray) -> np.ndarray:
        return self.normals[(self.normals @ point).argmax(axis=0)].T


def tetrahedron(reach: float) -> Polyhedron:
    """A regular tetrahedron, one corner up, its corners `reach` from the origin."""
    turn = np.deg2rad([90, 210, 330])
    low, wide = -1 / 3, np.sqrt(8) / 3
    corners = [(0, 0, 1), *((wide * np.cos(a), wide * np.sin(a), low) for a in turn)]
    return Polyhedron(-np.array(corners, dtype=np.float32), reach / 3, reach)


def _round_side(
    origin: np.ndarray, ray: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where x² + y² ≤ radius²."""
    a = np.maximum(ray[0] ** 2 + ray[1] ** 2, _TINY)
    b = origin[0] * ray[0] + origin[1] * ray[1]
    return _quadratic(a, b, origin[0] ** 2 + origin[1] ** 2 - radius**2)


@dataclass(frozen=True)
class Solid:
    """A shape somewhere in the world.

    Args:
        axes: (3, 3), its rows the shape's x, y and z axes in the world.
    """

    shape: Shape
    centre: tuple[float, float, float]
    axes: np.ndarray = field(default_factory=lambda: UPRIGHT)

    @cached_property
    def position(self) -> np.ndarray:
        """The centre, float32 (3,)."""
        return np.asarray(self.centre, dtype=np.float32)

    def distance(self, origin: np.ndarray, ray: np.ndarray) -> np.ndarray:
        """How far along each ray (3, ...) the solid begins: float32 (...), inf for a miss."""
        local = (self.axes @ ray.reshape(3, -1)).reshape(ray.shape)
        start = self.axes @ (origin - self.position)
        enter, leave = self.shape.interval(start, local)
        return np.where((enter < leave) & (enter > 0), enter, np.inf).astype(np.float32)

    def normal(self, point: np.ndarray) -> np.ndarray:
        """Outward unit normals (3, N) at surface points (3, N)."""
        local = self.axes @ (point - self.position[:, None])
        return self.axes.T @ self.shape.normal(local)


def rod(start: ArrayLike, end: ArrayLike, radius: float) -> Solid:
    """A capsule around the segment from `start` to `end`."""
    first, last = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    length = float(np.linalg.norm(last - first))
    axis = (last - first) / length
    across = np.cross(axis, np.eye(3)[np.abs(axis).argmin()])
    across /= np.linalg.norm(across)
    axes = np.stack([across, np.cross(axis, across), axis]).astype(np.float32)
    return Solid(Capsule(radius, length / 2), tuple((first + last) / 2), axes)


@dataclass(frozen=True)
class Plane:
    """All points P with normal·P = offset and z ≤ top, seen from the side the normal points to."""

    facing: tuple[float, float, float]
    offset: float
    top: float = np.inf

    def distance(self, origin: np.ndarray, ray: np.ndarray) -> np.ndarray:
        """How far along each ray (3, ...) the plane is: float32 (...), inf for a miss."""
        facing = np.asarray(self.facing, dtype=np.float32)
        fall = -dot(facing, ray)
        away = (dot(facing, origin) - self.offset) / np.where(fall > _TINY, fall, np.inf)
        hit = (fall > _TINY) & (away > 0) & (origin[2] + away * ray[2] <= self.top)
        return np.where(hit, away, np.inf).astype(np.float32)

    def normal(self, point: np.ndarray) -> np.ndarray:
        """The plane's normal for each point: (3, N)."""
        return np.broadcast_to(np.asarray(self.facing, dtype=np.float32)[:, None], point.shape)


Body = Solid | Plane
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera held level.

    Args:
        position: where it stands.
        yaw: 0 looks along y, growing to the left, in radians.
        pitch: 0 looks level, growing upwards, in radians.
        focal: focal length in pixels.
        middle: (x, y) in pixels where the optical axis meets the image, y down.
        side: width and height of the image in pixels.
        samples: rays a pixel is made of, along either side.
    """

    position: tuple[float, float, float]
    yaw: float
    pitch: float
    focal: float
    middle: tuple[float, float]
    side: int = 64
    samples: int = 3

    @cached_property
    def origin(self) -> np.ndarray:
        return np.asarray(self.position, dtype=np.float32)

    @cached_property
    def axes(self) -> np.ndarray:
        """Unit vectors right, up and forward: float32 (3, 3), in rows."""
        sin, cos, rise = np.sin(self.yaw), np.cos(self.yaw), np.sin(self.pitch)
        forward = np.array([-sin * np.cos(self.pitch), cos * np.cos(self.pitch), rise])
        right = np.array([cos, sin, 0])
        return np.stack([right, np.cross(right, forward), forward]).astype(np.float32)

    @cached_property
    def rays(self) -> np.ndarray:
        """Directions float32 (3, R, R), R = side·samples, each 1 long along the optical axis."""
        place = (np.arange(self.side * self.samples, dtype=np.float32) + 0.5) / self.samples
        x, y = ((place - centre) / np.float32(self.focal) for centre in self.middle)
        right, up, forward = self.axes[:, :, None, None]
        return forward + right * x[None, :] - up * y[:, None]

    def window(self, body: Body) -> Window:
        """Rows and columns of samples outside which `body` cannot be seen."""
        if isinstance(body, Plane):
            return self._window()
        return self._window((body.position, body.shape.reach))

    def shadow_window(self, solid: Solid, light: np.ndarray, farthest: float) -> Window:
        """Rows and columns of samples outside which `solid` throws no shadow.

        It lies between two balls, one around the solid and one as much larger as it is farther
        from the point `light` (3,). `farthest` is how far from the light anything seen may be.
        """
        offset, reach = solid.position - light, solid.shape.reach
        square = float(dot(offset, offset)) - reach**2
        if square <= 0:
            return self._window()
        growth = farthest / np.sqrt(square)
        return self._window((solid.position, reach), (light + offset * growth, reach * growth))

    def _window(self, *balls: tuple[np.ndarray, float]) -> Window:
        """What the hull of balls (centre, radius) covers; everything for none."""
        extents = []
        for centre, reach in balls:
            x, y, ahead = self.axes @ (centre - self.origin)
            extents.append([self._extent(*at, ahead, reach) for at in ((-y, 1), (x, 0))])
        size = self.side * self.samples
        if not extents or None in (end for pair in extents for end in pair):
            return slice(0, size), slice(0, size)
        ends = np.clip(np.array(extents) * self.samples, 0, size)  # (balls, 2, 2)
        first, last = np.floor(ends[..., 0].min(0)), np.ceil(ends[..., 1].max(0))
        return slice(int(first[0]), int(last[0])), slice(int(first[1]), int(last[1]))

    def _extent(
        self, across: float, axis: int, ahead: float, reach: float
    ) -> tuple[float, float] | None:
        """Pixels along one side of the image where the two tangents to a ball meet it."""
        away = math.hypot(across, ahead)
        if reach >= away:
            return None
        centre, spread = math.atan2(across, ahead), math.asin(reach / away)
        ends = centre - spread, centre + spread
        if max(map(abs, ends)) >= math.pi / 2:
            return None
        first, last = (self.middle[axis] + self.focal * math.tan(end) for end in ends)
        return first, last


@dataclass(frozen=True)
class Hits:
    """What the rays of a picture meet.

    Attributes:
        body: int16 (R, R), index of the body, −1 for none.
        point: float32 (3, R, R), where; meaningless for none.
        normal: float32 (3, R, R), its unit normal there; 0 for none.
    """

    body: np.ndarray
    point: np.ndarray
    normal: np.ndarray


def trace(bodies: Sequence[Body], camera: Camera) -> Hits:
    """The first of `bodies` on every ray of `camera`."""
    rays, origin = camera.rays, camera.origin
    distance = np.full(rays.shape[1:], np.inf, dtype=np.float32)
    owner = np.full(rays.shape[1:], -1, dtype=np.int16)
    for number, body in enumerate(bodies):
        window = camera.window(body)
        found = body.distance(origin, rays[(slice(None), *window)])
        closer = found < distance[window]
        distance[window][closer] = found[closer]
        owner[window][closer] = number
    point = origin[:, None, None] + rays * np.where(owner >= 0, distance, 0)
    normal = np.zeros_like(point)
    for number, body in enumerate(bodies):
        rows, columns = np.nonzero(owner == number)
        normal[:, rows, columns] = body.normal(point[:, rows, columns])
    return Hits(owner, point, normal)


def lit(
    bodies: Sequence[Body], light: np.ndarray, point: np.ndarray, owner: np.ndarray | None = None
) -> np.ndarray:
    """Whether light from one point reaches others.

    A convex body turns its own dark side away from the light, which its normal tells, so it is not
    asked whether it stands in its own light. Planes stop no light.

    Args:
        light: float32 (3,).
        point: float32 (3, ...), points on bodies.
        owner: int (...), the index of the body each point lies on, if it is one of `bodies`.

    Returns:
        bool (...).
    """
    rays = point - light.reshape(3, *[1] * (point.ndim - 1))
    length = np.sqrt(dot(rays, rays))
    reached = np.ones(length.shape, dtype=bool)
    for number, body in enumerate(bodies):
        if isinstance(body, Plane):
            continue
        offset = body.position - light
        tangent = np.sqrt(max(float(dot(offset, offset)) - body.shape.reach**2, 0))
        near = dot(offset, rays) >= tangent * length
        near = np.nonzero(near if owner is None else near & (owner != number))
        between = body.distance(light, rays[(slice(None), *near)]) < 1 - 1e-4
        reached[tuple(axis[between] for axis in near)] = False
    return reached


def in_the_way(bodies: Sequence[Body], light: np.ndarray, solid: Solid) -> list[Solid]:
    """Those solids among `bodies` that might keep light from the point `light` (3,) off `solid`."""
    solids = [body for body in bodies if isinstance(body, Solid)]
    all_of_them = [*solids, solid]
    offsets = np.array([body.centre for body in all_of_them]) - light  # (B + 1, 3)
    reach = np.array([body.shape.reach for body in all_of_them])
    away = np.linalg.norm(offsets, axis=1)
    spread = np.arcsin(np.minimum(reach / away, 1))
    apart = np.arccos(np.clip(offsets @ offsets[-1] / (away * away[-1]), -1, 1))
    near = (apart <= spread + spread[-1]) & (away - reach <= away[-1] + reach[-1])
    return [body for body, is_near in zip(solids, near[:-1], strict=True) if is_near]


@dataclass(frozen=True)
class Spot:
    """A light that fades away from its axis, as cos(angle) to the power `sharpness`."""

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    sharpness: float

    @property
    def origin(self) -> np.ndarray:
        return np.asarray(self.position, dtype=np.float32)

    def towards(self, point: np.ndarray) -> np.ndarray:
        """Unit vectors (3, ...) from points (3, ...) to the light."""
        return unit(self.origin.reshape(3, *[1] * (point.ndim - 1)) - point)

    def strength(self, towards: np.ndarray) -> np.ndarray:
        """Its brightness in [0, 1] for unit vectors (3, ...) to the light."""
        axis = unit(self.origin - np.asarray(self.target, dtype=np.float32))
        return np.maximum(dot(axis, towards), 0) ** np.float32(self.sharpness)


def lanczos(side: int, samples: int) -> np.ndarray:
    """Weights float32 (side, side·samples) that shrink a line of samples to pixels.

    Lanczos windowed sinc over three pixels to either side, cut at the border and normalised.
    """
    place = (np.arange(side * samples) + 0.5) / samples
    away = place - (np.arange(side) + 0.5)[:, None]
    weights = np.where(np.abs(away) < 3, np.sinc(away) * np.sinc(away / 3), 0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def shrink(planes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Samples (..., side·samples, side·samples) to pixels (..., side, side); see `lanczos`."""
    return weights @ planes @ weights.T
