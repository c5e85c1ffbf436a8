import unicodedata
import zipfile

import numpy as np
import pytest
from PIL import Image

from dviz.data import folder as module
from dviz.data import load_dataset, photos
from dviz.errors import DatasetError
from tests.data.material import write_folder


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "microscope")


def pack(folder, path, inside=""):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, inside + file.name)
        archive.writestr("__MACOSX/._photo00.png", b"junk")
    return path


def test_pictures_and_labels_belong_together(folder):
    dataset = load_dataset("folder", folder)
    assert dataset.name == "folder:microscope"
    assert dataset.title == "microscope"
    assert dataset.origin == "your folder"
    assert dataset.num_images == 24
    colour, level = dataset.space.factors
    assert (colour.name, colour.values) == ("colour", ("blue", "green", "red"))
    assert (level.name, level.values) == ("level", ("0", "5"))
    images, classes = dataset.sample(50, np.random.default_rng(0))
    assert images.shape == (50, 64, 64, 3)
    channel = images.mean((1, 2)).argmax(-1)
    assert (2 - channel == classes[:, 0]).all()
    assert ((images.max((1, 2, 3)) > 195) == classes[:, 1]).all()


@pytest.mark.parametrize("inside", ["", "microscope/"])
def test_a_zip_is_as_good_as_a_folder(folder, tmp_path, inside):
    archive = pack(folder, tmp_path / "packed.zip", inside)
    unpacked, packed = load_dataset("folder", folder), load_dataset("folder", archive)
    assert packed.name == "folder:packed"
    assert (packed.table == unpacked.table).all()
    rows = np.arange(24)
    assert (packed.images(rows) == unpacked.images(rows)).all()


def test_its_name_finds_it_again(folder, tmp_path, monkeypatch):
    pack(folder, tmp_path / "packed.zip")
    name = "folder:microscope"
    assert load_dataset(name, folder).name == name
    assert load_dataset(name, tmp_path).name == name
    assert load_dataset("folder:packed", tmp_path).name == "folder:packed"
    assert load_dataset("folder:packed", tmp_path / "packed.zip").name == "folder:packed"
    assert load_dataset(f"folder:{folder}").name == name
    monkeypatch.setenv("DVIZ_DATA", str(tmp_path))
    assert load_dataset(name).name == name
    pack(folder, tmp_path / "Loud.ZIP")
    for place in (tmp_path, tmp_path / "Loud.ZIP"):
        assert load_dataset("folder:Loud", place).name == "folder:Loud"
    assert load_dataset("folder", tmp_path / "Loud.ZIP").name == "folder:Loud"
    dotted = write_folder(tmp_path / "run.2")
    assert load_dataset("folder:run.2", dotted).name == "folder:run.2"
    monkeypatch.setenv("DVIZ_DATA", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)
    assert load_dataset(name).name == load_dataset("folder:./microscope").name == name
    with pytest.raises(DatasetError, match="--data-root PATH"):
        load_dataset("folder:elsewhere", tmp_path)
    with pytest.raises(DatasetError, match="which folder"):
        load_dataset("folder")


