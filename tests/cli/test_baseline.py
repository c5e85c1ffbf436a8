"""What a transfer is compared with is trained as it was, measured, kept, and measured again."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from PIL import Image

from dviz.checkpoint import load_checkpoint
from dviz.cli import baseline, grid, paint, sweep, train, transfer
from dviz.data import load_dataset
from dviz.errors import DataFileError, DvizError
from dviz.measuring.report import read_report, write_report
from dviz.training.baselines import read_recipes, source_config, target_config
from tests.data.material import write_folder
from tests.training.problems import weights

TINY = ["--filters", "4", "--latent-size", "5", "--decoder-hidden", "0", "--threads", "1"]
SIZES = ["--images", "60", "--pairs", "20", "--jobs", "1", "--threads", "1"]
RECIPES = read_recipes(baseline.RECIPES)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A fine-tuned transfer of two steps, and its Source beside it."""
    root = tmp_path_factory.mktemp("zoo")
    source, folder = root / "source", root / "tuned"
    steps = ["--steps", "2", "--batch-size", "4"]
    train.main(["--dataset", "dsprites", "--output", str(source), *steps, *TINY])
    steps = ["--steps", "3", "--batch-size", "4", "--threads", "1"]
    place = ["--checkpoint", str(source), "--target", "noisy-dsprites", "--output", str(folder)]
    transfer.main([*place, *steps])
    return folder


def run(folder, *names):
    baseline.main(["--checkpoint", str(folder), *SIZES, "--only", *names])


@pytest.fixture
def direct(tuned, tmp_path):
    """Carries the fine-tuned transfer's Source to a dataset as it is."""

    def carry(target, *place):
        out = tmp_path / "direct"
        names = ["--checkpoint", str(tuned.parent / "source"), "--target", target, *place]
        transfer.main([*names, "--output", str(out), "--threads", "1"])
        return out

    return carry


def test_each_is_trained_where_its_recipe_says_and_goes_into_the_report(tuned):
    run(tuned, "random", "target-only", "autoencoder")
    found = {b.name: b for b in read_report(tuned / "report.json").baselines}
    assert set(found) == {"random", "target-only", "autoencoder"}
    assert all(b.result.dataset == "noisy-dsprites" for b in found.values())
    learnt = load_checkpoint(tuned.parent / "source/baselines/autoencoder").config
    assert (learnt.dataset, learnt.training["objective"]) == ("dsprites", "autoencoder")
    assert (learnt.training["steps"], learnt.training["batch_size"]) == (2, 8)  # images of 4 pairs
    carried = load_checkpoint(tuned / "baselines/autoencoder").config
    assert (carried.dataset, carried.training["steps"]) == ("noisy-dsprites", 3)
    assert carried.training["objective"] == "autoencoder"


def test_of_a_direct_transfer_what_learns_the_target_is_skipped_and_told(direct, capsys):
    run(direct("noisy-dsprites"), "target-only")
    assert "target-only: skipped, a direct transfer learnt nothing" in capsys.readouterr().out


def test_without_labels_nothing_is_trained(direct, tmp_path, monkeypatch):
    place = ["--data-root", str(write_folder(tmp_path / "odd", rows=False))]
    folder = direct("folder", *place)
    monkeypatch.setattr(baseline, "encoder_of", lambda *args, **more: pytest.fail("trained"))
    with pytest.raises(ValueError, match="folder:odd has no labels, so baselines have no scores"):
        baseline.main(["--checkpoint", str(folder), *SIZES, *place])


def test_without_imagenets_weights_nothing_is_trained(tuned, no_backbone, monkeypatch):
    monkeypatch.setattr(baseline, "encoder_of", lambda *args, **more: pytest.fail("trained"))
    with pytest.raises(DvizError, match="EfficientNet-Lite0's weights are not installed"):
        run(tuned, "random", "imagenet-10")


def test_what_is_trained_already_is_only_measured(tuned, monkeypatch):
    run(tuned, "target-only")
    monkeypatch.setattr(baseline.common, "train_into", lambda *args: pytest.fail("trained again"))
    run(tuned, "target-only")
    (mine,) = (b for b in read_report(tuned / "report.json").baselines if b.name == "target-only")
    again = baseline.measured_again(mine, load_checkpoint(tuned), None, "cpu", 1)
    assert again.association == mine.result.association


@pytest.fixture
def album(tuned, tmp_path):
    """The Source fine-tuned on a folder of 24 pictures; the checkpoint, and the folder."""
    album, folder = write_folder(tmp_path / "album"), tmp_path / "zoo" / "own"
    shutil.copytree(tuned.parent / "source", folder.parent / "source")
    place = ["--checkpoint", str(folder.parent / "source"), "--target", "folder"]
    place += ["--data-root", str(album), "--output", str(folder)]
    transfer.main([*place, "--steps", "2", "--batch-size", "4", "--threads", "1"])
    return folder, album


