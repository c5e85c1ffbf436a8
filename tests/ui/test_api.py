"""The named endpoints through the real client, over a real connection."""

import io
import json

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from dviz.metrics.omes import omes
from dviz.ui.blocks import build_app, launch_options
from dviz.ui.inspector import decode, encode
from dviz.ui.library import Library
from tests.ui.material import NAMES, SHAPE

SOURCE, DIRECT, TUNED = NAMES


@pytest.fixture(scope="module")
def client(checkpoints):
    page = build_app(Library(checkpoints))
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **launch_options())
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


def test_only_the_four_endpoints_are_there(client):
    named = client.view_api(return_format="dict")
    assert set(named["named_endpoints"]) == {"/checkpoints", "/encode", "/decode", "/association"}
    assert not named["unnamed_endpoints"]


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
    return {
        "text.png": (b"this is a text", "not a picture"),
        "empty.png": (b"", "empty"),
        "cut.jpg": (saved(photo, "JPEG")[:2000], "damaged"),
        "bomb.png": (saved(Image.new("1", (20_000, 20_000)), "PNG"), "million pixels"),
        "dot.png": (saved(Image.new("RGB", (1, 1)), "PNG"), "1×1"),
        "deep.tiff": (saved(grey, "TIFF"), None),
        "print.jpg": (saved(photo.convert("CMYK"), "JPEG"), None),
        "clear.png": (saved(Image.new("RGBA", (64, 64), (255, 0, 0, 0)), "PNG"), None),
        "moving.gif": (saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), None),
        "turned.jpg": (saved(turned, "JPEG", exif=exif), None),
    }


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
