"""The page behind nginx, under a path of its own: buffered, without websockets."""

import http.client
import json
import shutil
import subprocess
import time
from urllib.parse import quote

import pytest

from dviz.ui.core.library import Library
from dviz.ui.page import build_app, launch_options
from tests.faults.test_server import answers, free_port, until
from tests.ui.material import NAMES

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
PREFIX = "/tools/dviz"
CONFIG = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_max_body_size 300m;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location /health {{ return 200; }}
    location {prefix}/ {{
      proxy_pass http://127.0.0.1:{app}/;
      proxy_buffering on; proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
}}
"""

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@pytest.fixture(scope="module")
def port(checkpoints, tmp_path_factory):
    library = Library(checkpoints)
    page = build_app(library)
    options = launch_options(library) | {"root_path": PREFIX}
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **options)
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    text = CONFIG.format(
        folder=folder, port=port, prefix=PREFIX, app=url.rstrip("/").rpartition(":")[2]
    )
    (folder / "nginx.conf").write_text(text)
    process = subprocess.Popen([NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder)])
    assert until(lambda: answers(f"http://127.0.0.1:{port}/"), 20)
    yield port
    process.terminate()
    process.wait()
    page.close()


def ask(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = dict(headers or {})
    if isinstance(body, dict):
        body, headers["Content-Type"] = json.dumps(body), "application/json"
    connection.request(method, PREFIX + path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def test_the_page_names_everything_under_its_prefix(port):
    status, headers, _ = ask(port, "GET", "/", headers={"Accept": "text/html"})
    assert status == 200
    assert "dviz_visitor" in headers["set-cookie"]
    config = json.loads(ask(port, "GET", "/config")[2])
    assert config["root"] == f"http://127.0.0.1:{port}{PREFIX}"
    assert ask(port, "GET", "/health")[0] == 200


def test_an_upload_is_encoded_and_read_back_through_the_proxy(port, tmp_path):
    from PIL import Image

    Image.new("RGB", (90, 60), "red").save(tmp_path / "a.png")
    cookie = ask(port, "GET", "/", headers={"Accept": "text/html"})[1]["set-cookie"].split(";")[0]
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    body += (tmp_path / "a.png").read_bytes() + b"\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x", "Cookie": cookie}
    status, _, answer = ask(port, "POST", "/gradio_api/upload", body, kind)
    assert status == 200
    path = json.loads(answer)[0]
    mine = {"Cookie": cookie}
    assert ask(port, "GET", f"/gradio_api/file={quote(path)}", headers=mine)[0] == 200
    assert ask(port, "GET", f"/gradio_api/file={quote(path)}")[0] == 404
    item = {"path": path, "meta": {"_type": "gradio.FileData"}}
    call = {"data": [NAMES[0], item, "crop", "keep"]}
    status, _, answer = ask(port, "POST", "/gradio_api/call/encode", call, mine)
    event = json.loads(answer)["event_id"]
    began = time.monotonic()
    _, _, stream = ask(port, "GET", f"/gradio_api/call/encode/{event}", headers=mine)
    assert b"event: complete" in stream, "events arrive through a buffering proxy"
    assert time.monotonic() - began < 50


def test_a_shared_link_opens_through_the_proxy(port):
    status, _, content = ask(
        port, "GET", f"/?checkpoint={NAMES[1]}&tab=traverse", headers={"Accept": "text/html"}
    )
    assert status == 200
    assert PREFIX.encode() in content
