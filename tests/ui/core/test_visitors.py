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


def put(folder, name, size=10, age=0.0):
    path = folder / name / "a.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(size))
    for place in (path, path.parent):
        os.utime(place, (time.time() - age,) * 2)
    return str(path)


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


def test_what_is_old_goes_and_the_app_s_own_stays(tmp_path):
    put(tmp_path, "own", age=9000)
    visitors = Visitors(tmp_path)
    old, new = put(tmp_path, "old", age=4000), put(tmp_path, "new", age=3000)
    visitors.add_uploads([old, new], ADA)
    (tmp_path / "tmpabc").write_bytes(b"half an upload")
    os.utime(tmp_path / "tmpabc", (time.time() - 700,) * 2)
    visitors.sweep()
    assert sorted(os.listdir(tmp_path)) == ["new", "own"]


def test_a_clock_put_back_does_not_keep_anything_for_ever(tmp_path):
    visitors = Visitors(tmp_path)
    put(tmp_path, "future", age=-90_000)
    put(tmp_path, "soon", age=-600)
    visitors.sweep()
    assert os.listdir(tmp_path) == ["soon"]


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
