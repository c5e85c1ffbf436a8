import numpy as np
import pytest
from PIL import Image

from dviz.data.raycast import (
    Box,
    Camera,
    Capsule,
    Cylinder,
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


def depth_in_tetrahedron(p):
    corners = np.array([(0, 0, 1), (0, 8**0.5 / 3, -1 / 3), (6**0.5 / 3, -(2**0.5) / 3, -1 / 3)])
    corners = np.vstack([corners, corners[-1] * (-1, 1, 1)])
    # The face opposite to a corner looks away from it, a third as far from the centre.
    return (-corners @ p).max(axis=0) - 1 / 3


# For each shape of about unit size a function that is negative inside, zero on the surface.
SHAPES = {
    "sphere": (Sphere(0.8), lambda p: np.linalg.norm(p, axis=0) - 0.8),
    "box": (
        Box((0.5, 0.7, 0.9)),
        lambda p: (np.abs(p) - np.array([[0.5], [0.7], [0.9]])).max(axis=0),
    ),
    "cylinder": (
        Cylinder(0.6, 0.8),
        lambda p: np.maximum(np.hypot(p[0], p[1]) - 0.6, np.abs(p[2]) - 0.8),
    ),
    "capsule": (
        Capsule(0.4, 0.6),
        lambda p: np.sqrt(p[0] ** 2 + p[1] ** 2 + (p[2] - p[2].clip(-0.6, 0.6)) ** 2) - 0.4,
    ),
    "tetrahedron": (tetrahedron(1.0), depth_in_tetrahedron),
}


def rotation(rng):
    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return (axes * np.sign(np.linalg.det(axes))).astype(np.float32)


@pytest.fixture(params=SHAPES)
def placed(request):
    """A shape anywhere at any angle, and its inside in world coordinates."""
    shape, inside = SHAPES[request.param]
    rng = np.random.default_rng(len(request.param))
    centre, axes = rng.normal(size=3), rotation(rng)
    solid = Solid(shape, tuple(centre), axes)
    return solid, lambda p: inside(axes.astype(float) @ (p - centre[:, None]))


def rays_from(origin, target, rng, n=4000):
    """Rays (3, n) from `origin` to around `target`."""
    aims = np.asarray(target)[:, None] + rng.normal(size=(3, n))
    return (aims - np.asarray(origin)[:, None]).astype(np.float32)


def test_rays_enter_where_the_surface_is(placed):
    solid, inside = placed
    rng = np.random.default_rng(0)
    origin = (solid.position + 5 * np.array([0.48, -0.6, 0.64])).astype(np.float32)
    rays = rays_from(origin, solid.centre, rng)
    distance = solid.distance(origin, rays)
    hit = np.isfinite(distance)
    assert 0.05 < hit.mean() < 0.95
    points = origin[:, None].astype(float) + rays[:, hit] * distance[hit]
    assert np.abs(inside(points)).max() < 1e-4
    # Before the point of entry nothing is inside; rays that miss are nowhere inside.
    for share in np.linspace(0, 0.999, 40):
        assert (inside(origin[:, None] + rays[:, hit] * distance[hit] * share) > -1e-4).all()
    for along in np.linspace(0, 2.5, 200):
        assert (inside(origin[:, None] + rays[:, ~hit] * along) > -1e-3).all()


def test_normals_point_out_of_the_surface(placed):
    solid, inside = placed
    origin = (solid.position + np.array([4, 1, 2])).astype(np.float32)
    rays = rays_from(origin, solid.centre, np.random.default_rng(1))
    distance = solid.distance(origin, rays)
    hit = np.isfinite(distance)
    points = (origin[:, None] + rays * np.where(hit, distance, 0))[:, hit]
    normal = solid.normal(points)
    assert np.abs(dot(normal, normal) - 1).max() < 1e-4
    assert (dot(normal, rays[:, hit]) < 1e-3).all()
    slope = (inside(points + 0.01 * normal) - inside(points - 0.01 * normal)) / 0.02
    assert np.median(slope) == pytest.approx(1, abs=0.01)


def test_what_lies_behind_is_not_seen(placed):
    solid, _ = placed
    origin = (solid.position + np.array([4, 0, 0])).astype(np.float32)
    away = -rays_from(origin, solid.centre, np.random.default_rng(2))
    assert np.isinf(solid.distance(origin, away)).all()


def test_a_shape_stays_within_its_reach(placed):
    solid, _ = placed
    origin = (solid.position + np.array([0, 6, 1])).astype(np.float32)
    rays = rays_from(origin, solid.centre, np.random.default_rng(3))
    distance = solid.distance(origin, rays)
    hit = np.isfinite(distance)
    offset = origin[:, None] + rays[:, hit] * distance[hit] - solid.position[:, None]
    assert np.linalg.norm(offset, axis=0).max() <= solid.shape.reach + 1e-4


def test_planes_are_seen_from_their_front_up_to_their_top():
    wall = Plane((0, -1, 0), -3, top=1.5)
    rays = np.array([[0, 0, 0, 0], [1, 1, 1, -1], [0, 0.4, 0.6, 0]], dtype=np.float32)
    origin = np.zeros(3, dtype=np.float32)
    assert wall.distance(origin, rays).tolist() == [3, 3, np.inf, np.inf]
    behind = np.array([0, 5, 0], dtype=np.float32)
    assert np.isinf(wall.distance(behind, rays)).all()


def test_a_rod_joins_its_ends():
    ends = np.array([[0.3, -1, 2], [1, 0.5, 0.2]])
    solid = rod(*ends, 0.1)
    for end, other in (ends, ends[::-1]):
        beyond = (end + (end - other)).astype(np.float32)
        ray = (end - beyond).astype(np.float32)[:, None]
        gap = np.linalg.norm(end - beyond)
        assert solid.distance(beyond, ray) * gap == pytest.approx(gap - 0.1, abs=1e-4)


def camera(**changes):
    options = {"position": (0.4, -4, 1.5), "yaw": 0.2, "pitch": -0.2, "focal": 40.0}
    return Camera(**(options | {"middle": (15.5, 16.2), "side": 32, "samples": 2} | changes))


def test_the_camera_sees_a_point_where_perspective_puts_it():
    eye = camera()
    right, up, forward = eye.axes
    assert np.allclose(eye.axes @ eye.axes.T, np.eye(3), atol=1e-6)
    assert np.cross(right, forward) @ up == pytest.approx(1, abs=1e-6)
    at = eye.origin + 3 * forward + 0.6 * right + 0.3 * up
    hits = trace([Solid(Sphere(0.05), tuple(at))], eye)
    rows, columns = np.nonzero(hits.body == 0)
    assert (columns.mean() + 0.5) / 2 == pytest.approx(15.5 + 40 * 0.2, abs=0.1)
    assert (rows.mean() + 0.5) / 2 == pytest.approx(16.2 - 40 * 0.1, abs=0.1)


def test_the_nearest_body_is_seen_and_windows_hide_nothing():
    rng = np.random.default_rng(4)
    shapes = [shape for shape, _ in SHAPES.values()]
    bodies = [Plane((0, 0, 1), -1), Plane((0, -1, 0), -3)]
    bodies += [Solid(s, tuple(rng.normal(size=3) * (2, 1, 1)), rotation(rng)) for s in shapes * 3]
    for eye in (camera(), camera(focal=15.0), camera(position=(0, -0.5, 0.2))):
        hits = trace(bodies, eye)
        distances = np.stack([body.distance(eye.origin, eye.rays) for body in bodies])
        nearest = np.where(np.isfinite(distances.min(0)), distances.argmin(0), -1)
        assert (hits.body == nearest).all()
        seen = nearest >= 0
        expected = eye.origin[:, None] + eye.rays[:, seen] * distances.min(0)[seen]
        assert np.allclose(hits.point[:, seen], expected, atol=1e-4)
        assert (hits.normal[:, ~seen] == 0).all()


@pytest.fixture(scope="module")
def shadows():
    """A scene, what a camera sees of it, and where light from a lamp gets by brute force."""
    rng = np.random.default_rng(5)
    shapes = [shape for shape, _ in SHAPES.values()]
    solids = [Solid(s, tuple(rng.normal(size=3) * (1.5, 1, 0.5)), rotation(rng)) for s in shapes]
    bodies = [Plane((0, 0, 1), -1.5), *solids]
    light, eye = np.array([-3, -2, 6], dtype=np.float32), camera(focal=20.0)
    hits = trace(bodies, eye)
    rays = hits.point - light[:, None, None]
    expected = np.ones(hits.body.shape, dtype=bool)
    for number, body in enumerate(bodies[1:], start=1):
        expected &= (body.distance(light, rays) >= 1 - 1e-4) | (hits.body == number)
    return bodies, light, eye, hits, expected


def test_light_stops_at_what_stands_in_its_way(shadows):
    bodies, light, _, hits, expected = shadows
    seen = hits.body >= 0
    assert 0.02 < (~expected[seen]).mean() < 0.9
    assert (lit(bodies, light, hits.point, hits.body)[seen] == expected[seen]).all()


def test_shadows_stay_in_their_window(shadows):
    bodies, light, eye, hits, _ = shadows
    seen = hits.body >= 0
    farthest = np.linalg.norm(hits.point[:, seen] - light[:, None], axis=0).max()
    cut = 0
    for solid in bodies[1:]:
        dark = ~lit([solid], light, hits.point) & seen
        window = np.zeros_like(dark)
        window[eye.shadow_window(solid, light, farthest)] = True
        assert not (dark & ~window).any()
        cut += window.mean() < 0.9
    assert cut > 0


def test_what_is_not_in_the_way_throws_no_shadow():
    rng = np.random.default_rng(7)
    target, eye = Solid(Sphere(0.8), (0, 0, 0)), camera(position=(0, -4, 0), yaw=0.0, pitch=0.0)
    hits = trace([target], eye)
    point = hits.point[:, hits.body == 0]
    shadows = left_out = 0
    for light in rng.normal(size=(60, 3)).astype(np.float32) * 3 - np.array([0, 6, 0], "f4"):
        others = [Solid(Sphere(0.3), tuple(rng.normal(size=3) * 1.5 - (0, 2, 0))) for _ in range(8)]
        near = in_the_way([*others, Plane((0, 0, 1), -1)], light, target)
        assert (lit(near, light, point) == lit(others, light, point)).all()
        shadows += (~lit(near, light, point)).any()
        left_out += len(others) - len(near)
    assert shadows > 30
    assert left_out > 100


def test_a_spot_fades_away_from_its_axis():
    spot = Spot((0, 0, 4), (0, 0, 0), 3)
    points = np.array([[0, 4, 400], [0, 0, 0], [0, 0, 4.5]], dtype=np.float32)
    towards = spot.towards(points)
    assert np.allclose(dot(towards, towards), 1)
    assert np.allclose(spot.strength(towards), [1, 0.5**1.5, 0], atol=1e-6)


@pytest.mark.parametrize("samples", [2, 3])
def test_shrinking_agrees_with_pillow(samples):
    side = 64 * samples
    picture = np.random.default_rng(6).uniform(0, 255, (side, side)).astype(np.float32)
    expected = Image.fromarray(picture).resize((64, 64), Image.Resampling.LANCZOS)
    found = shrink(picture[None], lanczos(64, samples))[0]
    assert np.abs(found - np.asarray(expected)).max() < 0.01
    assert np.allclose(shrink(np.full((side, side), 7.0), lanczos(64, samples)), 7, atol=1e-4)
