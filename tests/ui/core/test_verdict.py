"""A verdict says what the numbers say, and no more than their errors allow."""

from dataclasses import replace

import pytest

from dviz.checkpoint import DIRECT, FINE_TUNED, SOURCE
from dviz.measuring.differences import Difference
from dviz.measuring.report import BY_PHOTOGRAPH, BY_ROW, ProbeScore
from dviz.ui.core import verdict as judge
from dviz.ui.core.verdict import short, slopes, verdict
from dviz.ui.parts.slopes import shows_errors, slope_chart
from tests.ui.material import NAMES


@pytest.fixture(scope="module")
def measured(library):
    return library.get(NAMES[2]).result


def result_of(measured, S, accuracy, error=0.01):
    """A report whose matrix is S on the diagonal, and whose probes all read so well."""
    size, factors = len(measured.active), measured.factors
    matrix = [[S if d == j else 0.0 for j in range(len(factors))] for d in range(size)]
    probes = [ProbeScore(f, "mlp", "all", accuracy, accuracy, 0.1, error) for f in factors]
    return replace(measured, association=matrix, active=[True] * size, probes=probes)


def test_ahead_behind_and_on_a_par_are_told_apart(measured):
    good, bad = result_of(measured, 0.9, 0.7), result_of(measured, 0.3, 0.5)
    (ahead,) = verdict({DIRECT: good}, bad)
    assert "beats learning on the Target alone" in ahead
    assert "(one training each)" in ahead
    assert "a classifier (MLP) reads more from it, 70% against 50%" in ahead
    (behind,) = verdict({DIRECT: bad}, good)
    assert "falls behind" in behind
    assert "reads less" in behind
    (even,) = verdict({DIRECT: good}, result_of(measured, 0.9, 0.69, error=0.2))
    assert "is on a par with" in even
    assert "reads as much" in even


def test_fine_tuning_is_said_to_move_only_what_it_moved(measured):
    before, after = result_of(measured, 0.3, 0.5), result_of(measured, 0.9, 0.7)
    (raised,) = verdict({DIRECT: before, FINE_TUNED: after})
    assert "raised OMES" in raised
    assert "what a classifier (MLP) can read rose, 50% to 70%" in raised
    (left,) = verdict({DIRECT: before, FINE_TUNED: before})
    assert "left OMES about where it was" in left
    assert "hardly moved" in left


def test_of_a_source_alone_there_is_no_verdict(measured):
    assert verdict({SOURCE: measured}) == verdict({}) == []
    assert slopes({}) == []


def test_slopes_join_factors_of_the_same_name_and_draw_every_level(measured):
    target = result_of(measured, 0.9, 0.7)
    source = replace(target, factors=["thing", "mood", "size"], probes=[
        replace(p, factor=f) for p, f in zip(target.probes, ("thing", "mood", "size"), strict=True)
    ])  # fmt: skip
    found = {s.name: s for s in slopes({SOURCE: source, DIRECT: target}, target)}
    assert list(found) == ["OMES", *measured.factors]
    assert set(found["thing"].values) == {SOURCE, DIRECT}
    assert set(found["turn"].values) == {DIRECT}
    chart = slope_chart(found["thing"], "%")
    assert "thing: Source 70%, direct 70%; chance 10%, Target only 70%" in chart
    assert chart.count("<circle") == 2
    assert "slope-line" in chart
    assert "slope-line" not in slope_chart(found["turn"], "%")


def test_errors_are_drawn_and_told_of_where_they_are_more_than_a_dot(measured):
    for error, drawn in ((0.01, False), (0.06, True)):
        factor = slopes({DIRECT: result_of(measured, 0.9, 0.7, error)})[1]
        assert ("slope-error" in slope_chart(factor, "%")) == shows_errors(factor) == drawn
    score = slopes({DIRECT: measured})[0]
    assert score.errors[DIRECT] == measured.uncertainty().omes.error
    assert shows_errors(replace(score, errors={DIRECT: 0.06}))
    assert not shows_errors(replace(score, errors={DIRECT: float("nan")}))


def test_scores_are_printed_as_the_study_does():
    assert (short(0.42), short(1.0), short(0.0)) == (".42", "1.00", ".00")


@pytest.mark.parametrize(
    ("gap", "error", "words"),
    [
        (0.001, 0.002, "is on a par with"),
        (0.037, 0.002, "is a little above"),
        (-0.037, 0.002, "is a little below"),
        (0.2, 0.002, "beats"),
        (-0.2, 0.002, "falls behind"),
        (0.2, 0.3, "is on a par with"),
        (0.037, float("nan"), "is on a par with"),
        (0.2, float("nan"), "beats"),
    ],
)
def test_a_par_is_what_lies_within_its_error(measured, monkeypatch, gap, error, words):
    monkeypatch.setattr(judge, "omes_difference", lambda *_: Difference(gap, error))
    result = result_of(measured, 0.9, 0.7)
    (sentence,) = verdict({DIRECT: result}, result)
    assert f" {words} learning on the Target alone" in sentence
    (tuned,) = verdict({DIRECT: result, FINE_TUNED: result})
    assert ("a little" in tuned) == ("a little" in words)
    assert ("about where it was" in tuned) == ("par" in words)


def test_of_a_single_factor_there_is_no_omes_but_what_is_read(measured):
    def of_one(accuracy):
        result = result_of(measured, 0.9, accuracy)
        nothing = [[float("nan")] * len(result.factors)] * len(result.active)
        return replace(result, association=nothing, evidence=None)

    low, high = of_one(0.5), of_one(0.7)
    against, tuning = verdict({DIRECT: low, FINE_TUNED: high}, low)
    assert against.startswith("Beside learning on the Target alone (one training each) a class")
    assert "reads more from it, 70% against 50%." in against
    assert tuning == "After fine-tuning what a classifier (MLP) can read rose, 50% to 70%."
    bare = replace(low, probes=[])
    assert verdict({DIRECT: bare, FINE_TUNED: bare}, bare) == []


def test_another_split_of_the_probes_is_explained(measured):
    ours = replace(result_of(measured, 0.9, 0.7), split=BY_PHOTOGRAPH)
    theirs = replace(result_of(measured, 0.9, 0.8), split=BY_ROW)
    (sentence,) = verdict({DIRECT: ours}, theirs)
    assert "split by row, not by photograph: tested on copies" in sentence
    assert "split by" not in verdict({DIRECT: ours}, ours)[0]
