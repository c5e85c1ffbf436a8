"""Codes, labels and thumbnails as Parquet: what pandas and a dataset viewer find in it."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from PIL import Image

from dviz.checkpoint import SAMPLES
from dviz.publish.samples import write_samples
from dviz.ui.core.library import Library
from tests.ui.material import NAMES


def test_rows_are_the_stored_codes_with_their_pictures(checkpoints, tmp_path):
    path = tmp_path / SAMPLES
    entry = Library(checkpoints).get(NAMES[0])
    codes, classes = entry.sample
    assert write_samples(checkpoints / NAMES[0], path) == len(codes)
    table = pd.read_parquet(path)
    columns = [f"z{d}" for d in range(codes.shape[1])]
    np.testing.assert_array_equal(table[columns].to_numpy(), codes)
    factor = entry.config.factors[1]
    assert table[factor.name].tolist() == [factor.label(int(c)) for c in classes[:, 1]]
    picture = Image.open(io.BytesIO(table["image"][0]["bytes"]))
    assert picture.size == (64, 64)
    told = json.loads(pq.read_schema(path).metadata[b"huggingface"])
    assert told["info"]["features"]["image"] == {"_type": "Image"}
    assert set(told["info"]["features"]) == set(table.columns)


def test_without_pictures_or_codes(checkpoints, tmp_path):
    assert write_samples(checkpoints / NAMES[1], tmp_path / "things.parquet") > 0
    assert "image" not in pd.read_parquet(tmp_path / "things.parquet").columns
    (tmp_path / "bare").mkdir()
    config = (checkpoints / NAMES[0] / "config.json").read_text()
    (tmp_path / "bare" / "config.json").write_text(config)
    (tmp_path / "none.parquet").write_bytes(b"of codes that went")
    assert write_samples(tmp_path / "bare", tmp_path / "none.parquet") == 0
    assert not (tmp_path / "none.parquet").exists()
