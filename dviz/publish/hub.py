"""Checkpoints on the Hugging Face Hub: push one, load one at a pinned revision.

What a repository holds is somebody else's. So `load` looks before it downloads, takes no file that
is not a checkpoint's, compares checksums, and reads neither pickles nor models with loose ends.
Its errors are single lines that name the repository, never a path, a host or a token.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, ModelInfo, get_token
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id

from dviz import __version__
from dviz.checkpoint import (
    CARD,
    CLASSES,
    CODES,
    CONFIG,
    DERIVED,
    ENCODER,
    FILES,
    PROBES,
    REPORT,
    TRAVERSAL,
    WEIGHTS,
    Checkpoint,
    load_checkpoint,
    read_config,
)
from dviz.data.photos import decode_photo
from dviz.errors import CheckpointError, DvizError
from dviz.limits import LIMITS
from dviz.measuring.files import read_classes, read_representations
from dviz.measuring.probe_files import load_probes
from dviz.measuring.report import read_report
from dviz.publish.card import checkpoint_card
from dviz.publish.own import shared_content

MAX_BYTES = LIMITS.hub_bytes
LARGEST = {CONFIG: LIMITS.config_bytes, REPORT: LIMITS.report_bytes}  # bytes of one file
TIMEOUT = 10.0  # seconds to wait for the Hub's first answer
PICKLES = (".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth")
READERS = {
    REPORT: read_report,
    PROBES: load_probes,
    CODES: read_representations,
    CLASSES: read_classes,
    TRAVERSAL: decode_photo,
}


def push(
    folder: str | Path,
    repo_id: str,
    *,
    token: str | None = None,
    revision: str | None = None,
    private: bool = False,
    message: str | None = None,
    without: Collection[str] = (),
) -> str:
    """Upload a checkpoint folder in one commit; the repository is created where there is none.

    Afterwards the repository holds exactly this folder's checkpoint files: those of `FILES` and
    `DERIVED` that are missing here are deleted there, so no report outlives its weights. The card
    is made anew, so that it says how to load the checkpoint from there, and what was measured on
    pictures of one's own alone is left out (`dviz.publish.own`); the folder stays as it is.

    Args:
        repo_id: "user/name".
        token: with write permission; by default HF_TOKEN or that of `hf auth login`.
        revision: branch to commit to, created from main where there is none; by default main.
        private: make a new repository private; an existing one stays as it is.
        message: of the commit.
        without: files that are not sent though they may lie here, and deleted there.

    Returns:
        URL of the commit.

    Raises:
        CheckpointError: the folder is not a sound checkpoint, or the Hub refuses.
    """
    folder = Path(folder)
    check_names(repo_id, revision)
    config = check_checkpoint(folder).config
    files = _sent(folder, without)
    card = checkpoint_card(folder, repo_id, revision, files, shared=True)
    if not (token or get_token()):
        raise CheckpointError("pushing needs a token; set HF_TOKEN or log in with `hf auth login`")
    api = HfApi(token=token)
    with explained(repo_id, revision):
        api.create_repo(repo_id, private=private, exist_ok=True)
        if revision is not None:
            api.create_branch(repo_id, branch=revision, exist_ok=True)
        there = api.list_repo_files(repo_id, revision=revision)
        commit = api.create_commit(
            repo_id,
            _operations(folder, card, there, files),
            commit_message=message or f"Upload {config.name} with dviz {__version__}",
            revision=revision,
        )
    return commit.commit_url


def load(
    repo_id: str,
    revision: str | None = None,
    *,
    cache_dir: str | Path | None = None,
    token: str | bool | None = None,
    max_bytes: int = MAX_BYTES,
) -> Checkpoint:
    """Download a checkpoint from the Hub and load it.

    Args:
        repo_id: "user/name".
        revision: branch, tag or commit; by default the newest on main. It is resolved to a commit
            once, so all files come from the same one (the name of `Checkpoint.folder`).
        cache_dir: by default that of huggingface_hub.
        token: by default HF_TOKEN or that of `hf auth login`; False sends none, which is right
            where strangers name the repository.
        max_bytes: refuse checkpoints larger than this.

    Raises:
        CheckpointError: there is no such repository or revision, it is not open to the token, it
            is not a dviz checkpoint, too large or damaged, or the Hub cannot be reached.
    """
    check_names(repo_id, revision)
    api = HfApi(token=token)
    with explained(repo_id, revision):
        info = api.model_info(repo_id, revision=revision, files_metadata=True, timeout=TIMEOUT)
    _check_contents(info, repo_id, max_bytes)
    try:
        # The small file that says whether this is ours comes before the large ones.
        read_config(_download(api, repo_id, info.sha, [CONFIG], cache_dir))
        return load_checkpoint(_download(api, repo_id, info.sha, FILES, cache_dir))
    except CheckpointError as error:
        # In the cache the folder is named after the commit, which tells a person nothing.
        message = str(error).replace(f"checkpoint {info.sha}", repo_id)
        raise CheckpointError(message if repo_id in message else f"{repo_id}: {message}") from error


def check_checkpoint(folder: str | Path) -> Checkpoint:
    """Load a checkpoint, and read each of its other files that is there (see `READERS`).

    Raises:
        CheckpointError: one is missing that it needs, or damaged; says which.
    """
    folder = Path(folder).absolute()
    with _naming(folder, CONFIG):
        checkpoint = load_checkpoint(folder)
    found = {}
    for name, read in READERS.items():
        if (folder / name).is_file():
            with _naming(folder, name):
                found[name] = read(folder / name)
    if CODES in found and CLASSES in found:
        codes, rows = len(found[CODES]), len(found[CLASSES].classes)
        if codes != rows:
            raise CheckpointError(
                f"checkpoint {folder.name}: {CLASSES} has {rows:,} rows of labels for {codes:,} "
                "codes; measure it anew"
            )
    return checkpoint


@contextmanager
def _naming(folder: Path, name: str) -> Iterator[None]:
    """Turn what reading a file raises into one line that says which of which checkpoint it is."""
    try:
        yield
    except DvizError as error:
        reason = " ".join(str(error).replace(str(folder / name), name).split())
        if f"checkpoint {folder.name}" not in reason:
            named = reason if name in reason else f"{name} cannot be read ({reason})"
            reason = f"checkpoint {folder.name}: {named}"
        raise CheckpointError(reason) from error


def _sent(folder: Path, without: Collection[str]) -> list[str]:
    """The checkpoint files that lie in `folder`, without some."""
    ours = (name for name in (*FILES, *DERIVED) if name not in without)
    return [name for name in ours if (folder / name).is_file()]


def _operations(
    folder: Path, card: str, there: Iterable[str], files: Iterable[str]
) -> list[CommitOperationAdd | CommitOperationDelete]:
    """What turns a repository with the files `there` into a copy of these `files` and this card."""
    here = [name for name in files if name != CARD]
    stale = ({*FILES, *DERIVED} & set(there)) - {CARD, *here}
    return [
        CommitOperationAdd(CARD, card.encode()),
        *(CommitOperationAdd(name, shared_content(folder / name)) for name in here),
        *(CommitOperationDelete(name) for name in sorted(stale)),
    ]


def check_names(repo_id: str, revision: str | None = None) -> None:
    """Refuse what is not a name before it gets near a URL or a path.

    What came is not repeated: a token or a path may have been pasted here by mistake.
    """
    try:
        validate_repo_id(repo_id)
        well_formed = bool(repo_id) and repo_id.count("/") == 1
    except HFValidationError:
        well_formed = False
    if not well_formed:
        raise CheckpointError(
            "this is not the id of a model or Space on the Hub; expected user/name, each of "
            "letters, digits, '-', '_' and '.'"
        )
    if revision is not None and (
        not re.fullmatch(r"\w[\w./-]{0,199}", revision, re.ASCII) or ".." in revision
    ):
        raise CheckpointError(
            "this is not a revision; expected the name of a branch or tag, or a commit"
        )


def _check_contents(info: ModelInfo, repo_id: str, max_bytes: int) -> None:
    """Refuse a repository by its list of files, before anything is downloaded."""
    if len(info.siblings or []) > LIMITS.hub_files:
        raise CheckpointError(
            f"{repo_id} holds {len(info.siblings):,} files, the limit is {LIMITS.hub_files:,}"
        )
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
    if WEIGHTS not in sizes and ENCODER not in sizes:
        pickles = sorted(name for name in sizes if name.endswith(PICKLES))
        if pickles:
            raise CheckpointError(
                f"{repo_id} has pickled weights only ({pickles[0]}), which can run any code and "
                f"are not read; ask for {WEIGHTS}"
            )
        raise CheckpointError(f"{repo_id} is not a dviz checkpoint: it has no {WEIGHTS}")
    if CONFIG not in sizes:
        raise CheckpointError(f"{repo_id} is not a dviz checkpoint: it has no {CONFIG}")
    total = sum(sizes.get(name, 0) for name in FILES)
    if total > max_bytes:
        raise CheckpointError(
            f"{repo_id} is too large: {total / 1e6:,.1f} MB, at most {max_bytes / 1e6:,.1f} MB "
            "are loaded"
        )
    for name, most in LARGEST.items():
        if sizes.get(name, 0) > most:
            raise CheckpointError(
                f"{name} of {repo_id} is larger than {most / 1e6:g} MB, the limit"
            )
    if not re.fullmatch(r"[0-9a-f]{40}", info.sha or ""):  # it will name a folder
        raise CheckpointError(f"the Hub does not say which commit of {repo_id} it offers")


def _download(
    api: HfApi, repo_id: str, commit: str, names: Sequence[str], cache_dir: str | Path | None
) -> Path:
    """Fetch those of `names` that exist into the cache; what is damaged is fetched once more."""
    for again in (False, True):
        with explained(repo_id, commit):
            folder = api.snapshot_download(
                repo_id,
                revision=commit,
                allow_patterns=list(names),
                cache_dir=cache_dir,
                force_download=again,
            )
            found = api.verify_repo_checksums(repo_id, revision=commit, cache_dir=cache_dir)
        damaged = [mismatch["path"] for mismatch in found.mismatches if mismatch["path"] in names]
        if not damaged:
            return Path(folder)
    raise CheckpointError(f"{damaged[0]} of {repo_id} arrived damaged, twice; try again later")


@contextmanager
def explained(repo_id: str, revision: str | None = None) -> Iterator[None]:
    """Turn what huggingface_hub raises into one line for people."""
    try:
        yield
    except (httpx2.HTTPError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise CheckpointError(_reason(error, repo_id, revision)) from error


def _reason(error: BaseException, repo_id: str, revision: str | None) -> str:
    if isinstance(error, (LocalEntryNotFoundError, RuntimeError)) and error.__cause__:
        return _reason(error.__cause__, repo_id, revision)
    if isinstance(error, GatedRepoError):
        return f"{repo_id} is gated; accept its terms on its page, then log in with `hf auth login`"
    if isinstance(error, RevisionNotFoundError):
        return f"{repo_id} has no revision {revision!r}; leave it out for the newest"
    if isinstance(error, HfHubHTTPError):
        return _reason_of_status(error, repo_id)
    if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, OfflineModeIsEnabled)):
        return f"no connection to the Hub, so {repo_id} is out of reach; check the network"
    if isinstance(error, OSError) and error.strerror:
        return f"a file of {repo_id} cannot be read or written here ({error.strerror})"
    if isinstance(error, (httpx2.HTTPError, OSError)):
        return f"the connection to the Hub broke off, {repo_id} is not complete; try again"
    if "metadata in README.md" in str(error):
        return f"the Hub refuses README.md: {' '.join(str(error).split())[:200]}"
    return f"the Hub's answer about {repo_id} makes no sense; is HF_ENDPOINT right?"


def _reason_of_status(error: HfHubHTTPError, repo_id: str) -> str:
    status = error.response.status_code
    refused = "Invalid credentials" in error.response.headers.get("X-Error-Message", "")
    if status == 401 and refused:
        return "the Hub refuses the token; log in anew with `hf auth login`, or mend HF_TOKEN"
    # Without a token the Hub answers 401 where there is nothing, too.
    if status == 401 or isinstance(error, RepositoryNotFoundError):
        return (
            f"there is no model {repo_id} on the Hub, or it is private; check the spelling, or log "
            "in with `hf auth login`"
        )
    if status == 403:
        return f"the token has no permission for this on {repo_id}; use one that has"
    if status == 429:
        return "the Hub has had too many requests from here; try again in a few minutes"
    return f"the Hub answered with error {status} about {repo_id}; try again later"
