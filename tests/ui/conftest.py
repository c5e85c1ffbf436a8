import pytest

from dviz.ui.core.library import Library


@pytest.fixture(scope="session")
def library(checkpoints):
    """A library for looking at; what a test changes it does to a library of its own."""
    return Library(checkpoints)
