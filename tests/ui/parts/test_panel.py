import base64
import io
import json
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dviz.data.dsprites import ColorDSprites
from dviz.errors import CheckpointError
from dviz.measuring.circles import measured_circles
from dviz.measuring.report import Report
from dviz.ui.core import starts
from dviz.ui.core.inspector import Dimension, decode
from dviz.ui.core.library import Library
from dviz.ui.parts.panel import (
    MAX_PICTURES,
    STEPS,
    build_panel,
    first_axes,
    panel_value,
    split_dimensions,
)
from tests.ui.material import NAMES, SHAPE

SOURCE, DIRECT, TUNED = NAMES


@pytest.fixture
def entry(library):
    return library.get(SOURCE)


@pytest.fixture
def bare(checkpoints, tmp_path):
    """A checkpoint that came without codes and report."""
    folder = tmp_path / "bare" / SOURCE
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_bytes((checkpoints / SOURCE / name).read_bytes())
    return Library(tmp_path / "bare").get(SOURCE)


def test_a_page_opens_with_the_same_start_every_time(entry):
    assert np.array_equal(starts.first(entry).code, starts.first(entry).code)


def test_a_sample_shows_the_image_its_code_was_read_from(entry):
    start = starts.from_sample(entry, np.random.default_rng(3))
    codes, classes = entry.sample
    row = int(np.flatnonzero((codes == start.code).all(axis=1))[0])
    assert np.array_equal(start.original, ColorDSprites().render(classes[row : row + 1])[0])
    assert f"colour {entry.config.factors[0].label(classes[row, 0])}" in start.caption


def test_where_images_need_files_a_sample_has_a_code_only(library):
    start = starts.from_sample(library.get(DIRECT), np.random.default_rng(0))
    assert start.original is None
    assert "thing " in start.caption


def test_it_is_said_who_paints_where_the_source_lent_its_decoder(checkpoints):
    library = Library(checkpoints)

    def said(name):
        found = library.get(name)
        return panel_value(library, found, starts.first(found))["painted"]

    assert said(SOURCE) == said(TUNED) == ""
    assert "the Source's decoder" in said(DIRECT)
    direct = library.get(DIRECT)
    painting = {"dataset": direct.config.dataset, "steps": 4000, "batch_size": 16}
    direct.config = replace(direct.config, painting=painting)
    assert "from these codes" in said(DIRECT)


def test_other_starts(entry):
    prior = starts.from_prior(entry, np.random.default_rng(0))
    assert prior.code.shape == (SHAPE.latent_size,)
    photo = starts.from_photo(entry, np.full((64, 64, 3), 90, np.uint8), "mug.jpg")
    assert photo.caption == "mug.jpg"
    assert (photo.original == 90).all()


def test_by_chance_a_painted_direct_transfer_starts_among_its_own_codes(checkpoints):
    direct = Library(checkpoints).get(DIRECT)
    far = replace(direct.measured, mean=[9.0] * SHAPE.latent_size, std=[0.1] * SHAPE.latent_size)
    direct.report = Report({far.dataset: far})

    def drawn():
        return starts.from_prior(direct, np.random.default_rng(0)).code

    assert np.abs(drawn()).max() < 5
    painting = {"dataset": far.dataset, "steps": 4000, "batch_size": 16}
    direct.config = replace(direct.config, painting=painting)
    assert np.abs(drawn() - 9).max() < 1


def test_by_chance_a_circle_is_never_left(entry):
    active = replace(entry.measured, active=[True] * SHAPE.latent_size)
    entry.report = Report({active.dataset: active})
    training = entry.config.training | {"cyclic_dimensions": 2}
    entry.config = replace(entry.config, training=training)
    (circle,) = measured_circles(entry.config, active)
    for seed in range(5):
        drawn = starts.from_prior(entry, np.random.default_rng(seed))
        away = drawn.code[list(circle.dimensions)] - circle.middle
        assert np.hypot(*away) == pytest.approx(circle.radius, rel=1e-4)
    assert circle.factor in drawn.caption


