import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dviz.measuring.report import DistanceReport, Report
from dviz.metrics.omes import omes
from dviz.ui.core.families import families
from dviz.ui.core.library import Library
from dviz.ui.core.matrix import CORRELATION, INFORMATION, seen_by
from dviz.ui.core.pictures import data_uri, strip
from dviz.ui.page import build_app
from dviz.ui.parts import accuracies, markup, transfer
from dviz.ui.parts.top import NOTHING_HERE, downloading, summary_of
from dviz.ui.tabs import association
from tests.ui.material import NAMES

SOURCE, DIRECT, TUNED = NAMES
SEEDS = Path(__file__).parents[3] / "checkpoints" / "seeds"
SCRIPT = "<script>alert(1)</script>.png"


@pytest.fixture
def tuned(checkpoints):
    """A loaded checkpoint that a test may change."""
    return Library(checkpoints).get(TUNED)


@pytest.fixture
def unmeasured(checkpoints):
    """A loaded checkpoint whose report is empty."""
    entry = Library(checkpoints).get(DIRECT)
    entry.report = Report()
    return entry


# Association


@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_the_score_shown_is_omes_of_the_report(library, pooling):
    entry = library.get(TUNED)
    result = entry.result
    shown = set()
    for alpha in (0.0, 0.5, 1.0):
        expected = omes(
            result.association_matrix, alpha, pooling, active=np.array(result.active)
        ).omes
        head, table = association.score_of(entry, alpha, pooling)
        shown.add(re.search(r'omes"><dt>OMES</dt><dd>([\d.]+)', head).group(1))
        assert f"{expected:.3f}" in head
        assert all(f">{factor}<" in table for factor in result.factors)
    assert len(shown) > 1


def test_the_matrix_shows_active_dimensions_and_all_factors(library):
    entry = library.get(SOURCE)
    figure = association.heatmap_of(entry, entry.result)
    assert len(figure.data[0].y) == sum(entry.result.active)
    assert list(figure.data[0].x) == entry.result.factors


def test_a_missing_report_is_said_in_words(unmeasured):
    head, table = association.score_of(unmeasured, 0.5, "avg")
    assert "came without a report" in head
    assert table == ""
    assert not association.matrix_of(unmeasured).visible


def test_a_factor_that_never_changes_is_explained(tuned):
    S = [[None, *row[1:]] for row in tuned.result.association]
    result = replace(tuned.result, association=S)
    tuned.report = Report({"things": result})
    assert "too few pairs" in association.score_of(tuned, 0.5, "avg")[1]
    assert len(association.heatmap_of(tuned, result).layout.annotations) == 2 * sum(result.active)


# Probes and transfer


def test_tables_hold_before_and_after_chance_baselines_and_gain(library):
    tables = accuracies.accuracy_tables([library.get(name) for name in NAMES])
    assert tables.count("<h3>") == 4  # two kinds of probe on two datasets
    assert "random, all" in tables
    assert "+20.0" in tables  # from .4 to .6
    assert ">20.0<" in tables  # chance
    assert "gain" not in accuracies.accuracy_tables([library.get(SOURCE)])


def test_missing_probes_are_said_in_words(tuned, unmeasured):
    assert accuracies.NOTHING in accuracies.accuracy_tables([unmeasured])
    assert "came without a report" in transfer.transfer_page([unmeasured])
    result = tuned.report.results["things"]
    few = [p for p in result.probes if p.model == "mlp" and p.factor != "turn"]
    tuned.report = Report({"things": replace(result, probes=few)})
    tables = accuracies.accuracy_tables([tuned])
    assert tables.count("<h3>") == 1
    assert "–" in tables


def test_a_transfer_that_is_not_measured_yet_shows_its_source(library, unmeasured):
    page = transfer.transfer_page([library.get(SOURCE), unmeasured])
    assert f"{DIRECT} came without a report; dviz evaluate measures it" in page
    assert "<svg" in page


def test_of_images_without_labels_no_report_is_missed(library, tuned):
    plain = replace(tuned.result, factors=[], sizes=[], probes=[])
    tuned.report = Report({plain.dataset: plain})
    page = transfer.transfer_page([library.get(SOURCE), tuned])
    assert "images without labels" in page
    assert "came without a report" not in page


def test_a_transfer_is_told_with_its_verdict_charts_findings_and_distance(library, tuned):
    entries = [library.get(name) for name in NAMES]
    page = transfer.transfer_page(entries)
    assert page.index("verdict-line") < page.index("<svg") < page.index("<details")
    assert page.count("<svg") == 4
    assert "+20.0 ± " in page
    assert "was not measured" in transfer.distance_of(entries)
    assert transfer.distance_of(entries[:1]) == ""
    shares = [0.1] * tuned.latent_size
    distance = DistanceReport(
        "color-dsprites", "things", "<b>", 0, 5000, 3.25, 0.1, 0.01, 0.84, shares, -100, -350, 0.2
    )
    tuned.report = replace(tuned.report, distance=distance)
    table = transfer.distance_of([tuned])
    assert "84.0%" in table
    assert "250 nats" in table
    assert "<b>" not in table.replace("&lt;b&gt;", "")
    assert "84% of its images" in transfer.findings_of([tuned])


