"""The gate before the page: two visitors over real connections, hostile requests, what is left."""

import http.client
import json
import os
import socket
import time
from urllib.parse import quote, urlsplit

import pytest

from dviz.ui import guard
from dviz.ui.core.library import Library
from dviz.ui.core.scratch import use_scratch_folder
from dviz.ui.exchange import COOKIE
from dviz.ui.page import build_app, launch_options
from tests.ui.loops import run_apart
from tests.ui.material import NAMES

SOURCE = NAMES[0]


@pytest.fixture(scope="module")
def url(checkpoints):
    library = Library(checkpoints)
    page = build_app(library)
    options = launch_options(library)
    options["app_kwargs"]["middleware"][0].kwargs["grace"] = 0.3
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **options)
    yield url
    page.close()


class Visitor:
    """A browser: it opens the page first and keeps the cookie."""

    def __init__(self, url):
        self.address = urlsplit(url).netloc
        status, headers, _ = self.ask("GET", "/", headers={"Accept": "text/html"})
        assert status == 200
        self.cookie = headers["set-cookie"].split(";")[0]

    cookie = ""

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        headers = dict(headers or {})
        if self.cookie:
            headers["Cookie"] = self.cookie
        if isinstance(body, dict):
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def upload(self, content=b"a picture", name="secret-name.png"):
        body = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        body = body.encode() + content + b"\r\n--x--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        status, _, answer = self.ask("POST", "/gradio_api/upload", body, kind)
        assert status == 200
        return json.loads(answer)[0]

    def read(self, path):
        return self.ask("GET", f"/gradio_api/file={quote(path)}")[0]

    def open_page(self, session):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.request(
            "GET", f"/gradio_api/heartbeat/{session}", headers={"Cookie": self.cookie}
        )
        connection.getresponse().readline()
        return connection


@pytest.fixture
def ada(url):
    return Visitor(url)


@pytest.fixture
def eve(url):
    return Visitor(url)


def gone(path, seconds=10.0):
    deadline = time.monotonic() + seconds
    while os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not os.path.exists(path)


def test_a_visitor_gets_a_cookie_that_scripts_cannot_read_and_keeps_it(ada):
    assert ada.cookie.startswith(COOKIE)
    _, headers, _ = ada.ask("GET", "/", headers={"Accept": "text/html"})
    assert "set-cookie" not in headers


def test_an_upload_is_its_visitor_s_alone(ada, eve):
    path = ada.upload(b"ada's")
    assert ada.read(path) == 200
    assert eve.read(path) == 404
    folder, name = os.path.split(path)
    for way in (f"{folder}/../{os.path.basename(folder)}/{name}", f"{folder}//{name}"):
        assert eve.read(way) != 200
    assert eve.ask("GET", f"/gradio_api/file/{quote(path)}")[0] != 200


@pytest.mark.parametrize("count", [24, 25, 900])
def test_more_files_at_once_than_are_allowed_are_refused(ada, count):
    part = '--x\r\nContent-Disposition: form-data; name="files"; filename="{}.png"\r\n\r\nx\r\n'
    body = "".join(map(part.format, range(count))) + "--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    status, _, answer = ada.ask("POST", "/gradio_api/upload", body, kind)
    assert status == (200 if count <= 24 else 413)
    assert len(json.loads(answer)) == 24 or "more than 24 files at once" in answer.decode()


def test_an_upload_with_two_boundaries_is_refused(ada):
    """Its parts would be counted by one of them, and made into files by the other."""
    named = "----WebKitFormBoundary7MA4YWxkTrZu0gW"  # as browsers call theirs
    body = (
        f'--{named}\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        f"x\r\n--{named}--\r\n"
    )
    kind = {"Content-Type": f"multipart/form-data; boundary={named}"}
    assert ada.ask("POST", "/gradio_api/upload", body, kind)[0] == 200
    kind = {"Content-Type": "multipart/form-data; boundary=a; boundary=x"}
    part = '--x\r\nContent-Disposition: form-data; name="files"; filename="{}.png"\r\n\r\nx\r\n'
    body = "".join(map(part.format, range(30))) + "--x--\r\n"
    status, _, answer = ada.ask("POST", "/gradio_api/upload", body, kind)
    assert status == 400
    assert "one boundary" in answer.decode()


