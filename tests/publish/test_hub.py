"""Push and load with the real client, over a real connection to a Hub in this process."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import HfApi
from huggingface_hub.utils import disable_progress_bars
from safetensors.torch import save

from dviz.checkpoint import (
    CARD,
    CLASSES,
    CODES,
    CONFIG,
    DECODER,
    DERIVED,
    ENCODER,
    FILES,
    PROBES,
    REPORT,
    SAMPLES,
    THUMBNAILS,
    TRAVERSAL,
    WEIGHTS,
    CheckpointConfig,
    read_config,
    save_checkpoint,
)
from dviz.cli import common
from dviz.errors import CheckpointError
from dviz.factors import Factor
from dviz.measuring.report import read_report
from dviz.models.vae import VAE, VAEConfig
from dviz.publish import hub
from dviz.publish.card import checkpoint_card, write_card
from dviz.publish.traversal import write_traversal
from tests.publish import hub_server
from tests.publish.hub_server import CUT, FLIPPED, OWNER, SHORT, STRANGER
from tests.publish.own import measured_on_own
from tests.ui.material import NAMES

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "push_to_hub.py"
REPO = "ada/tiny"
TOKENS = (OWNER, STRANGER, "hf_nobody")

disable_progress_bars()


@pytest.fixture
def folder(tmp_path):
    return make_checkpoint(tmp_path / "tiny", seed=0)


@pytest.fixture
def refusal(tmp_path):
    """Call something that must be refused; its message, which must be one discreet line."""

    def call(function, *args, **kwargs) -> str:
        with pytest.raises(CheckpointError) as caught:
            function(*args, **kwargs)
        message = str(caught.value)
        assert "\n" not in message
        assert not [
            secret for secret in (str(tmp_path), "://", "127.0.0.1", *TOKENS) if secret in message
        ]
        return message

    return call


def make_checkpoint(folder: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    model = VAE(VAEConfig(filters=4, latent_size=3))
    config = CheckpointConfig(
        folder.name, "source", "color-dsprites", (Factor("shape", 3),), model.config,
        training={"seed": seed}, source="color-dsprites",
    )  # fmt: skip
    save_checkpoint(folder, model, config)
    write_card(folder)
    return folder


@pytest.fixture
def whole(checkpoints, tmp_path):
    """A checkpoint with every file that there can be."""
    folder = shutil.copytree(checkpoints / NAMES[0], tmp_path / "whole")
    write_traversal(folder)
    write_card(folder)
    assert set(files_of(folder)) == set(FILES) - {ENCODER, DECODER, THUMBNAILS}  # of others
    return folder


def files_of(folder: Path, **changed: bytes | None) -> dict[str, bytes]:
    """A folder's files as bytes; `weights=` and `config=` replace (None removes) one."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for key, value in changed.items():
        files[{"weights": WEIGHTS, "config": CONFIG}[key]] = value
    return {name: data for name, data in files.items() if data is not None}


def config_of(folder: Path, **changed) -> bytes:
    return json.dumps(json.loads((folder / CONFIG).read_text()) | changed).encode()


def assert_same_weights(model: VAE, folder: Path) -> None:
    expected = VAE.from_pretrained(folder).state_dict()
    actual = model.state_dict()
    assert actual.keys() == expected.keys()
    assert all(torch.equal(actual[name], expected[name]) for name in expected)


# Round trips


def test_what_is_derived_goes_along_and_goes_with_it(server, folder):
    for name in DERIVED:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"made of the rest")
    hub.push(folder, REPO)
    assert set(DERIVED) <= set(HfApi().list_repo_files(REPO))
    assert not (hub.load(REPO).folder / DERIVED[0]).exists()  # nobody who has dviz needs it
    (folder / DERIVED[-1]).unlink()
    hub.push(folder, REPO)
    assert DERIVED[-1] not in HfApi().list_repo_files(REPO)
    hub.push(folder, REPO, without=DERIVED)  # though they lie here
    assert not set(DERIVED) & set(HfApi().list_repo_files(REPO))


