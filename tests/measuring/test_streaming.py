"""Codes in shards: the same numbers as in one table, however they are cut, stopped or merged."""

import json
import os
import shutil
import tracemalloc

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("pyarrow")

from safetensors.torch import load_file, save_file

from dviz.checkpoint import load_checkpoint
from dviz.data import load_dataset
from dviz.errors import DataFileError
from dviz.measuring import streaming
from dviz.measuring.engines import Here, OnRay
from dviz.measuring.shards import find_shards, read_shard, sample_rows, write_shard
from dviz.measuring.streaming import accumulate
from dviz.metrics.association import AssociationAccumulator, associate
from tests.data.material import write_folder

SOURCE = "sprites"
NAMES = ("shape", "scale", "hue")


def rows(count, seed=0):
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, [12, 11, 10], (count, 3))
    codes = classes @ rng.standard_normal((3, 4)) + 0.3 * rng.standard_normal((count, 4))
    return codes.astype(np.float32), classes


def put(folder, codes, classes, size):
    for k, start in enumerate(range(0, len(codes), size)):
        some = slice(start, start + size)
        write_shard(folder / f"part-{k:06}.parquet", codes[some], classes[some], NAMES)
    return find_shards(f"{folder}/*.parquet")


def score(cells):
    return AssociationAccumulator.of_cells(cells).compute()


@pytest.mark.parametrize("size", [2000, 300, 97])
def test_shards_give_the_numbers_of_the_whole_table(tmp_path, size):
    codes, classes = rows(1000)
    shards = put(tmp_path, codes, classes, size)
    assert shards.num_rows == 1000
    assert (shards.dimensions, shards.factors) == (("z0", "z1", "z2", "z3"), NAMES)
    cells = accumulate(shards, Here())
    assert np.abs(score(cells) - associate(codes, classes).matrix).max() < 1e-9
    spread = AssociationAccumulator.of_cells(cells).standard_deviation()
    assert np.allclose(spread, codes.std(axis=0, ddof=1), rtol=1e-6)
    assert AssociationAccumulator.of_cells(cells).num_rows == 1000


def test_a_shard_is_read_as_it_was_written(tmp_path):
    codes, classes = rows(50)
    write_shard(tmp_path / "a.parquet", codes, classes, NAMES)
    again = read_shard(tmp_path / "a.parquet", ("z0", "z1", "z2", "z3"), NAMES)
    assert np.array_equal(again[0], codes)
    assert np.array_equal(again[1], classes)


class StoppedError(Exception):
    pass


class Stops(Here):
    """Ends after so many pieces of work, as if it were killed."""

    def __init__(self, pieces):
        self.left = pieces

    def submit(self, work, *args):
        if self.left == 0:
            raise StoppedError
        self.left -= 1
        return super().submit(work, *args)


@pytest.mark.parametrize("pieces", [0, 1, 5, 30, 52])
def test_a_stopped_run_goes_on_and_ends_at_the_same_bits(tmp_path, pieces, monkeypatch):
    shards = put(tmp_path, *rows(1000), 25)  # 40 reads, 10 + 2 + 1 merges
    expected = score(accumulate(shards, Here()))
    with pytest.raises(StoppedError):
        accumulate(shards, Stops(pieces), keep=tmp_path / "kept")
    read, work = [], streaming.cells_of_shard
    monkeypatch.setattr(streaming, "cells_of_shard", lambda *a: read.append(a[0]) or work(*a))
    told = []
    cells = accumulate(shards, Here(), keep=tmp_path / "kept", progress=told.append)
    assert np.array_equal(score(cells), expected)
    assert sum(told) == 40
    assert len(read) <= 40 - 3 * pieces // 4


def test_memory_does_not_grow_with_the_number_of_shards(tmp_path):
    codes, classes = rows(50_000)  # most of the 1,320 label rows are in each shard
    few = put(tmp_path / "few", codes, classes, 1250)
    many = put(tmp_path / "many", *(np.tile(each, (4, 1)) for each in (codes, classes)), 1250)
    peaks = []
    for shards in (few, few, many):  # the first time things are imported
        tracemalloc.start()
        accumulate(shards, Here())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (len(few.paths), len(many.paths)) == (40, 160)
    assert peaks[2] < 1.05 * peaks[1]


