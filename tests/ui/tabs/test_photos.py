"""Photos: prepared in every way, tried by everybody, read only where they can be."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dviz.measuring.report import Report
from dviz.ui.core import tries, uploads
from dviz.ui.core.library import Library
from dviz.ui.core.tries import Choice, Sight, Try, knows_photographs, see, tries_of, try_all
from dviz.ui.core.uploads import SILHOUETTE, VIEWS, Prepared, Shot, shoot
from dviz.ui.parts import photo_page
from dviz.ui.parts.photo_page import bar_value, photo_panel, words_of
from dviz.ui.tabs import photos
from tests.ui.material import NAMES

SOURCE, DIRECT, TUNED = NAMES
SCRIPT = "<script>alert(1)</script>.png"


@pytest.fixture
def own(checkpoints):
    """A library whose entries a test may change."""
    return Library(checkpoints)


def shot(name="mug.png", shade=120):
    image = np.full((64, 64, 3), shade, dtype=np.uint8)
    return Shot(name, {view: image for view in (*VIEWS, SILHOUETTE)}, "data:image/png;base64,")


BROKEN = Shot("notes.png", problem="this is not a picture")


def test_a_photo_is_read_once_in_every_view_or_explained(tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    image = Image.new("RGB", (128, 64), "white")
    image.paste("red", (48, 16, 80, 48))
    image.save(good)
    bad.write_text("hello")
    found = shoot([str(good), str(bad), 0])
    views = found[str(good)].views
    assert list(views) == [*VIEWS, SILHOUETTE]
    assert views["cropped"][0, 0].tolist() == [255, 255, 255]
    assert views["padded"][0, 0].tolist() == [0, 0, 0]
    assert views["cut out"].any()
    assert set(np.unique(views[SILHOUETTE])) == {0, 255}
    assert "not a picture" in found[str(bad)].problem
    assert found[0].name == uploads.examples()[0][0]
    image.save(bad)  # such as once the machine is free again
    assert not shoot([str(bad)], found)[str(bad)].problem, "a refusal is not for ever"
    good.unlink()
    assert shoot([str(good)], found)[str(good)] is found[str(good)]
    assert len(shoot([str(bad)] * 50 + [0])) <= uploads.MAX_PHOTOS


def test_all_tabs_see_a_photo_in_the_same_view():
    prepared = Prepared({"a": shot(), "b": BROKEN}, "padded")
    assert [photo.name for photo in prepared.good] == ["mug.png"]
    assert prepared.good[0].image is prepared.shots["a"].views["padded"]


def test_everybody_tries_and_the_least_error_comes_first(library):
    assert knows_photographs(library) == library.names  # none of these saw photographs
    found = try_all(library, shot(), also=TUNED)
    assert {t.key for t in found} == set(NAMES)
    errors = [t.error for t in found if t.readable]
    assert errors == sorted(errors)
    for one in found:
        assert one.error == min(t.error for t in tries_of(library.get(one.key), shot()))


def test_who_paints_its_own_images_well_is_not_set_back_for_it(own):
    errors = {name: tries_of(own.get(name), shot())[0].error for name in NAMES}
    best = min(errors, key=errors.get)
    for name, error in errors.items():
        entry = own.get(name)
        usual = replace(entry.measured, mse=error / 3 if name == best else error)
        entry.report = Report({usual.dataset: usual})
    assert try_all(own, shot())[0].key == best


def test_a_direct_transfer_reads_photographs_once_it_paints_them(own, monkeypatch):
    monkeypatch.setattr(tries, "is_photographs", lambda name: True)
    assert DIRECT not in knows_photographs(own)
    config = own.configs[DIRECT]
    painting = {"dataset": config.dataset, "steps": 9, "batch_size": 16}
    monkeypatch.setitem(own.configs, DIRECT, replace(config, painting=painting))
    assert DIRECT in knows_photographs(own)


def test_only_silhouettes_are_shown_to_who_learnt_on_them(own):
    entry = own.get(TUNED)
    entry.config = replace(entry.config, dataset="things-binary")
    assert [t.view for t in tries_of(entry, shot())] == [SILHOUETTE]


def test_the_choice_is_kept_where_it_can_be(library):
    sight = see(library, [shot("a"), shot("b", 60)], Choice(1, "padded", SOURCE))
    assert (sight.shot.name, sight.view, sight.entry.key) == ("b", "padded", SOURCE)
    odd = see(library, [shot()], Choice(9, SILHOUETTE, "nobody/here"))
    assert odd.view in VIEWS
    assert odd.entry.key in NAMES
    assert see(library, [BROKEN], Choice()) is None


def test_bar_and_panel_name_what_is_shown_and_blend_with_the_other(library):
    shots = [shot("a"), BROKEN, shot("b", 60)]
    sight = see(library, shots, Choice())
    bar = bar_value(library, shots, sight)
    assert [(s["text"], s["note"]) for s in bar["shots"]] == [("a", "A"), ("b", "B")]
    for kind in ("shots", "views", "tries"):
        assert sum(item["pressed"] for item in bar[kind]) == 1
    panel = photo_panel(library, shots, sight)
    assert panel["checkpoint"] == sight.entry.key
    assert panel["second"]["code"] != panel["code"]
    alone = [shot()]
    assert photo_panel(library, alone, see(library, alone, Choice()))["second"] is None
    assert photo_panel(library, [], None) == {}


def test_beyond_the_limit_nothing_is_read_and_no_percentage_shown(own):
    entry = own.get(TUNED)
    result = replace(entry.result, mse=1e-9)
    entry.report = Report({"things": result})
    one = [shot()]
    words = words_of(one, see(own, one, Choice(by=TUNED)))
    assert "cannot read this" in words
    assert "%" not in words.split("</article>")[0]
    entry.report = Report({"things": replace(result, mse=10.0)})
    words = words_of(one, see(own, one, Choice(by=TUNED)))
    for factor in ("thing", "turn", "size"):
        assert f">{factor}<" in words
    assert "%" in words


def test_good_photos_stand_beside_broken_ones_and_names_are_never_markup(library):
    shots = [shot(SCRIPT), Shot(SCRIPT, problem="<b>no</b>"), shot("b")]
    words = words_of(shots, see(library, shots, Choice()))
    assert "<script" not in words
    assert "<b>no" not in words
    assert "All photos" in words
    assert "All photos" not in words_of(shots[:1], see(library, shots[:1], Choice()))
    assert photo_page.EMPTY in words_of([], None)
    assert "not a picture" in words_of([BROKEN], None)


@pytest.mark.parametrize("text", ["-1", "99", "a", "0,,1"])
def test_examples_in_an_address_are_those_there_are(text):
    assert photos._parse_examples("0,1") == [0, 1]
    assert photos._parse_examples("none") == []
    with pytest.raises(ValueError, match=r".*"):
        photos._parse_examples(text)


def told(library, key, tries, chosen=False, head=None):
    entry = library.get(key)
    sight = Sight(shot(), [Try(k, v, np.zeros((1, 1, 3)), r / 99, r) for k, v, r in tries], entry,
                  "padded", chosen)  # fmt: skip
    return photo_page.why_this_one(sight, head)


def test_why_who_reads_is_said_by_the_rule_that_chose(library):
    colours, silhouettes = (SOURCE, "padded", 2.0), (TUNED, SILHOUETTE, 0.5)
    words = told(library, SOURCE, [colours, silhouettes])
    assert "the lowest among those that see colours; silhouettes are easier" in words
    assert "top of the page" not in words
    assert "silhouettes" not in told(library, SOURCE, [colours])
    assert "top of the page" in told(library, SOURCE, [colours], head=TUNED)
    assert "top of the page" not in told(library, SOURCE, [colours], head=SOURCE)
    assert "none that sees colours" in told(library, TUNED, [silhouettes, (SOURCE, "padded", 9.0)])
    assert "none can read this photo" in told(library, SOURCE, [(SOURCE, "padded", 9.0)])
    assert "not measured" in told(library, SOURCE, [(SOURCE, "padded", np.inf)])
    assert "as you chose" in told(library, SOURCE, [colours], chosen=True, head=TUNED)


def test_the_reason_stands_above_what_was_read(library):
    shots = [shot()]
    sight = see(library, shots, Choice())
    assert photo_page.why_this_one(sight, TUNED) in words_of(shots, sight, TUNED)
    assert see(library, shots, Choice(by=TUNED)).chosen
    assert not sight.chosen


def test_without_any_checkpoint_nobody_reads(tmp_path):
    assert see(Library(tmp_path), [shot()], Choice()) is None