def test_two_folders_do_not_go_to_one_repository(server, folder, script):
    other = shutil.copytree(folder, folder.parent / "elsewhere" / folder.name)
    code, _, error = script(folder, other, "--repo-id", "ada")
    assert (code, server.requests) == (2, [])
    assert f"several folders would go to ada/{folder.name}" in error


def test_what_is_pushed_comes_back(server, folder):
    (folder / "training").mkdir()
    (folder / "training" / "state.safetensors").write_bytes(b"not for others")
    (folder / "notes.txt").write_text("nor this")
    url = hub.push(folder, REPO)
    loaded = hub.load(REPO)
    assert_same_weights(loaded.model, folder)
    assert not loaded.model.training
    assert loaded.config == read_config(folder)
    assert {path.name for path in loaded.folder.iterdir()} == {WEIGHTS, CONFIG, CARD}
    assert set(server.repositories[REPO].commits[url.rsplit("/", 1)[1]]) == {WEIGHTS, CONFIG, CARD}


def test_a_push_is_one_commit_of_all_checkpoint_files(server, whole):
    before = files_of(whole)
    hub.push(whole, REPO)
    creation, pushed = server.repositories[REPO].commits.values()
    assert creation == {}
    assert pushed == before | {CARD: checkpoint_card(whole, REPO).encode()}
    assert files_of(whole) == before


@pytest.mark.parametrize("revision", [None, "seed-1"])
def test_the_example_on_a_pushed_card_loads_what_was_pushed(server, folder, revision):
    hub.push(folder, REPO, revision=revision)
    card = (hub.load(REPO, revision).folder / CARD).read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    names = {"images": np.zeros((2, 64, 64, 3), dtype=np.uint8)}
    exec(example, names)
    assert_same_weights(names["model"].checkpoint.model, folder)
    assert names["codes"].shape == (2, 3)
    assert names["images"].shape == (2, 64, 64, 3)


def test_an_old_revision_still_loads_after_a_second_push(server, folder, tmp_path):
    first = hub.push(folder, REPO).rsplit("/", 1)[1]
    other = make_checkpoint(tmp_path / "other", seed=1)
    hub.push(other, REPO, message="Train again")
    assert_same_weights(hub.load(REPO, first).model, folder)
    assert_same_weights(hub.load(REPO).model, other)
    assert hub.load(REPO, first).folder.name == first


def test_a_report_does_not_outlive_its_weights(server, folder):
    (folder / REPORT).write_text('{"format": 1, "results": {}, "baselines": []}')
    hub.push(folder, REPO)
    assert (hub.load(REPO).folder / REPORT).exists()
    (folder / REPORT).unlink()
    hub.push(folder, REPO)
    assert not (hub.load(REPO).folder / REPORT).exists()


def test_a_branch_leaves_main_alone(server, folder, tmp_path):
    hub.push(folder, REPO)
    other = make_checkpoint(tmp_path / "other", seed=1)
    hub.push(other, REPO, revision="seed-1")
    assert_same_weights(hub.load(REPO, "seed-1").model, other)
    assert_same_weights(hub.load(REPO).model, folder)


def test_a_private_repository_opens_to_its_owner_alone(server, folder, refusal):
    hub.push(folder, REPO, private=True)
    assert_same_weights(hub.load(REPO).model, folder)
    for token in (STRANGER, False):
        assert "private" in refusal(hub.load, REPO, token=token)


def test_what_is_cached_is_not_downloaded_again(server, folder):
    hub.push(folder, REPO)
    hub.load(REPO)
    server.requests.clear()
    hub.load(REPO)
    assert not [request for request in server.requests if "/resolve/" in request]


# Pushing what or where one may not


def test_a_broken_folder_is_not_pushed(server, folder, refusal):
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-8])
    assert "broken" in refusal(hub.push, folder, REPO)
    assert "no config.json" in refusal(hub.push, folder / "nowhere", REPO)
    assert server.requests == []