def test_pictures_of_one_photograph_are_known_and_said(folder):
    before = load_dataset("folder", folder)
    assert before.photographs_of(np.arange(24)) is None
    header, *lines = (folder / "labels.csv").read_text().split()
    slides = [f"{line},slide {i // 4}" for i, line in enumerate(lines)]
    (folder / "labels.csv").write_text("\n".join([f"{header},photograph", *slides]))
    dataset = load_dataset("folder", folder)
    assert dataset.space.factors == before.space.factors
    assert (dataset.photographs_of(np.arange(24)) == np.arange(24) // 4).all()
    assert dataset.content == before.content  # no training depends on it
    (told,) = dataset.remarks
    assert "24 images belong to 6 photographs" in told


def test_gaps_are_unknown_and_pictures_without_a_line_left_out(folder):
    rows = ["image;colour;level", "photo00.png;red;0,5", "photo01.png;;1", "photo02.png;blue;NA"]
    write_folder(folder, rows)
    dataset = load_dataset("folder", folder)
    assert dataset.table.tolist() == [[1, 0], [-1, 1], [0, -1]]
    assert dataset.space.factors[1].values == ("0,5", "1")


def test_what_labels_leave_out_is_said(folder):
    assert load_dataset("folder", folder).remarks == ()
    write_folder(folder, ["image,colour", "photo00.png,red", "photo01.png,blue"])
    (remark,) = load_dataset("folder", folder).remarks
    assert "left out: 22 pictures without a line in labels.csv; to learn from all" in remark


def test_pictures_are_known_again_whatever_their_labels(folder):
    dataset = load_dataset("folder", folder)
    backwards = ["image,colour", *(f"photo{i:02}.png,{i % 2}" for i in range(23, -1, -1))]
    again = load_dataset("folder", write_folder(folder, backwards))
    assert dataset.pictures.startswith("24 (")
    assert again.pictures == dataset.pictures
    assert again.content != dataset.content
    Image.new("RGB", (40, 40), "red").save(folder / "photo05.png")
    assert load_dataset("folder", folder).pictures != dataset.pictures


@pytest.mark.parametrize(("brightest", "said"), [(15, 1), (63, 1), (64, 0)])
def test_pictures_too_dark_to_see_anything_are_said(tmp_path, brightest, said):
    for i in range(3):
        picture = np.zeros((40, 40, 3), dtype=np.uint8)
        picture[:, 20:] = brightest - i
        Image.fromarray(picture).save(tmp_path / f"{i}.png")
    remarks = load_dataset("folder", tmp_path).remarks
    assert len(remarks) == said
    assert all(f"brightest pixel of all pictures is {brightest} of 255" in r for r in remarks)


def test_a_single_folder_inside_is_looked_into(folder, tmp_path):
    plain = load_dataset("folder", folder)
    (tmp_path / "outer").mkdir()
    nested = load_dataset("folder", folder.rename(tmp_path / "outer" / "inner").parent)
    assert nested.name == "folder:outer"
    assert nested.content == plain.content


def test_labels_that_are_passed_over_are_said(folder, tmp_path):
    (tmp_path / "outer").mkdir()
    folder.rename(tmp_path / "outer" / "inner")
    write_folder(tmp_path / "outer" / "other")
    dataset = load_dataset("folder", tmp_path / "outer")
    assert (dataset.num_images, dataset.space.names) == (48, ())
    (remark,) = dataset.remarks
    assert "inner/labels.csv is passed over" in remark
    assert "names such as inner/000.jpg" in remark


def test_without_labels_every_picture_counts(folder):
    (folder / "labels.csv").unlink()
    (folder / "more").mkdir()
    (folder / "photo00.png").rename(folder / "more" / "photo00.PNG")
    (folder / "notes.txt").write_text("not a picture")
    dataset = load_dataset("folder", folder)
    assert (dataset.num_images, len(dataset.space)) == (24, 0)
    assert dataset.images(np.arange(24)).max(axis=(1, 2, 3)).min() > 90


def test_names_meet_however_their_accents_are_written(folder):
    (folder / "photo00.png").rename(folder / unicodedata.normalize("NFD", "é.png"))
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "é.png")
        (folder / "labels.csv").write_text(f"image,colour\n{name},red\n", encoding="utf-8")
        assert load_dataset("folder", folder).num_images == 1


def test_a_zip_need_not_say_that_its_names_are_utf8(folder, tmp_path):
    (folder / "labels.csv").write_text("image,colour\né.png,red\n", encoding="utf-8")
    name = unicodedata.normalize("NFD", "é.png").encode()
    archive = tmp_path / "mac.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(folder / "labels.csv", "labels.csv")
        file.write(folder / "photo00.png", "X" * len(name))
    archive.write_bytes(archive.read_bytes().replace(b"X" * len(name), name))
    assert load_dataset("folder", archive).num_images == 1


