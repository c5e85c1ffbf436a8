"""The named endpoints through the real client, over a real connection."""

import io
import json
import struct
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import numpy as np
import pytest
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageCms

from dviz.metrics.omes import omes
from dviz.ui.core.inspector import decode, encode
from dviz.ui.core.library import Library
from dviz.ui.page import build_app, launch_options
from tests.ui.material import NAMES, SHAPE

SOURCE, DIRECT, TUNED = NAMES


@pytest.fixture(scope="module")
def client(checkpoints):
    library = Library(checkpoints)
    page = build_app(library)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **launch_options(library))
    yield Client(url, verbose=False)
    page.close()


def refusal(client, *args, api_name):
    """The message of a request that must be refused; one line, no inside of the program."""
    with pytest.raises(AppError) as caught:
        client.predict(*args, api_name=api_name)
    message = str(caught.value)
    assert "\n" not in message
    assert "Traceback" not in message
    assert "/tmp" not in message
    return message


def test_only_the_documented_endpoints_are_there(client):
    named = client.view_api(return_format="dict")
    names = "checkpoints encode decode swap association diagnosis"
    assert set(named["named_endpoints"]) == {f"/{name}" for name in names.split()}
    assert not named["unnamed_endpoints"]


def test_health_is_told_without_a_queue(client):
    with urllib.request.urlopen(f"{client.src}health", timeout=20) as answer:
        state = json.load(answer)
    assert state["status"] == "ok"
    assert state["checkpoints"] == len(NAMES)


def test_a_lineage_is_diagnosed(client):
    answer = client.predict(TUNED, api_name="/diagnosis")
    assert answer["lineage"] == list(NAMES)
    assert any("+20.0 ± " in finding["text"] for finding in answer["findings"])


def test_the_preparation_of_a_picture_can_be_chosen(client, tmp_path):
    image = Image.new("RGB", (128, 64), "white")
    image.paste("red", (48, 16, 80, 48))
    image.save(tmp_path / "wide.png")
    upload = handle_file(tmp_path / "wide.png")
    ways = [("crop", "keep"), ("pad", "keep"), ("crop", "border"), ("crop", "object")]
    codes = [client.predict(SOURCE, upload, *way, api_name="/encode")["codes"] for way in ways]
    assert np.allclose(codes[2], codes[3], atol=0.3)
    assert not np.allclose(codes[0], codes[1], atol=0.01)
    assert "background is 'blue'" in refusal(
        client, SOURCE, upload, "crop", "blue", api_name="/encode"
    )
    assert "shape is 'stretch'" in refusal(
        client, SOURCE, upload, "stretch", "keep", api_name="/encode"
    )