def cut(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize("name", [REPORT, PROBES, CODES, CLASSES, TRAVERSAL])
def test_a_file_cut_short_is_named_before_anything_is_sent(server, whole, refusal, name):
    hub.check_checkpoint(whole)
    cut(whole, name)
    for function, arguments in ((hub.check_checkpoint, ()), (hub.push, (REPO,))):
        message = refusal(function, whole, *arguments)
        assert message.startswith("checkpoint whole: ")
        assert name in message
    assert server.requests == []


def test_labels_that_are_fewer_than_the_codes_are_named(whole, refusal):
    lines = (whole / CLASSES).read_text().splitlines(keepends=True)
    (whole / CLASSES).write_text("".join(lines[:101]))
    assert "classes.csv has 100 rows of labels for 240 codes" in refusal(
        hub.check_checkpoint, whole
    )


def test_whatever_damage_makes_readers_raise_is_one_line(whole, refusal):
    content = (whole / CODES).read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(40):
        damaged = bytearray(content)
        for place in rng.integers(0, 400, size=8):
            damaged[place] ^= 255
        (whole / CODES).write_bytes(damaged)
        assert CODES in refusal(hub.check_checkpoint, whole)


def test_a_config_that_is_not_ours_is_named_with_its_checkpoint(folder, refusal):
    (folder / CONFIG).write_text("{}")
    assert refusal(hub.check_checkpoint, folder).startswith("checkpoint tiny: config.json is not")


def test_pushing_needs_a_token_with_permission(server, folder, refusal, monkeypatch):
    assert "refuses the token" in refusal(hub.push, folder, REPO, token="hf_nobody")
    assert "permission" in refusal(hub.push, folder, REPO, token=STRANGER)
    monkeypatch.delenv("HF_TOKEN")
    assert "hf auth login" in refusal(hub.push, folder, REPO)
    assert REPO not in server.repositories


def test_a_card_that_the_hub_refuses_is_named(server, folder, refusal, monkeypatch):
    monkeypatch.setattr(hub, "checkpoint_card", lambda *place, shared: "no front matter")
    assert "README.md: Invalid metadata" in refusal(hub.push, folder, REPO)


# Loading what is not there, or not open

MALFORMED = ["", "tiny", "hf_owner", "a/b/c", "datasets/a/b", "x" * 97 + "/y", "ä/b", "a b/c"]
PATHS = ["../x", "a/../b", "a/..", "/etc/passwd", "~/x", "a\\b/c", "a/b\nc"]


@pytest.mark.parametrize("repo_id", MALFORMED + PATHS)
def test_what_is_not_an_id_goes_nowhere(server, refusal, tmp_path, repo_id):
    assert "user/name" in refusal(hub.load, repo_id)
    assert server.requests == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("revision", ["", "..", "a/../b", "/a", "-x", "a b", "a\nb", "x" * 201])
def test_what_is_not_a_revision_goes_nowhere(server, folder, refusal, revision):
    assert "revision" in refusal(hub.load, REPO, revision)
    assert "revision" in refusal(hub.push, folder, REPO, revision=revision)
    assert server.requests == []


def test_missing_repository_and_revision(server, folder, refusal):
    for token in (OWNER, False):
        assert refusal(hub.load, REPO, token=token).startswith(f"there is no model {REPO}")
    server.commit(REPO, files_of(folder))
    for revision in ("v9", "0" * 40):
        assert refusal(hub.load, REPO, revision).startswith(f"{REPO} has no revision '{revision}'")


def test_refused_token(server, folder, refusal):
    server.commit(REPO, files_of(folder))
    assert "refuses the token" in refusal(hub.load, REPO, token="hf_nobody")


def test_gated_repository(server, folder, refusal):
    server.commit(REPO, files_of(folder), gated=True)
    assert refusal(hub.load, REPO).startswith(f"{REPO} is gated")


def test_no_connection(server, folder, refusal):
    server.commit(REPO, files_of(folder))
    server.shutdown()
    server.server_close()
    assert "no connection" in refusal(hub.load, REPO)
    assert "no connection" in refusal(hub.push, folder, REPO)


@pytest.mark.parametrize(("status", "words"), [(500, "error 500"), (429, "too many requests")])
def test_the_hub_has_a_bad_day(server, refusal, status, words):
    server.outage = status
    assert words in refusal(hub.load, REPO)


def test_something_else_answers(server, refusal, monkeypatch):
    monkeypatch.setattr(hub_server.Handler, "_answer", lambda self: self._send(200, b"<html>", {}))
    assert "makes no sense" in refusal(hub.load, REPO)


# Loading what is not a sound checkpoint


def test_repositories_of_another_kind_are_refused_by_their_list_of_files(server, folder, refusal):
    pickle = b"\x80\x04."
    for files, words in [
        (files_of(folder, weights=None) | {"pytorch_model.bin": pickle}, "pickled"),
        (files_of(folder, weights=None) | {"best.pt": pickle}, "pickled"),
        (files_of(folder, weights=None), f"no {WEIGHTS}"),
        (files_of(folder, config=None), f"no {CONFIG}"),
        ({}, f"no {WEIGHTS}"),
    ]:
        server.commit(REPO, files)
        message = refusal(hub.load, REPO)
        assert message.startswith(REPO)
        assert words in message
    assert not [request for request in server.requests if "/resolve/" in request]


def test_too_large_is_refused_before_the_download(server, folder, refusal):
    server.commit(REPO, files_of(folder) | {"film.mp4": bytes(1_000_000)})
    size = sum(map(len, files_of(folder).values()))
    assert "too large" in refusal(hub.load, REPO, max_bytes=size - 1)
    assert not [request for request in server.requests if "/resolve/" in request]
    loaded = hub.load(REPO, max_bytes=size)  # what is not a checkpoint's file does not count
    assert not (loaded.folder / "film.mp4").exists()


def foreign_configs(folder):
    yield b'{"model_type": "gpt2"}'
    yield b"[1, 2]"
    yield b"{"
    yield b"\xff\xfe"
    yield config_of(folder, format=99)
    yield config_of(folder, filters=5)
    yield config_of(folder, filters="4")
    yield config_of(folder, filters=4_000_000)
    yield config_of(folder, latent_size=3.0)
    yield config_of(folder, factors=[{"name": "shape", "size": 0, "values": []}])


def test_a_foreign_config_is_refused_before_the_weights(server, folder, refusal):
    for config in foreign_configs(folder):
        server.commit(REPO, files_of(folder, config=config))
        message = refusal(hub.load, REPO)
        assert CONFIG in message
        assert REPO in message
    assert not [request for request in server.requests if request.endswith(WEIGHTS)]


def test_weights_that_do_not_fit_are_refused(server, folder, refusal):
    layers = VAE.from_pretrained(folder).state_dict()
    name = "encoder.head.2.bias"
    for weights in (
        {key: value for key, value in layers.items() if key != name},
        layers | {"extra": torch.zeros(1)},
        layers | {name: torch.zeros(7)},
    ):
        server.commit(REPO, files_of(folder, weights=save(weights)))
        message = refusal(hub.load, REPO)
        assert message.startswith(f"{WEIGHTS} of {REPO} does not fit its config")
    server.commit(REPO, files_of(folder, config=config_of(folder, filters=1024)))
    assert "does not fit" in refusal(hub.load, REPO)


def test_weights_broken_at_the_source_are_refused(server, folder, refusal):
    whole = (folder / WEIGHTS).read_bytes()
    for weights in (whole[: len(whole) // 2], b"\xff" * 100, b""):
        server.commit(REPO, files_of(folder, weights=weights))
        assert "broken" in refusal(hub.load, REPO)


# Downloads that go wrong


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG])
@pytest.mark.parametrize(
    ("fault", "words"), [(CUT, "broke off"), (SHORT, "broke off"), (FLIPPED, "damaged")]
)
def test_a_broken_download_leaves_nothing_behind(
    server, folder, refusal, monkeypatch, name, fault, words
):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # the client waits between attempts
    server.commit(REPO, files_of(folder))
    server.faults[name] = fault
    assert words in refusal(hub.load, REPO)
    server.faults.clear()
    assert_same_weights(hub.load(REPO).model, folder)


def test_a_damaged_cache_heals(server, folder):
    server.commit(REPO, files_of(folder))
    cached = hub.load(REPO).folder / WEIGHTS
    cached.resolve().write_bytes(cached.read_bytes()[:-1] + b"?")
    assert_same_weights(hub.load(REPO).model, folder)


# VAE.from_pretrained, for those who want the model alone


def test_from_pretrained_reads_folders_and_repositories(server, folder, tmp_path):
    hub.push(folder, REPO)
    from_hub = VAE.from_pretrained(REPO)
    assert from_hub.config == VAEConfig(filters=4, latent_size=3)
    assert not from_hub.training
    assert_same_weights(from_hub, folder)
    from_hub.save_pretrained(tmp_path / "again")
    assert {path.name for path in (tmp_path / "again").iterdir()} == {WEIGHTS, CONFIG, CARD}
    assert_same_weights(VAE.from_pretrained(tmp_path / "again"), folder)


@pytest.mark.parametrize("strict", [False, True])
def test_from_pretrained_never_leaves_a_layer_random(server, folder, strict):
    layers = VAE.from_pretrained(folder).state_dict()
    layers.pop("encoder.head.2.bias")
    server.commit(REPO, files_of(folder, weights=save(layers)))
    with pytest.raises(CheckpointError, match=r"encoder\.head\.2\.bias"):
        VAE.from_pretrained(REPO, strict=strict)


def test_from_pretrained_never_reads_a_pickle(server, folder, tmp_path):
    torch.save(VAE.from_pretrained(folder).state_dict(), tmp_path / "pickle")
    pickle = (tmp_path / "pickle").read_bytes()
    server.commit(REPO, files_of(folder, weights=None) | {"pytorch_model.bin": pickle})
    with pytest.raises(CheckpointError, match="pickled"):
        VAE.from_pretrained(REPO)


# The script


@pytest.fixture
def script(monkeypatch, capsys):
    """Run the script in this process; its exit code and what it printed."""

    def run(*args) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, args)])
        monkeypatch.syspath_prepend(SCRIPT.parent)
        try:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        except SystemExit as stop:
            return stop.code, *capsys.readouterr()
        return 0, *capsys.readouterr()

    return run


