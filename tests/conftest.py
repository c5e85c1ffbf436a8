import os
import shutil

# Two test processes share the cores: more threads each would only get in each other's way. The
# libraries read this when they are imported, and scripts that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from filelock import FileLock


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A file is run by one process; all of tests/browser by one, with its one app and browser."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            folder = "tests/browser/"
            return folder if nodeid.startswith(folder) else super()._split_scope(nodeid)

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """A folder with the three small checkpoints of tests/ui/material.py, for all processes."""
    from tests.ui import material

    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    with FileLock(base / "checkpoints.lock"):
        if not (base / "checkpoints").exists():
            material.write_checkpoints(tmp_path_factory.mktemp("new")).rename(base / "checkpoints")
    return base / "checkpoints"


@pytest.fixture
def backbone(tmp_path, monkeypatch):
    """What encoders of kind "imagenet" look through, with random weights; its file."""
    from dviz.models import efficientnet
    from tests.models.backbone import install

    yield install(monkeypatch, tmp_path / "installed")
    efficientnet._read.cache_clear()


@pytest.fixture
def no_backbone(monkeypatch):
    from dviz.models import efficientnet
    from tests.models.backbone import uninstall

    uninstall(monkeypatch)
    yield
    efficientnet._read.cache_clear()


@pytest.fixture
def zoo(checkpoints, tmp_path):
    """The three small checkpoints, with accuracies that a test can follow."""
    from dataclasses import replace

    from tests.results.zoo import edit, probes
    from tests.ui.material import NAMES

    root = shutil.copytree(checkpoints, tmp_path / "zoo")
    for name, accuracy in zip(NAMES, (0.9, 0.3, 0.5), strict=True):
        edit(root / name, lambda result, a=accuracy: replace(result, probes=probes(result, a)))
    return root


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A Hub in this process that huggingface_hub talks to."""
    from tests.publish import hub_server

    with hub_server.running() as server:
        hub_server.connect(monkeypatch, server, tmp_path)
        yield server


@pytest.fixture
def run_command(capsys):
    """Run a command in this process, where it `fails` with exit code 2; what it printed."""
    from dviz.cli import main

    def run(name, *arguments, fails=False):
        capsys.readouterr()
        if fails:
            with pytest.raises(SystemExit) as caught:
                main([name, *map(str, arguments)])
            assert caught.value.code == 2
        else:
            main([name, *map(str, arguments)])
        return capsys.readouterr()

    return run