@pytest.fixture
def remains(monkeypatch):
    """What each upload leaves that is nobody's: bytes, files, and whether all of it came."""
    found, add = [], guard.Visitors.add_remains

    def note(self, size, files, *, whole):
        found.append((size, files, whole))
        add(self, size, files, whole=whole)

    monkeypatch.setattr(guard.Visitors, "add_remains", note)
    return found


def awaited(found, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not found and time.monotonic() < deadline:
        time.sleep(0.05)
    return found.pop()


PART = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="%d.png"\r\n\r\n'


def test_of_an_upload_that_was_kept_only_its_headers_are_nobody_s(ada, remains):
    ada.upload(b"x" * 10_000)
    size, files, whole = awaited(remains)
    assert (files, whole) == (0, True)
    assert 0 < size < 300


def test_an_upload_that_is_cut_off_is_counted(ada, remains):
    connection = socket.create_connection(ada.address.split(":"))
    lines = "POST /gradio_api/upload HTTP/1.1", f"Host: {ada.address}", "Content-Length: 900000"
    head = "\r\n".join([*lines, "Content-Type: multipart/form-data; boundary=x", "", ""])
    before = len(list(use_scratch_folder().glob("tmp*")))
    connection.sendall(head.encode() + PART % (b"files", 0) + b"x" * 200_000)
    time.sleep(0.5)
    connection.close()
    size, files, whole = awaited(remains)
    assert (files, whole) == (1, False)
    assert 200_000 <= size < 200_300
    assert len(list(use_scratch_folder().glob("tmp*"))) == before + 1, "Gradio leaves it"


@pytest.mark.parametrize(
    ("last", "status", "kept"),
    [
        (b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\nno file\r\n', 500, 0),
        (PART % (b"others", 9) + b"y" * 50_000 + b"\r\n", 200, 2),
    ],
    ids=["fails after the files", "a file of another field"],
)
def test_files_that_gradio_keeps_without_a_word_are_counted(ada, remains, last, status, kept):
    body = b"".join(PART % (b"files", n) + b"x" * 10_000 + b"\r\n" for n in range(2))
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    found, _, _ = ada.ask("POST", "/gradio_api/upload", body + last + b"--x--\r\n", kind)
    size, files, whole = awaited(remains)
    assert (found, files, whole) == (status, 3 - kept, True)
    assert size == len(body + last + b"--x--\r\n") - kept * 10_000


def test_another_s_upload_cannot_be_put_to_use(ada, eve):
    path = ada.upload(b"ada's own")
    item = {"path": path, "meta": {"_type": "gradio.FileData"}}
    body = {"data": [SOURCE, item, "crop", "keep"], "session_hash": "eves"}
    assert eve.ask("POST", "/gradio_api/call/encode", body)[0] == 404
    assert ada.ask("POST", "/gradio_api/call/encode", body | {"session_hash": "adas"})[0] == 200


def test_a_session_is_its_visitor_s_alone(ada, eve):
    body = {"data": [SOURCE, [0.0] * 5], "session_hash": "of-ada"}
    status, _, answer = ada.ask("POST", "/gradio_api/call/decode", body)
    assert status == 200
    event = json.loads(answer)["event_id"]
    assert eve.ask("GET", f"/gradio_api/call/decode/{event}")[0] == 404
    assert eve.ask("GET", "/gradio_api/queue/data?session_hash=of-ada")[0] == 404
    assert eve.ask("POST", "/gradio_api/call/decode", body)[0] == 404
    cancel = {"session_hash": "of-ada", "fn_index": 0, "event_id": event}
    assert eve.ask("POST", "/gradio_api/cancel", cancel)[0] == 404
    assert ada.ask("GET", f"/gradio_api/call/decode/{event}")[0] == 200


def test_a_page_of_another_site_is_not_the_visitor(ada):
    path = ada.upload(b"mine")
    answer = ada.ask(
        "GET", f"/gradio_api/file={quote(path)}", headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer[0] == 404


def test_uploads_go_when_the_last_page_is_closed(ada, eve):
    theirs = eve.upload(b"eve's")
    path = ada.upload(b"for a while")
    first, second = ada.open_page("ada-1"), ada.open_page("ada-2")
    first.close()
    time.sleep(0.6)
    assert os.path.exists(path), "another page is still open"
    second.close()
    assert gone(path)
    assert os.path.exists(theirs)
    assert not [f for f in use_scratch_folder().rglob("*") if f.name == os.path.basename(path)
                and f.read_bytes() == b"for a while"]  # fmt: skip


def test_a_page_that_was_away_for_too_long_is_told_so(ada):
    body = {"data": [], "fn_index": 0, "session_hash": "ada-away"}
    page, path = ada.open_page("ada-away"), ada.upload(b"soon gone")
    assert ada.ask("POST", "/gradio_api/queue/join", body)[0] == 200
    page.close()
    assert gone(path)
    status, _, words = ada.ask("POST", "/gradio_api/queue/join", body)
    assert (status, b"reload it" in words) == (410, True)
    back = ada.open_page("ada-away")  # who listens anew is there
    assert ada.ask("POST", "/gradio_api/queue/join", body)[0] == 200
    back.close()


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"[" * 1_100_000, 413, "larger than 1,000,000 bytes, the limit"),
        (b"[" + b"[]," * 100_000 + b"1]", 400, "more than 50,000 values, the limit"),
        (b"[" * 900_000, 400, "deeper than 32 levels|not JSON"),
        (b"nonsense", 400, "not JSON"),
        (b'{"data": [{"path": "http://127.0.0.1/"}]}', 400, "addresses are not fetched"),
    ],
)
def test_hostile_bodies_are_refused_in_one_line(ada, body, status, words):
    kind = {"Content-Type": "application/json"}
    found, _, answer = ada.ask("POST", "/gradio_api/call/decode", body, kind)
    assert found == status
    detail = json.loads(answer)["detail"]
    assert any(word in detail for word in words.split("|"))
    assert "\n" not in detail


