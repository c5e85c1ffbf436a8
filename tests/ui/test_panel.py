import json

import numpy as np
import pytest

from dviz.data.dsprites import ColorDSprites
from dviz.errors import CheckpointError
from dviz.ui import starts
from dviz.ui.library import Library
from dviz.ui.panel import STEPS, build_panel, panel_value, split_dimensions
from tests.ui.material import NAMES, SHAPE

SOURCE, DIRECT, _ = NAMES


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


def test_other_starts(entry):
    prior = starts.from_prior(entry, np.random.default_rng(0))
    assert prior.code.shape == (SHAPE.latent_size,)
    photo = starts.from_photo(entry, np.full((64, 64, 3), 90, np.uint8), "mug.jpg")
    assert photo.caption == "mug.jpg"
    assert (photo.original == 90).all()


def test_without_codes_a_page_opens_with_the_prior(bare):
    assert not starts.first(bare).code.any()
    with pytest.raises(CheckpointError, match="start from the prior or a photo"):
        starts.from_sample(bare, np.random.default_rng(0))
    assert len(panel_value(bare, starts.first(bare))["sliders"]) == SHAPE.latent_size


@pytest.mark.parametrize("far", [0.0, 50.0, -50.0])
def test_every_slider_holds_the_start(entry, far):
    code = np.full(SHAPE.latent_size, far, dtype=np.float32)
    value = json.loads(json.dumps(panel_value(entry, starts.Start(code, "far"))))
    shown = value["sliders"] + value["inactive"]
    assert sorted(s["index"] for s in shown) == list(range(SHAPE.latent_size))
    assert all(s["low"] <= far <= s["high"] for s in shown)
    assert value["picture"].startswith("data:image/png;base64,")


def test_dimensions_of_a_factor_come_first(entry):
    shown, hidden = split_dimensions(entry)
    has_factor = [bool(d.factors) for d in shown]
    assert has_factor == sorted(has_factor, reverse=True)
    assert not any(d.active for d in hidden)


def test_the_panel_answers_with_pictures(library):
    panel = build_panel(library)
    code = [0.0] * SHAPE.latent_size
    low, high = (
        panel.picture({"checkpoint": SOURCE, "code": [value, *code[1:]]})["picture"]
        for value in (-2.0, 2.0)
    )
    assert low != high
    strips = panel.grid({"checkpoint": SOURCE, "code": code})["strips"]
    assert len(strips) == len(split_dimensions(library.get(SOURCE))[0])
    assert len(set(strips)) > 1
    assert STEPS % 2 == 1  # so that the middle of the range is shown


@pytest.mark.parametrize(
    "request_",
    [
        None,
        [],
        "sprites",
        {},
        {"checkpoint": SOURCE},
        {"checkpoint": "nothing", "code": [0.0] * 5},
        {"checkpoint": SOURCE, "code": [0.0]},
        {"checkpoint": SOURCE, "code": ["a"] * 5},
        {"checkpoint": SOURCE, "code": [float("nan")] * 5},
        {"checkpoint": SOURCE, "code": [[0.0] * 5] * 1000},
        {"checkpoint": SOURCE, "code": [1e300] * 5},
        {"checkpoint": SOURCE, "code": {"a": 1}},
        {"checkpoint": ["x"], "code": [0.0] * 5},
    ],
)
def test_the_panel_answers_nonsense_in_one_line(library, request_):
    panel = build_panel(library)
    for ask in (panel.picture, panel.grid):
        answer = ask(request_)
        assert set(answer) == {"error"}
        assert "\n" not in answer["error"]
