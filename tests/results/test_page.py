"""The page of results, from made-up reports."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dviz.checkpoint import CONFIG, REPORT
from dviz.measuring.report import BY_PHOTOGRAPH, Baseline, DistanceReport, read_report
from dviz.results.figures import results_figures
from dviz.results.zoo import read_zoo
from tests.results.zoo import edit, page_of, probes
from tests.ui.material import NAMES

ROOT = Path(__file__).resolve().parents[2]
SOURCE, DIRECT, TUNED = NAMES


def test_the_same_reports_give_the_same_page(zoo, tmp_path):
    first = page_of(zoo)
    assert first == page_of(shutil.copytree(zoo, tmp_path / "elsewhere"))
    assert "nan" not in first


def test_the_page_shows_the_sweeps_over_seeds(zoo):
    assert "Not measured yet" in page_of(zoo).split("## Over seeds")[1].split("##")[0]
    (zoo / "seeds").mkdir()
    header = "source,target,transfer,seed,omes_avg,omes_max,modularity_avg,gbt_all,mlp_all"
    rows = ["white,,,0,.5,.6,.5,.8,.9,x", "white,,,1,.7,.6,.5,.8,.9,x"]
    (zoo / "seeds" / "one.csv").write_text("\n".join([f"{header},command", *rows]))
    assert "| white, Source | – | 2 | 0.600 ± 0.141 | 0.600 ± 0.000 |" in page_of(zoo)


def test_before_and_gain_are_those_of_the_reports(zoo):
    row = next(line for line in page_of(zoo).splitlines() if line.startswith("| GBT, all |"))
    assert row.split("|")[2:-1] == [" 30.0 (+20.0) "] * 4  # three factors and the mean
    result = read_report(zoo / TUNED / REPORT).results["things"]
    rival = Baseline("rival", "another", replace(result, probes=probes(result, 0.6)))
    edit(zoo / TUNED, lambda result: result, baselines=[rival])
    assert "| rival: GBT, all | 60.0 |" in page_of(zoo)
    assert "- rival: another\n" in page_of(zoo)
    rival = replace(rival, result=replace(rival.result, num_pairs=7))
    edit(zoo / TUNED, lambda result: result, baselines=[rival])
    assert "- rival: another 7 pairs a factor.\n" in page_of(zoo)


def test_a_decoder_that_learnt_the_target_before_the_encoder_did_is_told(zoo):
    told = ", after the decoder alone learnt 128,000 images from the direct transfer's codes."
    assert told not in page_of(zoo)
    path = zoo / DIRECT / CONFIG
    config = json.loads(path.read_text())
    path.write_text(
        json.dumps(config | {"painting": {"dataset": "things", "steps": 2000, "batch_size": 64}})
    )
    assert told in page_of(zoo)


def test_no_mean_is_given_over_some_factors_only(zoo):
    for name, accuracy in ((DIRECT, 0.3), (TUNED, 0.5)):
        arc = lambda r, a=accuracy: probes(r, a)[1:]  # noqa: E731
        edit(zoo / name, lambda r, of=arc: replace(r, split=BY_PHOTOGRAPH, arc=of(r)))
    assert "| GBT, arc | – | 30.0 (+20.0) | 30.0 (+20.0) | – |" in page_of(zoo)


def test_what_was_not_measured_is_said(zoo):
    page = page_of(zoo)
    assert page.count("Not measured yet.") >= 2
    assert "Ours has not been measured yet." in page


def test_rankings_need_enough_to_rank(zoo):
    assert "– (n " in page_of(zoo)
    result = read_report(zoo / TUNED / REPORT).results["things"]
    matrix = result.association_matrix
    baselines = []
    for n in range(6):  # the purer the matrix, the higher every other figure
        purer = np.where(matrix > 0.5, 0.5 + 0.08 * n, 0.1 / (n + 1)).tolist()
        scores = {"mig": 0.1 * n, "sap": 0.5 - 0.05 * n}
        rival = replace(result, association=purer, scores=scores, probes=[])
        baselines.append(Baseline(f"rival {n}", "", rival))
    edit(zoo / TUNED, lambda result: result, baselines=baselines)
    rows = {line.split("|")[1].strip(): line for line in page_of(zoo).splitlines() if "|" in line}
    assert "+1.00 (n 6, p" in rows["MIG"]
    assert "-1.00 (n 6, p" in rows["SAP"]
    told = re.search(r"Baselines are among them (.+?)\. p:", page_of(zoo)).group(1)
    assert "InfoM" in told
    assert "MIG" not in told


def test_a_baseline_of_several_transfers_counts_once(zoo):
    result = read_report(zoo / TUNED / REPORT).results["things"]
    rival = Baseline("rival", "", replace(result, association=[[0.3] * 3] * len(result.active)))
    counts = []
    for folders in ((TUNED,), (TUNED, DIRECT)):
        for name in folders:
            edit(zoo / name, lambda result: result, baselines=[rival])
        (row,) = [line for line in page_of(zoo).splitlines() if line.startswith("| GBT, all | ")][
            1:
        ]
        counts.append(row)
    assert counts[0] == counts[1]


def test_distances_are_listed_with_what_transfer_achieved(zoo):
    distance = DistanceReport("a", "b", "c", 0, 10, 1.25, 0.5, 0.01, 0.25, [0.25], -10, -30, 2)
    edit(zoo / TUNED, lambda result: result, distance=distance)
    page = page_of(zoo)
    assert "| color-dsprites → things | 1.25 | 0.5 | 0.25 | 20 | 2 |" in page
    assert "n = 1" in page
    assert "All from 10 unlabelled images of either dataset" in page


def run(*arguments):
    sys.argv = ["reproduce.py", *map(str, arguments)]
    runpy.run_path(str(ROOT / "scripts" / "reproduce.py"), run_name="__main__")


def test_the_script_writes_the_page_and_checks_it(zoo, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.setattr(sys, "argv", [])
    output = tmp_path / "docs" / "results.md"
    run("--checkpoints", zoo, "--output", output)
    assert output.read_text(encoding="utf-8") == page_of(zoo)
    figure = output.parent / "figures" / f"{TUNED}.svg"
    for path in (output, figure):
        run("--checkpoints", zoo, "--output", output, "--check")
        kept = path.read_bytes()
        path.write_text("old")
        with pytest.raises(SystemExit) as stopped:
            run("--checkpoints", zoo, "--output", output, "--check")
        assert stopped.value.code == 1
        path.write_bytes(kept)


def test_no_page_is_made_of_nothing(tmp_path, run_command):
    output = tmp_path / "results.md"
    output.write_text("what was there")
    told = run_command(
        "reproduce", "--checkpoints", tmp_path / "none", "--output", output, fails=True
    ).err
    assert "holds no checkpoint" in told
    assert output.read_text() == "what was there"


def test_every_figure_of_the_page_is_drawn_from_the_same_reports(zoo, tmp_path):
    figures = results_figures(read_zoo(zoo))
    assert figures == results_figures(read_zoo(shutil.copytree(zoo, tmp_path / "elsewhere")))
    shown = re.findall(r"!\[.+?\]\((.+?)\)", page_of(zoo))
    assert sorted(shown) == sorted(figures) == ["figures/overview.svg", f"figures/{TUNED}.svg"]
    shutil.rmtree(zoo / SOURCE)
    assert not results_figures(read_zoo(zoo))
    assert "![" not in page_of(zoo)


def test_the_committed_page_is_that_of_the_committed_reports(tmp_path):
    """Of those alone: whoever trains puts more checkpoints beside them."""
    listed = subprocess.run(
        ["git", "ls-files", "checkpoints/*.json", "checkpoints/seeds/*.csv"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if not listed.stdout:
        pytest.skip("not a git checkout")
    for name in listed.stdout.split():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    docs = ROOT / "docs"
    assert (docs / "results.md").read_text(encoding="utf-8") == page_of(tmp_path / "checkpoints")
    committed = {
        f"figures/{path.name}": path.read_text(encoding="utf-8")
        for path in docs.glob("figures/*.svg")
    }
    assert committed == results_figures(read_zoo(tmp_path / "checkpoints"))
