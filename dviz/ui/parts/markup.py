"""Small pieces of HTML. Whatever comes from a checkpoint or a person's file is escaped here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from dviz.ui.core.pictures import data_uri

LOADING = '<p class="note" role="status">Loading …</p>'


def picture(image: np.ndarray, caption: str) -> str:
    """A figure, scaled up in whole pixels by the style sheet."""
    return (
        f'<figure class="picture"><img src="{data_uri(image)}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def note(text: str, kind: str = "note") -> str:
    """A paragraph that says why something is not shown ("note"), or what went wrong ("problem")."""
    role = ' role="alert"' if kind == "problem" else ""
    return f'<p class="{kind}"{role}>{escape(text)}</p>'


def meter(value: float, mark: float | None = None, floor: float | None = None) -> str:
    """A bar for a share in [0, 1], with a tick at `mark`, and grey up to `floor`."""
    tick = f'<i style="left:{_percent(mark)}"></i>' if mark is not None else ""
    if floor:
        tick += f'<u style="width:{_percent(min(floor, value))}"></u>'
    return f'<span class="meter"><b style="width:{_percent(value)}"></b>{tick}</span>'


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "", kind: str = ""
) -> str:
    """A table whose cells are HTML already; its first column names the rows."""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll {kind}" tabindex="0"><table>{title}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def percent(value: float) -> str:
    """A share in [0, 1] for people; a dash where there is none."""
    return "–" if np.isnan(value) else f"{100 * value:.1f}%"


def decimal(value: float) -> str:
    """A score in [0, 1] for people; a dash where there is none."""
    return "–" if np.isnan(value) else f"{value:.3f}"


def tenths(value: float) -> str:
    """A value of a code with one decimal; what rounds to nothing is "0.0", never "-0.0"."""
    return f"{round(float(value), 1) + 0.0:.1f}"


def _percent(value: float) -> str:
    return f"{100 * min(max(value, 0.0), 1.0):.1f}%" if np.isfinite(value) else "0%"


def unbroken(label: str) -> str:
    """A factor's value, escaped, its number on one line with its unit: "1.75 m"."""
    return re.sub(r"(?<=\d) ", "\u00a0", escape(label))
