"""What becomes a Space, and its way to a Hub in this process."""

import runpy
import shutil
import sys
from pathlib import Path

import pytest
from huggingface_hub import metadata_load
from huggingface_hub.utils import disable_progress_bars

from dviz.checkpoint import FILES
from dviz.errors import CheckpointError, DvizError, SpaceError
from dviz.space import check_front_matter, check_space, deploy, read_pins, space_files
from tests.hub_server import OWNER, STRANGER
from tests.ui.material import NAMES

ROOT = Path(__file__).resolve().parent.parent
SPACE = "ada/dviz"
GOOD = {
    "sdk": "gradio",
    "sdk_version": "6.31.0",
    "app_file": "app.py",
    "python_version": "3.11",
    "short_description": "short",
}

disable_progress_bars()


@pytest.fixture
def root(tmp_path, checkpoints):
    """A project with the real front matter and one small checkpoint, and what must stay here."""
    root = tmp_path / "project"
    (root / "dviz" / "__pycache__").mkdir(parents=True)
    for name in ("README.md", "LICENSE", "app.py", "requirements.txt"):
        shutil.copy(ROOT / name, root / name)
    shutil.copy(ROOT / "dviz" / "__init__.py", root / "dviz")
    shutil.copytree(checkpoints / NAMES[0], root / "checkpoints" / NAMES[0])
    left = ("dviz/__pycache__/a.pyc", f"checkpoints/{NAMES[0]}/training/state.safetensors")
    for name in (*left, "tests/test_a.py", "scripts/train.py", "coil-100.zip", ".env"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("stays here")
    return root


def test_a_space_holds_what_the_app_needs_and_nothing_else(root):
    expected = {"README.md", "LICENSE", "app.py", "requirements.txt", "dviz/__init__.py"}
    checkpoint = root / "checkpoints" / NAMES[0]
    expected |= {f"checkpoints/{NAMES[0]}/{n}" for n in FILES if (checkpoint / n).exists()}
    assert set(space_files(root)) == expected


def test_this_project_is_fit_to_be_a_space():
    check_space(ROOT)
    files = space_files(ROOT)
    assert {"dviz/ui/js/panel.js", "dviz/ui/style.css", "dviz/ui/panel.html"} <= set(files)
    assert not [name for name in files if name.startswith(("tests", "scripts"))]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sdk": "docker"}, "sdk is 'docker'"),
        ({"sdk_version": "5.0.0"}, "sdk_version is '5.0.0'.* expected '6.31.0'"),
        ({"app_file": "main.py"}, "app_file"),
        ({"python_version": "3.9"}, "python_version"),
        ({"short_description": "x" * 61}, "61 characters"),
    ],
)
def test_front_matter_that_the_hub_would_refuse(change, words):
    pins = {"gradio": "6.31.0"}
    check_front_matter(GOOD, pins)
    with pytest.raises(SpaceError, match=words):
        check_front_matter(GOOD | change, pins)


def test_the_front_matter_is_written_as_the_hub_reads_it():
    assert str(metadata_load(ROOT / "README.md")["python_version"]) == "3.11"


def test_requirements_must_be_pinned():
    assert read_pins("# a\ngradio==6.31.0\n\nx[extra]==1.0  # b\n") == {
        "gradio": "6.31.0",
        "x": "1.0",
    }
    with pytest.raises(SpaceError, match=r"'torch>=2' is not pinned"):
        read_pins("gradio==6.31.0\ntorch>=2")


def test_a_missing_file_and_a_broken_checkpoint_are_named(root):
    (root / "checkpoints" / NAMES[0] / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(CheckpointError, match=NAMES[0]):
        check_space(root)
    (root / "app.py").unlink()
    with pytest.raises(SpaceError, match=r"app\.py is missing"):
        check_space(root)


def test_the_space_becomes_a_copy(server, root):
    deploy(root, SPACE)
    repository = server.repositories[SPACE]
    assert repository.kind == "space"
    for again in (False, True):
        files = repository.commits[repository.branches["main"]]
        assert set(files) == set(space_files(root))
        assert all(data == (root / name).read_bytes() for name, data in files.items())
        if not again:
            (root / "dviz" / "__init__.py").rename(root / "dviz" / "other.py")
            deploy(root, SPACE)


@pytest.mark.parametrize("token", [STRANGER, "hf_nobody", ""])
def test_without_the_right_token_nothing_is_sent(server, root, monkeypatch, token):
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(DvizError, match="token"):
        deploy(root, SPACE)
    assert SPACE not in server.repositories


def test_a_dry_run_lists_and_sends_nothing(server, monkeypatch, capsys):
    arguments = ["deploy_space.py", "--repo-id", SPACE, "--dry-run"]
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    runpy.run_path(str(ROOT / "scripts" / "deploy_space.py"), run_name="__main__")
    out = capsys.readouterr().out
    assert "checkpoints/color-dsprites/model.safetensors" in out
    assert f"files would go to {SPACE}" in out
    assert not server.requests
    assert OWNER not in out
