"""A report against a second measurement."""

import io
import shutil
from contextlib import redirect_stdout
from dataclasses import replace

import pytest

from dviz.checkpoint import REPORT, load_checkpoint
from dviz.data.dsprites import ColorDSprites
from dviz.measuring.agreement import disagreements, distance_disagreements
from dviz.measuring.encoder import measure
from dviz.measuring.report import DistanceReport, ProbeScore, read_report, write_report
from tests.ui.material import NAMES


@pytest.fixture(scope="module")
def model(checkpoints):
    return load_checkpoint(checkpoints / NAMES[0]).model


def measured(model, seed=0):
    found, _ = measure(
        model, ColorDSprites(), num_images=900, num_pairs=500, seed=seed, probes=False
    )
    score = ProbeScore("shape", "gbt", "all", 0.5, 0.5, 0.33, 0.03)
    return replace(found, probes=[score], scores={"mig": 0.2})


@pytest.fixture(scope="module")
def stored(model):
    return measured(model)


def test_the_same_seed_measures_the_same(model, stored):
    again = measured(model)
    assert again.association == stored.association
    assert disagreements(stored, again) == []


def test_another_seed_agrees_within_sampling_error(model, stored):
    assert disagreements(stored, measured(model, seed=1)) == []


def test_another_model_does_not(stored):
    import torch

    from dviz.models.vae import VAE

    torch.manual_seed(0)
    other = measured(VAE(load_shape(stored)).eval())
    assert any("association of z" in line for line in disagreements(stored, other))
    assert any("reconstruction" in line for line in disagreements(stored, other))


def load_shape(stored):
    from dviz.models.vae import VAEConfig

    return VAEConfig(filters=8, latent_size=len(stored.active))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_images": 5}, "num_images: report 900, now 5"),
        ({"mse": 1.0}, "mse"),
        ({"scores": {"mig": 0.24}}, "mig: report 0.200, now 0.240"),
        ({"scores": {}}, "mig: report 0.200, now nan"),
        ({"origin": "official file"}, "report procedural twin, now official file"),
        ({"probes": []}, "shape: report 50.0%, now not measured"),
        ({"probes": [ProbeScore("shape", "gbt", "all", 0.7, 0.7, 0.33, 0.03)]}, "now 70.0%"),
    ],
)
def test_what_is_off_is_named(stored, change, words):
    (line,) = disagreements(stored, replace(stored, **change))
    assert words in line


@pytest.mark.parametrize(
    ("what", "value", "words"),
    [
        ("mean", 9.0, "mean of z{}: report"),
        ("std", 99.0, "std of z{}: report"),
        ("kl", 99.0, "kl of z{}: report"),
        ("posterior_std", 9.0, "posterior_std of z{}: report"),
        ("active", False, "z{}: report active, now inactive"),
    ],
)
def test_a_dimension_that_is_off_is_named(stored, what, value, words):
    d = stored.std.index(max(stored.std))
    values = list(getattr(stored, what))
    values[d] = value
    (line,) = disagreements(stored, replace(stored, **{what: values}))
    assert words.format(d) in line


def test_distances_that_are_off_are_named():
    stored = DistanceReport("a", "b", "c", 0, 10, 20.0, 0.5, 0.01, 0.25, [0.25], -10, -30, 2)
    assert distance_disagreements(stored, replace(stored, frechet=20.5, outside=0.26)) == []
    lines = distance_disagreements(stored, replace(stored, frechet=23.0, outside=0.3))
    assert [line.split(":")[0] for line in lines] == ["outside", "frechet"]


@pytest.fixture
def transfer(checkpoints, tmp_path, run_command):
    """A direct transfer between procedural datasets with its Source beside it, both measured."""
    source = shutil.copytree(checkpoints / NAMES[0], tmp_path / NAMES[0])
    target = tmp_path / "noisy"
    run_command(
        "transfer", "--checkpoint", source, "--target", "noisy-color-dsprites", "--output", target
    )
    few = ("--images", 45, "--pairs", 50, "--jobs", 1)
    run_command("evaluate", "checkpoint", target, *few)
    run_command("evaluate", "distance", target, "--images", 64)
    return target


def test_the_script_measures_again_and_says_what_is_forged(transfer, run_command):
    check = ("evaluate", "--check", transfer, "--jobs", 1)
    before = sorted(path.read_bytes() for path in transfer.iterdir() if path.is_file())
    assert run_command(*check).out == "noisy: measured again, the report holds\n"
    assert sorted(p.read_bytes() for p in transfer.iterdir() if p.is_file()) == before
    report = read_report(transfer / REPORT)
    (result,) = report.results.values()
    result = replace(result, scores=result.scores | {"mig": 0.9})
    distance = replace(report.distance, frechet=1e6)
    write_report(
        transfer / REPORT,
        replace(report, results={result.dataset: result}, distance=distance),
    )
    printed = io.StringIO()
    with pytest.raises(SystemExit) as stopped, redirect_stdout(printed):
        run_command(*check)
    assert stopped.value.code == 1
    first, second = printed.getvalue().splitlines()
    assert first.startswith("noisy-color-dsprites: mig: report 0.900")
    assert second.startswith("distance: frechet: report 1e+06")
    told = run_command("evaluate", "check", transfer, "--datasets", "shapes3d", fails=True).err
    assert "noisy was not measured on shapes3d" in told
    (transfer / REPORT).unlink()
    assert "has no report to check" in run_command("evaluate", "--check", transfer, fails=True).err


def test_a_small_difference_in_accuracy_is_sampling(stored):
    close = replace(stored, probes=[ProbeScore("shape", "gbt", "all", 0.6, 0.6, 0.33, 0.03)])
    assert disagreements(stored, close) == []


def test_without_any_pairs_there_is_nothing_to_allow_for(stored):
    bare = replace(stored, num_pairs=0)
    assert disagreements(bare, bare) == []
