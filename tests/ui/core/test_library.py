import gc
import json
import re
import shutil
import threading

import numpy as np
import pytest

from dviz.checkpoint import CLASSES, CODES, CONFIG, PROBES, REPORT, WEIGHTS, load_checkpoint
from dviz.errors import CheckpointError
from dviz.measuring.report import read_report
from dviz.ui.core import hub_cache
from dviz.ui.core.families import families
from dviz.ui.core.hub_cache import HubCache
from dviz.ui.core.library import Library
from tests.ui.material import NAMES

SOURCE, DIRECT, TUNED = NAMES


@pytest.fixture
def copy(checkpoints, tmp_path):
    """A copy of the three checkpoints, to be spoilt."""
    return shutil.copytree(checkpoints, tmp_path / "copy")


def edit(path, change):
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def problem(root, name):
    """The one line with which a checkpoint is refused."""

    def use():
        entry = Library(root).get(name)
        entry.predict(entry.sample[0][:1])

    with pytest.raises(CheckpointError) as caught:
        use()
    message = str(caught.value)
    assert "\n" not in message
    assert str(root) not in message
    return message


def test_shipped_checkpoints_in_the_order_of_their_making(library):
    assert library.names == [SOURCE, DIRECT, TUNED]
    assert library.configs[TUNED].parent == DIRECT


@pytest.mark.parametrize("name", NAMES)
def test_a_lineage_is_the_same_seen_from_each_of_its_members(library, name):
    assert library.lineage(name) == [SOURCE, DIRECT, TUNED]


def test_a_lineage_keeps_to_one_target(copy):
    shutil.copytree(copy / DIRECT, copy / "other")
    edit(copy / "other" / CONFIG, lambda c: c.update(dataset="others"))
    library = Library(copy)
    assert library.lineage("other") == [SOURCE, "other"]
    assert library.lineage(TUNED) == [SOURCE, DIRECT, TUNED]
    assert library.lineage("user/elsewhere") == ["user/elsewhere"]


def test_a_source_may_have_several_targets(copy):
    shutil.copytree(copy / DIRECT, copy / "other")
    edit(copy / "other" / CONFIG, lambda c: c.update(dataset="others"))
    library = Library(copy)
    assert library.targets(SOURCE) == ["others", "things"]
    assert library.targets(TUNED) == ["things"]
    assert library.targets("user/elsewhere") == []
    assert library.lineage(SOURCE, "things") == [SOURCE, DIRECT, TUNED]
    assert library.lineage(SOURCE, "others") == [SOURCE, "other"]
    assert library.lineage(SOURCE, "nowhere") == library.lineage(SOURCE) == [SOURCE, "other"]
    assert library.lineage(TUNED, "others") == [SOURCE, DIRECT, TUNED]


def test_photographs_are_the_first_target_everywhere(copy):
    shutil.copytree(copy / DIRECT, copy / "a-drawn-one")
    edit(copy / "a-drawn-one" / CONFIG, lambda c: c.update(dataset="arm3d"))
    for name in (DIRECT, TUNED):
        edit(copy / name / CONFIG, lambda c: c.update(dataset="coil100-augmented"))
    library = Library(copy)
    assert library.lineage(SOURCE) == [SOURCE, DIRECT, TUNED]
    assert library.targets(SOURCE) == ["coil100-augmented", "arm3d"]
    (family,) = families(library)
    assert [t["title"] for t in family["targets"]] == ["COIL-100 Augmented", "Arm3D"]


def test_a_lineage_in_a_circle_ends(copy):
    edit(copy / SOURCE / CONFIG, lambda c: c.update(parent=TUNED))
    assert TUNED in Library(copy).lineage(TUNED)


def test_nothing_is_loaded_before_it_is_asked_for(copy):
    for name in NAMES:
        (copy / name / WEIGHTS).write_bytes(b"no weights")
    library = Library(copy)
    assert library.names == list(NAMES)
    with pytest.raises(CheckpointError, match=WEIGHTS):
        library.get(SOURCE)


@pytest.mark.parametrize("root", [None, "nowhere"])
def test_no_checkpoints_at_all(root, tmp_path):
    library = Library(root and tmp_path / root)
    assert library.names == []
    with pytest.raises(CheckpointError, match="no checkpoint is installed here"):
        library.get(SOURCE)


def test_the_source_with_the_most_to_show_comes_first(copy):
    shutil.copytree(copy / SOURCE, copy / "alone")
    edit(copy / "alone" / CONFIG, lambda c: c.update(name="alone", source="a", dataset="a"))
    assert Library(copy).names == [*NAMES, "alone"]


def test_a_better_source_of_the_same_dataset_lends_its_place_to_no_other(copy):
    """The page opens with a whole transfer, however well a Source scores that has none."""
    shutil.copytree(copy / SOURCE, copy / "alone")

    def dull(report):
        result = report["results"]["color-dsprites"]
        result["association"] = [[0.2 for _ in row] for row in result["association"]]

    edit(copy / SOURCE / REPORT, dull)
    better, worse = (read_report(copy / name / REPORT) for name in ("alone", SOURCE))
    assert (
        better.results["color-dsprites"].omes().omes > worse.results["color-dsprites"].omes().omes
    )
    assert Library(copy).names == [*NAMES, "alone"]