def test_baselines_do_not_learn_from_other_pictures_than_ours(album, monkeypatch, capsys):
    folder, pictures = album
    everything = (pictures / "labels.csv").read_text()
    (pictures / "labels.csv").write_text("".join(everything.splitlines(keepends=True)[:13]))
    monkeypatch.setattr(baseline, "encoder_of", lambda *args, **more: pytest.fail("trained"))
    place = ["--checkpoint", str(folder), *SIZES, "--data-root", str(pictures)]
    with pytest.raises(ValueError, match=r"own learnt from other pictures.* 24 \(.* then, 12 \("):
        baseline.main(place)
    assert "folder:album: left out: 12 pictures" in capsys.readouterr().err
    with pytest.raises(BaseException, match="trained"):  # it learns from none
        baseline.main([*place, "--only", "random"])
    relabelled = everything.replace("photo00.png,red,0", "photo00.png,,")
    (pictures / "labels.csv").write_text(relabelled)
    with pytest.raises(BaseException, match="trained"):
        baseline.main([*place, "--only", "target-only"])


def test_a_kept_one_that_learnt_other_pictures_is_trained_anew(album):
    folder, pictures = album

    def encoder(train):
        dataset = load_dataset("folder", pictures)
        recipe, checkpoint = RECIPES["target-only"], load_checkpoint(folder)
        return baseline.encoder_of(recipe, checkpoint, dataset, None, "cpu", train=train)

    first, same = weights(encoder(train=True)), weights(encoder(train=False))
    assert torch.equal(first, same)
    for path in pictures.glob("*.png"):
        Image.new("RGB", (40, 40), "white").save(path)
    assert encoder(train=False) is None
    assert not torch.equal(weights(encoder(train=True)), first)
    assert encoder(train=False) is not None


@pytest.fixture
def painted(tuned, tmp_path):
    """The fine-tuned transfer with a decoder that learnt from its codes."""
    folder = tmp_path / "tuned"
    run(tuned, "random", "target-only")
    shutil.copytree(tuned.parent, tmp_path, dirs_exist_ok=True)
    repaint(folder, 3, 8)
    return folder


def repaint(folder, steps, filters, precision="bfloat16"):
    sizes = ["--steps", str(steps), "--batch-size", "5", "--filters", str(filters)]
    sizes += ["--precision", precision, "--channels-last"]
    paint.main([str(folder), "--output", str(folder), "--threads", "1", "--fresh", *sizes])


def test_a_painted_one_keeps_its_scores_and_says_what_its_codes_hold(painted, capsys):
    def found():
        return {b.name: b.result for b in read_report(painted / "report.json").baselines}

    order, before = list(found()), found()["random"]
    (painted / "README.md").write_text("the card of before")
    run(painted, "random", "--paint")
    after = found()["random"]
    assert "random: mean squared error" in capsys.readouterr().out
    assert list(found()) == order
    assert (before.painted, after.painted) == (0, 3 * 5)
    assert "library_name: dviz" in (painted / "README.md").read_text()
    assert after.mse != before.mse
    assert (after.association, after.probes) == (before.association, before.probes)
    assert found()["target-only"].painted == 0

    (mine,) = (b for b in read_report(painted / "report.json").baselines if b.name == "random")
    again = baseline.measured_again(mine, load_checkpoint(painted), None, "cpu", 1)
    assert (again.mse, again.painted) == (after.mse, 3 * 5)
    shutil.rmtree(painted / "baselines/random-painted")
    again = baseline.measured_again(mine, load_checkpoint(painted), None, "cpu", 1)
    assert (again.mse, again.association) == (after.mse, after.association)


def test_a_baseline_learns_to_paint_as_ours_did_and_once(painted, monkeypatch):
    run(painted, "random", "--paint")
    kept, ours = (
        load_checkpoint(f).config for f in (painted / "baselines/random-painted", painted)
    )
    told = ours.painting.keys() - {"before", "seconds"}
    assert {n: kept.painting[n] for n in told} == {n: ours.painting[n] for n in told}
    assert kept.architecture.decoder_filters == 8
    with monkeypatch.context() as watched:
        watched.setattr(baseline.common, "train_into", lambda *args, **more: pytest.fail("again"))
        run(painted, "random", "--paint")
    repaint(painted, 4, 12)
    run(painted, "random", "--paint")
    kept = load_checkpoint(painted / "baselines/random-painted").config
    assert (kept.painting["steps"], kept.architecture.decoder_filters) == (4, 12)
    repaint(painted, 4, 12, precision="float32")
    run(painted, "random", "--paint")
    assert "precision" not in load_checkpoint(painted / "baselines/random-painted").config.painting


def test_beside_a_decoder_that_learnt_along_nothing_is_painted(tuned):
    run(tuned, "random")
    with pytest.raises(ValueError, match=r"did not learn from its codes.*run dviz paint"):
        run(tuned, "random", "--paint")


