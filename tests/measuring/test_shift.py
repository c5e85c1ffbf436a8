"""Two datasets in the eyes of one model."""

import numpy as np
import pytest

from dviz.checkpoint import REPORT, load_checkpoint
from dviz.data.arrays import from_arrays
from dviz.data.dsprites import ColorDSprites, NoisyColorDSprites
from dviz.errors import CheckpointError
from dviz.measuring.report import read_report
from dviz.measuring.shift import add_distance, measure_distance, source_of
from tests.ui.material import NAMES, Things


@pytest.fixture(scope="module")
def encoder(checkpoints):
    return load_checkpoint(checkpoints / NAMES[0])


def measure(encoder, target):
    return measure_distance(encoder, ColorDSprites(), target, num_images=600, seed=3)


def test_a_dataset_lies_at_no_distance_from_itself(encoder):
    found = measure(encoder, ColorDSprites())
    assert found.frechet == pytest.approx(0, abs=1e-6)
    assert found.pixel_frechet == pytest.approx(0, abs=1e-6)
    assert found.elbo_drop == 0
    assert found.mmd_p_value > 0.5
    assert found.outside < 0.1


@pytest.mark.parametrize("target", [NoisyColorDSprites(), Things()])
def test_another_dataset_lies_farther_away_in_every_respect(encoder, target):
    near, far = measure(encoder, ColorDSprites()), measure(encoder, target)
    for what in ("frechet", "mmd", "outside", "elbo_drop", "pixel_frechet"):
        assert getattr(far, what) > getattr(near, what)
    assert far.mmd_p_value < 0.01
    assert far.source == "color-dsprites"
    assert far.target == target.name


def test_the_same_seed_gives_the_same_distance(encoder):
    assert measure(encoder, Things()) == measure(encoder, Things())


def test_few_images_of_one_distribution_lie_at_no_distance(encoder):
    """Drawn again and again they would seem to lie at one."""
    images = ColorDSprites().sample(400, np.random.default_rng(0))[0]
    one, other = from_arrays(images[:250]), from_arrays(images[250:])
    found = measure_distance(encoder, one, other, num_images=2_000, seed=3)
    assert found.num_images == 150
    assert found.mmd_p_value > 0.05
    again = measure_distance(encoder, one, other, num_images=found.num_images, seed=3)
    assert again == found


def test_it_goes_into_the_report_and_leaves_the_rest(checkpoints, tmp_path, encoder):
    import shutil

    folder = shutil.copytree(checkpoints / NAMES[2], tmp_path / "copy")
    before = read_report(folder / REPORT)
    distance = measure(encoder, Things())
    add_distance(load_checkpoint(folder), distance)
    after = read_report(folder / REPORT)
    assert after.distance == distance
    assert np.array_equal(list(after.results), list(before.results))
    assert after.baselines == before.baselines


def test_the_source_is_found_through_the_lineage(checkpoints, encoder):
    assert source_of(load_checkpoint(checkpoints / NAMES[2])).config == encoder.config
    with pytest.raises(CheckpointError, match="is a Source"):
        source_of(encoder)
