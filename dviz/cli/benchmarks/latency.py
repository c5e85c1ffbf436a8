"""How soon the Traverse tab answers, in headless Chromium: drag, grid, server, photo, opening."""

from __future__ import annotations

import base64
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dviz.cli import common
from dviz.cli.benchmarks.page import BROWSER_FLAGS, NO_BROWSER, find_chromium, running_app

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from dviz.models.vae import VAE

STATIC = Path(__file__).resolve().parents[2] / "ui" / "static"
PAINTED = "#panel [data-painter]"
# Notes how long it takes from each input event until the frame with its picture has been painted:
# the picture is put in an animation frame, and a message posted from there arrives after painting.
WATCH = """
() => {
  window.waits = [];
  const picture = document.querySelector("#panel .now canvas");
  let began = null;
  document.querySelector("#panel").addEventListener("input", (event) => {
    began ??= event.timeStamp;
  }, true);
  new MutationObserver(() => {
    if (began === null) return;
    const since = began, channel = new MessageChannel();
    began = null;
    channel.port1.onmessage = () => window.waits.push(performance.now() - since);
    channel.port2.postMessage(null);
  }).observe(picture, { attributes: true, attributeFilter: ["data-painted"] });
}
"""
# Milliseconds of single pictures, and of 10 x 9 of them, that the page decodes by itself.
DECODE = """
([source, shape, weights]) => {
  const Decoder = new Function(source + "; return Decoder;")();
  const bytes = Uint8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
  const decoder = new Decoder(shape, bytes.buffer);
  const code = (n) => Array.from({ length: shape.latent_size }, (_, d) => (n * d) % 5 - 2);
  const frames = [], grids = [];
  for (let repeat = 0; repeat < 12; repeat++) {
    const began = performance.now();
    for (let n = 0, before = began; n < 90; n++) {
      decoder.decode(code(n));
      const now = performance.now();
      frames.push(now - before);
      before = now;
    }
    grids.push(performance.now() - began);
  }
  return { engine: decoder.engine.kind, frames: frames.slice(180), grids: grids.slice(2) };
}
"""


