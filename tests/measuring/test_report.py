import json
import math
from dataclasses import replace

import numpy as np
import pytest

from dviz.errors import CheckpointError
from dviz.limits import LIMITS
from dviz.measuring.evidence import Evidence, pack_covariance
from dviz.measuring.report import (
    ARC,
    Baseline,
    DatasetReport,
    DistanceReport,
    ProbeScore,
    Report,
    read_report,
    write_report,
)


@pytest.fixture
def result():
    numbers = [0.0, 1.0]
    return DatasetReport(
        dataset="somewhere",
        factors=["shape", "colour"],
        sizes=[3, 1],
        seed=0,
        num_images=90,
        num_pairs=30,
        association=[[0.9, None], [0.1, None]],
        active=[True, False],
        mean=numbers,
        std=numbers,
        low=numbers,
        high=numbers,
        posterior_std=numbers,
        kl=numbers,
        reconstruction=100.0,
        mse=0.01,
        probes=[
            ProbeScore("shape", "gbt", "all", 0.75, 0.7, 0.4, 0.01),
            ProbeScore("colour", "gbt", "all", 0.25, 0.2, 0.4, 0.01),
        ],
    )


def test_what_is_written_is_read(tmp_path, result):
    distance = DistanceReport(
        "here", "somewhere", "a", 0, 50, 1.0, 0.5, 0.01, 0.3, [0.3], -1, -3, 2
    )
    baselines = [Baseline("random", "an untrained encoder", result)]
    report = Report({"somewhere": result}, baselines, distance)
    write_report(tmp_path / "report.json", report)
    assert distance.elbo_drop == 2
    assert distance.elbo_drop_in_words == "2 nats"
    burst = replace(distance, elbo_target=-5.27e16)
    assert burst.elbo_drop_in_words == "5.3e+16 nats"
    assert read_report(tmp_path / "report.json") == report


def test_an_arc_is_asked_for_as_dimensions_are(result):
    row = ProbeScore("shape", "gbt", "all", 0.5, 0.5, 0.4, 0.01)
    told = replace(result, arc=[row])
    assert told.probe("shape", "gbt", ARC) == row
    assert told.probe("shape", "gbt", "all").accuracy == 0.75
    assert told.mean_accuracy("gbt", ARC) == 0.5
    assert math.isnan(result.mean_accuracy("gbt", ARC))


def test_a_missing_report_is_empty(tmp_path):
    assert read_report(tmp_path / "report.json") == Report()


def test_factors_that_never_change_have_no_association(result):
    matrix = result.association_matrix
    assert np.isnan(matrix[:, 1]).all()
    assert matrix[:, 0].tolist() == [0.9, 0.1]


def test_mean_accuracy(result):
    assert result.mean_accuracy("gbt", "all") == 0.5
    assert math.isnan(result.mean_accuracy("mlp", "pruned"))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 9}', '{"format": 1, "results": {"a": 1}}']
)
def test_odd_reports_are_refused_in_one_line(tmp_path, text):
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(CheckpointError, match=r"report\.json") as error:
        read_report(path)
    assert "\n" not in str(error.value)


def test_the_file_is_strict_json(tmp_path, result):
    write_report(tmp_path / "report.json", Report({"somewhere": result}))
    text = (tmp_path / "report.json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert '"format": 1' in text


def test_a_report_of_wide_codes_can_be_read_again(tmp_path, result):
    """What errors S has of hundreds of dimensions would not fit into a report."""
    width, factors = 400, len(result.factors)
    wide = [[0.5] * factors] * width
    covariance = np.stack([np.eye(width)] * factors)
    result = replace(
        result,
        association=wide,
        evidence=Evidence(wide, pack_covariance(covariance), [1.0] * width),
    )
    assert np.isnan(result.evidence.covariances()).all()
    write_report(tmp_path / "report.json", Report({"x": result}))
    assert (tmp_path / "report.json").stat().st_size < LIMITS.report_bytes
    assert pack_covariance(covariance[:, :4, :4])[0][0] == 1
