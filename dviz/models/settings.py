"""A setting says everything of itself once: default, range, choices, help.

A dataclass declares its fields with `setting`; `check_settings` refuses what is out of range, and
the commands make their flags of the same declaration (`dviz.cli.common.add_settings`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

_KEY = "setting"


@dataclass(frozen=True)
class Setting:
    """What is known of a field beside its name, type and default.

    Attributes:
        help: one line for people; flags and docs show it.
        group: under which heading its flag stands; None for no flag.
        choices: the values allowed, where they are few.
        at_least, above, below: bounds of a number. share: it lies in [0, 1].
        parse: from a flag's text to the value, where the type alone does not say how.
        fits: whether a value is allowed, and `allowed`, in words, what is.
        only_with: another field and the one value of it with which this one may leave its default.
        always: whether files name it even at its default.
    """

    help: str
    group: str | None = None
    choices: tuple[str, ...] = ()
    at_least: float | None = None
    above: float | None = None
    below: float | None = None
    share: bool = False
    parse: Callable[[str], Any] | None = None
    fits: Callable[[Any], bool] | None = None
    allowed: str = ""
    only_with: tuple[str, str] | None = None
    always: bool = False

    def refusal(self, value: Any) -> str | None:
        """What is allowed instead of `value`, None where it fits."""
        if self.choices:
            return None if value in self.choices else f"allowed are {self.choices}"
        if self.fits:
            return None if self.fits(value) else f"allowed are {self.allowed}"
        if self.share:
            return None if 0 <= value <= 1 else "allowed is a share from 0 to 1"
        # Written so that NaN does not pass.
        above_low = self.at_least is None or value >= self.at_least
        if not (above_low and (self.below is None or value < self.below)):
            top = "" if self.below is None else f" to below {self.below:g}"
            return f"allowed are numbers from {self.at_least:g}{top}"
        if self.above is not None and not value > self.above:
            return f"allowed are numbers above {self.above:g}"
        return None


def setting(default: Any = MISSING, help: str = "", **more: Any) -> Any:
    """A dataclass field with a `Setting`; without a default it must be given."""
    return field(default=default, metadata={_KEY: Setting(help, **more)})


def settings_of(kind: Any) -> list[tuple[Field[Any], Setting]]:
    """The fields of a dataclass that are settings, in its order."""
    return [(f, f.metadata[_KEY]) for f in fields(kind) if _KEY in f.metadata]


def check_settings(config: Any) -> None:
    """Raise ValueError for the first setting of a dataclass that is out of its range."""
    for known, about in settings_of(config):
        value = getattr(config, known.name)
        refusal = about.refusal(value)
        if refusal:
            raise ValueError(f"{known.name} is {value!r}; {refusal}")
        if about.only_with and value != known.default:
            other, wanted = about.only_with
            if getattr(config, other) != wanted:
                raise ValueError(
                    f"{known.name} is {value!r}; it counts only with {other} {wanted!r}"
                )
