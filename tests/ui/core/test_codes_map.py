from dataclasses import replace

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dviz.errors import CheckpointError
from dviz.ui.core.codes_map import (
    LEG,
    map_value,
    pack_points,
    points_of,
    points_route,
    principal_axes,
    start_at,
    walk,
)
from dviz.ui.core.inspector import Dimension, decode, encode
from dviz.ui.core.library import Library
from dviz.ui.core.uploads import Photo
from tests.ui.material import NAMES, SHAPE

SOURCE, DIRECT, TUNED = NAMES


def unpacked(data, rows, latent):
    """What the page makes of packed points."""
    half = rows * latent
    codes = np.frombuffer(data, "<f2", count=half).reshape(rows, latent)
    return codes, np.frombuffer(data, "<u4", offset=4 * ((half + 1) // 2))


@pytest.mark.parametrize(("rows", "latent"), [(5, 3), (4, 2), (0, 3)])
def test_packed_points_are_all_there(rows, latent):
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((rows, latent)).astype(np.float16)
    classes = rng.integers(0, 70_000, (rows, 2))
    packed = unpacked(pack_points(codes, classes).data, rows, latent)
    assert np.array_equal(packed[0], codes)
    assert np.array_equal(packed[1], classes.ravel())


def test_codes_beyond_half_precision_stay_finite():
    codes, _ = unpacked(pack_points(np.array([[1e9, -1e9]]), np.zeros((1, 1))).data, 1, 2)
    assert np.isfinite(codes).all()


def test_an_address_leads_to_the_stored_codes(library):
    client = TestClient(Starlette(routes=[points_route(library)]))
    for stage in map_value(library, library.get(SOURCE))["stages"]:
        codes, classes = points_of(library.get(stage["key"]))
        reply = client.get(f"/{stage['points']}")
        assert "immutable" in reply.headers["cache-control"]
        packed = unpacked(reply.content, stage["count"], stage["latent_size"])
        assert np.array_equal(packed[0].astype(np.float32), codes)
        assert np.array_equal(packed[1], classes.ravel())
    assert client.get("/dviz/codes/0000?checkpoint=sprites").status_code == 404
    assert client.get("/dviz/codes/0000?checkpoint=nothing").status_code == 404


def test_the_value_names_the_lineage_and_opens_on_the_strongest_dimensions(library):
    entry = library.get(TUNED)
    value = map_value(library, entry)
    assert [stage["key"] for stage in value["stages"]] == list(NAMES)
    axes = [entry.dimensions[int(name[1:])] for name in value["axes"]]
    others = [d for d in entry.dimensions if d not in axes]
    weakest = min(strength for d in axes for _, strength in d.factors)
    assert all(strength <= weakest for d in others for _, strength in d.factors)
    assert value["colour"] in [name for d in axes for name, _ in d.factors]


def test_photos_are_stars_where_each_stage_encodes_them(library):
    image = np.full((64, 64, 3), 90, np.uint8)
    stars = map_value(library, library.get(DIRECT), [Photo("mug.png", image)])["photos"]
    assert [star["checkpoint"] for star in stars] == list(NAMES)
    for star in stars:
        code = encode(library.get(star["checkpoint"]).model, image[None]).mean[0]
        assert np.allclose(star["code"], code, atol=1e-4)


def test_without_codes_there_is_a_map_without_points(checkpoints):
    entry = Library(checkpoints).get(SOURCE)
    entry.sample = None
    value = map_value(Library(), entry)
    assert [stage["count"] for stage in value["stages"]] == [0]
    assert value["principal"]["axes"] == []


def test_principal_axes_find_where_codes_spread():
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((500, 4)) @ np.diag([0.1, 5.0, 99.0, 1.0]) + 3
    mean, axes, shares = principal_axes(codes, [Dimension(0), Dimension(1), Dimension(3)])
    assert np.allclose(axes @ axes.T, np.eye(2))
    assert np.array_equal(np.abs(axes).argmax(axis=1), [1, 3])
    assert (axes.max(axis=1) > 0.9).all()
    assert axes[:, 2].tolist() == [0, 0]
    projected = (codes - mean) @ axes.T
    assert np.allclose(projected.mean(axis=0), 0)
    assert shares[0] > 0.9 > shares[1]


def test_a_start_is_the_stored_code(library):
    entry = library.get(SOURCE)
    start = start_at(entry, 7)
    assert np.array_equal(start.code, entry.sample[0][7])
    assert start.original.shape == (64, 64, 3)
    for row in (-1, len(entry.sample[0]), "7", None, True):
        with pytest.raises(CheckpointError, match="there is no number"):
            start_at(entry, row)


def test_a_walk_passes_through_its_stops(library):
    model = library.get(SOURCE).model
    stops = np.random.default_rng(0).standard_normal((3, SHAPE.latent_size)).astype(np.float32)
    frames = walk(model, stops)
    assert len(frames) == 2 * LEG + 1
    assert np.array_equal(frames[::LEG], decode(model, stops))


def test_dimensions_not_in_use_are_named_for_each_stage(checkpoints):
    library = Library(checkpoints)
    source = library.get(SOURCE)
    source.dimensions = [replace(source.dimensions[0], active=False), *source.dimensions[1:]]
    first, *others = map_value(library, library.get(TUNED))["stages"]
    assert "z0" in first["idle"]
    assert len(first["idle"]) == 1 + sum(not d.active for d in source.dimensions[1:])
    assert all("z0" not in stage["idle"] for stage in others)
