import doctest

import pytest

from dviz.measuring import files
from dviz.metrics import association, omes


@pytest.mark.parametrize("module", [association, files, omes], ids=lambda module: module.__name__)
def test_examples_in_docstrings(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
