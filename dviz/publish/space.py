"""The app as a Hugging Face Space: the files it needs, whether they are fit, the way there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    get_token,
    metadata_load,
)

from dviz import __version__
from dviz.checkpoint import CARD, CONFIG, FILES
from dviz.errors import SpaceError
from dviz.publish.card import checkpoint_card
from dviz.publish.hub import check_checkpoint, check_names, explained
from dviz.publish.own import shared_content

TOP = ("README.md", "LICENSE", "app.py", "requirements.txt")
CODE = (".py", ".js", ".css", ".html")
PYTHONS = ("3.10", "3.11", "3.12")
DESCRIPTION_LIMIT = 60  # characters; the Hub refuses more
KEPT = ".gitattributes"  # the Hub's own


def space_files(root: str | Path, checkpoints: Sequence[str]) -> list[str]:
    """Paths below the project's `root` of what the Space needs, and nothing else, sorted.

    The app, its package, its requirements, and of each of the named `checkpoints` the files that
    loading knows: no datasets, no training state, no scripts, no tests.
    """
    root = Path(root)
    found = [root / name for name in TOP]
    found += [path for path in (root / "dviz").rglob("*") if path.suffix in CODE]
    found += [root / "checkpoints" / folder / name for folder in checkpoints for name in FILES]
    return sorted({path.relative_to(root).as_posix() for path in found if path.is_file()})


def check_space(root: str | Path, checkpoints: Sequence[str]) -> None:
    """See that a Space made of `root` with these checkpoints would be built and would start.

    Raises:
        SpaceError: a file is missing, the front matter of README.md does not fit, or a requirement
            is not pinned.
        CheckpointError: a checkpoint is not there, or one of its files is damaged.
    """
    root = Path(root)
    missing = [name for name in TOP if not (root / name).is_file()]
    if missing:
        raise SpaceError(f"{missing[0]} is missing; a Space needs {', '.join(TOP)}")
    pins = read_pins((root / "requirements.txt").read_text(encoding="utf-8"))
    check_front_matter(metadata_load(root / "README.md") or {}, pins)
    for name in checkpoints:
        check_checkpoint(root / "checkpoints" / name)


def read_pins(requirements: str) -> dict[str, str]:
    """Name to version of every requirement; SpaceError where one is not pinned exactly."""
    pins = {}
    for line in requirements.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        match = re.fullmatch(r"([\w.-]+)(?:\[[\w,-]+\])?==([\w.]+)(?:\s*;.*)?", line)
        if match is None:
            raise SpaceError(
                f"requirements.txt: {line!r} is not pinned; a Space needs name==version, or it "
                "may not start after its next build"
            )
        pins[match[1].lower()] = match[2]
    return pins


def check_front_matter(values: dict, pins: dict[str, str]) -> None:
    """Check what README.md tells the Hub against the Hub's rules and the requirements `pins`."""
    expected = {"sdk": "gradio", "sdk_version": pins.get("gradio"), "app_file": "app.py"}
    for name, value in expected.items():
        if values.get(name) != value:
            raise SpaceError(
                f"README.md: {name} is {values.get(name)!r} in the front matter; expected {value!r}"
            )
    if str(values.get("python_version")) not in PYTHONS:
        raise SpaceError(
            f"README.md: python_version is {values.get('python_version')!r}; expected one of "
            f"{', '.join(PYTHONS)}"
        )
    description = str(values.get("short_description", ""))
    if len(description) > DESCRIPTION_LIMIT:
        raise SpaceError(
            f"README.md: short_description has {len(description)} characters; the Hub takes "
            f"{DESCRIPTION_LIMIT}"
        )


def deploy(
    root: str | Path,
    repo_id: str,
    checkpoints: Sequence[str],
    *,
    token: str | None = None,
    private: bool = False,
) -> str:
    """Make the Space `repo_id` hold exactly the files of `space_files`, in one commit.

    Args:
        repo_id: "user/name"; created where there is none.
        checkpoints: names of folders in the project's checkpoints/.
        token: with write permission; by default HF_TOKEN or that of `hf auth login`.
        private: make a new Space private; an existing one stays as it is.

    Returns:
        URL of the commit.

    Raises:
        SpaceError, CheckpointError: what is to be sent is not fit, or the Hub refuses.
    """
    root = Path(root)
    check_names(repo_id)
    check_space(root, checkpoints)
    if not (token or get_token()):
        raise SpaceError("deploying needs a token; set HF_TOKEN or log in with `hf auth login`")
    api, kind = HfApi(token=token), "space"
    files = space_files(root, checkpoints)
    with explained(repo_id):
        api.create_repo(repo_id, repo_type=kind, space_sdk="gradio", private=private, exist_ok=True)
        stale = set(api.list_repo_files(repo_id, repo_type=kind)) - {*files, KEPT}
        commit = api.create_commit(
            repo_id,
            [
                *(CommitOperationAdd(name, content(root / name)) for name in files),
                *(CommitOperationDelete(name) for name in sorted(stale)),
            ],
            repo_type=kind,
            commit_message=f"dviz {__version__}",
        )
    return commit.commit_url


def content(path: Path) -> Path | bytes:
    """What is sent of a file; of a checkpoint's nothing that was measured on one's own pictures."""
    if path.name == CARD and (path.parent / CONFIG).is_file():
        return checkpoint_card(path.parent, shared=True).encode()
    return shared_content(path)