def test_what_is_kept_of_other_shards_is_not_taken(tmp_path):
    shards = put(tmp_path / "a", *rows(200), 100)
    accumulate(shards, Here(), keep=tmp_path / "kept")
    others = put(tmp_path / "b", *rows(300), 100)
    with pytest.raises(DataFileError, match="other shards"):
        accumulate(others, Here(), keep=tmp_path / "kept")
    # Another model's codes under the same names, in files of the same size.
    codes, classes = rows(200)
    same = put(tmp_path / "a", codes[::-1].copy(), classes, 100)
    with pytest.raises(DataFileError, match="other shards"):
        accumulate(same, Here(), keep=tmp_path / "kept")


def test_a_sample_is_uniform_seeded_and_of_known_rows(tmp_path):
    codes, classes = rows(1000)
    shards = put(tmp_path, codes, classes, 130)
    some, labels = sample_rows(shards, 200, seed=1)
    assert len(some) == len(np.unique(some, axis=0)) == 200
    place = {row.tobytes(): n for n, row in enumerate(codes)}
    found = np.array([place[row.tobytes()] for row in some])
    assert np.array_equal(classes[found], labels)
    assert abs(found.mean() - 500) < 80
    assert np.array_equal(sample_rows(shards, 200, seed=1)[0], some)
    assert len(sample_rows(shards, 10**6, seed=1)[0]) == 1000


def test_broken_shards_are_named(tmp_path):
    put(tmp_path, *rows(100), 50)
    broken = tmp_path / "part-000001.parquet"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-50])
    with pytest.raises(DataFileError, match=r"part-000001\.parquet: not a whole Parquet file"):
        find_shards(f"{tmp_path}/*.parquet")
    codes, classes = rows(10)
    write_shard(broken, codes[:, :2], classes, NAMES)
    with pytest.raises(DataFileError, match="columns differ"):
        find_shards(f"{tmp_path}/*.parquet")
    with pytest.raises(DataFileError, match="no such files"):
        find_shards(f"{tmp_path}/none/*.parquet")
    with pytest.raises(DataFileError, match="called like a dimension"):
        write_shard(broken, codes, classes, ("z9", "b", "c"))
    codes[3, 1] = np.nan
    write_shard(tmp_path / "nan.parquet", codes, classes, NAMES)
    with pytest.raises(DataFileError, match="finite"):
        accumulate(find_shards(f"{tmp_path}/nan.parquet"), Here())


def die_once(path, dimensions, factors, keep):
    """A worker that is killed in the middle of its first shard."""
    flag = path.with_suffix(".killed")
    if path.name.endswith("3.parquet") and not flag.exists():
        flag.write_text("")
        os.kill(os.getpid(), 9)
    return streaming.cells_of_shard(path, dimensions, factors, keep)


@pytest.mark.skipif(not shutil.which("ray"), reason="Ray is not installed")
def test_on_ray_the_bits_are_the_same_also_when_a_worker_is_killed(tmp_path, monkeypatch):
    pytest.importorskip("ray")
    shards = put(tmp_path, *rows(1200), 100)
    expected = score(accumulate(shards, Here()))
    engine = OnRay(workers=2, memory=80_000_000)
    submit = engine.submit
    monkeypatch.setattr(
        engine, "submit",
        lambda work, *a: submit(die_once if work is streaming.cells_of_shard else work, *a),
    )  # fmt: skip
    try:
        assert np.array_equal(score(accumulate(shards, engine)), expected)
    finally:
        engine.close()
    assert list(tmp_path.glob("*.killed")), "nothing was killed"


def test_the_commands_stream_shards(tmp_path, run_command):
    codes, classes = rows(900)
    put(tmp_path, codes, classes, 250)
    np.savez(tmp_path / "r.npz", mean=codes)
    lines = [",".join(NAMES)] + [",".join(map(str, row)) for row in classes]
    (tmp_path / "c.csv").write_text("\n".join(lines) + "\n")
    pattern = f"{tmp_path}/*.parquet"
    streamed = json.loads(
        run_command("evaluate", "omes", "--representations", pattern, "--json").out
    )
    plain = ("--representations", tmp_path / "r.npz", "--classes", tmp_path / "c.csv")
    whole = json.loads(run_command("evaluate", "omes", *plain, "--json").out)
    assert streamed.keys() == whole.keys()
    assert streamed["omes"] == pytest.approx(whole["omes"], abs=1e-9)
    assert streamed["active"] == whole["active"]
    metrics = ("--metrics", "omes,mig", "--sample", 300, "--json")
    both = json.loads(
        run_command("evaluate", "metrics", "--representations", pattern, *metrics).out
    )
    assert (both["n_samples"], both["rows_trained_on"]) == (900, 300)
    assert both["omes"]["omes"] == pytest.approx(whole["omes"], abs=1e-9)