def test_the_legend_promises_no_error_that_is_not_drawn(library, tuned):
    assert transfer.WITHIN_DOTS in transfer.transfer_page([library.get(SOURCE), tuned])
    result = tuned.result
    probes = [replace(p, standard_error=0.1) for p in result.probes]
    tuned.report = Report({result.dataset: replace(result, probes=probes)})
    page = transfer.transfer_page([library.get(SOURCE), tuned])
    assert transfer.WHISKERS in page
    assert "slope-error" in page
    assert transfer.ONE_TRAINING in page


def test_what_another_training_changes_is_what_the_sweeps_say():
    tables = [pd.read_csv(path) for path in sorted(SEEDS.glob("*.csv"))]
    spreads = pd.concat(
        table[table["target"].notna() & table["omes_avg"].notna()]
        .groupby(["source", "target", "transfer", table["baseline"].fillna("")])["omes_avg"]
        .agg(["std", "count"])
        for table in tables
    )
    assert (spreads["count"] == 5).all()
    assert f"{spreads['std'].min():.2f} to {spreads['std'].max():.2f}" in transfer.ONE_TRAINING


def test_of_nothing_measured_nothing_is_said(unmeasured):
    assert transfer.NOTHING_TO_SAY in transfer.findings_of([unmeasured])


# The page as a whole


def test_the_page_stands_without_any_checkpoint():
    texts = [str(block.value) for block in build_app(Library()).blocks.values() if is_html(block)]
    assert any(NOTHING_HERE in text for text in texts)


def is_html(block):
    return block.get_block_name() == "html"


def test_checkpoints_are_picked_as_a_family(library):
    family, hub = families(library, ["ada/sprites"])
    assert (family["key"], family["kind"]) == (SOURCE, "source")
    (target,) = family["targets"]
    stages = [(stage["key"], stage["kind"]) for stage in target["stages"]]
    assert stages == [(DIRECT, "direct"), (TUNED, "fine-tuned")]
    assert hub == {"key": "ada/sprites", "title": "ada/sprites", "kind": "", "targets": []}


def test_a_second_source_of_a_dataset_is_called_by_its_name(checkpoints, tmp_path):
    for name in (SOURCE, "other"):
        shutil.copytree(checkpoints / SOURCE, tmp_path / name)
    titles = {family["key"]: family["title"] for family in families(Library(tmp_path))}
    assert len(set(titles.values())) == 2
    assert "Color-dSprites" in titles.values()


def test_labelled_images_are_said(checkpoints):
    entry = Library(checkpoints).get(SOURCE)
    assert "labelled" not in summary_of(entry)
    training = {**entry.config.training, "labelled_images": 5000}
    entry.config = replace(entry.config, training=training)
    assert "5,000 images were labelled" in summary_of(entry)


def test_a_direct_transfer_says_that_its_decoder_is_not_the_source_s(checkpoints):
    entry = Library(checkpoints).get(DIRECT)
    assert "anew" not in summary_of(entry)
    painting = {"dataset": entry.config.dataset, "steps": 10, "batch_size": 4}
    entry.config = replace(entry.config, painting=painting)
    assert "only the decoder is learnt anew" in summary_of(entry)
    entry.config = replace(entry.config, kind="fine-tuned")
    assert "anew" not in summary_of(entry)


def test_a_download_says_how_far_it_is():
    assert "0.0 MB so far" in downloading(Library(), " ada/sprites ")


# Pieces of HTML


def test_pictures_survive_the_trip_through_html():
    import base64
    import io

    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    png = base64.b64decode(data_uri(image).partition(",")[2])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), image)
    assert strip(np.stack([image] * 3)).shape == (64, 192, 3)


def test_text_is_escaped_and_shares_are_kept_in_bounds():
    assert "<b>" not in markup.note("<b>")
    assert 'role="alert"' in markup.note("x", "problem")
    assert "100.0%" in markup.meter(7.0)
    assert "0%" in markup.meter(float("nan"))
    assert (markup.percent(0.5), markup.percent(float("nan"))) == ("50.0%", "–")


def test_mutual_information_is_not_told_of_as_s(checkpoints):
    entries = [Library(checkpoints).get(name) for name in NAMES]
    assert "S after − S before" in association.change_of(entries)[0]
    for entry in entries:
        share = np.clip(np.nan_to_num(entry.result.association_matrix), 0, 1).tolist()
        evidence = replace(entry.result.evidence, information=share)
        entry.report = Report({entry.result.dataset: replace(entry.result, evidence=evidence)})
    seen = [seen_by(entry, INFORMATION) for entry in entries]
    words = association.change_of(seen)[0]
    assert "mutual information after" in words
    assert "S after" not in words
    assert "**S**" in association.HELPS[CORRELATION]
    for word in ("**S**", "hatched", "new value"):
        assert word not in association.HELPS[INFORMATION]


def test_the_help_follows_what_a_cell_is(checkpoints):
    app = build_app(Library(checkpoints))
    told = association.HELPS.values()
    (part,) = [block for block in app.blocks.values() if getattr(block, "value", "") in told]
    show = next(fn.fn for fn in app.fns.values() if part in fn.outputs)
    assert show(SOURCE, 0.5, "avg", INFORMATION)[part] == association.HELPS[INFORMATION]
