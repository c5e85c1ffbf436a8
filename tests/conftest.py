import pytest


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """A folder with the three small checkpoints of tests/ui/material.py."""
    from tests.ui import material

    return material.write_checkpoints(tmp_path_factory.mktemp("checkpoints"))
