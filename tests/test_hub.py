"""Push and load with the real client, over a real connection to a Hub in this process."""

import json
import os
import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from huggingface_hub.utils import disable_progress_bars
from safetensors.torch import save

from dviz import hub
from dviz.card import write_card
from dviz.checkpoint import (
    CARD,
    CONFIG,
    FILES,
    REPORT,
    WEIGHTS,
    CheckpointConfig,
    read_config,
    save_checkpoint,
)
from dviz.errors import CheckpointError
from dviz.factors import Factor
from dviz.models.vae import VAE, VAEConfig
from tests import hub_server
from tests.hub_server import CUT, FLIPPED, OWNER, SHORT, STRANGER

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "push_to_hub.py"
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


def test_a_push_is_one_commit_of_all_checkpoint_files(server, folder):
    for name in set(FILES) - set(files_of(folder)):
        (folder / name).write_bytes(b"{}")
    hub.push(folder, REPO)
    creation, pushed = server.repositories[REPO].commits.values()
    assert creation == {}
    assert pushed == files_of(folder)


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


def test_pushing_needs_a_token_with_permission(server, folder, refusal, monkeypatch):
    assert "refuses the token" in refusal(hub.push, folder, REPO, token="hf_nobody")
    assert "permission" in refusal(hub.push, folder, REPO, token=STRANGER)
    monkeypatch.delenv("HF_TOKEN")
    assert "hf auth login" in refusal(hub.push, folder, REPO)
    assert REPO not in server.repositories


def test_a_card_that_the_hub_refuses_is_named(server, folder, refusal):
    (folder / CARD).write_text("no front matter")
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


def test_the_script_pushes_several_and_writes_missing_cards(server, folder, tmp_path):
    other = make_checkpoint(tmp_path / "other", seed=1)
    (other / CARD).unlink()
    environment = os.environ | {
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": OWNER,
    }
    command = [sys.executable, SCRIPT, folder, other, "--repo-id", "ada"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split("/")[-3] for line in done.stdout.split()] == ["tiny", "other"]
    for source, repo_id in ((folder, "ada/tiny"), (other, "ada/other")):
        assert_same_weights(hub.load(repo_id).model, source)
    assert 'hub.load("ada/other")' in (hub.load("ada/other").folder / CARD).read_text()


def test_a_dry_run_sends_nothing(server, folder, script):
    (folder / CARD).unlink()
    code, out, _ = script(folder, "--repo-id", REPO, "--dry-run")
    assert code == 0
    assert f"{(folder / WEIGHTS).stat().st_size:,} bytes  {WEIGHTS}" in out
    assert server.requests == []
    assert not (folder / CARD).exists()


def test_the_script_s_errors_are_one_line(server, folder, script):
    code, _, error = script(folder, folder, "--repo-id", REPO)
    assert code == 2
    assert error == (
        f"push_to_hub.py: --repo-id {REPO} names one repository, but there are several "
        "checkpoints; give ada alone, then each goes to a repository of its own\n"
    )
    (folder / CONFIG).write_text("{}")
    code, _, error = script(folder, "--repo-id", REPO, "--dry-run")
    assert code == 2
    assert error.startswith("push_to_hub.py: config.json")
    assert error.count("\n") == 1
