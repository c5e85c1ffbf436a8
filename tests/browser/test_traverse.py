"""The Traverse tab in a real browser: the page paints, the server rests."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from dviz.checkpoint import load_checkpoint
from dviz.errors import CheckpointError
from dviz.models.vae import VAE, VAEConfig
from dviz.ui.core.inspector import decode
from dviz.ui.core.weights import pack_decoder
from tests.browser.conftest import PAINTED
from tests.browser.test_page import open_tab, pick
from tests.ui.material import NAMES

SOURCE, DIRECT, TUNED = NAMES
ROOT = Path(__file__).resolve().parents[2]
NOW, START = "#panel .now canvas", "Another image"
DRAG_SECONDS = 3
DECODE = """
([shape, weights, codes, plain]) => {
  const bytes = Uint8Array.from(atob(weights), (c) => c.charCodeAt(0));
  const decoder = new Decoder(shape, bytes.buffer, plain);
  if (decoder.engine.kind !== (plain ? "plain" : "simd")) throw new Error(decoder.engine.kind);
  return codes.map((code) => {
    let text = "";
    for (const value of decoder.decode(code).data) text += String.fromCharCode(value);
    return btoa(text);
  });
}
"""


def shipped():
    """Folders of the shipped checkpoints that are complete."""
    return sorted(f.parent for f in (ROOT / "checkpoints").glob("*/config.json"))


def pixels(page, selector=NOW):
    return page.locator(selector).evaluate("c => c.toDataURL()")


def wait_for_other_pixels(page, before, selector=NOW):
    page.wait_for_function(
        "([s, before]) => document.querySelector(s).toDataURL() !== before", arg=[selector, before]
    )
    return pixels(page, selector)


def first_slider(page):
    return page.locator("#panel .dials > .dial-list .dial input").first


def grab(page, slider):
    """Press the mouse on a slider; a function that moves it to a share of its length."""
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    height = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, height)
    page.mouse.down()
    return lambda share: page.mouse.move(box["x"] + share * box["width"], height)


def painted_by_the_page(page, model, codes, plain=False):
    """Images uint8 (N, 64, 64, 3) that decoder.js makes of codes (N, D)."""
    packed = pack_decoder(model)
    weights = base64.b64encode(packed.data).decode()
    replies = page.evaluate(DECODE, [packed.shape, weights, codes.tolist(), plain])
    flat = np.frombuffer(b"".join(map(base64.b64decode, replies)), dtype=np.uint8)
    return flat.reshape(len(codes), 64, 64, 4)[..., :3]


@pytest.fixture(scope="module")
def blank(context):
    """An empty page that knows decoder.js."""
    page = context.new_page()
    js = ROOT / "dviz/ui/static/js"
    script = "".join((js / name).read_text("utf-8") for name in ("simd.js", "decoder.js"))
    page.add_script_tag(content=script + "\nwindow.Decoder = Decoder;")
    yield page
    page.close()


@pytest.mark.parametrize("folder", shipped(), ids=lambda folder: folder.name)
def test_the_page_paints_what_pytorch_paints(blank, folder):
    try:
        model = load_checkpoint(folder).model
    except CheckpointError as error:
        pytest.skip(str(error))
    low, high = np.full((2, model.config.latent_size), [[-2.0], [2.0]])
    if (folder / "report.json").exists():
        results = json.loads((folder / "report.json").read_text())["results"]
        for result in list(results.values())[:1]:
            low, high = np.array([result["low"], result["high"]])
    codes = np.random.default_rng(0).uniform(low, high, (32, len(low))).astype(np.float32)
    painted = painted_by_the_page(blank, model, codes)
    assert np.abs(painted.astype(int) - decode(model, codes)).max() <= 1


@pytest.mark.parametrize("plain", [False, True], ids=["simd", "plain"])
@pytest.mark.parametrize(
    "shape",
    [
        VAEConfig(16, 10, 0),
        VAEConfig(4, 3, 7),
        VAEConfig(12, 2, 5, recolour=True),
        VAEConfig(128, 10, 0),
        VAEConfig(32, 10, decoder="modulated"),
        VAEConfig(4, 3, decoder="modulated", recolour=True),
        VAEConfig(8, 10, decoder="modulated", decoder_filters=64),
    ],
    ids=lambda shape: f"{shape.decoder}-{shape.painting_filters}",
)
def test_any_architecture_is_painted_alike(blank, shape, plain):
    torch.manual_seed(1)
    model = VAE(shape).eval()
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.mul_(3 if shape.decoder == "study" else 1.8)  # small ones paint only grey
    codes = np.random.default_rng(1).standard_normal((6, shape.latent_size)).astype(np.float32)
    painted, expected = painted_by_the_page(blank, model, codes, plain), decode(model, codes)
    assert expected.std() > 10
    assert np.abs(painted.astype(int) - expected).max() <= 1


def test_a_picture_does_not_depend_on_those_before(blank):
    """Maps are used again and again; their borders must stay empty."""
    model = VAE(VAEConfig(8, 4, decoder="modulated")).eval()
    codes = np.random.default_rng(2).standard_normal((5, 4)).astype(np.float32)
    forth, back = (painted_by_the_page(blank, model, some) for some in (codes, codes[::-1]))
    assert (forth == back[::-1]).all()


def test_a_drag_asks_the_server_for_nothing(page):
    expect(page.locator(PAINTED)).to_have_attribute("data-painter", "page")
    expect(page.locator(PAINTED)).to_have_attribute("data-engine", "simd")
    page.wait_for_timeout(1500)  # what else the page fetches at first
    requests, seen = [], {pixels(page)}
    page.on("request", lambda request: requests.append(request.url))
    move = grab(page, first_slider(page))
    steps = 10 * DRAG_SECONDS
    for step in range(steps):
        move(0.5 + 0.45 * np.sin(step / 3))
        page.wait_for_timeout(100)
        seen.add(pixels(page))
    assert not [url for url in requests if not url.startswith(("data:", "blob:"))]
    assert len(seen) > steps / 4
    with page.expect_request(lambda request: "suggestions" in (request.post_data or "")):
        page.mouse.up()  # another picture, other things to try; the grid and the map follow
    page.wait_for_timeout(500)
    assert len([url for url in requests if not url.startswith(("data:", "blob:"))]) == 1


def test_it_goes_on_when_the_connection_drops(stranger, url):
    page = stranger.new_page()
    page.goto(url)
    page.wait_for_selector("#panel [data-painter=page]")
    stranger.set_offline(True)
    before, row = pixels(page), pixels(page, ".strip:last-child canvas")
    move = grab(page, first_slider(page))
    move(0.95)
    wait_for_other_pixels(page, before)
    page.mouse.up()
    wait_for_other_pixels(page, row, ".strip:last-child canvas")
    expect(page.locator("#panel .problem")).to_be_hidden()


def test_where_the_page_cannot_the_server_paints(stranger, url):
    page = stranger.new_page()
    page.route("**/dviz/decoder/**", lambda route: route.fulfill(status=404, body="no"))
    page.goto(url)
    page.wait_for_selector("#panel [data-painter=server]")
    before, row = pixels(page), pixels(page, ".strip:last-child canvas")
    grab(page, first_slider(page))(0.95)
    wait_for_other_pixels(page, before)
    page.mouse.up()
    wait_for_other_pixels(page, row, ".strip:last-child canvas")
    expect(page.locator("#panel .problem")).to_be_hidden()


def test_the_picture_follows_and_goes_back_to_the_start(page):
    before = pixels(page)
    change = page.locator(".change")
    expect(change).to_contain_text("Changed 0.0%")
    slider = first_slider(page)
    move = grab(page, slider)
    move(0.95)
    dragged = wait_for_other_pixels(page, before)  # while the button is still down
    page.mouse.up()
    shown = page.locator("#panel .dial output").first.inner_text()
    assert float(shown) == pytest.approx(float(slider.input_value()), abs=0.01)
    expect(change).to_contain_text(re.compile(r"Changed\s+(?!0\.0%)\d+\.\d%"))
    caption = page.locator("#panel .caption")
    expect(caption).to_contain_text("Started from a sample of Color-dSprites: ")
    page.locator("#panel .dial .undo:enabled").click()
    assert wait_for_other_pixels(page, dragged) == before
    expect(caption).to_contain_text("A sample of Color-dSprites: ")
    expect(change).to_contain_text("Changed 0.0%")
    slider.focus()
    page.keyboard.press("PageUp")
    moved = wait_for_other_pixels(page, before)
    page.get_by_role("button", name="Back to the start").click()
    assert wait_for_other_pixels(page, moved) == before


def test_sliders_speak(look):
    page = look()
    open_tab(page, "Traverse")
    slider = page.get_by_role("slider", name=re.compile(r"z\d ← .*position x · 0\.\d\d"))
    text = slider.get_attribute("aria-valuetext")
    assert re.fullmatch(r"z\d, .*position x, strength 0\.\d\d.*: value -?\d+\.\d", text)
    expect(page.locator("#panel .strength")).to_contain_text(re.compile(r"0\.\d\d: how strongly"))
    page.wait_for_function(
        """() => {
          const count = (selector) => document.querySelectorAll(selector).length;
          const dials = count("#panel .dials > .dial-list .dial");
          return dials > 0 && count("#panel .strip") === dials;
        }"""
    )


def test_the_pad_moves_two_dimensions(page):
    before = pixels(page)
    board = page.locator(".board").first
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.9 * box["height"])
    page.mouse.down()
    dragged = wait_for_other_pixels(page, before)
    page.mouse.up()
    chosen = [page.locator(s).evaluate("e => e.value") for s in (".across", ".up")]
    for index in chosen:
        dial = page.locator(f".dial input[data-dimension='{index}']")
        low, high, value = (
            float(dial.evaluate(f"e => e.{name}")) for name in ("min", "max", "value")
        )
        share = (value - low) / (high - low)
        assert min(share, 1 - share) == pytest.approx(0.1, abs=0.05)  # up is up, whatever z says
    point = page.locator(".point")
    text = point.get_attribute("aria-valuetext")
    for _ in range(10):
        page.keyboard.press("Shift+ArrowUp")
    wait_for_other_pixels(page, dragged)
    assert point.get_attribute("aria-valuetext") != text


def test_the_pad_has_two_dimensions_of_the_checkpoint(open_page):
    page = open_page(path=f"?checkpoint={TUNED}&axes=0,0")
    chosen = '() => [".across", ".up"].map((s) => document.querySelector(s).value)'
    for name in (TUNED, SOURCE, TUNED):
        pick(page, name)
        expect(page.locator("#panel .now")).to_be_visible()
        across, up = page.evaluate(chosen)
        assert len({across, up, ""}) == 3
    page.locator(".across").select_option(up)
    assert page.evaluate(chosen) == [up, across]
    page.locator(".up").select_option(up)
    assert page.evaluate(chosen) == [across, up]


def test_the_point_of_the_pad_is_never_cut(open_page):
    page = open_page(path=f"?checkpoint={SOURCE}&z=99,-99,99,-99,99")
    board, point = (page.locator(s).bounding_box() for s in (".board", ".point"))
    for side, length in (("x", "width"), ("y", "height")):
        assert point[side] >= board[side]
        assert point[side] + point[length] <= board[side] + board[length]


def test_a_click_on_the_grid_takes_a_value_over(page):
    slider = first_slider(page)
    row = page.locator(".strip canvas").first
    row.scroll_into_view_if_needed()
    width = row.bounding_box()["width"]
    row.click(position={"x": width - 5, "y": 5})
    expect(slider).to_have_value(slider.get_attribute("max"))


def test_a_strip_tells_where_its_slider_stands(page):
    slider, row = first_slider(page), page.locator(".strip canvas").first
    for key in ("Home", "End"):
        slider.press(key)
        expect(row).to_have_attribute("aria-valuetext", slider.get_attribute("aria-valuetext"))
    row.press("ArrowLeft")
    low, high, value = (
        float(slider.evaluate(f"e => e.{name}")) for name in ("min", "max", "value")
    )
    assert (high - value) / (high - low) == pytest.approx(1 / 8, abs=0.01)  # one of nine pictures


def test_a_dimension_is_taken_away_as_a_film(look, tmp_path):
    page = look()
    open_tab(page, "Traverse")
    with page.expect_download() as download:
        page.locator(".strip .save").first.click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.suffix == ".gif"
    assert Image.open(path).n_frames > 20


def test_the_same_code_before_and_after(page):
    # Direct paints as the Source does, which is shown already.
    expect(page.locator(".stages figcaption")).to_have_text(["Fine-tunedthings"])
    expect(page.locator(".stages h2")).to_have_text("The same code, after the trip to things")
    other = ".stages figure canvas"
    tuned = pixels(page, other)
    assert tuned != pixels(page)
    move = grab(page, first_slider(page))
    move(0.95)
    wait_for_other_pixels(page, tuned, other)
    page.mouse.up()


def test_the_trip_stands_beside_the_picture_above_the_fold(page):
    page.set_viewport_size({"width": 1280, "height": 720})
    now, other = (page.locator(s).bounding_box() for s in (NOW, ".stages figure canvas"))
    assert now["x"] + now["width"] < other["x"]
    assert other["width"] > 140
    assert other["y"] + other["height"] < 720
    expect(page.locator(".stages h2")).to_be_visible()


def test_from_the_chips_one_comes_to_one_s_own_photo(page):
    page.get_by_role("link", name="Try your own photo").click()
    expect(page.get_by_role("tab", selected=True)).to_have_text("Photos")


def test_another_stage_s_decoder_is_not_asked_for_what_it_never_saw(open_page):
    shown = []
    for far in (40, 80):
        page = open_page(path=f"?checkpoint={SOURCE}&z={far},-{far},{far},-{far},{far}")
        page.wait_for_selector(".stages figure canvas[data-painted]")
        shown.append((pixels(page), pixels(page, ".stages figure canvas")))
    (here, other), (farther, same) = shown
    assert here != farther
    assert other == same


def test_other_starts(page):
    before = pixels(page)
    for button in ("A random code", START):
        page.get_by_role("button", name=button).click()
        before = wait_for_other_pixels(page, before)
    page.get_by_text("Choose a scene").click()
    page.locator(".scene-list select").first.select_option("green")
    page.get_by_role("button", name="Show it").click()
    caption = page.locator(".stage .caption")
    expect(caption).to_contain_text("A scene of Color-dSprites: colour green")
    expect(page.locator("#panel .original canvas")).to_be_visible()
    page.get_by_role("button", name="A random code").click()
    expect(page.locator("#panel .original")).to_be_hidden()


def test_a_view_can_be_shared(page, open_page, url):
    slider = first_slider(page)
    slider.focus()
    before = pixels(page)
    page.keyboard.press("PageUp")
    value, shown = slider.input_value(), wait_for_other_pixels(page, before)
    across, up = (page.locator(axis).input_value() for axis in (".across", ".up"))
    page.locator(".across").select_option(up)  # the axes change places
    page.wait_for_url(re.compile(rf"z={re.escape(value)}.*axes={up},{across}"))  # not at once
    other = open_page(path=page.url.removeprefix(url))
    expect(first_slider(other)).to_have_value(value)
    assert [other.locator(axis).input_value() for axis in (".across", ".up")] == [up, across]
    other.wait_for_function(
        "([s, shown]) => document.querySelector(s).toDataURL() === shown", arg=[NOW, shown]
    )


@pytest.mark.parametrize("tab", ["traverse", "association"])
def test_an_address_names_checkpoint_and_tab(open_page, tab):
    page = open_page(path=f"?checkpoint={TUNED}&tab={tab}&z=nonsense")
    expect(page.locator(".family-line [aria-current]")).to_have_attribute("data-key", TUNED)
    expect(page.get_by_role("tab", selected=True)).to_contain_text(re.compile(tab, re.IGNORECASE))


@pytest.mark.parametrize(("width", "scheme"), [(420, "dark"), (1280, "light"), (1920, "dark")])
def test_the_tab_is_accessible(look, width, scheme):
    page = look(width, scheme)
    open_tab(page, "Traverse")
    page.locator("#panel .inactive summary").evaluate("e => e.click()")
    found = Axe().run(page, context="#panel").response["violations"]
    assert not found, [(v["id"], v["nodes"][0]["html"]) for v in found]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_strip_gives_what_it_shows_though_the_start_lay_outside(open_page):
    page = open_page(path="?z=9,0,0,0,0")
    slider = page.locator("#panel .dial input[data-dimension='0']")
    expect(slider).to_have_value("9")
    page.locator("#panel .reset").click()
    expect(slider).not_to_have_value("9")
    row = page.locator("#panel .strip", has_text="z0").first
    shown = "node => node.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight'}))"
    for _ in range(12):  # to the end of the strip
        row.locator("canvas").evaluate(shown)
    assert float(slider.input_value()) < 9
    assert float(slider.get_attribute("max")) >= 9  # the thumb does not slip while it is held
