"""What is said of photos: whether they are unusual, what they are near to, how they differ."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from dviz.data.dsprites import ColorDSprites
from dviz.ui.core.inspector import Dimension, decode
from dviz.ui.core.pictures import data_uri
from dviz.ui.core.reading import (
    nearest,
    read,
    strays,
    swaps,
    undetermined,
    usual_nearest,
)
from dviz.ui.core.uploads import Photo
from dviz.ui.parts import cards as photo_cards
from dviz.ui.parts import neighbours, photo_table
from dviz.ui.parts.downloads import csv_text
from tests.ui.material import NAMES, Things

SOURCE, DIRECT, TUNED = NAMES


def photos(images):
    return [Photo(f"{n}.png", image, thumbnail=data_uri(image)) for n, image in enumerate(images)]


@pytest.fixture(scope="module")
def entry(library):
    return library.get(SOURCE)


@pytest.fixture(scope="module")
def sprites():
    return ColorDSprites().sample(100, np.random.default_rng(3))[0]


def test_a_dataset_s_own_images_are_in_its_distribution(entry, sprites):
    readings = read(entry, photos(sprites))
    assert np.mean([reading.out_of_distribution for reading in readings]) < 0.15
    assert all(reading.usual_error == entry.result.mse for reading in readings)


def test_noise_and_inverted_images_are_not(entry, sprites):
    noise = np.random.default_rng(0).integers(0, 256, (10, 64, 64, 3), dtype=np.uint8)
    for reading in read(entry, photos([*noise, *(255 - sprites[:10])])):
        assert reading.out_of_distribution
        words = photo_cards.verdict(entry, reading)
        assert "Out of distribution" in words
        assert "standard deviations" in words or "times the usual" in words


def test_strays_say_which_dimension_and_how_far():
    dimensions = [
        Dimension(0, low=-1, high=1, std=0.5, factors=(("scale", 0.9),)),
        Dimension(1, low=-1, high=1),
        Dimension(2, low=-1, high=1, active=False),
    ]
    far, near = strays(np.array([3.0, -1.25, 99.0]), dimensions)
    assert (far.dimension.index, far.value, far.beyond) == (0, 3.0, 4.0)
    assert (near.dimension.index, near.beyond) == (1, 0.25)
    words = photo_cards.stray_in_words(far)
    assert words == "z0 (scale) is 3.00, 4.0 standard deviations above the usual -1.00 … 1.00"
    assert strays(np.zeros(3), dimensions) == []


def test_a_deviation_far_wider_than_the_dataset_s_leaves_a_code_undetermined(entry, sprites):
    dimensions = [
        Dimension(0, low=-1, high=1, kl=2.0),
        Dimension(1, low=-0.1, high=0.1, kl=0.0),  # says nothing, as the prior does
        Dimension(2, low=-0.5, high=0.5, kl=20.0),  # wide on its own dataset already
        Dimension(3, low=-1, high=1, active=False),
    ]
    wide, *rest = undetermined(np.array([440.0, 1.0, 7.0, 440.0]), dimensions)
    assert (wide.index, rest) == (0, [])
    reading = read(entry, photos(sprites[:1]))[0]
    assert reading.undetermined == []
    lost = replace(reading, std=np.full_like(reading.std, 440), undetermined=[entry.dimensions[0]])
    assert lost.out_of_distribution
    assert "is undetermined (± 440)" in photo_cards.verdict(entry, lost)


def test_readings_off_an_unlikely_photo_are_called_guesses(entry, sprites):
    for reading in read(entry, photos([sprites[0], 255 - sprites[0]])):
        table = photo_cards.predictions_table(entry, reading)
        assert (photo_cards.GUESSES in table) == reading.out_of_distribution
        assert ("guesses" in table) == reading.out_of_distribution
        assert photo_cards.TICK in table


def test_a_sample_is_its_own_nearest_neighbour(entry):
    codes, _ = entry.sample
    active = [d for d in entry.dimensions if d.active]
    rows, distances = nearest(codes, codes[17], active, 5)
    assert rows[0] == 17
    assert distances[0] == 0
    assert (np.diff(distances) >= 0).all()
    one = active[:1]
    rows, distances = nearest(codes, codes[17], one, len(codes))
    gaps = np.abs(codes[:, one[0].index] - codes[17, one[0].index])
    assert np.allclose(gaps[rows] / one[0].std, distances)


def test_how_near_samples_usually_are_to_each_other():
    line = np.stack([np.arange(400.0), np.zeros(400)], axis=1)
    assert usual_nearest(line, [Dimension(0, std=2.0), Dimension(1)]) == pytest.approx(0.5)
    assert usual_nearest(line, [Dimension(1)]) == 0


def test_a_photo_far_from_every_sample_is_said_to_have_nothing_near(entry):
    codes, _ = entry.sample
    reading = read(entry, photos(np.zeros((1, 64, 64, 3), dtype=np.uint8)))[0]
    near, far = (replace(reading, code=code) for code in (codes[3], codes[3] + 1000))
    assert "Nothing in the dataset" not in neighbours.neighbours(entry, near)
    assert "Nothing in the dataset" in neighbours.neighbours(entry, far)


def test_neighbours_are_drawn_or_their_codes_decoded(entry, library, sprites):
    drawn = neighbours.neighbours(entry, read(entry, photos(sprites[:1]))[0])
    assert drawn.count("<img") == neighbours.NEIGHBOURS
    assert "Nearest of" in drawn
    target = library.get(TUNED)
    told = neighbours.neighbours(target, read(target, photos(sprites[:1]))[0])
    assert told.count("<img") == neighbours.NEIGHBOURS
    assert told.count("thing <b>") == neighbours.NEIGHBOURS
    assert told.count("its code, decoded</i>") == neighbours.NEIGHBOURS
    assert "its code, decoded" not in drawn


def test_a_swap_changes_one_dimension_and_all_swaps_make_the_other(entry):
    codes, _ = entry.sample
    images = swaps(entry.model, codes[0], codes[1], entry.dimensions)
    for d, image in zip(entry.dimensions, images, strict=True):
        code = codes[0].copy()
        code[d.index] = codes[1, d.index]
        assert np.array_equal(image, decode(entry.model, code)[0])
    itself = swaps(entry.model, codes[0], codes[0], entry.dimensions)
    assert (itself == decode(entry.model, codes[0])[0]).all()
    assert swaps(entry.model, codes[0], codes[1], []).shape == (0, 64, 64, 3)


def test_files_to_take_away_hold_what_is_shown(library):
    entry = library.get(TUNED)
    images = Things().sample(3, np.random.default_rng(0))[0]
    readings = read(entry, photos(images))
    broken = [Photo("=cmd()", problem="not a picture")]
    rows = list(csv.DictReader(io.StringIO(photo_table.photos_csv(entry, readings, broken))))
    assert [row["photo"] for row in rows] == ["0.png", "1.png", "2.png", "'=cmd()"]
    for row, reading in zip(rows, readings, strict=False):
        codes = [float(row[d.name]) for d in entry.dimensions]
        assert np.allclose(codes, reading.code, atol=1e-4)
        assert row["thing"] == reading.predictions[0].value
    values = json.loads(photo_table.photos_json(entry, readings, broken))
    assert values["checkpoint"] == TUNED
    assert [photo["name"] for photo in values["photos"]] == ["0.png", "1.png", "2.png", "=cmd()"]
    assert np.allclose(values["photos"][1]["std"], readings[1].std, atol=1e-4)


@pytest.mark.parametrize("word", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_spreadsheet_takes_a_word_for_a_formula(word):
    assert list(csv.reader(io.StringIO(csv_text(["a"], [[word]]))))[1] == ["'" + word]


def test_numbers_stay_numbers_and_gaps_stay_empty():
    rows = list(csv.reader(io.StringIO(csv_text(["a", "b", "c"], [[-1.5, None, float("nan")]]))))
    assert rows[1] == ["-1.5", "", ""]


def test_own_images_tell_when_an_error_makes_readings_guesses(entry, sprites):
    readings = read(entry, photos(sprites))
    assert np.mean([reading.poorly_painted for reading in readings]) < 0.05
    assert np.mean([reading.worse_than for reading in readings]) == pytest.approx(0.5, abs=0.15)
    shown = photos(sprites[:1])
    calm = replace(read(entry, shown)[0], strays=[], undetermined=[], worse_than=0.5)
    assert "A usual code" in photo_cards.verdict(entry, calm)
    assert "guesses" not in photo_cards.predictions_table(entry, calm)
    poor = replace(calm, worse_than=1.0)
    words = photo_cards.verdict(entry, poor)
    assert "verdict out" in words
    assert "A usual code" not in words
    assert "worse than 99% of the images of Color-dSprites" in words
    assert "guesses" in photo_cards.predictions_table(entry, poor)
    assert f">{photo_cards.OWN_IMAGES}<" in photo_cards.predictions_table(entry, poor)
    assert photo_cards.OWN_IMAGES not in photo_cards.predictions_table(entry, calm)


def test_a_guess_is_neither_in_nor_out_where_all_photos_are_listed(entry, sprites):
    calm = replace(read(entry, photos(sprites[:1]))[0], strays=[], undetermined=[], worse_than=0.5)
    share = f"{calm.predictions[0].confidence:.0%}"
    for worse_than, word, shown in ((0.5, "in", f" {share}<"), (1.0, "guess", f" ({share})<")):
        reading = replace(calm, worse_than=worse_than)
        table = photo_table.overview(entry, [reading], [])
        assert f"<td>{word}</td>" in table
        assert shown in table
    lost = replace(calm, undetermined=[entry.dimensions[0]])
    assert "<td>out</td>" in photo_table.overview(entry, [lost], [])


@pytest.mark.parametrize(("times", "poor"), [(1.4, False), (1.6, True)])
def test_without_own_images_a_multiple_of_the_usual_error_is_the_bound(library, times, poor):
    entry = library.get(TUNED)
    reading = read(entry, photos(Things().sample(1, np.random.default_rng(0))[0]))[0]
    assert reading.worse_than is None
    reading = replace(
        reading, error=times * reading.usual_error, strays=[], undetermined=[]
    )  # fmt: skip
    assert reading.poorly_painted == poor
    assert ("Readings are guesses" in photo_cards.verdict(entry, reading)) == poor
