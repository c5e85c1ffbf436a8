"""What factors of different datasets have in common, though they go by other names."""

from __future__ import annotations

from collections.abc import Iterable

MEANINGS: dict[str, tuple[str, ...]] = {
    "shape of the object": ("shape", "object shape"),
    "colour of the object": ("colour", "object hue", "object colour"),
    "size of the object": ("scale", "object scale"),
    "angle in the picture": ("rotation", "orientation"),
    "colour of the wall": ("wall hue", "wall colour"),
    "side to side": ("position x", "robot x-move"),
    "up and down": ("position y", "robot y-move"),
}
"""Names of factors, as the datasets have them, by what they mean."""

_MEANING = {name: meaning for meaning, names in MEANINGS.items() for name in names}


def meaning(name: str) -> str:
    """What a factor means; its own name where it means nothing that others have.

    >>> meaning("object hue") == meaning("colour")
    True
    """
    return _MEANING.get(name, name)


def same_factor(name: str, names: Iterable[str]) -> str | None:
    """Which of `names` means what `name` does: itself, or another one; None where none does."""
    known = list(names)
    if name in known:
        return name
    return next((other for other in known if meaning(other) == meaning(name)), None)
