import os

# Two test processes share the cores: more threads each would only get in each other's way. The
# libraries read this when they are imported, and scripts that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """A folder with the three small checkpoints of tests/ui/material.py."""
    from tests.ui import material

    return material.write_checkpoints(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A Hub in this process that huggingface_hub talks to."""
    from tests import hub_server

    with hub_server.running() as server:
        hub_server.connect(monkeypatch, server, tmp_path)
        yield server