@pytest.mark.filterwarnings("error")
def test_a_folder_of_other_things_is_not_worth_a_word(copy):
    (copy / "figures").mkdir()
    (copy / "figures" / "table.csv").write_text("a,b")
    assert Library(copy).names == list(NAMES)


def test_what_is_no_checkpoint_is_left_out(copy):
    (copy / "notes.txt").write_text("hello")
    (copy / "half").mkdir()
    (copy / "half" / CONFIG).write_text("{}")
    with pytest.warns(UserWarning, match="half is left out"):
        assert Library(copy).names == list(NAMES)


@pytest.mark.parametrize("key", ["", "nothing", "../sprites", None, 3, "x" * 500])
def test_unknown_names_are_answered_with_known_ones(checkpoints, key):
    library = Library(checkpoints, fetch=refuse)
    with pytest.raises(CheckpointError) as caught:
        library.get(key)
    assert "\n" not in str(caught.value)


def refuse(repo_id):
    raise CheckpointError("this is not the id of a model on the Hub")


def test_loaded_once_and_the_least_used_leaves_first(checkpoints):
    library = Library(checkpoints, capacity=2)
    first = library.get(SOURCE)
    assert library.get(SOURCE) is first
    library.get(DIRECT), library.get(SOURCE), library.get(TUNED)
    assert library.get(SOURCE) is first  # DIRECT had to go
    assert list(library._entries) == [TUNED, SOURCE]


def test_hub_ids_are_fetched_once_even_by_a_crowd(checkpoints):
    asked = []

    def fetch(repo_id):
        asked.append(repo_id)
        return load_checkpoint(checkpoints / SOURCE)

    library, entries = Library(checkpoints, fetch=fetch), []
    crowd = [
        threading.Thread(target=lambda: entries.append(library.get(" ada/sprites ")))
        for _ in range(8)
    ]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert asked == ["ada/sprites"]
    assert len(entries) == 8
    assert len(set(map(id, entries))) == 1
    assert entries[0].key == "ada/sprites"


def test_visitors_ids_fill_neither_memory_nor_disk(checkpoints, tmp_path, monkeypatch):
    def download(repo_id, *, token, cache_dir):
        return load_checkpoint(shutil.copytree(checkpoints / SOURCE, cache_dir / "files"))

    def there():
        gc.collect()
        return list(tmp_path.rglob("config.json"))

    monkeypatch.setattr(hub_cache.hub, "load", download)
    library = Library(checkpoints, capacity=4, fetch=HubCache(tmp_path).fetch)
    shipped, first = library.get(SOURCE), library.get("ada/model-0")
    for number in range(1, 10):
        library.get(f"ada/model-{number}")
        assert library.get(SOURCE) is shipped
        assert library.loaded <= 4
        assert len(there()) <= 3
    assert first.sample is not None, "in use, though no longer kept"
    again = library.get("ada/model-0")  # it is simply fetched again
    del first
    assert len(there()) == 2
    assert again.sample is not None


def test_no_probes_are_fitted_to_what_a_visitor_names(checkpoints):
    """A stranger's sample could keep a core busy for hours."""
    library = Library(checkpoints, fetch=lambda _: load_checkpoint(checkpoints / DIRECT))
    codes = library.get(DIRECT).sample[0][:3]
    assert all(library.get(DIRECT).predict(codes))
    assert library.get("ada/sprites").predict(codes) == [[], [], []]


def test_a_failed_fetch_leaves_nothing_behind(checkpoints):
    library = Library(checkpoints, fetch=refuse)
    for _ in range(2):
        with pytest.raises(CheckpointError, match="not the id"):
            library.get("ada/nothing")
    assert not library._entries
    assert not library._loading


def test_predictions_have_a_reading_for_every_factor(library):
    for name in NAMES:  # DIRECT comes without probes, so they are fitted here
        entry = library.get(name)
        codes, classes = entry.sample
        read = entry.predict(codes[:60])
        assert len(read) == 60
        names = [factor.name for factor in entry.config.factors]
        assert all([p.factor for p in one] == names for one in read)
        factor = entry.config.factors[0]
        right = [
            one[0].value == factor.label(label)
            for one, label in zip(read, classes[:60, 0], strict=True)
        ]
        assert np.mean(right) > 1.5 / factor.size


