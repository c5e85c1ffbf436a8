"""The traversal panel: sliders, the picture they make, a pad, and a grid of all dimensions.

One component of our own. The page fetches a checkpoint's decoder once and paints by itself, so that
dragging asks the server for nothing; where it cannot, `pictures` paints for it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from dviz.checkpoint import DIRECT, SOURCE
from dviz.errors import DvizError
from dviz.measuring.circles import circles_of
from dviz.ui.core import starts
from dviz.ui.core.direction import backwards
from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import (
    MAX_DIMENSIONS,
    PRIOR_HIGH,
    PRIOR_LOW,
    Dimension,
    as_code,
    as_codes,
    by_factor,
    decode,
    sweep,
)
from dviz.ui.core.library import Library
from dviz.ui.core.pictures import data_uri, strip
from dviz.ui.core.starts import Start
from dviz.ui.core.suggestions import suggest
from dviz.ui.core.titles import title_of
from dviz.ui.core.weights import address_of

STATIC = Path(__file__).parent.parent / "static"
# One scope: each may use what stands before it.
SCRIPTS = tuple(
    f"{name}.js" for name in ("dom", "simd", "decoder", "paint", "parts", "circle", "panel")
)
STEPS = 9
NEAREST = "The nearest image of the dataset: this model has no decoder"
BORROWED = "Painted by the Source's decoder, which never saw this Target."
RELEARNT = "Painted by a decoder that learnt this Target from these codes: so much they still hold."
MAX_PICTURES = 128  # in one request
FRAMES, FRAME_MS, ENLARGED = 24, 60, 4  # of an animation, there and back again


def build_panel(
    library: Library, elem_id: str = "panel", prefix: str = "", value: dict[str, Any] | None = None
) -> gr.HTML:
    """The component; its value is what `panel_value` returns.

    Args:
        prefix: before what it is called in the page's address, where there are several panels.
        value: what it shows at first.
    """
    answers = (pictures_of, animation_of, scene_of, start_of, suggestions_of, gallery_of)
    return gr.HTML(
        value,
        html_template=(STATIC / "panel.html").read_text(encoding="utf-8"),
        js_on_load="".join((STATIC / "js" / name).read_text("utf-8") for name in SCRIPTS),
        server_functions=[_served(library, answer) for answer in answers],
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="traverse",
        prefix=prefix,
    )


def panel_value(
    library: Library,
    entry: Entry,
    start: Start,
    opening: bool = False,
    second: Start | None = None,
    suggestions: bool = False,
) -> dict[str, Any]:
    """Everything the panel shows of `start`; JSON-able.

    Args:
        opening: nobody chose this start, so that a code in the page's address goes first.
        second: another start, whose code is blended into the first one's.
        suggestions: whether to find what to try at once; the page asks for it otherwise.
    """
    shown, hidden = split_dimensions(entry)
    found = suggest(entry, start.code) if suggestions else None
    spans = {d.index: (d.low, d.high) for d in shown}
    return {
        "checkpoint": entry.key,
        "kind": entry.config.stage,
        "opening": opening,
        "sliders": [_slider(entry, start.code, d) for d in shown],
        "circles": [asdict(circle) for circle in circles_of(entry.config, spans)],
        "inactive": [_slider(entry, start.code, d) for d in hidden],
        "left_out": sum(map(changes_something, entry.dimensions)) - len(shown),
        "ranges": ranges_of(entry),
        "stages": stages_of(library, entry),
        "scenes": scenes_of(entry),
        "axes": first_axes(shown),
        "steps": STEPS,
        "suggestions": None if found is None else [asdict(s) for s in found],
        "play": found[0].dimension if found and opening else None,
        "second": None if second is None else {"code": _rounded(second.code)},
        **start_value(entry, start),
    }


def start_value(entry: Entry, start: Start) -> dict[str, Any]:
    """The part of `panel_value` that depends on where it starts."""
    return {
        "code": _rounded(start.code),
        "caption": start.caption,
        "original": None if start.original is None else data_uri(start.original),
        "picture": data_uri(decode(entry.model, start.code)[0]),
        "painted": _painter(entry),
    }


def _painter(entry: Entry) -> str:
    """Who paints, where that is not the decoder that learnt these images with the encoder."""
    if not entry.paints:
        return NEAREST
    if not entry.config.paints_dataset:
        return BORROWED
    return RELEARNT if entry.config.kind == DIRECT else ""


def pictures_of(entry: Entry, request: dict[str, Any]) -> dict[str, Any]:
    """The images of codes, side by side."""
    images = decode(entry.model, as_codes(request["codes"], entry.latent_size, MAX_PICTURES))
    return {"pictures": data_uri(strip(images))}


def scene_of(entry: Entry, request: dict[str, Any]) -> dict[str, Any]:
    """A start with chosen factor values."""
    wanted = starts.as_wanted(request["wanted"], starts.scene_factors(entry))
    return start_value(entry, starts.from_scene(entry, wanted, np.random.default_rng()))


def start_of(entry: Entry, request: dict[str, Any]) -> dict[str, Any]:
    """A start by chance: a stored sample, or a draw from the prior."""
    rng = np.random.default_rng()
    draw = {"sample": starts.from_sample, "prior": starts.from_prior}[request["how"]]
    return {**start_value(entry, draw(entry, rng)), "suggestions": None}


def suggestions_of(entry: Entry, request: dict[str, Any]) -> dict[str, Any]:
    """What to try on the picture of a code."""
    code = as_code(request["code"], entry.latent_size)
    return {"suggestions": [asdict(s) for s in suggest(entry, code)]}


def gallery_of(entry: Entry, request: dict[str, Any]) -> dict[str, Any]:
    """For each value of a factor that there are stored codes of, the mean of these codes."""
    number = range(len(entry.config.factors))[int(request["factor"])]
    values, codes = starts.class_codes(entry, number)
    return {"values": values, "codes": [_rounded(code) for code in codes]}


def animation_of(entry: Entry, request: dict[str, Any]) -> dict[str, Any]:
    """One dimension from low to high and back, as a GIF."""
    code = as_code(request["code"], entry.latent_size)
    low, high = as_code([request["low"], request["high"]], 2)
    dimension = Dimension(range(entry.latent_size)[int(request["dimension"])], low=low, high=high)
    there = decode(entry.model, sweep(code, dimension, FRAMES))
    return {"animation": gif(np.concatenate([there, there[-2:0:-1]]))}


def gif(images: np.ndarray) -> str:
    """A GIF of images uint8 (N, H, W, 3) that repeats for ever, enlarged, as a data URI."""
    large = images.repeat(ENLARGED, axis=1).repeat(ENLARGED, axis=2)
    # One palette for all frames, or the ground would flicker.
    palette = Image.fromarray(strip(images)).quantize(256)
    frames = [Image.fromarray(image).quantize(palette=palette, dither=0) for image in large]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "GIF", save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0
    )
    return f"data:image/gif;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def split_dimensions(entry: Entry) -> tuple[list[Dimension], list[Dimension]]:
    """Dimensions that change something, those of a factor first, and those that do not."""
    names = [factor.name for factor in entry.config.factors]
    moving = [d for d in entry.dimensions if changes_something(d)]
    active = by_factor(moving, names)
    inactive = [d for d in entry.dimensions if d not in moving]
    return active[:MAX_DIMENSIONS], inactive[:MAX_DIMENSIONS]


def changes_something(dimension: Dimension) -> bool:
    """Whether moving it changes the picture, as far as is known."""
    return dimension.active and dimension.moved != ()


def ranges_of(entry: Entry) -> list[dict[str, Any]]:
    """What codes range over, of each dataset there is a result on; its own dataset first."""
    own = entry.result
    if own is None or len(own.active) != entry.latent_size:
        low, high = ([side] * entry.latent_size for side in (PRIOR_LOW, PRIOR_HIGH))
        return [{"name": "prior", "title": "the prior", "low": low, "high": high}]
    others = [r for r in entry.report.results.values() if r is not own]
    return [
        {
            "name": result.dataset,
            "title": f"{_role(entry, result.dataset)}: {title_of(result.dataset)}",
            "low": result.low,
            "high": result.high,
        }
        for result in [own, *others]
    ]


def _role(entry: Entry, dataset: str) -> str:
    source = entry.config.dataset if entry.config.stage == SOURCE else entry.config.source
    return "Source" if dataset == source else "Target"


def stages_of(library: Library, entry: Entry) -> list[dict[str, Any]]:
    """The checkpoints a code is decoded by side by side, `entry` among them."""
    stages = []
    for key in library.lineage(entry.key):
        try:
            member = entry if key == entry.key else library.get(key)
        except DvizError:  # a broken relative is no reason not to show this one
            continue
        if member.latent_size == entry.latent_size:
            kind = member.config.stage
            stages.append(
                {
                    "key": key,
                    "kind": kind,
                    "title": kind.capitalize(),
                    "of": member.title,
                    "decoder": address_of(member),
                    "within": _learnt_range(member),
                }
            )
    return stages


def _learnt_range(entry: Entry) -> list[list[float]] | None:
    """Lowest and highest values that a decoder has seen, (2, D): beyond them it paints anything."""
    measured = entry.measured
    if measured is None or not entry.config.paints_dataset:
        return None
    return [_rounded(measured.low), _rounded(measured.high)]


def scenes_of(entry: Entry) -> list[dict[str, Any]]:
    """Factors whose values can be chosen; those whose values are but numbers of things are shown
    as the things."""
    return [
        {
            "name": f.name,
            "values": [f.label(value) for value in range(f.size)],
            "gallery": f.name == "object" and entry.sample is not None,
        }
        for f in starts.scene_factors(entry)
    ]


def first_axes(shown: list[Dimension]) -> list[int]:
    """Two dimensions to open the pad with: the two positions, or else the best associated ones."""

    def rank(dimension: Dimension) -> tuple[bool, float]:
        place = any("position" in name for name, _ in dimension.factors)
        return place, max((strength for _, strength in dimension.factors), default=0.0)

    first = sorted(sorted(shown, key=rank, reverse=True)[:2], key=shown.index)
    return [dimension.index for dimension in first]


def _rounded(code: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in code]


def _slider(entry: Entry, code: np.ndarray, dimension: Dimension) -> dict[str, Any]:
    return {
        "index": dimension.index,
        "name": dimension.name,
        "label": dimension.label,
        "active": dimension.active,
        "backwards": backwards(entry, code, dimension),
        "factors": [[name, round(strength, 2)] for name, strength in dimension.factors],
        "remark": dimension.remark,
    }


Answer = Callable[[Entry, dict[str, Any]], dict[str, Any]]


def _served(library: Library, work: Answer) -> Callable[[Any], dict[str, Any]]:
    """`work` as the page calls it, by its name without "_of"."""

    def served(request: Any) -> dict[str, Any]:
        return answer(library, request, work)

    served.__name__ = work.__name__.removesuffix("_of")
    return served


def answer(library: Library, request: Any, work: Answer) -> dict[str, Any]:
    """Answer the page, in words where the request cannot be served."""
    try:
        if not library.has(key := request["checkpoint"]):  # this way nobody makes it fetch any
            return {"error": "this checkpoint is no longer in memory here; reload the page"}
        return work(library.get(key), request)
    except DvizError as error:
        return {"error": str(error)}
    except (TypeError, KeyError, ValueError, IndexError, OverflowError):
        return {"error": "this is not a code of that checkpoint; reload the page"}
