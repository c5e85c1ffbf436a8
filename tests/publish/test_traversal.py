import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dviz.checkpoint import CARD, CODES, REPORT, TRAVERSAL, load_checkpoint
from dviz.measuring.report import read_report
from dviz.models.vae import to_images
from dviz.publish.card import write_card
from dviz.publish.traversal import COLUMNS, rows_of, traversal_sheet, write_traversal
from tests.ui.material import NAMES


@pytest.fixture
def folder(checkpoints, tmp_path):
    return shutil.copytree(checkpoints / NAMES[0], tmp_path / NAMES[0])


def test_a_row_moves_one_dimension_from_its_low_to_its_high(folder):
    import torch

    checkpoint = load_checkpoint(folder)
    result = read_report(folder / REPORT).results[checkpoint.config.dataset]
    code = np.linspace(-1, 1, len(result.active)).astype(np.float32)
    rows = rows_of(checkpoint.config, result, code, COLUMNS)
    sheet = traversal_sheet(checkpoint.model, rows)
    active = np.flatnonzero(result.active)
    assert sheet.shape == (64 * len(active), 64 * COLUMNS, 3)
    for row, d in enumerate(active):
        for column, value in ((0, result.low[d]), (COLUMNS - 1, result.high[d])):
            moved = code.copy()
            moved[d] = value
            (expected,) = to_images(checkpoint.model.decode(torch.from_numpy(moved)[None]).detach())
            found = sheet[64 * row : 64 * row + 64, 64 * column : 64 * column + 64]
            assert np.abs(found.astype(int) - expected).max() <= 1


def test_two_dimensions_that_are_a_circle_share_a_row_that_goes_once_around_it(folder):
    config = load_checkpoint(folder).config
    config = replace(config, training=config.training | {"cyclic_dimensions": 2})
    result = read_report(folder / REPORT).results[config.dataset]
    result = replace(result, active=[True] * len(result.active))
    code = np.linspace(-1, 1, len(result.active)).astype(np.float32)
    rows = rows_of(config, result, code, COLUMNS)
    assert [row.name for row in rows][2:5] == ["z2", "z3, z4"]
    (turn,) = (row for row in rows if len(row.dimensions) == 2)
    middle = [(result.low[d] + result.high[d]) / 2 for d in turn.dimensions]
    away = turn.codes[:, turn.dimensions] - middle
    np.testing.assert_allclose(np.hypot(*away.T), np.hypot(*away[0]), rtol=1e-4)
    turns = np.diff(np.unwrap(np.arctan2(*away.T[::-1])))
    np.testing.assert_allclose(turns, 2 * np.pi / (COLUMNS - 1), rtol=1e-4)
    rest = np.delete(turn.codes, turn.dimensions, axis=1)
    assert (rest == np.delete(code, turn.dimensions)).all()


def test_the_card_shows_it_with_a_name_for_every_row(folder):
    assert write_traversal(folder)
    write_card(folder)
    result = next(iter(read_report(folder / REPORT).results.values()))
    with Image.open(folder / TRAVERSAL) as image:
        assert image.size == (64 * COLUMNS, 64 * sum(result.active))
    card = (folder / CARD).read_text(encoding="utf-8")
    assert f"]({TRAVERSAL})" in card
    told = card.partition("From above: ")[2].partition(". In brackets")[0]
    for d in np.flatnonzero(result.active):
        assert f"z{d}{' (' if d in result.labels() else ''}" in told


def test_without_codes_there_is_none(folder):
    (folder / CODES).unlink()
    assert not write_traversal(folder)
    write_card(folder)
    assert TRAVERSAL not in (folder / CARD).read_text(encoding="utf-8")
