"""The examples in docstrings do what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "dviz").rglob("*.py"))
    if "    >>> " in (text := path.read_text(encoding="utf-8")) or "\n>>> " in text
]


def test_there_are_some():
    assert {"dviz", "dviz.api.codes", "dviz.api.model", "dviz.metrics.omes"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, monkeypatch, tmp_path):
    monkeypatch.setenv("DVIZ_DATA", str(tmp_path))  # drawn, not read
    found = doctest.testmod(import_module(name))
    assert found.attempted
    assert not found.failed
