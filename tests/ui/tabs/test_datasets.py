"""The tab that shows datasets, without a browser."""

import base64
import io
import re
from html import escape

import numpy as np
import pytest
from PIL import Image

from dviz.data import dataset_info, list_datasets
from dviz.errors import DatasetError
from dviz.ui.tabs import datasets


@pytest.fixture(autouse=True)
def nothing_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("DVIZ_DATA", str(tmp_path))
    datasets._load.cache_clear()
    yield
    datasets._load.cache_clear()


def pictures(page):
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in found]


def test_what_has_images_can_be_picked_and_the_rest_is_named(tmp_path):
    names = [name for _, name in datasets.choices()]
    assert names == [name for name in names if not dataset_info(name).needs_files]
    assert datasets.FIRST in names
    missing = re.search("Not downloaded</th><td>(.*?)</td>", datasets.about(datasets.FIRST))[1]
    titles = {escape(dataset_info(name).title) for name in list_datasets()}
    assert set(missing.split("<br>")) < titles  # names hold commas
    assert "COIL-100" in missing
    (tmp_path / dataset_info("coil100").looked_for[0]).mkdir(parents=True)
    assert "coil100" in [name for _, name in datasets.choices()]
    assert "isaac3d" in [name for _, name in datasets.choices("isaac3d")]


def test_a_drawn_dataset_shows_a_row_for_each_factor():
    page = datasets.sheet_of("color-dsprites", 0)
    rows = pictures(page)
    assert [row.shape[1] // 66 for row in rows] == [10, 10, 7, 3, 6, 10, 10, 10]
    assert all((row[:, 64:66, 3] == 0).all() for row in rows)  # the page shows between images
    names = re.findall("<figcaption>(.*?)</figcaption>", page)
    assert names[:4] == ["samples", "samples", "colour (7)", "shape (3)"]
    assert page == datasets.sheet_of("color-dsprites", 0)
    assert page != datasets.sheet_of("color-dsprites", 1)


def test_photographs_that_are_not_here_are_explained():
    page = datasets.sheet_of("coil100-augmented", 0)
    assert "<img" not in page
    assert "dviz download coil100-augmented" in page


def test_a_name_that_nobody_knows_is_refused():
    with pytest.raises(DatasetError, match="no dataset 'nothing'"):
        datasets.sheet_of("nothing", 0)


@pytest.mark.parametrize("name", [name for name in list_datasets() if name != "folder"])
def test_every_dataset_says_what_it_is(name):
    page = datasets.about(name)
    assert dataset_info(name).description.split()[0] in page
    assert f"<code>{name}</code>" in page
