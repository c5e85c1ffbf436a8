"""What others write into a report while something is measured stays in it."""

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from filelock import FileLock

from dviz.checkpoint import REPORT, load_checkpoint
from dviz.errors import CheckpointError
from dviz.measuring import pictures, refresh
from dviz.measuring.encoder import add_baseline, evaluate_checkpoint
from dviz.measuring.pictures import drop_pictures, measure_pictures
from dviz.measuring.report import Baseline, DistanceReport, Report, read_report, write_report
from dviz.measuring.shift import add_distance
from dviz.measuring.updates import LOCK, update_report
from tests.measuring.test_encoder import Patches, untrained

DISTANCE = DistanceReport("here", "patches", "a", 0, 50, 1.0, 0.5, 0.01, 0.3, [0.3], -1, -3, 2)
SIZES = {"num_images": 90, "num_pairs": 30, "scores": False, "jobs": 1}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A checkpoint that learnt nothing, and what was measured of it."""
    checkpoint = untrained(tmp_path_factory.mktemp("whole"), Patches())
    return checkpoint, evaluate_checkpoint(checkpoint, Patches(), **SIZES)


@pytest.fixture
def measured(whole, tmp_path):
    """A copy of it to write into."""
    checkpoint, result = whole
    shutil.copytree(checkpoint.folder, tmp_path, dirs_exist_ok=True)
    return load_checkpoint(tmp_path), result


def write_much(checkpoint, result):
    """What other commands may find meanwhile: a baseline, a distance, a result elsewhere."""
    add_baseline(checkpoint.folder, "random", "an untrained encoder", result)
    add_distance(checkpoint, DISTANCE)
    update_report(
        checkpoint.folder / REPORT,
        lambda report: replace(report, results=report.results | {"elsewhere": result}),
    )


def meanwhile(monkeypatch, room, name, act):
    """Have `act` done before a function of a module is."""
    function = getattr(room, name)

    def acted(*args, **more):
        act()
        return function(*args, **more)

    monkeypatch.setattr(room, name, acted)


def check_much(report, result):
    assert report.baselines == [Baseline("random", "an untrained encoder", result)]
    assert report.distance == DISTANCE
    assert report.results["elsewhere"] == result


def test_many_at_once_all_get_their_baseline_in(measured):
    checkpoint, result = measured
    path = checkpoint.folder / REPORT

    def slowly(number):
        def change(report):
            time.sleep(0.05)
            return replace(report, baselines=[*report.baselines, Baseline(number, "", result)])

        update_report(path, change)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(slowly, "abcdefgh"))
    assert sorted(b.name for b in read_report(path).baselines) == list("abcdefgh")


@pytest.mark.parametrize(
    "write",
    [
        lambda checkpoint, result: add_baseline(checkpoint.folder, "random", "", result),
        lambda checkpoint, result: add_distance(checkpoint, DISTANCE),
        lambda checkpoint, result: drop_pictures(checkpoint),
    ],
    ids=["a baseline", "a distance", "pictures"],
)
def test_whoever_writes_waits_for_whoever_does(measured, write):
    checkpoint, result = measured
    path = checkpoint.folder / REPORT
    write_report(path, replace(read_report(path), results={"patches": result, "other": result}))
    before = path.stat().st_mtime_ns
    writer = threading.Thread(target=write, args=(checkpoint, result))
    with FileLock(checkpoint.folder / LOCK):
        writer.start()
        writer.join(0.5)
        assert writer.is_alive()
        assert path.stat().st_mtime_ns == before
    writer.join(30)
    assert path.stat().st_mtime_ns > before


def test_measuring_pictures_loses_nothing_that_came_meanwhile(measured, monkeypatch):
    checkpoint, result = measured
    path = checkpoint.folder / REPORT
    stale = replace(result, mse=0.9, evidence=None)
    write_report(path, Report({"patches": stale}))

    def act():
        write_much(checkpoint, result)
        update_report(path, lambda report: replace(
            report, results=report.results | {"patches": replace(stale, evidence=result.evidence)}
        ))  # fmt: skip

    meanwhile(monkeypatch, pictures, "encode_sample", act)
    assert measure_pictures(checkpoint, Patches()) == result
    check_much(read_report(path), result)
    assert read_report(path).results["patches"] == result


def test_refreshing_loses_nothing_that_came_meanwhile(measured, monkeypatch):
    checkpoint, result = measured
    path = checkpoint.folder / REPORT
    write_report(path, Report({"patches": replace(result, evidence=None, mse=0.9)}))

    def act():
        write_much(checkpoint, result)
        measure_pictures(checkpoint, Patches())

    meanwhile(monkeypatch, refresh, "evidence_of", act)
    assert refresh.refresh(checkpoint, Patches(), probes=False, jobs=1)
    check_much(read_report(path), result)
    now = read_report(path).results["patches"]
    assert now.mse == result.mse
    assert now.evidence is not None


@pytest.mark.parametrize("seed", [1, None])
def test_of_other_images_than_the_report_is_of_nothing_is_written(measured, monkeypatch, seed):
    checkpoint, _ = measured
    path = checkpoint.folder / REPORT

    def act():
        if seed is None:
            write_report(path, Report())
        else:
            evaluate_checkpoint(checkpoint, Patches(), seed=seed, **SIZES)

    meanwhile(monkeypatch, pictures, "encode_sample", act)
    with pytest.raises(CheckpointError, match="patches was measured anew meanwhile"):
        measure_pictures(checkpoint, Patches())
    found = read_report(path).results
    assert [result.seed for result in found.values()] == ([] if seed is None else [seed])


def test_a_change_that_fails_leaves_the_report_and_lets_go_of_it(measured):
    checkpoint, result = measured
    path = checkpoint.folder / REPORT
    with pytest.raises(ZeroDivisionError):
        update_report(path, lambda report: 1 / 0)
    assert read_report(path).results == {"patches": result}
    add_distance(checkpoint, DISTANCE)
    assert read_report(path).distance == DISTANCE


def test_pictures_of_an_earlier_decoder_go_but_the_own_one_s(measured):
    checkpoint, result = measured
    path = checkpoint.folder / REPORT
    other = replace(result, dataset="other", overlap=0.5, colour_error=0.1, painted=8)
    bare = replace(other, reconstruction=None, mse=None, overlap=None, colour_error=None, painted=0)
    baselines = [Baseline("random", "an untrained encoder", other)]
    write_report(path, Report({"patches": result, "other": other, "bare": bare}, baselines))
    assert drop_pictures(checkpoint) == ["other"]
    after = read_report(path)
    assert after == Report({"patches": result, "other": bare, "bare": bare}, baselines)
    assert drop_pictures(checkpoint) == []
    path.unlink()
    assert drop_pictures(checkpoint) == []
    assert not path.exists()