def test_labels_csv_may_be_written_in_capitals(folder):
    (folder / "labels.csv").rename(folder / "Labels.CSV")
    assert load_dataset("folder", folder).space.names == ("colour", "level")
    (folder / "labels.csv").write_text("image,hue\nphoto00.png,red\n")
    assert load_dataset("folder", folder).space.names == ("hue",)


@pytest.mark.parametrize("name", ["photo00", "PHOTO00.png", "more/photo00.png", "photo00.jpg"])
def test_of_a_missing_picture_the_one_that_may_be_meant_is_named(folder, name):
    write_folder(folder, ["image,colour", f"{name},red"])
    with pytest.raises(DatasetError, match=rf"{name}, named in .*; photo00\.png is: write names"):
        load_dataset("folder", folder)


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp", ".bmp"])
def test_other_kinds_of_pictures(tmp_path, suffix):
    dataset = load_dataset("folder", write_folder(tmp_path / "x", suffix=suffix))
    assert (2 - dataset.images(np.arange(24)).mean((1, 2)).argmax(-1) == dataset.table[:, 0]).all()


def test_labels_may_come_from_a_spreadsheet(folder):
    text = "image\tcolour\r\nphoto00.png\trosé\r\nphoto01.png\tbleu\r\n\r\n"
    for encoding in ("utf-8-sig", "utf-16"):
        (folder / "labels.csv").write_bytes(text.encode(encoding))
        assert load_dataset("folder", folder).space.factors[0].values == ("bleu", "rosé")
    (folder / "labels.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(DatasetError, match=r"labels\.csv in .* is not UTF-8"):
        load_dataset("folder", folder)


def test_broken_folders_are_named_in_one_line(folder, tmp_path):
    (folder / "photo03.png").write_bytes((folder / "photo03.png").read_bytes()[:300])
    with pytest.raises(
        DatasetError, match=r"1 of 24 .*: photo03\.png \(the picture is damaged"
    ) as error:
        load_dataset("folder", folder)
    assert "\n" not in str(error.value)
    (folder / "photo03.png").unlink()
    (folder / "photo05.png").unlink()
    with pytest.raises(DatasetError, match=r"photo03\.png and 1 more, named in labels\.csv"):
        load_dataset("folder", folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no images"):
        load_dataset("folder", tmp_path / "empty")
    with pytest.raises(DatasetError, match="there is no"):
        load_dataset("folder", tmp_path / "nowhere")


def test_all_pictures_that_cannot_be_read_are_named_with_the_reason(folder, monkeypatch):
    for number in (3, 5, 7, 9):
        (folder / f"photo{number:02}.png").write_bytes(b"no picture")
    (folder / "photo11.png").write_bytes(b"")
    names = r"photo03\.png, photo05\.png, photo07\.png, photo09\.png"
    told = rf"5 of 24 pictures .*: {names} \(this is not .*\); photo11\.png \(the file is empty.*\)"
    with pytest.raises(DatasetError, match=told + r"\. .*take their lines out of labels\.csv"):
        load_dataset("folder", folder)
    (folder / "labels.csv").unlink()
    with pytest.raises(DatasetError, match=told + r"\. .*remove them"):
        load_dataset("folder", folder)
    monkeypatch.setattr(module, "MENTIONED", 2)
    with pytest.raises(DatasetError, match=r"photo03\.png, photo05\.png \(this .* and 3 more"):
        load_dataset("folder", folder)


def test_of_a_picture_that_is_too_large_the_limit_is_named(folder, monkeypatch):
    monkeypatch.setattr(photos, "MAX_PIXELS", 1000)
    with pytest.raises(DatasetError, match=r"or raise DVIZ_LIMIT_PHOTO_PIXELS\)"):
        load_dataset("folder", folder)
    for name in ("photo00.png", "photo07.png"):
        (folder / name).write_bytes(bytes(photos.MAX_BYTES + 1))
    told = r"photo00\.png, photo07\.png \(.*larger than 25 MB.* or raise DVIZ_LIMIT_PHOTO_BYTES\)"
    with pytest.raises(DatasetError, match=told):
        load_dataset("folder", folder)


def test_broken_and_malicious_zips(folder, tmp_path):
    archive = pack(folder, tmp_path / "a.zip")
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(DatasetError, match="neither a folder nor a whole zip"):
        load_dataset("folder", archive)
    for name in ("../evil.png", "/evil.png", "a/../../evil.png", "..\\evil.png"):
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(name, b"x")
        with pytest.raises(DatasetError, match=r"holds '.*', outside of itself"):
            load_dataset("folder", archive)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.png", bytes(60_000_000))
    with pytest.raises(DatasetError, match=r"bomb\.png .*larger than 25 MB"):
        load_dataset("folder", archive)


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_numbers_are_made_grey_by_one_scale(tmp_path, kind):
    for name, value in [("dark", 6_000), ("mean", 30_000), ("light", 60_000)]:
        values = np.full((16, 16), value, dtype=kind)
        Image.fromarray(values).save(tmp_path / f"{name}.tif")
    Image.fromarray(np.full((16, 16, 3), 200, dtype=np.uint8)).save(tmp_path / "photo.png")
    dataset = load_dataset("folder", tmp_path)
    dark, light, mean, photo = dataset.images(np.arange(4))[:, 32, 32, 0].astype(int)
    low, high = (0, 65_535) if kind is np.uint16 else (6_000, 60_000)
    expected = [255 * (v - low) / (high - low) for v in (6_000, 60_000, 30_000)]
    np.testing.assert_allclose([dark, light, mean], expected, atol=0.6)
    assert photo == 200


def test_damaged_pictures_and_labels_of_a_zip_are_named(folder, tmp_path):
    for damaged in ("photo01.png", "labels.csv"):
        path = tmp_path / "packed.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, file.name)
            start = archive.getinfo(damaged).header_offset
        content = bytearray(path.read_bytes())
        begin = start + 30 + len(damaged)
        content[begin : begin + 8] = b"\xff" * 8  # no block of deflate begins so
        path.write_bytes(content)
        with pytest.raises(
            DatasetError, match=rf"{damaged}.* cannot be read|cannot be read: {damaged}"
        ):
            load_dataset("folder", path)


def test_names_that_python_reads_as_numbers_stay_names(tmp_path):
    sites = ["1_11", "11_1", "1_2", "12"]
    lines = ["image,site", *(f"photo{i:02}.png,{sites[i % 4]}" for i in range(24))]
    folder = load_dataset("folder", write_folder(tmp_path / "sites", lines))
    assert folder.space.factors[0].values == ("11_1", "12", "1_11", "1_2")


def test_photographs_saved_from_a_browser_are_pictures(tmp_path):
    """Some call JPEG files .jfif."""
    Image.new("RGB", (64, 64), "red").save(tmp_path / "web.jfif", format="JPEG")
    Image.new("RGB", (64, 64), "blue").save(tmp_path / "camera.JPG", format="JPEG")
    assert load_dataset("folder", tmp_path).num_images == 2


def test_pictures_of_kinds_that_are_not_read_are_said(folder, tmp_path):
    for name in ("a.HEIC", "b.heic", "c.dcm", "notes.txt"):
        (folder / name).write_bytes(b"something")
    (remark,) = load_dataset("folder", folder).remarks
    assert remark == "left out: 1 .dcm, 2 .heic, not read here; export as PNG"
    (tmp_path / "phone").mkdir()
    (tmp_path / "phone/a.heic").write_bytes(b"something")
    with pytest.raises(DatasetError, match=r"holds no images.*1 \.heic, not read here"):
        load_dataset("folder", tmp_path / "phone")
