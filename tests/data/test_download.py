import hashlib
import http.server
import tarfile
import threading

import numpy as np
import pytest

from dviz.data.download import fetch, unpack
from dviz.data.info import RemoteFile
from dviz.errors import DatasetError

CONTENT = np.random.default_rng(0).bytes(300_000)
MD5 = "md5:" + hashlib.md5(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Gives CONTENT under /file; `limit` breaks the connection after as many bytes."""

    limit, ranges, allow_ranges = None, None, True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/file"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/file":
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        start = int(asked[6:-1]) if asked and self.server.allow_ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : self.server.limit])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def test_a_file_comes_whole_and_once(server, tmp_path):
    seen = []
    file = RemoteFile(server.url, "a/b.npz", len(CONTENT), MD5)
    path = fetch(file, tmp_path, lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert fetch(file, tmp_path) == path
    assert len(server.ranges) == 1
    assert [p.name for p in path.parent.iterdir()] == ["b.npz"]


@pytest.mark.parametrize("allow_ranges", [True, False])
def test_a_broken_download_goes_on_where_it_was(server, tmp_path, allow_ranges):
    file = RemoteFile(server.url, "b.npz", checksum=MD5)
    server.limit, server.allow_ranges = 100_000, allow_ranges
    with pytest.raises(DatasetError, match=r"100,000 bytes are kept, run this again") as error:
        fetch(file, tmp_path)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "b.npz").exists()
    server.limit = None
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-"]


def test_a_part_that_is_whole_or_too_long_is_no_dead_end(server, tmp_path):
    for part in (CONTENT, CONTENT + b"more"):
        (tmp_path / "b.npz.part").write_bytes(part)
        path = fetch(RemoteFile(server.url, "b.npz", checksum=MD5), tmp_path)
        assert path.read_bytes() == CONTENT
        path.unlink()


def test_what_is_not_as_published_is_thrown_away(server, tmp_path):
    with pytest.raises(DatasetError, match=r"md5 .* was published"):
        fetch(RemoteFile(server.url, "b.npz", checksum="md5:" + "0" * 32), tmp_path)
    with pytest.raises(DatasetError, match="gave 300,000 bytes; 299,999 were published"):
        fetch(RemoteFile(server.url, "b.npz", size=299_999), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_servers_that_refuse_or_are_gone(server, tmp_path):
    with pytest.raises(DatasetError, match=r"answered 404 .* by hand to .*b\.npz"):
        fetch(RemoteFile(server.url + "s", "b.npz"), tmp_path)
    gone = RemoteFile("http://127.0.0.1:9/file", "b.npz")
    with pytest.raises(DatasetError, match=r"cannot be reached .*run this again later"):
        fetch(gone, tmp_path)


def test_a_folder_that_cannot_be_written_to(server, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DatasetError, match="cannot be written"):
        fetch(RemoteFile(server.url, "taken/b.npz"), tmp_path)


@pytest.fixture(params=["filters", "no filters"])
def tar_filters(request, monkeypatch):
    """As in a Python of today, and as in one from before archives were filtered."""
    if request.param == "no filters":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


@pytest.mark.usefixtures("tar_filters")
@pytest.mark.parametrize("name", ["../escaped.txt", "a/../../escaped.txt", "/escaped.txt"])
def test_archives_are_unpacked_but_not_outside(name, tmp_path):
    (tmp_path / "x.txt").write_text("here")
    good, bad = tmp_path / "good" / "a.tar", tmp_path / "bad" / "a.tar"
    for path, inside in ((good, "in/x.txt"), (bad, name)):
        path.parent.mkdir()
        with tarfile.open(path, "w") as archive:
            member = archive.gettarinfo(tmp_path / "x.txt")
            member.name = inside
            with (tmp_path / "x.txt").open("rb") as content:
                archive.addfile(member, content)
    unpack(good)
    assert (good.parent / "in" / "x.txt").read_text() == "here"
    with pytest.raises(DatasetError, match="cannot be unpacked"):
        unpack(bad)
    assert not list(tmp_path.rglob("escaped.txt"))
    good.write_bytes(b"broken")
    with pytest.raises(DatasetError, match="fetch it again"):
        unpack(good)


@pytest.mark.usefixtures("tar_filters")
def test_an_archive_s_links_lead_nowhere(tmp_path):
    link = tarfile.TarInfo("out")
    link.type, link.linkname = tarfile.SYMTYPE, ".."
    (tmp_path / "in").mkdir()
    with tarfile.open(tmp_path / "in" / "a.tar", "w") as archive:
        archive.addfile(link)
    with pytest.raises(DatasetError, match="out is no plain file"):
        unpack(tmp_path / "in" / "a.tar")
    assert not (tmp_path / "in" / "out").exists()
