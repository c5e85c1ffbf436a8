"""Two photos compared, one dimension at a time, as HTML."""

from __future__ import annotations

from html import escape

from dviz.ui.core.entry import Entry
from dviz.ui.core.inspector import Dimension
from dviz.ui.core.reading import ALIKE, Reading, differences, swaps
from dviz.ui.parts import markup
from dviz.ui.parts.cards import called

LARGEST = 5  # differences of two photos that are not folded away
ONE_PHOTO = "Add a second photo to compare two."
ALL_CODES = "all"


def comparison(entry: Entry, first: Reading | None, second: Reading | None) -> str:
    """In what two photos differ, and the first with the second's value of one dimension each."""
    if first is None or second is None:
        return markup.note(ONE_PHOTO)
    found = differences(first.code, second.code, entry.dimensions)
    a, b = escape(first.photo.name), escape(second.photo.name)
    words = f'<p class="note">{_differences_in_words(found, a, b)}</p>'
    largest, rest = found[:LARGEST], found[LARGEST:]
    scale = max((abs(gap) for _, gap in found), default=1.0) or 1.0
    folded = ""
    if rest:
        more = f"{len(rest)} more, smaller differences"
        pictures = f'<div class="swaps">{"".join(_swapped(entry, first, second, rest))}</div>'
        table = _difference_table(rest, first, second, scale)
        folded = f"<details><summary>{more}</summary>{pictures}{table}</details>"
    return (
        words
        + _swap_row(entry, first, second, largest)
        + _difference_table(largest, first, second, scale)
        + folded
    )


def _differences_in_words(found: list[tuple[Dimension, float]], a: str, b: str) -> str:
    apart = [f"<b>{escape(called(d))}</b>" for d, gap in found if abs(gap) >= ALIKE]
    same = [escape(called(d)) for d, gap in found if abs(gap) < ALIKE]
    parts = [f"{a} and {b} differ in {', '.join(apart)}" if apart else f"{a} and {b} agree"]
    parts += [f"they agree in {', '.join(same)}"] if apart and same else []
    return "; ".join(parts) + "."


def _difference_table(
    found: list[tuple[Dimension, float]], first: Reading, second: Reading, scale: float
) -> str:
    """A row a dimension; bars reach from -scale to scale."""
    rows = [
        [
            d.name,
            escape(", ".join(name for name, _ in d.factors)) or "–",
            f"{first.code[d.index]:.2f}",
            f"{second.code[d.index]:.2f}",
            f"{_signed_meter(gap / scale)} {round(gap, 1) + 0.0:+.1f}",
        ]
        for d, gap in found
    ]
    caption = f"B − A in standard deviations of the dataset; a bar to either end is {scale:.1f}"
    header = ["Dimension", "Factor", "A", "B", "B − A"]
    return markup.table(header, rows, caption, kind="numbers compare")


def _signed_meter(value: float) -> str:
    """A bar for a value in [-1, 1], from the middle to the left or to the right."""
    side = "right" if value < 0 else "left"
    return (
        f'<span class="meter signed"><b style="{side}:50%;width:{50 * abs(value):.1f}%"></b></span>'
    )


def _swap_row(
    entry: Entry, first: Reading, second: Reading, found: list[tuple[Dimension, float]]
) -> str:
    pictures = _swapped(entry, first, second, found)
    ends = markup.picture(first.painted, "A"), markup.picture(second.painted, "B")
    return f'<div class="swaps">{ends[0]}{"".join(pictures)}{ends[1]}</div>'


def _swapped(
    entry: Entry, first: Reading, second: Reading, found: list[tuple[Dimension, float]]
) -> list[str]:
    """A picture a dimension: the first photo with the second's value there."""
    dimensions = [d for d, _ in found]
    images = swaps(entry.model, first.code, second.code, dimensions)
    return [
        markup.picture(image, f"A with B's {called(d)}")
        for image, d in zip(images, dimensions, strict=True)
    ]
