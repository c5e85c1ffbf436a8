"""The tab for one's own codes, without a browser."""

import base64
import json
import re
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest

from dviz.errors import CheckpointError
from dviz.measuring.files import encode_labels
from dviz.measuring.report import DatasetReport, Report
from dviz.metrics.suite import evaluate_all
from dviz.ui.core.codes_map import map_value
from dviz.ui.core.library import Library
from dviz.ui.core.own_codes import Waiting, as_table
from dviz.ui.core.own_findings import findings
from dviz.ui.page import build_app
from dviz.ui.parts import markup, own_page
from dviz.ui.parts.errors import friendly
from dviz.ui.tabs import your_data
from tests.metrics.tables import codes_of, uniform
from tests.ui.material import NAMES

FACTORS = uniform(1000, sizes=(6, 9, 10))  # hundreds of pairs a factor
WORDS = ["<b>shape</b>", "scale", "colour"]
CODES = codes_of("tangled", FACTORS).astype(np.float32)


@pytest.fixture(scope="module")
def table():
    columns = [[str(value) for value in column] for column in FACTORS.T]
    return as_table("mine", CODES, encode_labels(WORDS, columns))


@pytest.fixture(scope="module")
def result(table):
    names = ["omes", "mig", "modularity", "diagnostics"]
    found = evaluate_all(CODES, FACTORS, names=WORDS, metrics=names, n_jobs=1)
    return found | {"rows_trained_on": 100}


def test_the_score_is_that_of_all_rows_and_follows_alpha(table):
    texts = [own_page.score_of(table, alpha, "avg")[0] for alpha in (0.0, 0.5, 1.0)]
    scores = [float(re.search(r"OMES</dt><dd>([\d.]+)", text)[1]) for text in texts]
    for alpha, score in zip((0.0, 0.5, 1.0), scores, strict=True):
        assert score == pytest.approx(table.omes(alpha, "avg").omes, abs=5e-4)
    assert len(set(scores)) == 3


def test_what_people_write_is_escaped(table, result):
    pages = [own_page.describe(table), *own_page.score_of(table, 0.5, "avg")]
    pages += [own_page.metric_table(result)]
    for page in pages:
        assert "<b>shape" not in page
    assert "&lt;b&gt;shape" in pages[-1]


def test_nothing_is_shown_of_nothing():
    assert own_page.score_of(None, 0.5, "avg") == ("", "")
    assert own_page.reference_rows(Library(), None, 0.5, "avg") == ""


def test_the_downloads_hold_the_report(result):
    found = re.findall(
        r'download="([\w.]+)" href="data:[\w/]+;base64,([^"]+)"', own_page.downloads(result)
    )
    files = {name: base64.b64decode(text).decode() for name, text in found}
    assert json.loads(files["report.json"]) == result
    header, *rows = files["metrics.csv"].splitlines()
    assert header == "metric,score,<b>shape</b>,scale,colour"
    assert any(row.startswith("MIG,") for row in rows)


def test_a_name_that_a_spreadsheet_would_run_gets_an_apostrophe():
    found = evaluate_all(CODES, FACTORS, names=["=HYPERLINK(1)", "b", "c"], metrics=["mig"])
    text = re.search(r'metrics.csv" href="[^,]+,([^"]+)"', own_page.downloads(found))[1]
    assert "score,'=HYPERLINK(1)," in base64.b64decode(text).decode()


def test_rows_of_omes_say_what_they_were_measured_with(table):
    found = evaluate_all(CODES, FACTORS, metrics=["omes", "mig"], alpha=0.25, pooling="max")
    page = own_page.metric_table(found | {"rows_trained_on": len(CODES)})
    for label in ("OMES (α 0.25, max)", "OMES modularity (max)", "OMES calibrated (α 0.25, max)"):
        assert f">{label}<" in page
    assert ">MIG<" in page
    links = own_page.downloads(found)
    text = base64.b64decode(re.search(r'metrics.csv" href="[^,]+,([^"]+)"', links)[1]).decode()
    assert f'"OMES (α 0.25, max)",{table.omes(0.25, "max").omes:.6f}'[:-1] in text


def test_what_was_left_out_is_said(result):
    page = own_page.metric_table(result)
    assert "All but OMES on 100 random rows of 1,000" in page
    assert "95% interval" in page


