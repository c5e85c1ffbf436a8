"""A Hub for tests: the endpoints that huggingface_hub uses, over real HTTP, kept in memory.

    with hub_server.running() as hub:
        hub.commit("ada/model", {"config.json": b"{}"})
        hub_server.connect(monkeypatch, hub, tmp_path)  # or, for another process, HF_ENDPOINT
        hub.faults["model.safetensors"] = CUT           # from now on its download breaks off

Answers follow the Hub's: status, X-Error-Code and X-Error-Message are what the client goes by.
Files are stored in git or, where they are binary, in plain LFS; Xet is never offered, so clients
that upload need HF_HUB_DISABLE_XET.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants

OWNER, STRANGER = "hf_owner", "hf_stranger"  # every repository belongs to OWNER
CUT = "cut"  # the connection closes half way, and again on every attempt to resume
SHORT = "short"  # half of the file, as if it were all
FLIPPED = "flipped"  # the right length, one byte changed
BINARY = (".safetensors", ".npz", ".bin")

ID, REVISION = r"(?P<repo>[^/]+/[^/]+)", r"(?P<revision>[^/]+)"
API = rf"/api/(?:models|spaces)/{ID}"


@dataclass
class Repository:
    """Commits (sha to files), branches (name to sha), and who may see them."""

    private: bool = False
    gated: bool = False
    kind: str = "model"
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def add(self, files: dict[str, bytes], branch: str = "main") -> str:
        sha = hashlib.sha1(f"{len(self.commits)} {branch} {sorted(files)}".encode()).hexdigest()
        self.commits[sha] = files
        self.branches[branch] = sha
        return sha

    def resolve(self, revision: str) -> str | None:
        sha = self.branches.get(revision, revision)
        return sha if sha in self.commits else None


class Refusal(Exception):  # noqa: N818
    """An error answer; `code` is the X-Error-Code, `more` goes into the body."""

    def __init__(self, status: int, message: str, code: str | None = None, **more: str) -> None:
        super().__init__(message)
        self.status, self.code, self.body = status, code, {"error": message, **more}


class Hub(ThreadingHTTPServer):
    """The server's state.

    Attributes:
        faults: by file name, how its download fails: CUT, SHORT or FLIPPED.
        outage: status that every request is answered with, e.g. 503.
        requests: what was asked for, as "GET /path".
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.repositories: dict[str, Repository] = {}
        self.lfs: dict[str, bytes] = {}
        self.faults: dict[str, str] = {}
        self.outage: int | None = None
        self.requests: list[str] = []

    def commit(self, repo: str, files: dict[str, bytes], **access: Any) -> str:
        """Make a repository hold `files`, past the API."""
        repository = self.repositories.setdefault(repo, Repository(**access))
        return repository.add(files)


@contextmanager
def running() -> Iterator[Hub]:
    """A Hub that answers at `Hub.url` until the block ends."""
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


def connect(monkeypatch: pytest.MonkeyPatch, hub: Hub, folder: Path, token: str = OWNER) -> None:
    """Point this process's huggingface_hub at `hub`; its cache goes into `folder`."""
    for name, value in {
        "ENDPOINT": hub.url,
        "HUGGINGFACE_CO_URL_TEMPLATE": hub.url + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(folder / "hub"),
        "HF_TOKEN_PATH": str(folder / "token"),
        "HF_HUB_DISABLE_XET": True,
    }.items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setenv("HF_TOKEN", token)


