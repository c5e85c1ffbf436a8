"""The app, killed in the middle of an upload: nothing of it stays."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

from dviz.cli.benchmarks.page import SERVE


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def answers(url):
    try:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=2)
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False


def test_a_server_killed_during_an_upload_leaves_no_file(tmp_path, checkpoints):
    port = free_port()
    settings = {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(tmp_path)}
    settings |= {"DVIZ_CHECKPOINTS": str(checkpoints), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE], env={**os.environ, **settings},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert until(lambda: answers(f"http://127.0.0.1:{port}/"), 120)
        own = set(files(tmp_path))
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(
                b"POST /gradio_api/upload HTTP/1.1\r\nHost: a\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9000000\r\n\r\n"
                b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
                + bytes(2_000_000)
            )
            assert until(lambda: set(files(tmp_path)) - own, 20), "the upload has begun"
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert until(lambda: not files(tmp_path), 20)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