def test_a_body_without_a_length_is_counted(ada):
    def parts():
        for _ in range(30):
            yield b"[" * 100_000

    kind = {"Content-Type": "application/json"}
    assert ada.ask("POST", "/gradio_api/call/decode", parts(), kind)[0] == 413


def test_parts_of_gradio_that_the_page_does_not_use_are_closed(ada):
    for path in ("proxy=http://127.0.0.1/", "deep_link", "vibe-code", "process_recording"):
        assert ada.ask("GET", f"/gradio_api/{path}")[0] == 404
    assert ada.ask("GET", "/gradio_api/file=http://127.0.0.1:1/")[0] == 400
    assert ada.ask("GET", "/monitoring")[0] == 404


def test_browsers_are_told_what_the_page_may_do(ada):
    _, headers, _ = ada.ask("GET", "/", headers={"Accept": "text/html"})
    policy = headers["content-security-policy"]
    assert "object-src 'none'" in policy
    assert "frame-ancestors 'self' https://huggingface.co" in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_what_makes_no_sense_leaves_no_traceback(ada, capfd, caplog):
    odd = [
        ("/gradio_api/component_server", {"data": 1, "component_id": 10**9, "session_hash": "odd",
                                          "fn_name": "pictures"}),
        ("/gradio_api/component_server", {"data": 1, "component_id": [], "session_hash": "odd",
                                          "fn_name": "__class__"}),
        ("/gradio_api/queue/join", {"data": [], "fn_index": 10**6, "session_hash": "odd"}),
        ("/gradio_api/queue/join", {"data": ["secret"], "fn_index": 0, "session_hash": "odd"}),
        ("/gradio_api/run/nothing", {"data": ["secret"]}),
        ("/gradio_api/call/v2/nothing", {"secret": 1}),
    ]  # fmt: skip
    for path, body in odd:
        status, _, answer = ada.ask("POST", path, body)
        assert 400 <= status < 600 or status == 200
        assert b"Traceback" not in answer
    time.sleep(0.5)
    printed = "".join(capfd.readouterr()) + caplog.text
    assert "Traceback" not in printed
    assert "secret" not in printed


def test_a_full_queue_is_told_in_our_words(ada, monkeypatch):
    async def full(scope, receive, send):
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b'{"detail": "Queue is full."}'})

    sent = []

    async def run():
        gate = guard.Guard(full, use_scratch_folder())
        scope = {
            "type": "http", "method": "POST", "path": "/gradio_api/queue/join", "headers": [],
            "query_string": b"", "client": ("127.0.0.1", 1),
        }  # fmt: skip

        async def receive():
            return {"type": "http.request", "body": b"{}", "more_body": False}

        async def send(message):
            sent.append(message)

        await gate(scope, receive, send)
        gate._sweeper.cancel()

    run_apart(run())
    assert sent[0]["status"] == 429
    assert b"busy: " in sent[1]["body"]