def test_the_shipped_codes_can_be_taken(checkpoints):
    library = Library(checkpoints)
    table = your_data.borrowed(library, NAMES[0])
    codes, _ = library.get(NAMES[0]).sample
    np.testing.assert_array_equal(table.codes, codes)
    assert table.labels.names == tuple(f.name for f in library.get(NAMES[0]).config.factors)


def test_a_checkpoint_without_codes_says_so(checkpoints, tmp_path, monkeypatch):
    library = Library(checkpoints)
    monkeypatch.setattr(type(library.get(NAMES[0])), "sample", None)
    with pytest.raises(CheckpointError, match="came without codes"):
        your_data.borrowed(library, NAMES[0])


def test_a_checkpoint_measured_without_labels_says_how_to_get_codes(checkpoints, monkeypatch):
    library = Library(checkpoints)
    entry = library.get(NAMES[0])
    monkeypatch.setattr(type(entry), "sample", None)
    own = entry.report.results[entry.config.dataset]
    bare = {"factors": [], "sizes": [], "association": [[] for _ in own.active], "evidence": None}
    own = replace(own, **bare, probes=[], moves=[])
    monkeypatch.setattr(entry, "report", Report({own.dataset: own}))
    with pytest.raises(CheckpointError, match=r"without labels, so no codes .* labels\.csv"):
        your_data.borrowed(library, NAMES[0])
    assert "without labels, so no codes are kept" in map_value(library, entry)["empty"]


def test_errors_of_a_stream_reach_the_page():
    @friendly
    def stream():
        yield 1
        raise CheckpointError("one line")

    steps = stream()
    assert next(steps) == 1
    with pytest.raises(gr.Error, match="one line"):
        next(steps)


def test_own_codes_stand_among_the_shipped_sources(checkpoints, table):
    rows = own_page.reference_rows(Library(checkpoints), table, 0.5, "avg")
    assert "<b>mine</b>" in rows
    assert NAMES[0] in rows
    assert NAMES[1] not in rows  # a transfer is no reference
    assert "factors</small>" not in rows


def test_a_perfect_code_of_few_values_comes_first(checkpoints):
    rng, factors = np.random.default_rng(0), uniform(2000, sizes=(4, 4))
    codes = np.c_[factors, rng.normal(size=len(factors))].astype(np.float32)
    columns = [[str(v) for v in column] for column in factors.T]
    own = as_table("mine", codes, encode_labels(list("ab"), columns))
    assert own.omes(0.5, "avg").omes < 0.7 < own.omes_calibrated(0.5, "avg").omes
    rows = own_page.reference_rows(Library(checkpoints), own, 0.5, "avg")
    header, first, *_ = rows.split("<tr>")[1:]
    assert header.index(">OMES calibrated<") < header.index(">OMES<")
    assert "<b>mine</b>" in first
    assert "few values" in rows


def test_what_has_no_calibrated_score_comes_last(checkpoints, table, monkeypatch):
    monkeypatch.setattr(DatasetReport, "omes_calibrated", lambda *_: None)
    *_, last = own_page.reference_rows(Library(checkpoints), table, 0.5, "avg").split("<tr>")
    assert NAMES[0] in last
    assert "<td>–</td>" in last


def test_a_score_of_some_factors_alone_says_so_beside_others(checkpoints):
    factors = uniform(1000, sizes=(3, 3, 2000))  # the first two hardly ever agree in all others
    columns = [[str(v) for v in column] for column in factors.T]
    table = as_table("mine", factors.astype(np.float32), encode_labels(list("abc"), columns))
    rows = own_page.reference_rows(Library(checkpoints), table, 0.5, "avg")
    reasons = [part["reason"] for part in table.omes(0.5, "avg").per_factor.values()]
    rated = reasons.count(None)
    assert 0 < rated < 3, reasons
    assert f"<b>mine</b> <small>{rated} of 3 factors</small>" in rows


