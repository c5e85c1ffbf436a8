"""How smoothly the map of codes moves, and how soon it shows a picture, in headless Chromium."""

from __future__ import annotations

import json
import os
import statistics
from typing import Any

from dviz.cli import common
from dviz.cli.benchmarks.page import BROWSER_FLAGS, NO_BROWSER, find_chromium, running_app

POINTS = "#map [data-points]:not([data-points='0'])"
# Milliseconds between animation frames while the map is moved in every one of them.
MOVE = """
async ([what, count]) => {
  const points = document.querySelector("#map .points"), box = points.getBoundingClientRect();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const options = { pointerId: 1, pointerType: "mouse", bubbles: true, cancelable: true };
  const point = (kind, dx = 0, dy = 0) => points.dispatchEvent(
    new PointerEvent(kind, { ...options, clientX: x + dx, clientY: y + dy }));
  points.setPointerCapture = () => {}; // there is no real pointer
  if (what === "pan") point("pointerdown");
  const gaps = [];
  let last = null;
  for (let n = 0; n <= count; n++) {
    const now = await new Promise((resolve) => requestAnimationFrame(resolve));
    if (last !== null) gaps.push(now - last);
    last = now;
    if (what === "pan") point("pointermove", 120 * Math.sin(n / 8), 80 * Math.cos(n / 8));
    else {
      const deltaY = n % 60 < 30 ? -30 : 30;
      points.dispatchEvent(new WheelEvent("wheel", { ...options, clientX: x, clientY: y, deltaY }));
    }
  }
  if (what === "pan") point("pointerup");
  return gaps;
}
"""
# Milliseconds from pointing at a sample to its decoded picture.
HOVER = """
async (count) => {
  const points = document.querySelector("#map .points"), box = points.getBoundingClientRect();
  const picture = document.querySelector("#map .decoded"), waits = [];
  const painted = () => new Promise((resolve) => {
    const watcher = new MutationObserver(() => { watcher.disconnect(); resolve(true); });
    watcher.observe(picture, { attributes: true, attributeFilter: ["data-painted"] });
    setTimeout(() => { watcher.disconnect(); resolve(false); }, 1000);
  });
  for (let n = 0; n < 10 * count && waits.length < count; n++) {
    const [clientX, clientY] = [
      box.x + (0.1 + 0.8 * ((n * 0.618) % 1)) * box.width,
      box.y + (0.1 + 0.8 * ((n * 0.414) % 1)) * box.height,
    ];
    const began = performance.now(), done = painted();
    const where = { clientX, clientY, pointerType: "mouse" };
    points.dispatchEvent(new PointerEvent("pointermove", where));
    if (await done) waits.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  return waits;
}
"""


def main(argv: list[str]) -> None:
    parser = common.parser("benchmark map", __doc__ or "", "dviz benchmark map --frames 100")
    parser.add_argument("--checkpoints", help="folder of checkpoints (default: the app's own)")
    parser.add_argument("--frames", type=int, default=300, help="of each movement (default 300)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    args = parser.parse_args(argv)
    with running_app(args.checkpoints) as url:
        result = {
            **measure(url, args.frames),
            "load_average": round(os.getloadavg()[0], 2),
            "cores": os.cpu_count(),
        }
    print(json.dumps(result) if args.json else in_words(result))


def in_words(result: dict[str, Any]) -> str:
    return (
        "{points} points, drawn by {drawn}\n"
        "pan: {pan_fps} frames a second, p95 {pan_p95_ms} ms; zoom: {zoom_fps}, p95 {zoom_p95_ms} "
        "ms\npointing at a sample to its picture: median {hover_median_ms} ms, p95 "
        "{hover_p95_ms} ms\nload average {load_average} on {cores} cores".format(**result)
    )


def measure(url: str, frames: int) -> dict[str, Any]:
    """Frames a second while the map moves, and milliseconds to a picture."""
    from playwright.sync_api import sync_playwright

    chromium = find_chromium()
    if chromium is None:
        raise SystemExit(NO_BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(120_000)  # a busy machine is no failure
            page.goto(f"{url}?tab=map")
            page.wait_for_selector(POINTS, state="attached")
            page.wait_for_timeout(3000)  # what else the page fetches at first is not our subject
            found: dict[str, Any] = {
                "points": int(page.get_attribute(POINTS, "data-points") or 0),
                "drawn": page.get_attribute(POINTS, "data-drawn"),
            }
            for what in ("pan", "zoom"):
                gaps = page.evaluate(MOVE, [what, frames])
                found[f"{what}_fps"] = round(1000 / statistics.mean(gaps), 1)
                found[f"{what}_p95_ms"] = round(statistics.quantiles(gaps, n=20)[-1], 1)
            waits = page.evaluate(HOVER, 30)
        finally:
            browser.close()
    return {
        **found,
        "hover_median_ms": round(statistics.median(waits), 1),
        "hover_p95_ms": round(statistics.quantiles(waits, n=20)[-1], 1),
    }
