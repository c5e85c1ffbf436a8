"""Whose file is whose, and what is left of it."""

import os
import time
from dataclasses import replace

import pytest

from dviz.limits import LIMITS
from dviz.ui.core.visitors import (
    NotYoursError,
    UploadsFullError,
    Visitors,
    is_visitor,
    new_visitor,
    without_cookie,
)

ADA, EVE = new_visitor(), new_visitor()


def put(folder, name, size=10, file="a.png"):
    path = folder / name / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return str(path)


@pytest.fixture
def later(monkeypatch):
    """Puts the clock of uploads so many seconds ahead; when a file came cannot be made up."""
    now = time.time

    def put_ahead(seconds):
        monkeypatch.setattr(time, "time", lambda: now() + seconds)

    return put_ahead


def test_a_visitor_reads_its_own_uploads_and_nobody_else_does(tmp_path):
    visitors = Visitors(tmp_path)
    path = put(tmp_path, "x")
    visitors.add_uploads([path], ADA)
    visitors.check_file(path, ADA)
    for way in (path, f"{tmp_path}/y/../x/a.png", f"{tmp_path}/x//a.png"):
        with pytest.raises(NotYoursError):
            visitors.check_file(way, EVE)


def test_a_link_into_an_upload_is_the_upload(tmp_path):
    visitors = Visitors(tmp_path / "uploads")
    path = put(tmp_path / "uploads", "x")
    visitors.add_uploads([path], ADA)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(NotYoursError):
        visitors.check_file(str(tmp_path / "link"), EVE)


def test_what_two_have_uploaded_stays_until_both_have_left(tmp_path):
    visitors = Visitors(tmp_path)
    path = put(tmp_path, "x")
    for visitor in (ADA, EVE):
        visitors.add_uploads([path], visitor)
        visitors.check_file(path, visitor)
    visitors.forget(ADA)
    assert os.path.exists(path)
    with pytest.raises(NotYoursError):
        visitors.check_file(path, ADA)
    visitors.forget(EVE)
    assert not os.path.exists(path)


def test_sessions_belong_to_whoever_comes_first_until_they_leave(tmp_path):
    visitors = Visitors(tmp_path)
    visitors.claim("session", ADA)
    visitors.claim("session", ADA)
    with pytest.raises(NotYoursError):
        visitors.claim("session", EVE)
    assert visitors.forget(ADA) == ["session"]
    visitors.claim("session", EVE)


def test_pages_are_counted(tmp_path):
    visitors = Visitors(tmp_path)
    visitors.open_page(ADA)
    visitors.open_page(ADA)
    visitors.close_page(ADA)
    assert visitors.has_page(ADA)
    visitors.close_page(ADA)
    assert not visitors.has_page(ADA)
    assert not visitors.has_page(EVE)


def test_what_is_old_goes_and_the_app_s_own_stays(tmp_path, later):
    put(tmp_path, "own")
    visitors = Visitors(tmp_path)
    visitors.add_uploads([put(tmp_path, "upload")], ADA)
    put(tmp_path, "nobody-s")
    (tmp_path / "tmpabc").write_bytes(b"half an upload")
    visitors.sweep()
    assert sorted(os.listdir(tmp_path)) == ["nobody-s", "own", "tmpabc", "upload"]
    later(700)
    visitors.sweep()
    assert sorted(os.listdir(tmp_path)) == ["nobody-s", "own", "upload"]
    later(3700)
    visitors.sweep()
    assert os.listdir(tmp_path) == ["own"]


def test_a_folder_to_which_names_are_added_gets_old_too(tmp_path, later):
    visitors = Visitors(tmp_path, replace(LIMITS, uploads_visitor_files=2))
    first = put(tmp_path, "x", file="first.png")
    left = put(tmp_path, "x", file="nobody-s.png")
    time.sleep(0.5)
    second = put(tmp_path, "x", file="second.png")
    visitors.add_uploads([first, second], ADA)
    later(LIMITS.upload_age_seconds - 0.25)
    visitors.sweep()
    assert [os.path.exists(path) for path in (first, left, second)] == [False, False, True]
    visitors.check_room(ADA, 0)
    with pytest.raises(NotYoursError):
        visitors.check_file(second, EVE)
    later(LIMITS.upload_age_seconds + 1)
    visitors.sweep()
    assert os.listdir(tmp_path) == []


def test_what_copies_say_of_their_content_s_age_counts_for_nothing(tmp_path):
    """Gradio's copies keep the time at which the original was written."""
    visitors = Visitors(tmp_path)
    os.utime(put(tmp_path, "x"), (1, 1))
    visitors.sweep()
    assert os.listdir(tmp_path) == ["x"]