def test_the_script_pushes_several_with_cards_of_their_own(server, folder, tmp_path):
    other = make_checkpoint(tmp_path / "other", seed=1)
    environment = os.environ | {
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": OWNER,
    }
    command = [sys.executable, SCRIPT, folder, other, "--repo-id", "ada", "--no-onnx"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split("/")[-3] for line in done.stdout.split()] == ["tiny", "other"]
    for source, repo_id in ((folder, "ada/tiny"), (other, "ada/other")):
        loaded = hub.load(repo_id)
        assert_same_weights(loaded.model, source)
        assert f'dviz.load("{repo_id}")' in (loaded.folder / CARD).read_text("utf-8")


def test_a_dry_run_lists_what_a_push_sends_and_sends_nothing(server, whole, script):
    (whole / CARD).unlink()
    out = script(whole, "--repo-id", REPO, "--dry-run")[1]
    assert all(f"made anew  {name}" in out for name in DERIVED)
    flags = ("--dry-run", "--no-onnx", "--no-parquet")
    code, out, _ = script(whole, "--repo-id", REPO, *flags)
    assert code == 0
    assert server.requests == []
    assert not (whole / CARD).exists()
    url = hub.push(whole, REPO)
    pushed = server.repositories[REPO].commits[url.rsplit("/", 1)[1]]
    expected = {f"{len(data):,} bytes  {name}" for name, data in pushed.items()}
    assert {line.strip() for line in out.splitlines()[1:]} == expected