def main(argv: list[str]) -> None:
    parser = common.parser("benchmark latency", __doc__ or "", "dviz benchmark latency --ticks 100")
    parser.add_argument("--checkpoints", help="folder of checkpoints (default: the app's own)")
    parser.add_argument("--ticks", type=int, default=200, help="slider movements (default 200)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    args = parser.parse_args(argv)
    began = time.perf_counter()
    with running_app(args.checkpoints) as url:
        ready = time.perf_counter() - began
        measured = measure(url, args.ticks, args.checkpoints)
    result = {
        **measured,
        "app_ready_s": round(ready, 1),
        "load_average": round(os.getloadavg()[0], 2),
        "cores": os.cpu_count(),
    }
    print(json.dumps(result) if args.json else in_words(result))


def in_words(result: dict[str, Any]) -> str:
    painting = "\n".join(
        "{name}, {engine}: a picture in {frame_median_ms} ms, p95 {frame_p95_ms} ms; a grid of "
        "10 x 9 in {grid_median_ms} ms".format(name=name, **times)
        for name, times in result["decoders"].items()
    )
    return (
        "drag to new picture, painted in the page: median {page_median_ms} ms, p95 {page_p95_ms} "
        "ms, {page_requests} requests ({ticks} ticks)\n"
        "painted by the server: median {server_median_ms} ms, p95 {server_p95_ms} ms\n"
        "{painting}\n"
        "photo to codes: median {photo_median_ms} ms\n"
        "app answers after {app_ready_s} s, first page usable {first_page_s} s after navigation\n"
        "load average {load_average} on {cores} cores".format(painting=painting, **result)
    )


def measure(url: str, ticks: int, checkpoints: str | None) -> dict[str, Any]:
    """Everything that needs the running app."""
    from playwright.sync_api import sync_playwright

    chromium = find_chromium()
    if chromium is None:
        raise SystemExit(NO_BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            first = open_page(page, url)
            requests: list[str] = []
            page.on("request", lambda request: requests.append(request.url))
            waits = drag(page, ticks)
            asked = len(requests)
            decoders = time_decoders(page, opened_with(url, checkpoints))
            apart = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            apart.route("**/dviz/decoder/**", lambda route: route.abort())
            open_page(apart, url)
            served = drag(apart, ticks // 2)
        finally:
            browser.close()
    return {
        "ticks": len(waits),
        **summary("page", waits),
        "page_requests": asked,
        **summary("server", served),
        "decoders": decoders,
        "photo_median_ms": round(statistics.median(time_photos(url)), 1),
        "first_page_s": round(first, 1),
    }


def summary(name: str, waits: list[float]) -> dict[str, float]:
    return {
        f"{name}_median_ms": round(statistics.median(waits), 1),
        f"{name}_p95_ms": round(statistics.quantiles(waits, n=20)[-1], 1),
    }


def open_page(page: Page, url: str) -> float:
    """Seconds from navigation until sliders can be dragged."""
    began = time.perf_counter()
    page.goto(url)
    page.wait_for_selector(PAINTED)
    first = time.perf_counter() - began
    page.wait_for_timeout(3000)  # what else the page fetches at first is not our subject
    return first


def drag(page: Page, ticks: int) -> list[float]:
    """Drag the first slider to and fro with the mouse, one tick at a time; milliseconds of each."""
    slider = page.locator("#panel .dials > .dial-list .dial input").first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle, reach = box["x"] + box["width"] / 2, 0.45 * box["width"]
    page.mouse.move(middle, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(500)
    page.evaluate(WATCH)
    for tick in range(ticks):
        # Strides that never land on the same value twice in a row.
        place = middle + reach * ((tick * 37 % 101) / 50 - 1)
        page.mouse.move(place, box["y"] + box["height"] / 2)
        page.wait_for_function(f"window.waits.length > {tick}", polling="raf")
    page.mouse.up()
    return page.evaluate("window.waits")


def time_decoders(page: Page, model: VAE) -> dict[str, dict[str, Any]]:
    """`time_decoder` of the model that the page opens with, and of two sizes to compare."""
    from dviz.models.vae import VAE, VAEConfig

    models = {
        "the page's own": model,
        "32 channels, modulated": VAE(VAEConfig(32, decoder="modulated")),
        "128 filters": VAE(VAEConfig()),
    }
    return {name: time_decoder(page, each) for name, each in models.items()}


def time_decoder(page: Page, model: VAE) -> dict[str, Any]:
    """What decoder.js takes for one picture of `model` and for 90, and with which arithmetic."""
    from dviz.ui.core.weights import pack_decoder

    packed = pack_decoder(model)
    source = "".join(
        (STATIC / "js" / name).read_text("utf-8") for name in ("simd.js", "decoder.js")
    )
    weights = base64.b64encode(packed.data).decode()
    found = page.evaluate(DECODE, [source, packed.shape, weights])
    return {
        "engine": found["engine"],
        **summary("frame", found["frames"]),
        "grid_median_ms": round(statistics.median(found["grids"]), 1),
    }


def opened_with(url: str, checkpoints: str | None) -> VAE:
    """The model that a page opens with."""
    from gradio_client import Client

    from dviz.checkpoint import load_checkpoint

    name = Client(url, verbose=False).predict(api_name="/checkpoints")[0]["name"]
    return load_checkpoint(Path(checkpoints or common.ROOT / "checkpoints") / name).model


def time_photos(url: str, repeats: int = 12) -> list[float]:
    """Milliseconds of /encode for a photograph, upload and everything."""
    from gradio_client import Client, handle_file
    from PIL import Image
    from sklearn.datasets import load_sample_image

    client = Client(url, verbose=False)
    name = client.predict(api_name="/checkpoints")[0]["name"]
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        Image.fromarray(load_sample_image("flower.jpg")).save(file.name)
        times = []
        for _ in range(repeats):
            began = time.perf_counter()
            client.predict(name, handle_file(file.name), api_name="/encode")
            times.append(1000 * (time.perf_counter() - began))
    return times[2:]