def test_without_codes_a_page_opens_with_the_prior(bare):
    assert not starts.first(bare).code.any()
    with pytest.raises(CheckpointError, match="start from the prior or a photo"):
        starts.from_sample(bare, np.random.default_rng(0))
    value = panel_value(Library(), bare, starts.first(bare))
    assert len(value["sliders"]) == SHAPE.latent_size
    assert [r["name"] for r in value["ranges"]] == ["prior"]


def test_the_value_names_every_dimension_and_survives_json(library, entry):
    value = json.loads(json.dumps(panel_value(library, entry, starts.first(entry))))
    shown = value["sliders"] + value["inactive"]
    assert sorted(s["index"] for s in shown) == list(range(SHAPE.latent_size))
    assert all(s["active"] for s in value["sliders"])
    assert value["picture"].startswith("data:image/png;base64,")
    assert len(set(value["axes"])) == 2
    assert [s["key"] for s in value["stages"]] == list(NAMES)
    digests = [s["decoder"]["digest"] for s in value["stages"]]
    assert digests[0] == digests[1] != digests[2]  # the page shows one tile a decoder
    own = library.get(TUNED).result
    tuned = value["stages"][2]["within"]
    assert np.allclose(tuned, [own.low, own.high], atol=1e-4)
    assert value["stages"][1]["within"] is None  # its codes are not those its decoder learnt from


def test_ranges_are_those_of_every_dataset_measured(checkpoints):
    entry = Library(checkpoints).get(DIRECT)
    own = entry.result
    elsewhere = replace(own, dataset="color-dsprites", low=[v - 1 for v in own.low])
    entry.report = Report({"things": own, "color-dsprites": elsewhere})
    value = panel_value(Library(checkpoints), entry, starts.first(entry))
    assert [r["title"] for r in value["ranges"]] == ["Target: things", "Source: Color-dSprites"]
    assert value["ranges"][1]["low"] == elsewhere.low


@pytest.mark.parametrize(
    ("factors", "axes"),
    [
        ({0: ("hue", 0.9), 1: ("position x", 0.4), 3: ("position y", 0.5)}, [1, 3]),
        ({0: ("hue", 0.5), 1: ("size", 0.9), 3: ("shape", 0.8)}, [1, 3]),
        ({2: ("hue", 0.5)}, [0, 2]),
        ({}, [0, 1]),
    ],
)
def test_the_pad_opens_with_positions_or_the_best_associated(factors, axes):
    shown = [Dimension(d, factors=(factors[d],) if d in factors else ()) for d in range(4)]
    assert first_axes(shown) == axes
    assert first_axes(shown[:1]) == [0]


def test_dimensions_of_a_factor_come_first(entry):
    shown, hidden = split_dimensions(entry)
    has_factor = [bool(d.factors) for d in shown]
    assert has_factor == sorted(has_factor, reverse=True)
    assert not any(d.active for d in hidden)


def test_of_many_dimensions_it_is_said_how_many_have_no_slider(library):
    entry = copy(library.get(SOURCE))
    start = starts.first(entry)
    assert panel_value(library, entry, start)["left_out"] == 0
    entry.dimensions = [Dimension(d % 5) for d in range(40)]
    assert panel_value(library, entry, start)["left_out"] == 8


def test_the_panel_answers_with_pictures(library):
    panel = build_panel(library)
    codes = np.array([[-2.0, 0, 0, 0, 0], [2.0, 0, 0, 0, 0]])
    reply = panel.pictures({"checkpoint": SOURCE, "codes": codes.tolist()})
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(reply["pictures"].split(",")[1]))))
    expected = decode(library.get(SOURCE).model, codes)
    assert np.array_equal(image, np.concatenate(list(expected), axis=1))
    assert STEPS % 2 == 1  # so that the middle of the range is shown


