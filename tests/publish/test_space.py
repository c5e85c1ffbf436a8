"""What becomes a Space, and its way to a Hub in this process."""

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import metadata_load
from huggingface_hub.utils import disable_progress_bars

import dviz
from dviz.checkpoint import CARD, FILES, REPORT, THUMBNAILS
from dviz.cli import common
from dviz.errors import CheckpointError, DvizError, SpaceError
from dviz.publish.card import write_card
from dviz.publish.own import public_checkpoints
from dviz.publish.space import (
    check_front_matter,
    check_space,
    deploy,
    read_pins,
    space_files,
)
from tests.publish.hub_server import OWNER, STRANGER
from tests.publish.own import measured_on_own
from tests.ui.material import NAMES

ROOT = Path(__file__).resolve().parents[2]
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
    assert set(space_files(root, [NAMES[0]])) == expected


def test_this_project_is_fit_to_be_a_space():
    public, _ = public_checkpoints(ROOT)
    assert {"color-dsprites-to-coil100-finetuned", "shapes3d-to-arm3d"} <= set(public)
    check_space(ROOT, public)
    files = space_files(ROOT, public)
    assert {
        "dviz/ui/static/js/panel.js",
        "dviz/ui/static/style.css",
        "dviz/ui/static/panel.html",
    } <= set(files)
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


@pytest.mark.parametrize("name", ["model.safetensors", "report.json", "probes.npz", "classes.csv"])
def test_a_file_cut_short_is_named_with_its_checkpoint(server, root, name):
    check_space(root, [NAMES[0]])
    path = root / "checkpoints" / NAMES[0] / name
    path.write_bytes(path.read_bytes()[:-20])
    for function, arguments in ((check_space, (root,)), (deploy, (root, SPACE))):
        with pytest.raises(CheckpointError, match=f"checkpoint {NAMES[0]}") as caught:
            function(*arguments, [NAMES[0]])
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not server.requests


def test_missing_files_and_checkpoints_are_named(root):
    with pytest.raises(CheckpointError, match="checkpoint nowhere"):
        check_space(root, ["nowhere"])
    (root / "app.py").unlink()
    with pytest.raises(SpaceError, match=r"app\.py is missing"):
        check_space(root, [])


def test_the_space_becomes_a_copy(server, root):
    deploy(root, SPACE, [NAMES[0]])
    repository = server.repositories[SPACE]
    assert repository.kind == "space"
    for again in (False, True):
        files = repository.commits[repository.branches["main"]]
        assert set(files) == set(space_files(root, [NAMES[0]]))
        assert all(data == (root / name).read_bytes() for name, data in files.items())
        if not again:
            (root / "dviz" / "__init__.py").rename(root / "dviz" / "other.py")
            deploy(root, SPACE, [NAMES[0]])


@pytest.mark.parametrize("token", [STRANGER, "hf_nobody", ""])
def test_without_the_right_token_nothing_is_sent(server, root, monkeypatch, token):
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(DvizError, match="token"):
        deploy(root, SPACE, [NAMES[0]])
    assert SPACE not in server.repositories


@pytest.fixture
def script(run_command, root, monkeypatch):
    """Run the script on the project; see `run_command`."""
    monkeypatch.setattr(common, "ROOT", root)
    return partial(run_command, "space")


def write_own(root: Path, name: str, **changes: str) -> None:
    """A checkpoint learnt on a folder of one's own pictures."""
    folder = shutil.copytree(root / "checkpoints" / NAMES[0], root / "checkpoints" / name)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")


def sent_checkpoints(server) -> set[str]:
    repository = server.repositories[SPACE]
    files = repository.commits[repository.branches["main"]]
    return {name.split("/")[1] for name in files if name.startswith("checkpoints/")}


def test_a_dry_run_lists_and_sends_nothing(server, root, script):
    out = script("--repo-id", SPACE, "--dry-run").out
    files = space_files(root, [NAMES[0]])
    assert [line.split()[-1] for line in out.splitlines()[:-1]] == files
    assert f"in {len(files)} files would go to {SPACE}" in out
    assert not server.requests
    assert OWNER not in out


def test_what_was_learnt_on_one_s_own_pictures_stays_here(server, root, script):
    write_own(root, "album", dataset="folder:album")
    write_own(root, "from-album", source="folder:album")
    write_own(root, "on-from-there", parent="album")
    write_own(root, "on-from-what-is-gone", parent="an older album")
    own = ["album", "from-album", "on-from-there", "on-from-what-is-gone"]
    assert public_checkpoints(root) == ([NAMES[0]], own)
    for arguments in (("--dry-run",), ()):
        out = script("--repo-id", SPACE, *arguments).out
        assert out.splitlines()[0].endswith(f": {', '.join(own)}")
        assert "checkpoints/album" not in out
    assert sent_checkpoints(server) == {NAMES[0]}


def test_what_was_only_measured_on_own_pictures_stays_here(server, root, script):
    measured_on_own(root / "checkpoints" / NAMES[0])
    write_card(root / "checkpoints" / NAMES[0])
    assert "ward" in (root / "checkpoints" / NAMES[0] / CARD).read_text(encoding="utf-8")
    told = script("--repo-id", SPACE, "--dry-run").out
    assert f"{NAMES[0]}: without what was measured on pictures that do not come with dviz" in told
    script("--repo-id", SPACE)
    repository = server.repositories[SPACE]
    files = repository.commits[repository.branches["main"]]
    place = f"checkpoints/{NAMES[0]}"
    for name in (REPORT, CARD):
        sent = files[f"{place}/{name}"]
        assert b"ward" not in sent
        assert f"{len(sent):>12,} bytes  {place}/{name}" in told
    assert "ward" in (root / place / REPORT).read_text(encoding="utf-8")


def test_a_model_kept_with_pictures_that_were_in_memory_stays_here(server, root, script, tmp_path):
    """As `dviz.save(folder, model, dataset=(images, labels))` keeps it, thumbnails among it."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 64, 64, 3), dtype=np.uint8)
    encode = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 64 * 64, 3))
    labels = {"side": [i % 2 for i in range(60)]}
    folder = root / "checkpoints" / "mine"
    dviz.save(folder, encode, dataset=(images, labels), num_images=60, num_pairs=10, jobs=1)
    assert (folder / THUMBNAILS).is_file()
    write_own(root, "of-another-dviz", dataset="a dataset of tomorrow")
    assert public_checkpoints(root) == ([NAMES[0]], ["mine", "of-another-dviz"])
    script("--repo-id", SPACE)
    assert sent_checkpoints(server) == {NAMES[0]}


def test_named_checkpoints_go_alone(server, root, script):
    write_own(root, "album", dataset="folder:album")
    assert "left out" not in script("--repo-id", SPACE, "--checkpoints", "checkpoints/album").out
    assert sent_checkpoints(server) == {"album"}
    assert (
        "checkpoint nowhere"
        in script("--repo-id", SPACE, "--checkpoints", NAMES[0], "nowhere", fails=True).err
    )


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
def test_names_and_files_are_checked_by_dry_runs_too(server, root, script, dry_run):
    for repo_id in ("nonsense!", "dviz", "a/b/c"):
        out, error = script("--repo-id", repo_id, *dry_run, fails=True)
        assert out == ""
        assert "expected user/name" in error
    (root / "checkpoints" / NAMES[0] / "report.json").write_text("{")
    error = script("--repo-id", SPACE, *dry_run, fails=True).err
    assert error.startswith(f"dviz space: checkpoint {NAMES[0]}: report.json")
    assert not server.requests
