import base64
import csv
import io
import re

import numpy as np
from PIL import Image

from dviz.factors import Factor
from dviz.ui.core.shared import Share
from dviz.ui.parts.codes_map import (
    MOST_BARS,
    STATIC,
    _bars,
    film_of,
    picture_of,
    sample_of,
    shared_by,
    table_of,
)
from tests.ui.material import NAMES

SOURCE, _, TUNED = NAMES


def bits(rows, count):
    mask = np.zeros(count, bool)
    mask[rows] = True
    return {"picked": base64.b64encode(np.packbits(mask, bitorder="little")).decode()}


def test_a_link_without_words_is_hidden_until_it_has_some():
    links = re.findall("<a [^>]*></a>", (STATIC / "map.html").read_text("utf-8"))
    assert links
    assert all(link.endswith(" hidden></a>") for link in links)


def test_a_table_holds_the_picked_samples(library):
    entry = library.get(SOURCE)
    codes, classes = entry.sample
    text = table_of(entry, bits([3, 8], len(codes)))["text"]
    header, *rows = csv.reader(io.StringIO(text))
    factors = entry.config.factors
    assert header == ["sample", *(f.name for f in factors), *(f"z{d}" for d in range(5))]
    assert [row[0] for row in rows] == ["3", "8"]
    for row, number in zip(rows, (3, 8), strict=True):
        assert row[1 : 1 + len(factors)] == [
            f.label(value) for f, value in zip(factors, classes[number], strict=True)
        ]
        assert np.allclose(np.array(row[-5:], float), codes[number], atol=1e-4)


def test_shared_values_come_with_words_and_bars(library):
    entry = library.get(TUNED)
    _, classes = entry.sample
    reply = shared_by(entry, bits(np.flatnonzero(classes[:, 0] == 1), len(classes)))
    assert reply["words"][0].startswith("100% have thing disc")
    thing = reply["factors"][0]
    assert thing["name"] == "thing"
    assert [bar["share"] for bar in thing["bars"]] == [0, 1, 0]
    assert [bar["more"] for bar in thing["bars"]] == [False, True, False]


def test_genuine_pictures_come_where_they_can_be_drawn(library):
    assert picture_of(library.get(SOURCE), {"row": 0})["picture"].startswith("data:image/png")
    assert picture_of(library.get(TUNED), {"row": 0})["picture"] is None
    start = sample_of(library.get(SOURCE), {"row": 4})
    assert np.allclose(start["code"], library.get(SOURCE).sample[0][4], atol=1e-4)


def test_a_path_becomes_a_moving_picture(library):
    entry = library.get(SOURCE)
    address = film_of(entry, {"codes": entry.sample[0][:3].tolist()})["animation"]
    film = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
    assert film.n_frames > 24


def test_of_very_many_values_the_most_frequent_have_a_bar():
    picked = np.zeros(1000, int)
    picked[[3, 999]] = 5, 7
    bars = _bars(Share(Factor("id", 1000), picked, np.full(1000, 9), ()))["bars"]
    assert len(bars) == MOST_BARS
    assert [bar["share"] for bar in bars if bar["share"]] == [0.4167, 0.5833]
