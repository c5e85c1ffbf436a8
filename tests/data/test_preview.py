import numpy as np
import pytest

from dviz.data import load_dataset
from dviz.data.preview import GAP, LABEL, SIDE, contact_sheet, paste
from tests.data.material import write_folder, write_rgbd

STEP = SIDE + GAP


def cell(sheet, row, column):
    top, left = GAP + row * STEP, LABEL + column * STEP
    return sheet[top : top + SIDE, left : left + SIDE]


def test_one_row_a_factor_varies_it_from_first_to_last():
    dataset = load_dataset("color-dsprites")
    sheet = contact_sheet(dataset, np.random.default_rng(0), columns=8)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (8 * STEP + GAP, LABEL + 8 * STEP + GAP, 3)
    masks = [cell(sheet, 2, c).any(-1) for c in range(7)]
    assert all((mask == masks[0]).all() for mask in masks)
    colours = {tuple(cell(sheet, 2, c)[masks[0]][0]) for c in range(7)}
    assert len(colours) == 7
    assert (cell(sheet, 2, 7) == 250).all()  # there is no eighth colour
    middles = [np.argwhere(cell(sheet, 6, c).any(-1)).mean(0) for c in range(8)]
    assert (np.diff([m[1] for m in middles]) > 3).all()  # position x grows
    assert np.ptp([m[0] for m in middles]) < 1.5
    assert (sheet[:, : LABEL - 4] < 100).any()  # names
    assert (sheet == contact_sheet(dataset, np.random.default_rng(0), columns=8)).all()


def test_a_long_name_is_whole():
    image = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    short, long = (paste([(name, image)], 1) for name in ("z0", "z0 lighting intensity of a lamp"))
    assert short.shape[1] == LABEL + STEP + GAP
    assert long.shape[1] > short.shape[1]
    assert (long[:, :4] > 200).all()  # no letter at the edge
    assert (long[:, 4:20] < 200).any()


@pytest.mark.parametrize("name", ["noisy-dsprites", "shapes3d"])
def test_scenes_of_every_kind(name):
    dataset = load_dataset(name)
    sheet = contact_sheet(dataset, np.random.default_rng(0), columns=3, samples=1)
    assert sheet.shape[0] == (1 + len(dataset.space)) * STEP + GAP


def test_tables_show_images_that_differ_in_one_factor_alone(tmp_path):
    write_rgbd(tmp_path)
    dataset = load_dataset("rgbd-objects", tmp_path)
    sheet = contact_sheet(dataset, np.random.default_rng(0), columns=6, samples=1)
    shades = [int(cell(sheet, 3, c)[32, 32, 0]) for c in range(6)]
    assert np.diff(shades[:4]).tolist() == [1, 1, 1]  # four poses
    assert shades[4:] == [250, 250]


def test_without_labels_there_are_samples_alone(tmp_path):
    dataset = load_dataset("folder", write_folder(tmp_path / "x", rows=False))
    assert contact_sheet(dataset, np.random.default_rng(0)).shape[0] == 2 * STEP + GAP