class Handler(BaseHTTPRequestHandler):
    """One request: who asks, which route, which answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Hub

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        self.server.requests.append(f"{self.command} {path}")
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            if self.server.outage:
                raise Refusal(self.server.outage, "not now")
            for methods, pattern, route in ROUTES:
                match = re.fullmatch(pattern, path)
                if match and self.command in methods:
                    route(self, **{k: unquote(v) for k, v in match.groupdict().items() if v})
                    return
            raise Refusal(404, f"this test Hub has no {self.command} {path}")
        except Refusal as refusal:
            self._send_refusal(refusal)

    # Routes

    def create_repository(self) -> None:
        wanted = json.loads(self.body)
        repo = f"{wanted['organization']}/{wanted['name']}"
        url = f"{self.server.url}/{repo}"
        self._check_write()
        if repo in self.server.repositories:
            raise Refusal(409, "You already created this model repo", url=url)
        kind = wanted.get("type", "model")
        if kind == "space" and not wanted.get("sdk"):
            raise Refusal(400, "a Space needs an sdk")
        private = wanted.get("visibility") == "private"
        self.server.commit(repo, {}, private=private, kind=kind)
        self._send_json({"url": url})

    def create_branch(self, repo: str, branch: str) -> None:
        self._check_write()
        repository = self._repository(repo)
        if branch in repository.branches:
            raise Refusal(409, "Reference already exists")
        repository.branches[branch] = repository.branches["main"]
        self._send_json({})

    def validate_card(self) -> None:
        if not json.loads(self.body)["content"].startswith("---\n"):
            error = {"errors": [{"message": "no metadata"}], "warnings": []}
            self._send(400, json.dumps(error).encode(), {"X-Error-Message": "no metadata"})
        else:
            self._send_json({"errors": [], "warnings": []})

    def preupload(self, repo: str, revision: str) -> None:
        self._check_write()
        self._files(repo, revision)
        paths = [file["path"] for file in json.loads(self.body)["files"]]
        answers = [
            {"path": p, "uploadMode": "lfs" if _in_lfs(p) else "regular", "shouldIgnore": False}
            for p in paths
        ]
        self._send_json({"files": answers})

    def lfs_batch(self, repo: str) -> None:
        self._check_write()
        objects = [
            {
                "oid": item["oid"],
                "size": item["size"],
                "actions": {"upload": {"href": f"{self.server.url}/lfs/{item['oid']}"}},
            }
            for item in json.loads(self.body)["objects"]
        ]
        self._send_json({"transfer": "basic", "objects": objects})

    def lfs_upload(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise Refusal(400, "checksum does not match")
        self.server.lfs[oid] = self.body
        self._send_json({})

    def commit(self, repo: str, revision: str) -> None:
        self._check_write()
        files = dict(self._files(repo, revision)[1])
        for line in self.body.splitlines():
            operation, value = (entry := json.loads(line))["key"], entry["value"]
            if operation == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif operation == "lfsFile":
                files[value["path"]] = self.server.lfs[value["oid"]]
            elif operation == "deletedFile":
                del files[value["path"]]
        sha = self._repository(repo).add(files, revision)
        self._send_json({"commitUrl": f"{self.server.url}/{repo}/commit/{sha}", "commitOid": sha})

    def info(self, repo: str, revision: str = "main") -> None:
        sha, files = self._files(repo, revision)
        siblings = [
            {"rfilename": path, "size": len(data), "blobId": _git_id(data)}
            | ({"lfs": _lfs_info(data, "sha256")} if _in_lfs(path) else {})
            for path, data in files.items()
        ]
        self._send_json({"id": repo, "sha": sha, "siblings": siblings, "tags": []})

    def tree(self, repo: str, revision: str) -> None:
        entries = [
            {"type": "file", "path": path, "size": len(data), "oid": _git_id(data)}
            | ({"lfs": _lfs_info(data, "oid")} if _in_lfs(path) else {})
            for path, data in self._files(repo, revision)[1].items()
        ]
        self._send_json(entries)

    def resolve(self, repo: str, revision: str, path: str) -> None:
        sha, files = self._files(repo, revision)
        if self._repository(repo).gated:
            raise Refusal(403, f"Access to model {repo} is restricted", "GatedRepo")
        if path not in files:
            raise Refusal(404, "Entry not found", "EntryNotFound")
        data = files[path]
        tag = hashlib.sha256(data).hexdigest() if _in_lfs(path) else _git_id(data)
        headers = {"X-Repo-Commit": sha, "ETag": f'"{tag}"', "X-Linked-Size": str(len(data))}
        if self.command == "HEAD":
            self._send(200, data, headers)
        else:
            self._send_file(data, headers, self.server.faults.get(path))

    # What routes share

    def _check_write(self) -> None:
        token = self._token()
        if token is None:
            raise Refusal(401, "Invalid username or password.")
        if token != OWNER:
            raise Refusal(403, "You don't have the rights to create a model under this namespace")

    def _token(self) -> str | None:
        """The token that came, if any; one that nobody gave out is refused."""
        header = self.headers.get("Authorization")
        if header is None:
            return None
        token = header.removeprefix("Bearer ")
        if token not in (OWNER, STRANGER):
            raise Refusal(401, "Invalid credentials in Authorization header")
        return token

    def _repository(self, repo: str) -> Repository:
        token = self._token()
        repository = self.server.repositories.get(repo)
        if repository is None or (repository.private and token != OWNER):
            # The Hub does not tell the nameless whether there is something.
            if token is None:
                raise Refusal(401, "Invalid username or password.")
            raise Refusal(404, "Repository not found", "RepoNotFound")
        return repository

    def _files(self, repo: str, revision: str) -> tuple[str, dict[str, bytes]]:
        repository = self._repository(repo)
        sha = repository.resolve(revision)
        if sha is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return sha, repository.commits[sha]

    def _send_file(self, data: bytes, headers: dict[str, str], fault: str | None) -> None:
        half = len(data) // 2
        if fault == SHORT:
            data = data[:half]
        elif fault == FLIPPED:
            data = data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :]
        first = int(re.sub(r"\D", "", self.headers.get("Range", "0")))
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        end = half if fault == CUT else len(data)
        self.close_connection = fault == CUT
        self._send(206 if first else 200, data[first:], headers, data[first:end])

    def _send_json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send_refusal(self, refusal: Refusal) -> None:
        headers = {"Content-Type": "application/json", "X-Error-Message": str(refusal)}
        if refusal.code:
            headers["X-Error-Code"] = refusal.code
        self._send(refusal.status, json.dumps(refusal.body).encode(), headers)

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], sent: bytes | None = None
    ) -> None:
        """Announce `body` and send it, or send only the part `sent` of it."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if sent is None else sent)


ROUTES = [
    ("POST", r"/api/repos/create", Handler.create_repository),
    ("POST", r"/api/validate-yaml", Handler.validate_card),
    ("POST", rf"{API}/branch/(?P<branch>[^/]+)", Handler.create_branch),
    ("POST", rf"{API}/preupload/{REVISION}", Handler.preupload),
    ("POST", rf"/(?:spaces/)?{ID}\.git/info/lfs/objects/batch", Handler.lfs_batch),
    ("PUT", r"/lfs/(?P<oid>\w+)", Handler.lfs_upload),
    ("POST", rf"{API}/commit/{REVISION}", Handler.commit),
    ("GET", rf"{API}(/revision/{REVISION})?", Handler.info),
    ("GET", rf"{API}/tree/{REVISION}", Handler.tree),
    ("GET HEAD", rf"/{ID}/resolve/{REVISION}/(?P<path>.+)", Handler.resolve),
]


def _in_lfs(path: str) -> bool:
    return path.endswith(BINARY)


def _git_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _lfs_info(data: bytes, name_of_hash: str) -> dict[str, Any]:
    return {name_of_hash: hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