def test_of_a_checkpoint_without_codes_no_samples_are_promised(server, folder, script):
    dry, told, _ = script(folder, "--repo-id", REPO, "--dry-run")
    assert dry == 0
    assert "onnx/encoder.onnx" in told
    assert SAMPLES not in told
    script(folder, "--repo-id", REPO)
    files = server.repositories[REPO].commits[server.repositories[REPO].branches["main"]]
    assert f"{len(files[CARD]):,} bytes  {CARD}" in told
    assert SAMPLES not in files
    assert SAMPLES not in files[CARD].decode()
    assert "onnx/encoder.onnx" in files[CARD].decode()


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project for the script: two checkpoints, and a folder of other things among them."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    root = tmp_path / "project"
    for seed, name in enumerate(("one", "two")):
        make_checkpoint(root / "checkpoints" / name, seed)
    (root / "checkpoints" / "seeds").mkdir()
    monkeypatch.setattr(common, "ROOT", root)
    return root


def test_all_pushes_every_checkpoint_of_the_project(server, root, script):
    code, out, _ = script("--all", "--repo-id", "ada")
    assert code == 0
    assert [line.split("/")[-3] for line in out.split()] == ["one", "two"]
    for name in ("one", "two"):
        assert_same_weights(hub.load(f"ada/{name}").model, root / "checkpoints" / name)


