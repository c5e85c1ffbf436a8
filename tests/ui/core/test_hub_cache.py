"""What visitors name on the Hub: bounded in number and size, and nothing is left behind."""

import gc
import threading
import zipfile
from dataclasses import replace

import pytest

from dviz.checkpoint import CODES, CONFIG, PROBES, REPORT, THUMBNAILS
from dviz.errors import CheckpointError
from dviz.limits import LIMITS
from dviz.ui.core import hub_cache
from dviz.ui.core.hub_cache import HubCache
from dviz.ui.core.library import Library
from tests.publish import hub_server
from tests.ui.material import NAMES

ID = "ada/sprites"


@pytest.fixture
def server(monkeypatch, tmp_path):
    with hub_server.running() as hub:
        hub_server.connect(monkeypatch, hub, tmp_path / "home")
        yield hub


@pytest.fixture
def files(checkpoints):
    return {f.name: f.read_bytes() for f in (checkpoints / NAMES[0]).iterdir()}


def left(folder):
    return [f for f in folder.rglob("*") if f.is_file()]


def test_what_is_fetched_is_whole_and_is_forgotten_whole(server, files, tmp_path):
    server.commit(ID, files)
    cache = HubCache(tmp_path / "cache")
    checkpoint = cache.fetch(ID)
    assert checkpoint.config.name == NAMES[0]
    assert left(tmp_path / "cache")
    assert cache.downloaded(ID) >= sum(map(len, files.values()))
    del checkpoint
    gc.collect()
    assert cache.downloaded(ID) == 0
    assert not left(tmp_path / "cache")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({REPORT: b" " * 3_000_000}, "report.json of ada/sprites is larger than 2 MB"),
        ({CODES: b"no archive"}, "representations.npz of ada/sprites cannot be read"),
        ({CONFIG: b"{}"}, "config.json"),
        ({"model.safetensors": b"short"}, "model.safetensors"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(server, files, tmp_path, change, words):
    server.commit(ID, files | change)
    with pytest.raises(CheckpointError, match=words) as caught:
        HubCache(tmp_path / "cache").fetch(ID)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert not left(tmp_path / "cache")


@pytest.mark.parametrize("file", [CODES, PROBES, THUMBNAILS])
def test_archives_that_unpack_to_too_much_are_refused(monkeypatch, tmp_path, file):
    small = replace(LIMITS, npz_bytes=1_000_000, thumbnails_bytes=1_000_000)
    monkeypatch.setattr(hub_cache, "LIMITS", small)
    with zipfile.ZipFile(tmp_path / file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mean.npy", bytes(2_000_000))
    assert (tmp_path / file).stat().st_size < 10_000
    with pytest.raises(CheckpointError, match="unpacks to 2 MB; at most 1 MB"):
        hub_cache.check_sizes(tmp_path, ID)


def test_archives_packed_in_another_way_are_refused(tmp_path):
    """Of those Python unpacks whole chunks, however small their directory says that they are."""
    with zipfile.ZipFile(tmp_path / CODES, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("mean.npy", bytes(2_000_000))
    with pytest.raises(CheckpointError, match="packed in a way that is not read"):
        hub_cache.check_sizes(tmp_path, ID)


def test_too_many_at_once_are_asked_to_wait(monkeypatch, checkpoints, tmp_path):
    inside, go_on = threading.Event(), threading.Event()

    def slow(repo_id, **_):
        inside.set()
        go_on.wait(20)
        raise CheckpointError("there is none")

    monkeypatch.setattr(hub_cache.hub, "load", slow)
    cache = HubCache(tmp_path, at_once=1, patience=0.05)
    library = Library(checkpoints, fetch=cache.fetch)

    def first():
        with pytest.raises(CheckpointError):
            library.get("ada/one")

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(20)
    with pytest.raises(CheckpointError, match="try again in a minute"):
        library.get("ada/two")
    go_on.set()
    thread.join()


def test_no_token_goes_along(server, files, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", hub_server.OWNER)
    server.commit(ID, files, private=True)
    with pytest.raises(CheckpointError, match="private"):
        HubCache(tmp_path / "cache").fetch(ID)


def test_a_report_of_usual_size_passes(checkpoints):
    for name in NAMES:
        assert hub_cache.check_sizes(checkpoints / name, name) is None
