import importlib
import sys
from pathlib import Path

import pytest
import torch

from tests.training.problems import Squares

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def squares():
    return Squares()


@pytest.fixture
def run_script(monkeypatch, capsys):
    """Run a script's `main` in this process; what it prints to stderr where it `fails`."""
    monkeypatch.syspath_prepend(str(SCRIPTS))

    def run(name, *arguments, fails=False):
        common = importlib.import_module("common")
        main = importlib.import_module(name).main
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, arguments)])
        capsys.readouterr()
        if not fails:
            main()
            return ""
        with pytest.raises(SystemExit) as caught:
            common.run(main)
        assert caught.value.code == 2
        lines = capsys.readouterr().err.splitlines()
        return "\n".join(line for line in lines if f"{name}.py: " in line)

    return run