def test_all_leaves_out_what_was_made_with_own_pictures(server, root, script):
    path = root / "checkpoints" / "two" / CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | {"dataset": "folder:album"}))
    out = script("--all", "--repo-id", "ada")[1]
    assert out.splitlines()[0].endswith("(name them to push them): two")
    assert list(server.repositories) == ["ada/one"]
    assert script(root / "checkpoints" / "two", "--repo-id", "ada")[0] == 0
    assert list(server.repositories) == ["ada/one", "ada/two"]


def test_all_pushes_one_alone_into_a_namespace_too(server, root, script):
    shutil.rmtree(root / "checkpoints" / "two")
    assert script("--all", "--repo-id", "ada")[0] == 0
    assert list(server.repositories) == ["ada/one"]
    assert "give ada alone" in script("--all", "--repo-id", REPO)[2]
    shutil.rmtree(root / "checkpoints")
    assert "no checkpoints" in script("--all", "--repo-id", "ada")[2]


def test_what_was_only_measured_on_own_pictures_stays_here(server, whole, script):
    measured_on_own(whole)
    known = set(read_report(whole / REPORT).results) - {"folder:ward"}
    code, out, _ = script(whole, "--repo-id", REPO, "--no-onnx", "--no-parquet")
    assert (code, out.splitlines()[0]) == (
        0,
        f"{whole.name}: without what was measured on pictures that do not come with dviz "
        "(folder:ward)",
    )
    loaded = hub.load(REPO)
    assert set(read_report(loaded.folder / REPORT).results) == known
    assert "ward" not in (loaded.folder / REPORT).read_text(encoding="utf-8")
    assert "ward" not in (loaded.folder / CARD).read_text(encoding="utf-8")
    assert set(read_report(whole / REPORT).results) == known | {"folder:ward"}


def test_what_a_checkpoint_of_own_pictures_was_measured_on_goes_with_it(server, whole):
    measured_on_own(whole)
    path = whole / CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | {"dataset": "folder:ward"}))
    hub.push(whole, REPO)
    assert "folder:ward" in read_report(hub.load(REPO).folder / REPORT).results


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
@pytest.mark.parametrize("name", [REPORT, PROBES])
def test_all_are_checked_before_the_first_is_sent(server, root, script, name, dry_run):
    (root / "checkpoints" / "two" / name).write_bytes(b"PK{")
    code, out, error = script("--all", "--repo-id", "ada", *dry_run)
    assert (code, out, server.requests) == (2, "", [])
    assert error.startswith(f"dviz push: checkpoint two: {name}")
    assert error.count("\n") == 1


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
@pytest.mark.parametrize("place", [("a/b/c",), ("nonsense!",), (REPO, "--revision", "a b")])
def test_names_are_checked_by_dry_runs_too(server, folder, script, place, dry_run):
    code, out, error = script(folder, "--repo-id", *place, *dry_run)
    assert (code, out, server.requests) == (2, "", [])
    assert "this is not" in error


def test_either_folders_or_all(server, folder, script):
    for arguments in ((), (folder, "--all")):
        code, _, error = script(*arguments, "--repo-id", "ada")
        assert (code, error.count("\n")) == (2, 1)
        assert "or give --all" in error


def test_the_script_s_errors_are_one_line(server, folder, script):
    code, _, error = script(folder, folder, "--repo-id", REPO)
    assert code == 2
    assert error == (
        f"dviz push: --repo-id {REPO} names one repository, but there may be several "
        "checkpoints; give ada alone, then each goes to a repository of its own\n"
    )
    (folder / CONFIG).write_text("{}")
    code, _, error = script(folder, "--repo-id", REPO, "--dry-run")
    assert code == 2
    assert error.startswith("dviz push: checkpoint tiny: config.json")
    assert error.count("\n") == 1