def test_what_is_not_in_the_report_is_refused_before_anything_is_trained(painted, monkeypatch):
    report = painted / "report.json"
    rest = [b for b in read_report(report).baselines if b.name != "target-only"]
    write_report(report, replace(read_report(report), baselines=rest))
    shutil.rmtree(painted / "baselines/target-only", ignore_errors=True)
    monkeypatch.setattr(baseline.common, "train_into", lambda *args: pytest.fail("trained"))
    with pytest.raises(ValueError, match="target-only is not in the report; measure it first"):
        run(painted, "target-only", "--paint")


def test_what_is_no_vae_is_not_painted(painted, monkeypatch):
    monkeypatch.setattr(baseline, "encoder_of", lambda *args, **more: object())
    with pytest.raises(ValueError, match="random is no VAE"):
        run(painted, "random", "--paint")


def test_an_encoder_that_is_not_kept_is_not_checked(tuned, tmp_path):
    run(tuned, "random")
    (mine,) = (b for b in read_report(tuned / "report.json").baselines if b.name == "random")
    lost = load_checkpoint(tuned)
    object.__setattr__(lost, "folder", tmp_path)
    other = type(mine)("target-only", "", mine.result)
    assert baseline.measured_again(other, lost, None, "cpu", 1) is None
    assert (
        baseline.measured_again(type(mine)("gone", "", mine.result), lost, None, "cpu", 1) is None
    )


def test_a_check_writes_nothing_beside_the_source(tuned, tmp_path, monkeypatch):
    """Not even a lock: it may lie where nobody may write."""
    run(tuned, "autoencoder")
    shutil.copytree(tuned.parent, tmp_path, dirs_exist_ok=True)
    (mine,) = (b for b in read_report(tuned / "report.json").baselines if b.name == "autoencoder")
    kept = tmp_path / "source/baselines"
    (kept / "autoencoder/.lock").unlink()
    monkeypatch.setattr("filelock.FileLock", lambda path: pytest.fail(f"locks {path}"))

    def check():
        return baseline.measured_again(mine, load_checkpoint(tmp_path / "tuned"), None, "cpu", 1)

    assert check().association == mine.result.association
    assert not (kept / "autoencoder/.lock").exists()
    shutil.rmtree(kept)
    assert check() is None
    assert not kept.exists()


def test_a_random_one_is_random_in_its_own_way_every_time_the_same(tuned):
    checkpoint = load_checkpoint(tuned)
    one, same = (
        baseline.encoder_of(RECIPES["random"], checkpoint, None, None, "cpu", train=False)
        for _ in range(2)
    )
    assert torch.equal(weights(one), weights(same))
    assert one.config.latent_size == 5


def test_settings_are_those_of_ours_without_what_needs_labels():
    ours = {"steps": 9, "batch_size": 4, "supervision": "labels", "k": 1, "beta": 4.0, "seconds": 3}
    config = source_config(RECIPES["beta-vae"], ours, seed=5)
    assert (config.steps, config.batch_size, config.supervision, config.seed) == (9, 8, "none", 5)
    assert config.beta == config.untied_beta == 2  # the recipe's own
    tuning = {"steps": 7, "batch_size": 64, "replay": 5.0, "update": "encoder-and-colours"}
    tuning |= {"freeze_statistics": True, "tied": 5, "untied_beta": 32.0, "beta": 1.0}
    config = target_config(tuning, RECIPES["beta-vae"], seed=0)
    assert (config.steps, config.replay, config.update) == (7, 0, "all")
    assert config.untied_beta == config.beta == 1
    assert config.freeze_statistics
    assert not target_config(tuning, RECIPES["target-only"], seed=0).freeze_statistics


def test_a_sweep_holds_the_baselines_of_every_transfer_and_tabulates_them(tuned, tmp_path):
    spec = grid.Spec(
        ["dsprites"],
        targets=["noisy-dsprites"],
        transfers={"a": {}, "b": {}},
        baselines=["random"],
        evaluate={"num_images": 60, "num_pairs": 20},
    )
    cells = [cell for cell in grid.cells_of(spec, tmp_path) if cell.verb == "baseline"]
    assert len(cells) == 2
    for cell in cells:
        sweep.check(cell)
        assert cell.place["baseline"] == "random"
        assert cell.flags[cell.flags.index("--images") + 1] == "60"
    run(tuned, "random")
    cell = grid.Cell("tuned_against_random", "baseline", [], {"baseline": "random"}, tuned.name)
    row = sweep.scores(tuned.parent / cell.name, {}, cell)
    assert 0 <= row["omes_avg"] <= 1


def test_a_broken_list_is_named_in_one_line(tmp_path):
    with pytest.raises(DataFileError, match="cannot be read"):
        read_recipes(tmp_path / "none.yaml")
    (tmp_path / "odd.yaml").write_text(json.dumps({"mine": {"start": "moon", "description": ""}}))
    with pytest.raises(DataFileError, match=r"no list of baselines .*'moon'"):
        read_recipes(tmp_path / "odd.yaml")
