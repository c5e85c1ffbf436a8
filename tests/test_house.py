"""The house rules that can be counted."""

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "dviz").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LONGEST_FILE, LONGEST_FUNCTION, MODULES = 350, 60, 8
# The ray caster reads best in one piece.
LONG = {"dviz/data/raycast.py"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_stay_short(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST_FILE or name_of(path) in LONG
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert not long or name_of(path) in LONG


def test_few_modules_lie_outside_of_any_room():
    loose = {path.name for path in (ROOT / "dviz").glob("*.py")} - {"__init__.py", "__main__.py"}
    assert len(loose) <= MODULES, sorted(loose)


def test_scripts_and_app_are_shims():
    for path in [ROOT / "app.py", *(ROOT / "scripts").glob("*.py")]:
        code = [node for node in tree(path).body if not isinstance(node, ast.Expr)]
        assert len(code) <= 3, name_of(path)


def distribution(requirement: str) -> str:
    return re.split(r"[\s\[<>=!~;]", requirement)[0].lower().replace("_", "-")


def test_every_import_is_declared():
    extras = PROJECT["project"]["optional-dependencies"]
    asked = [*PROJECT["project"]["dependencies"], *(line for e in extras.values() for line in e)]
    declared = {distribution(line) for line in asked}
    known = packages_distributions()
    found = {}
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            found |= {name.partition(".")[0]: name_of(path) for name in names}
    ours = set(sys.stdlib_module_names) | {"dviz"}
    missing = {
        module: where
        for module, where in found.items()
        if module not in ours
        and not declared & {distribution(name) for name in known.get(module, [module])}
    }
    assert not missing


def test_what_a_wheel_holds_is_there_and_small():
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert all((ROOT / line[1:]).exists() for line in wheel["include"] if "*" not in line)
    patterns = [line[1:] for line in wheel["include"] if line.startswith("/checkpoints/")]
    assert patterns
    for pattern in patterns:
        assert any(path.name == "model.safetensors" for path in ROOT.glob(pattern)), pattern
    files = [path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 10e6


def test_metrics_bring_neither_torch_nor_gradio():
    program = (
        "import importlib, pkgutil, sys, dviz.metrics\n"
        "for m in pkgutil.iter_modules(dviz.metrics.__path__, 'dviz.metrics.'):\n"
        "    importlib.import_module(m.name)\n"
        "print(*{'torch', 'gradio', 'PIL', 'h5py', 'pydantic'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == ""


PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def test_the_readme_is_short():
    front_matter, text = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)[1:]
    assert "sdk: gradio" in front_matter
    assert len(text.split()) <= 900


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [x for x in links if "://" not in x and not (page.parent / x).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_the_docs_exist(page):
    from dviz.cli import COMMANDS

    shell = re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    asked = {word for block in shell for word in re.findall(r"^dviz (\S+)", block, re.MULTILINE)}
    assert asked <= set(COMMANDS)


def test_python_in_the_docs_asks_for_what_there_is():
    import dviz

    for page in PAGES:
        blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        for block in blocks:
            compile(block, name_of(page), "exec")
            assert set(re.findall(r"\bdviz\.([a-z_]+)\(", block)) <= set(dviz.__all__)


def test_the_headline_is_what_the_sweep_over_seeds_says():
    import pandas as pd

    from dviz.results import seeds

    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("−", "-")
    rows = seeds.staged(pd.read_csv(ROOT / "checkpoints" / "seeds" / "coil100.csv"))
    told = [score for score in seeds.SCORES if score.column in ("gbt_all", "mlp_all", "omes_avg")]
    told = [told[1], told[2], told[0]]  # as the README has them
    for stage in ("direct", "fine-tuned", "target-only"):
        group = rows[rows["stage"] == stage]
        cells = [seeds.mean_and_sd(each.unit * group[each.column], each.digits) for each in told]
        assert f"| {' | '.join(cells)} |" in text
        assert len(group) == 5, "as the README says"
    for score in told:
        assert seeds.paired(rows, "fine-tuned", "target-only", score) in " ".join(text.split())


def test_the_chance_in_the_headline_is_that_of_the_report():
    from dviz.measuring.report import read_report

    report = read_report(ROOT / "checkpoints" / "color-dsprites-to-coil100" / "report.json")
    result = report.results["coil100-augmented"]
    chance = sum(result.chance(factor) for factor in result.factors) / len(result.factors)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"| chance | {100 * chance:.1f} |" in text