def test_without_codes_and_report_a_checkpoint_still_shows(copy):
    for file in (CODES, CLASSES, REPORT, PROBES):
        (copy / SOURCE / file).unlink()
    entry = Library(copy).get(SOURCE)
    assert entry.sample is None
    assert entry.result is None
    assert entry.predict(np.zeros((2, entry.latent_size))) == [[], []]
    assert all(d.active and not d.factors for d in entry.dimensions)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.update(active=[True]),
        lambda r: r.update(low=["a"] * 5),
        lambda r: r.update(high=[float("nan")] * 5),
        lambda r: r.update(active=[1, 1, 1, 1, 1]),
        lambda r: r.update(association=[[2.0] * 6] * 5),
        lambda r: r.update(association=[[0.5]] * 5),
        lambda r: r.update(factors=[1, 2, 3, 4, 5, 6]),
        lambda r: r.update(factors=["a"] * 6),
        lambda r: r.update(seed="<b>"),
        lambda r: r["probes"][0].update(accuracy=None),
    ],
)
def test_a_report_that_does_not_fit_its_model_is_refused(copy, change):
    edit(copy / SOURCE / REPORT, lambda report: change(report["results"]["color-dsprites"]))
    assert re.search("does not fit its model|not a dviz report|NaN", problem(copy, SOURCE))


def test_a_baseline_that_makes_no_sense_is_refused(copy):
    path = copy / TUNED / REPORT
    edit(path, lambda report: report["baselines"][0]["result"].update(mean=[0.0]))
    assert "does not fit" in problem(copy, TUNED)


def test_a_lineage_without_its_source_names_nobody_twice(copy):
    for name in (SOURCE, DIRECT):
        shutil.rmtree(copy / name)
    assert Library(copy).lineage(TUNED) == [TUNED]


def test_far_too_many_factors_are_refused(copy):
    many = [{"name": f"f{n}", "size": 2, "values": []} for n in range(65)]
    edit(copy / SOURCE / CONFIG, lambda c: c.update(factors=many))
    with pytest.warns(UserWarning, match="sprites is left out: .* at most 64 items"):
        assert SOURCE not in Library(copy).names


def test_factors_of_very_many_values_are_refused_before_anything_is_made_of_them(copy):
    many = [{"name": "f", "size": 10**9, "values": []}]
    edit(copy / SOURCE / CONFIG, lambda c: c.update(factors=many))
    with pytest.warns(UserWarning, match="less than or equal to 10000"):
        assert SOURCE not in Library(copy).names


def test_a_checkpoint_of_images_without_labels_opens(copy):
    """Its dimensions have their range; there is nothing to score them by."""
    folder = copy / TUNED
    edit(folder / CONFIG, lambda c: c.update(factors=[], dataset="folder:mine"))

    def unlabelled(report):
        result = report["results"].pop("things")
        none = {"factors": [], "sizes": [], "probes": [], "scores": {}}
        none |= {
            "evidence": None,
            "dataset": "folder:mine",
            "association": [[] for _ in result["association"]],
        }
        report.update(results={"folder:mine": result | none}, baselines=[])

    edit(folder / REPORT, unlabelled)
    for name in (PROBES, CODES, "classes.csv"):
        (folder / name).unlink(missing_ok=True)
    entry = Library(copy).get(TUNED)
    assert entry.result is None
    assert entry.measured.dataset == "folder:mine"
    assert all(d.low < d.high for d in entry.dimensions if d.active)
    assert not any(d.factors for d in entry.dimensions)
    assert entry.predict(np.zeros((2, 5), dtype=np.float32)) == [[], []]


@pytest.mark.parametrize("spoil", ["pickle", "shape", "nan", "text", "empty", "classes"])
def test_codes_that_cannot_be_used_are_refused(copy, spoil):
    folder = copy / SOURCE
    codes = np.zeros((4, 5), dtype=np.float32)
    if spoil == "pickle":
        codes = np.array([{"a": 1}], dtype=object)
    elif spoil == "shape":
        codes = codes[:, :2]
    elif spoil == "nan":
        codes[0] = np.nan
    if spoil in ("pickle", "shape", "nan"):
        np.savez(folder / CODES, mean=codes)
        rows = [[0] * 6] * len(codes)
        np.savetxt(folder / CLASSES, rows, "%d", ",", header="a,b,c,d,e,f", comments="")
    else:
        text = {"text": "a,b\nx,y\n", "empty": "a,b\n", "classes": "a\n" + "9,9,9,99,9,9\n" * 240}
        (folder / CLASSES).write_text(text[spoil])
    assert f"codes of {SOURCE}" in problem(copy, SOURCE)


def test_probes_that_cannot_be_used_are_refused(copy):
    shutil.copy(copy / TUNED / PROBES, copy / SOURCE / PROBES)  # of other factors
    assert "does not fit its factors" in problem(copy, SOURCE)
    (copy / SOURCE / PROBES).write_bytes(b"PK\x03\x04")
    assert "cannot be read" in problem(copy, SOURCE)


def test_keys_are_names_not_paths(copy):
    library = Library(copy, fetch=refuse)
    for key in (f"../copy/{SOURCE}", f"{copy}/{SOURCE}", f"./{SOURCE}"):
        with pytest.raises(CheckpointError):
            library.get(key)
