import json
from dataclasses import replace
from pathlib import Path

import pytest

from dviz.checkpoint import CONFIG, REPORT
from dviz.errors import CheckpointError
from dviz.measuring.report import Baseline, read_report
from tests.results.zoo import edit, page_of
from tests.ui.material import NAMES

SOURCE, DIRECT, TUNED = NAMES


def rows_of(root):
    text = page_of(root).split("## Pictures")[1].split("\n## ")[0]
    return {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}, text


def test_every_checkpoint_has_a_row_and_what_was_not_measured_a_dash(zoo):
    rows, text = rows_of(zoo)
    assert set(NAMES) <= set(rows)
    assert rows[SOURCE].endswith("| – | – |")
    assert "labels (" not in text


def test_the_share_of_true_labels_is_counted_over_all(zoo):
    def lie(result):
        one = [0.9, 0.1, 0.0]
        association = [one, one[::-1], *[[0.0] * 3] * (len(result.active) - 2)]
        active = [True, True, *[False] * (len(result.active) - 2)]
        return replace(result, association=association, active=active, moves=association[:1] * 5)

    edit(zoo / TUNED, lie)
    rows, text = rows_of(zoo)
    assert rows[TUNED].split("|")[5].strip() == "1 of 2"
    assert "1 of 2 labels (50%) are true of the picture." in text


def test_a_decoder_learnt_from_codes_stands_beside_those_of_baselines(zoo):
    edit(zoo / DIRECT, lambda result: replace(result, painted=2000, mse=0.25))
    result = read_report(zoo / DIRECT / REPORT).results["things"]
    rivals = [
        Baseline("random", "untrained", replace(result, mse=0.5)),
        Baseline("plain", "its decoder learnt with it", replace(result, painted=0)),
    ]
    edit(zoo / DIRECT, lambda result: result, baselines=rivals)
    rows, _ = rows_of(zoo)
    assert rows[DIRECT].endswith("| 2,000 (8) |")
    assert "0.5000" in rows["random, on things"]
    assert "plain, on things" not in rows


def test_what_a_decoder_learnt_by_is_told(zoo):
    def learn(**values):
        path = zoo / TUNED / CONFIG
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    config = json.loads((zoo / TUNED / CONFIG).read_text())
    learn(training=config["training"] | {"reconstruction": "perceptual"})
    assert rows_of(zoo)[0][TUNED].endswith("| –, perceptual |")
    learn(painting={"dataset": config["dataset"], "steps": 2, "batch_size": 3})
    assert "perceptual" not in rows_of(zoo)[0][TUNED]


def test_what_was_looked_at_is_linked_and_told(zoo):
    (zoo / "remarks.json").write_text(json.dumps({SOURCE: "Hearts are round.", "other": "–"}))
    _, text = rows_of(zoo)
    assert f"- [{SOURCE}](figures/sheets/{SOURCE}.png): Hearts are round." in text
    assert "other" not in text
    (zoo / "remarks.json").write_text("[]")
    with pytest.raises(CheckpointError, match=r"remarks\.json"):
        page_of(zoo)


def test_every_sheet_that_is_told_of_is_there():
    root = Path(__file__).resolve().parents[2]
    told = json.loads((root / "checkpoints" / "remarks.json").read_text(encoding="utf-8"))
    drawn = {path.stem for path in (root / "docs" / "figures" / "sheets").glob("*.png")}
    assert drawn == set(told)