def test_an_animation_goes_there_and_back(library):
    request = {"checkpoint": SOURCE, "code": [0.0] * 5, "dimension": 1, "low": -2, "high": 2}
    reply = build_panel(library).animation(request)["animation"]
    film = Image.open(io.BytesIO(base64.b64decode(reply.split(",")[1])))
    assert film.format == "GIF"
    assert film.n_frames > 20
    assert film.info["loop"] == 0
    assert "error" in build_panel(library).animation({**request, "dimension": 5})


def test_a_scene_has_the_values_that_were_chosen(library):
    reply = build_panel(library).scene({"checkpoint": SOURCE, "wanted": [3, 2, *[None] * 4]})
    assert "colour green, shape heart" in reply["caption"]
    assert reply["original"]
    stored = build_panel(library).scene({"checkpoint": TUNED, "wanted": [2, None, None]})
    assert "thing heart" in stored["caption"]
    assert stored["original"] is None


def test_a_factor_s_values_are_drawn_from_samples_that_have_them(library):
    reply = build_panel(library).gallery({"checkpoint": TUNED, "factor": 0})
    codes, classes = library.get(TUNED).sample
    assert reply["values"] == [0, 1, 2]
    for value, code in zip(reply["values"], reply["codes"], strict=True):
        row = np.abs(codes - code).sum(axis=1).argmin()
        assert np.allclose(codes[row], code, atol=1e-4)
        assert classes[row, 0] == value


def test_the_way_a_dimension_goes_is_looked_up_in_the_picture(entry, monkeypatch):
    from dviz.ui.core import direction

    def picture(row, column):
        image = np.zeros((64, 64, 3), np.uint8)
        image[row : row + 8, column : column + 8] = 255
        return image

    sees = {
        "position x": (picture(20, 50), picture(20, 10)),
        "position y": (picture(8, 30), picture(50, 30)),
    }
    for name, (low, high) in sees.items():
        for ends, expected in (((low, high), True), ((high, low), False)):
            monkeypatch.setattr(direction, "decode", lambda *_, ends=ends: np.stack(ends))
            dimension = Dimension(0, factors=((name, 0.9),))
            assert direction.backwards(entry, np.zeros(5, np.float32), dimension) == expected
    assert not direction.backwards(entry, np.zeros(5), Dimension(0, factors=(("scale", 0.9),)))


@pytest.mark.parametrize("wanted", [None, [0], [99, *[None] * 5], ["0"] * 6, [True] * 6, [-1] * 6])
def test_scenes_that_there_are_not_are_refused(library, wanted):
    reply = build_panel(library).scene({"checkpoint": SOURCE, "wanted": wanted})
    assert set(reply) == {"error"}


def test_values_that_no_stored_code_has_are_said(library):
    entry = library.get(TUNED)
    there = {tuple(row) for row in entry.sample[1]}
    missing = next(w for w in np.ndindex(3, 8, 6) if w not in there)
    with pytest.raises(CheckpointError, match="leave more of them at any"):
        starts.from_scene(entry, missing, np.random.default_rng(0))


@pytest.mark.parametrize(
    "request_",
    [
        None,
        [],
        "sprites",
        {},
        {"checkpoint": SOURCE, "codes": []},
        {"checkpoint": SOURCE},
        {"checkpoint": "nothing", "codes": [[0.0] * 5]},
        {"checkpoint": SOURCE, "codes": [[0.0]]},
        {"checkpoint": SOURCE, "codes": [["a"] * 5]},
        {"checkpoint": SOURCE, "codes": [[float("nan")] * 5]},
        {"checkpoint": SOURCE, "codes": [[0.0] * 5] * (MAX_PICTURES + 1)},
        {"checkpoint": SOURCE, "codes": [[1e300] * 5]},
        {"checkpoint": SOURCE, "codes": {"a": 1}},
        {"checkpoint": ["x"], "codes": [[0.0] * 5]},
    ],
)
def test_the_panel_answers_nonsense_in_one_line(library, request_):
    panel = build_panel(library)
    asks = (panel.pictures, panel.animation, panel.scene, panel.start, panel.gallery)
    for ask in (*asks, panel.suggestions):
        answer = ask(request_)
        assert set(answer) == {"error"}
        assert "\n" not in answer["error"]