def test_a_clock_put_back_does_not_keep_anything_for_ever(tmp_path, later):
    visitors = Visitors(tmp_path)
    put(tmp_path, "x")
    visitors.add_remains(LIMITS.uploads_bytes, 1, whole=True)
    later(-600)
    visitors.sweep()
    assert os.listdir(tmp_path) == ["x"]
    with pytest.raises(UploadsFullError):
        visitors.check_room(ADA, 1)
    later(-90_000)
    visitors.sweep()
    assert os.listdir(tmp_path) == []
    visitors.check_room(ADA, 1)


def test_room_is_bounded_for_one_and_for_all(tmp_path):
    limits = replace(LIMITS, uploads_visitor_bytes=2_000_000, uploads_bytes=3_000_000)
    visitors = Visitors(tmp_path, limits)
    visitors.add_uploads([put(tmp_path, "x", 1_500_000)], ADA)
    visitors.check_room(ADA, 400_000)
    with pytest.raises(UploadsFullError, match="more than 2 MB, the limit of a visitor"):
        visitors.check_room(ADA, 600_000)
    visitors.check_room(EVE, 1_400_000)
    with pytest.raises(UploadsFullError, match="busy"):
        visitors.check_room(EVE, 1_600_000)
    visitors.forget(ADA)
    visitors.check_room(EVE, 1_600_000)


def test_visitors_cannot_be_mistaken():
    assert is_visitor(ADA)
    assert not any(map(is_visitor, ("", "x" * 32, ADA[:-1], without_cookie("a"))))
    assert without_cookie("a", "b") != without_cookie("a", "c")


def test_uploads_on_their_way_take_room_too(tmp_path):
    visitors = Visitors(tmp_path, replace(LIMITS, uploads_visitor_bytes=100, uploads_bytes=150))
    with visitors.expecting(ADA, 80):
        visitors.check_room(ADA, 20)
        visitors.check_room(EVE, 70)
        with pytest.raises(UploadsFullError, match="limit of a visitor"):
            visitors.check_room(ADA, 21)
        with pytest.raises(UploadsFullError, match="others' uploads"):
            visitors.check_room(EVE, 71)
    visitors.check_room(ADA, 100)


def test_uploads_are_bounded_in_number(tmp_path):
    visitors = Visitors(tmp_path, replace(LIMITS, uploads_visitor_files=2, uploads_files=3))
    for number, visitor in enumerate((ADA, ADA, EVE)):
        visitors.check_room(visitor, 0)
        visitors.add_uploads([put(tmp_path, f"x{number}", size=0)], visitor)
    with pytest.raises(UploadsFullError, match="2 uploads here"):
        visitors.check_room(ADA, 0)
    with pytest.raises(UploadsFullError, match="others' uploads"):
        visitors.check_room(EVE, 0)
    visitors.forget(ADA)
    visitors.check_room(EVE, 0)


def test_every_name_of_one_content_counts(tmp_path):
    limits = replace(LIMITS, uploads_visitor_files=3, uploads_visitor_bytes=100, uploads_bytes=150)
    visitors = Visitors(tmp_path, limits)
    for name in ("a.png", "b.png", "a.png"):  # the last replaces the first
        assert visitors.add_uploads([put(tmp_path, "x", 40, name)], ADA) == [40]
    visitors.check_room(ADA, 20)
    with pytest.raises(UploadsFullError, match="limit of a visitor"):
        visitors.check_room(ADA, 21)
    visitors.add_uploads([put(tmp_path, "x", 40, "c.png")], EVE)
    visitors.check_room(ADA, 20)
    with pytest.raises(UploadsFullError, match="others' uploads"):
        visitors.check_room(EVE, 31)
    visitors.add_uploads([put(tmp_path, "x", 0, "d.png")], ADA)
    with pytest.raises(UploadsFullError, match="3 uploads here"):
        visitors.check_room(ADA, 0)
    visitors.forget(ADA)
    assert os.listdir(tmp_path / "x") == ["c.png"]


def test_what_failed_uploads_leave_takes_room_until_it_is_deleted(tmp_path, later):
    visitors = Visitors(tmp_path, replace(LIMITS, uploads_bytes=100, uploads_files=3))
    visitors.add_remains(60, 1, whole=False)
    visitors.add_remains(30, 1, whole=True)
    visitors.check_room(EVE, 10)
    with pytest.raises(UploadsFullError, match="others' uploads"):
        visitors.check_room(EVE, 11)
    visitors.sweep()
    with pytest.raises(UploadsFullError, match="others' uploads"):
        visitors.check_room(EVE, 11)
    visitors.add_remains(-1, 1, whole=False)
    with pytest.raises(UploadsFullError, match="others' uploads"):
        visitors.check_room(EVE, 0)
    later(700)
    visitors.sweep()
    visitors.check_room(EVE, 70)
    with pytest.raises(UploadsFullError, match="others' uploads"):
        visitors.check_room(EVE, 71)
    later(3700)
    visitors.sweep()
    visitors.check_room(EVE, 100)