def test_one_dimension_of_a_picture_is_swapped_for_another_s(client, library, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    for name, image in zip("ab", images, strict=True):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    a, b = (handle_file(tmp_path / f"{name}.png") for name in "ab")
    picture = client.predict(SOURCE, a, b, 2, api_name="/swap")
    entry = library.get(SOURCE)
    code, other = encode(entry.model, images).mean
    code[2] = other[2]
    shown = np.asarray(Image.open(picture["path"] if isinstance(picture, dict) else picture))
    assert np.abs(shown.astype(int) - decode(entry.model, code)[0]).max() <= 1
    for dimension in (-1, 5, 1.5):
        assert "from 0 to 4" in refusal(client, SOURCE, a, b, dimension, api_name="/swap")


def test_checkpoints(client):
    listed = client.predict(api_name="/checkpoints")
    assert [c["name"] for c in listed] == list(NAMES)
    assert [c["kind"] for c in listed] == ["source", "direct", "fine-tuned"]
    assert listed[2]["factors"] == {"thing": 3, "turn": 8, "size": 6}
    assert {c["latent_size"] for c in listed} == {SHAPE.latent_size}


def test_an_image_encoded_and_decoded_again(client, library, tmp_path):
    entry = library.get(TUNED)
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    image[20:44, 16:48] = 200
    Image.fromarray(image).save(tmp_path / "box.png")
    answer = client.predict(TUNED, handle_file(tmp_path / "box.png"), api_name="/encode")
    assert set(answer["factors"]) == {"thing", "turn", "size"}
    assert all(0 < f["confidence"] <= 1 for f in answer["factors"].values())
    assert len(answer["codes"]) == len(answer["std"]) == SHAPE.latent_size
    path = client.predict(TUNED, answer["codes"], api_name="/decode")
    picture = np.asarray(Image.open(path["path"] if isinstance(path, dict) else path))
    assert np.allclose(encode(entry.model, image[None]).mean[0], answer["codes"], atol=1e-5)
    painted = decode(entry.model, np.array(answer["codes"]))[0]
    assert np.abs(picture.astype(int) - painted).max() <= 1


@pytest.mark.parametrize(("alpha", "pooling"), [(0.5, "avg"), (0, "max"), (1, "avg")])
def test_association_is_omes_of_the_report(client, library, alpha, pooling):
    result = library.get(SOURCE).result
    expected = omes(
        result.association_matrix,
        alpha,
        pooling,
        active=np.array(result.active),
        names=result.factors,
    )
    answer = client.predict(SOURCE, alpha, pooling, api_name="/association")
    assert answer["omes"] == pytest.approx(expected.omes)
    assert answer["association"] == result.association
    assert json.loads(json.dumps(answer["per_factor"])) == expected.to_dict()["per_factor"]
    assert answer["dataset"] == "color-dsprites"


def test_defaults_of_association_are_the_study_s(client):
    answer = client.predict(DIRECT, api_name="/association")
    assert (answer["alpha"], answer["pooling"]) == (0.5, "avg")


@pytest.mark.parametrize(
    ("args", "endpoint", "words"),
    [
        (("nothing", 0.5, "avg"), "association", "there is no checkpoint 'nothing'"),
        ((SOURCE, 2, "avg"), "association", "alpha is 2"),
        ((SOURCE, "x", "avg"), "association", "alpha is 'x'"),
        ((SOURCE, 0.5, "sum"), "association", "pooling is 'sum'"),
        ((SOURCE, [1.0, 2.0]), "decode", "list of 5 finite numbers"),
        ((SOURCE, {"a": 1}), "decode", "list of 5 finite numbers"),
        ((SOURCE, None), "decode", "list of 5 finite numbers"),
        (("nothing", [0.0] * 5), "decode", "there is no checkpoint 'nothing'"),
        (("../" + SOURCE, [0.0] * 5), "decode", "not the id of a model"),
    ],
)
def test_requests_that_make_no_sense(client, args, endpoint, words):
    assert words in refusal(client, *args, api_name=f"/{endpoint}")


def files():
    """What people hand in, and what is to come of it: a word of the message, or a picture."""
    rng = np.random.default_rng(0)
    photo = Image.fromarray(rng.integers(0, 256, (90, 120, 3), dtype=np.uint8))
    upright = Image.new("RGB", (64, 64), "blue")
    upright.paste("red", (0, 0, 64, 32))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    turned = upright.rotate(90)
    grey = Image.fromarray(np.linspace(0, 65535, 64 * 64, dtype=np.uint16).reshape(64, 64))
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    floats = np.linspace(-1, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    floats[0, :3] = np.nan, np.inf, -np.inf
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    return {
        "text.png": (b"this is a text", "not a picture"),
        "empty.png": (b"", "empty"),
        "cut.jpg": (saved(photo, "JPEG")[:2000], "damaged"),
        "bomb.png": (saved(Image.new("1", (20_000, 20_000)), "PNG"), "million pixels"),
        "claims.png": (claimed(60_000, 60_000), "million pixels"),
        "dot.png": (saved(Image.new("RGB", (1, 1)), "PNG"), "1×1"),
        "line.png": (saved(Image.new("RGB", (1, 10_000)), "PNG"), "1×10000"),
        "script.svg": (svg, "SVG"),
        "script.png": (svg, "SVG"),
        "iphone.heic": (b"\0\0\0\x18ftypheic" + bytes(400), "HEIC"),
        "paper.jpg": (b"%PDF-1.7 ...", "PDF"),
        "pickle.png": (b"\x80\x04\x95\x10.", "not a picture"),
        "zip.png": (saved(photo, "PNG") + b"PK\3\4<script>alert(1)</script>", None),
        "..%2f..%2fetc%2fpasswd;$(id).png": (saved(photo, "PNG"), None),
        "deep.tiff": (saved(grey, "TIFF"), None),
        "nan.tiff": (saved(Image.fromarray(floats), "TIFF"), None),
        "print.jpg": (saved(photo.convert("CMYK"), "JPEG"), None),
        "profile.jpg": (saved(photo, "JPEG", icc_profile=profile), None),
        "nonsense.png": (saved(photo, "PNG", icc_profile=b"nonsense"), None),
        "clear.png": (saved(Image.new("RGBA", (64, 64), (255, 0, 0, 0)), "PNG"), None),
        "moving.gif": (saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), None),
        "moving.webp": (saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]), None),
        "turned.jpg": (saved(turned, "JPEG", exif=exif), None),
    }


def claimed(width, height):
    """A tiny PNG that claims to be huge."""

    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def saved(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


FILES = files()


@pytest.mark.parametrize("name", list(FILES))
def test_any_upload_gives_codes_or_one_clear_line(client, tmp_path, name):
    content, words = FILES[name]
    (tmp_path / name).write_bytes(content)
    upload = handle_file(tmp_path / name)
    if words is None:
        answer = client.predict(SOURCE, upload, api_name="/encode")
        assert np.isfinite(answer["codes"]).all()
    else:
        assert words in refusal(client, SOURCE, upload, api_name="/encode")
    # Whatever it was, the next one is served.
    assert client.predict(api_name="/checkpoints")


def test_a_file_of_a_hundred_megabytes_is_refused_before_it_is_kept(client):
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    body += bytes(100_000_000) + b"\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(f"{client.src}gradio_api/upload", body, kind)
    folder = Path(get_upload_folder())
    before = size_of(folder)
    with pytest.raises((urllib.error.HTTPError, ConnectionError, urllib.error.URLError)) as caught:
        urllib.request.urlopen(request, timeout=60)
    if isinstance(caught.value, urllib.error.HTTPError):
        assert caught.value.code == 413
        assert b"Traceback" not in caught.value.read()
    assert size_of(folder) < before + 1_000_000
    assert client.predict(api_name="/checkpoints")


def size_of(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_a_photo_taken_sideways_reads_like_one_taken_upright(client, tmp_path):
    upright = Image.new("RGB", (64, 64), "blue")
    upright.paste("red", (0, 0, 64, 32))
    upright.save(tmp_path / "upright.png")
    upright.rotate(90).save(tmp_path / "lying.png")
    (tmp_path / "turned.jpg").write_bytes(FILES["turned.jpg"][0])
    upright, lying, turned = (
        np.array(client.predict(SOURCE, handle_file(tmp_path / n), api_name="/encode")["codes"])
        for n in ("upright.png", "lying.png", "turned.jpg")
    )
    assert np.linalg.norm(turned - upright) < 0.2 * np.linalg.norm(turned - lying)