def test_findings_name_noise_few_pairs_and_where_factors_sit():
    rng, factors = np.random.default_rng(0), uniform(4000, sizes=(30, 20))
    noise = rng.normal(size=(len(factors), 1))
    codes = np.concatenate([factors + 0.01 * rng.normal(size=factors.shape), noise], axis=1)
    columns = [[str(v) for v in column] for column in factors.T]
    words = findings(as_table("x", codes.astype(np.float32), encode_labels(["a", "b"], columns)))
    assert words[0].startswith("z2 looks like noise")
    assert any(line.startswith("z0 follows a alone") for line in words)
    labels = encode_labels(["a", "b"], [column[:9] for column in columns])
    few = as_table("y", codes[:9].astype(np.float32), labels)
    assert any("too few to say anything" in line for line in findings(few))


@pytest.fixture(scope="module")
def noisy():
    """A dimension of each factor, and one of noise, as somebody's own CSV."""
    rng, factors = np.random.default_rng(0), uniform(4000, sizes=(30, 20))
    noise = rng.normal(size=(len(factors), 1))
    codes = np.concatenate([factors + 0.01 * rng.normal(size=factors.shape), noise], axis=1)
    columns = [[str(v) for v in column] for column in factors.T]
    return as_table("x", codes.astype(np.float32), encode_labels(["<a>", "b"], columns))


def test_noise_is_hatched_and_told_in_words(noisy):
    figure = own_page.heatmap_of(noisy)
    assert {round(shape.y0) for shape in figure.layout.shapes} == {2}
    hover = figure.data[0].text
    assert all("z2 changes by itself" in cell for cell in hover[2])
    assert "it follows &lt;a&gt;" in hover[0][0]
    assert "<a>" not in str(hover)
    assert own_page.HATCHED in own_page.score_of(noisy, 0.5, "avg")[0]


def test_the_calibrated_score_stands_beside_omes_and_is_that_of_the_table(noisy):
    above, _ = own_page.score_of(noisy, 0.3, "max")
    whole = evaluate_all(
        noisy.codes, noisy.labels.classes, metrics=["omes"], alpha=0.3, pooling="max"
    )
    assert f"it is {whole['omes']['calibrated']['omes']:.3f}" in above
    assert own_page.score_of(noisy, 0.5, "avg")[0] != above


def clicked(app, element, function):
    """What a click on an element of the page calls."""
    (found,) = [
        fn.fn
        for fn in app.fns.values()
        if getattr(fn.fn, "__name__", "") == function
        and any(getattr(app.blocks.get(of), "elem_id", "") == element for of, _ in fn.targets)
    ]
    return found


def test_an_example_clears_what_was_looked_at_closely_and_keeps_the_files(checkpoints):
    app = build_app(Library(checkpoints))
    updates = clicked(app, "own-borrow", "try_example")(NAMES[0], 0.5, "avg")
    named = {getattr(part, "elem_id", ""): value for part, value in updates.items()}
    for name in ("own-first", "own-second", "own-factor"):
        assert named[name] is None
    assert "own-files" not in named  # for who comes back


def test_a_table_that_is_gone_is_asked_for_again(checkpoints):
    run = clicked(build_app(Library(checkpoints)), "own-measure", "run")
    with pytest.raises(gr.Error, match="drop its files in again"):
        next(run(None, 0.5, "avg", None))


def test_who_stops_keeps_what_was_measured_and_no_progress(result, table):
    part = {**result, "remaining": 3.0}
    shown = own_page.progress("sap", 3.0) + own_page.metric_table(part)
    words = markup.note(own_page.STOPPED)
    assert own_page.stopped(shown) == words + own_page.metric_table(part)
    assert own_page.stopped(own_page.stopped(own_page.waiting(Waiting(2, 9)))) == words


def test_of_many_dimensions_it_is_said_how_many_have_rows():
    codes = np.random.default_rng(0).normal(size=(len(FACTORS), 40)).astype(np.float32)
    labels = encode_labels(WORDS, [[str(value) for value in column] for column in FACTORS.T])
    wide = as_table("wide", codes, labels)
    assert "40 active, the first 32 have rows" in own_page.describe(wide)
    assert len(own_page.heatmap_of(wide).data[0].y) == 32


def test_dimensions_are_called_as_their_columns(noisy):
    named = replace(noisy, columns=("<z1>", "z2", "z3"))
    rows = own_page.score_of(named, 0.5, "avg")[1]
    assert "&lt;z1&gt; · " in rows
    assert "z2 · " in rows
    assert "z0" not in rows
