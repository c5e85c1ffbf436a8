import re

import pytest
from huggingface_hub import ModelCard

from dviz.card import model_card, write_card
from dviz.checkpoint import CARD, REPORT, CheckpointConfig, save_checkpoint
from dviz.errors import CheckpointError
from dviz.factors import Factor
from dviz.metrics.omes import omes
from dviz.models.vae import VAE, VAEConfig
from dviz.report import Baseline, DatasetReport, ProbeScore, Report, write_report

KINDS = ("source", "direct", "fine-tuned")
S = [[0.9, 0.1, None], [0.2, 0.8, None], [0.3, 0.3, None]]
ACTIVE = [True, True, False]


def config(kind: str = "fine-tuned", **changes) -> CheckpointConfig:
    factors = (Factor("object", 100), Factor("pose", 72), Factor("light", 1))
    values = {
        "training": {} if kind == "direct" else {"steps": 3000, "supervision": "none"},
        "parent": None if kind == "source" else "mother",
        "source": "color-dsprites",
    }
    return CheckpointConfig(
        "tiny", kind, "coil100-augmented", factors, VAEConfig(4, 3), **(values | changes)
    )


def result(probes: bool = True) -> DatasetReport:
    scores = [
        ProbeScore(factor, model, dimensions, accuracy, accuracy, 0.01, 0.001)
        for factor, accuracy in (("object", 0.25), ("pose", 0.75))
        for model in ("gbt", "mlp")
        for dimensions in ("all", "pruned")
    ]
    rows = [[0.0] * 3] * 6
    return DatasetReport(
        "coil100-augmented", ["object", "pose", "light"], [100, 72, 1], 7, 15_000, 10_000, S,
        ACTIVE, *rows, reconstruction=123.4, mse=0.0123, probes=scores if probes else [],
    )  # fmt: skip


def report(probes: bool = True) -> Report:
    baseline = Baseline("target-only", "trained on the Target alone", result(probes))
    return Report({"coil100-augmented": result(probes)}, [baseline])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("measured", [None, Report(), report(), report(probes=False)])
def test_any_card_has_valid_front_matter_and_no_gaps(kind, measured):
    text = model_card(config(kind), measured)
    data = ModelCard(text).data
    assert (data.library_name, data.license) == ("dviz", "apache-2.0")
    assert text.count("```") % 2 == 0
    assert not re.search(r"\bnan\b|\bNone\b|\n\n\n", text)
    assert "arxiv.org/abs/2409.18017" in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_figures_are_those_of_the_report():
    text = model_card(config(), report())
    metrics = {entry.metric_name: entry.metric_value for entry in ModelCard(text).data.eval_results}
    for pooling in ("avg", "max"):
        expected = omes([row[:2] for row in S], pooling=pooling, active=ACTIVE)
        assert metrics[f"OMES, {pooling} pooling"] == pytest.approx(expected.omes, abs=1e-4)
    assert metrics["Mean accuracy, MLP, pruned dimensions"] == 0.5
    assert "| object | 100 | z0 | 0.900 | 0.250 |" in text
    assert "| light | 1 | – | – |" in text
    assert "15,000 images" in text
    assert "2 of 3 dimensions are active" in text
    assert "| target-only: trained on the Target alone | coil100-augmented |" in text


def test_what_was_not_measured_is_not_mentioned():
    assert "Measured on" not in model_card(config())
    assert ModelCard(model_card(config())).data.eval_results is None
    without_probes = model_card(config(), report(probes=False))
    assert "chance" not in without_probes
    assert "accuracy" not in str(ModelCard(without_probes).data)


def test_datasets_are_cited_once_each():
    text = model_card(config(), report())
    assert text.count("dSprites: Disentanglement") == 1
    assert text.count("COIL-100") == 1
    assert "Isaac3D" in model_card(config(source="arm3d"))
    assert "3D Shapes" not in model_card(config())
    assert "modelled on" not in model_card(
        CheckpointConfig("x", "source", "mine", (Factor("a", 2),), VAEConfig(4, 1), source="mine")
    )


def test_write_card_puts_it_into_the_folder(tmp_path):
    model = VAE(VAEConfig(4, 3))
    save_checkpoint(tmp_path, model, config())
    write_card(tmp_path, "ada/tiny")
    assert (tmp_path / CARD).read_text(encoding="utf-8") == model_card(config(), None, "ada/tiny")
    write_report(tmp_path / REPORT, report())
    write_card(tmp_path, "ada/tiny")
    assert (tmp_path / CARD).read_text("utf-8") == model_card(config(), report(), "ada/tiny")
    assert 'hub.load("ada/tiny")' in (tmp_path / CARD).read_text("utf-8")


def test_write_card_needs_a_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match="no config"):
        write_card(tmp_path)