def test_a_dataset_is_encoded_into_shards_once(tmp_path, run_command, checkpoints):
    asked = ("--checkpoint", checkpoints / SOURCE, "--images", 250, "--rows", 100, "--json")
    out = tmp_path / "codes"
    found = json.loads(run_command("encode", *asked, "--output", out).out)
    assert found["rows"] == 250
    times = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    (out / "part-000001.parquet").unlink()
    run_command("encode", *asked, "--output", out)
    again = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert [name for name in times if times[name] != again[name]] == ["part-000001.parquet"]
    error = run_command("encode", *asked[:4], "--rows", 90, "--output", out, fails=True).err
    assert "name another folder" in error


def test_without_labels_every_image_is_encoded_in_order(tmp_path, run_command, checkpoints):
    place = ("--data-root", write_folder(tmp_path / "odd", rows=False), "--dataset", "folder")
    asked = ("--checkpoint", checkpoints / SOURCE, *place, "--rows", 10)
    told = run_command("encode", *asked, "--output", tmp_path / "codes").out
    assert "codes of 24 images of folder" in told
    assert "left out" not in told
    paths = sorted((tmp_path / "codes").iterdir())
    codes = np.concatenate([read_shard(path, [f"z{d}" for d in range(5)], ())[0] for path in paths])
    images = load_dataset("folder", tmp_path / "odd").images(np.arange(24))
    encoded = load_checkpoint(checkpoints / SOURCE).representation.encode(images).mean
    assert np.allclose(codes, encoded, atol=1e-4)


def test_images_with_gaps_in_their_labels_are_left_out_and_counted(
    tmp_path, run_command, checkpoints
):
    lines = ["image,colour,level", "photo00.png,,1", "photo01.png,red,", "photo02.png,red,1"]
    place = ("--data-root", write_folder(tmp_path / "odd", lines), "--dataset", "folder")
    asked = ("--checkpoint", checkpoints / SOURCE, *place, "--rows", 2)
    told = run_command("encode", *asked, "--output", tmp_path / "codes").out
    assert "codes of 1 images of folder; 2 with gaps in their labels are left out" in told
    assert find_shards(f"{tmp_path}/codes/*.parquet").num_rows == 1


def test_a_shard_without_rows_counts_for_nothing(tmp_path):
    codes, classes = rows(300)
    write_shard(tmp_path / "part-0.parquet", codes, classes, NAMES)
    write_shard(tmp_path / "part-1.parquet", codes[:0], classes[:0], NAMES)
    shards = find_shards(f"{tmp_path}/*.parquet")
    assert shards.num_rows == 300
    found = AssociationAccumulator.of_cells(accumulate(shards, Here())).compute()
    np.testing.assert_allclose(found, associate(codes, classes).matrix, atol=1e-12)
    found = read_shard(tmp_path / "part-1.parquet", shards.dimensions, shards.factors)
    assert [part.shape for part in found] == [(0, codes.shape[1]), (0, len(NAMES))]
    with pytest.raises(DataFileError, match="none of these files has a row"):
        find_shards(f"{tmp_path}/part-1.parquet")


def test_shards_of_weights_that_were_replaced_are_refused(tmp_path, run_command, checkpoints):
    model = shutil.copytree(checkpoints / SOURCE, tmp_path / SOURCE)
    asked = ("--checkpoint", model, "--images", 40, "--rows", 20, "--output", tmp_path / "codes")
    run_command("encode", *asked)
    weights = load_file(model / "model.safetensors")
    weights["encoder.head.2.bias"] += 1
    save_file(weights, model / "model.safetensors")
    assert "name another folder" in run_command("encode", *asked, fails=True).err


def test_the_index_that_pandas_keeps_is_no_factor(tmp_path):
    codes, classes = rows(60)
    table = pd.DataFrame(codes, columns=[f"z{d}" for d in range(codes.shape[1])])
    table = table.assign(**dict(zip(NAMES, classes.T, strict=True)))
    table[table["z0"] > table["z0"].min()].to_parquet(tmp_path / "some.parquet")
    found = find_shards(tmp_path / "*.parquet")
    assert found.factors == NAMES
    assert read_shard(found.paths[0], found.dimensions, found.factors)[1].shape == (59, 3)


def test_large_class_values_are_kept(tmp_path):
    classes = np.array([[2**31, 0], [5, 1], [2**33 + 1, 0]])
    write_shard(tmp_path / "a.parquet", np.zeros((3, 1)), classes, ("one", "other"))
    assert read_shard(tmp_path / "a.parquet", ("z0",), ("one", "other"))[1].tolist() == (
        classes.tolist()
    )
