"""The Dockerfile, linted: what can be told without building it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINES = [
    line
    for line in re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text("utf-8")).splitlines()
    if line and not line.startswith("#")
]


def those(instruction):
    return [line.split(None, 1)[1] for line in LINES if line.split()[0] == instruction]


def test_one_pinned_base_and_known_instructions():
    known = {"FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}
    assert {line.split()[0] for line in LINES} <= known
    assert re.fullmatch(r"python:3\.\d+-slim", *those("FROM"))


def test_the_app_does_not_run_as_root():
    (user,) = those("USER")
    assert user not in ("root", "0")
    assert any(f"useradd --create-home --uid 1000 {user}" in line for line in those("RUN"))
    last = [line.split()[0] for line in LINES]
    assert last.index("USER") < last.index("CMD")
    assert "RUN" not in last[last.index("USER") :]


def test_it_says_how_it_is():
    assert "/health" in those("HEALTHCHECK")[0]
    assert those("CMD")[0].startswith("["), "signals reach the app itself"


def test_what_is_copied_exists_and_nothing_secret_is():
    for line in those("COPY"):
        *sources, _ = [word for word in line.split() if not word.startswith("--")]
        assert all((ROOT / source).exists() for source in sources)
        assert "." not in sources
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert {".git", "tests"} <= set(ignored)


def test_ports_agree():
    assert f"GRADIO_SERVER_PORT={those('EXPOSE')[0]}" in those("ENV")[0]
    assert f":{those('EXPOSE')[0]}/health" in those("HEALTHCHECK")[0]
