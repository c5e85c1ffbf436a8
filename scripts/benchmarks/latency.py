"""From a slider's input event to the new picture decoded in the page, in headless Chromium."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from typing import TYPE_CHECKING

from benchmarks.page import BROWSER_FLAGS, NO_BROWSER, find_chromium, running_app

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Notes the time of every input event, and of the first frame that can show what came of it.
WATCH = """
() => {
  window.waits = [];
  const picture = document.querySelector("#panel .now img");
  let began = null;
  document.querySelector("#panel").addEventListener("input", (event) => {
    began = event.timeStamp;
  }, true);
  new MutationObserver(async () => {
    const since = began;
    await picture.decode();
    requestAnimationFrame(() => window.waits.push(performance.now() - since));
  }).observe(picture, { attributes: true, attributeFilter: ["src"] });
}
"""


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmark.py latency", description=__doc__)
    parser.add_argument("--checkpoints", help="folder of checkpoints (default: the app's own)")
    parser.add_argument("--ticks", type=int, default=200, help="slider movements (default 200)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    args = parser.parse_args(argv)
    began = time.perf_counter()
    with running_app(args.checkpoints) as url:
        ready = time.perf_counter() - began
        first, waits = measure(url, args.ticks)
    result = {
        "ticks": len(waits),
        "median_ms": round(statistics.median(waits), 1),
        "p95_ms": round(statistics.quantiles(waits, n=20)[-1], 1),
        "max_ms": round(max(waits), 1),
        "app_ready_s": round(ready, 1),
        "first_picture_s": round(first, 1),
        "load_average": round(os.getloadavg()[0], 2),
        "cores": os.cpu_count(),
    }
    print(json.dumps(result) if args.json else in_words(result))


def in_words(result: dict) -> str:
    return (
        "slider to new picture: median {median_ms} ms, p95 {p95_ms} ms, max {max_ms} ms "
        "({ticks} ticks)\napp answers after {app_ready_s} s, first picture {first_picture_s} s "
        "after navigation\nload average {load_average} on {cores} cores".format(**result)
    )


def measure(url: str, ticks: int) -> tuple[float, list[float]]:
    """Seconds from navigation to the first picture, and milliseconds of each tick."""
    from playwright.sync_api import sync_playwright

    chromium = find_chromium()
    if chromium is None:
        raise SystemExit(NO_BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            began = time.perf_counter()
            page.goto(url)
            page.wait_for_selector("#panel .now img[src]")
            first = time.perf_counter() - began
            page.wait_for_selector("#panel .strip img[src]")
            page.wait_for_timeout(2000)  # what else the page fetches at first is not our subject
            return first, drag(page, ticks)
        finally:
            browser.close()


def drag(page: Page, ticks: int) -> list[float]:
    """Drag the first slider to and fro with the mouse, one tick at a time."""
    box = page.locator("#panel .dial input").first.bounding_box()
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
