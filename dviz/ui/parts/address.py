"""The page's address: what of the page stands in it, and how a page is set up from one.

`static/js/state.js` reads and writes it, and says which names there are. A tab binds a component
to a name; when a page opens, and after Back and Forward, the component gets what the address says,
or its default, before its tab is shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gradio.components import Component

MAX_LENGTH = 2000  # characters of one value; longer ones are nobody's view


@dataclass(frozen=True)
class _Bound:
    name: str
    component: Component
    parse: Callable[[str], Any]
    default: Any


class Address:
    """Components that stand in the page's address, by name."""

    def __init__(self) -> None:
        self._bound: list[_Bound] = []

    @property
    def components(self) -> list[Component]:
        """Everything that `restore` may set."""
        return [bound.component for bound in self._bound]

    def bind(
        self,
        name: str,
        component: Component,
        parse: Callable[[str], Any] = str,
        push: bool = True,
        default: Any = None,
    ) -> None:
        """Keep the value of a component in the address.

        Args:
            name: in the address, as `dviz.write` in the page knows it.
            parse: a value of the component from its text, or an update that brings the choices
                it is among; a ValueError leaves the default.
            push: whether Back returns to the value before; False for what is dragged.
            default: what is not written down; by default the component's first value.
        """
        default = component.value if default is None else default
        self._bound.append(_Bound(name, component, parse, default))
        if hasattr(component, "input"):
            usual, how = json.dumps(default), json.dumps({"push": push})
            js = (
                f"(value) => {{ window.dviz.write({{ {json.dumps(name)}: "
                f"JSON.stringify(value) === JSON.stringify({usual}) ? null : value }}, {how}); }}"
            )
            component.input(None, component, None, js=js)

    def reset(self, component: Component) -> None:
        """Give a component its first value whenever the page is set up from an address."""
        self._bound.append(_Bound("", component, str, component.value))

    def restore(self, view: Mapping[str, str]) -> dict[Component, Any]:
        """What every bound component has in a view."""
        return {bound.component: _value(bound, view) for bound in self._bound}


def number(low: float, high: float) -> Callable[[str], float]:
    """Parses a number in [low, high]."""

    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(f"{value} is not in [{low}, {high}]")
        return value

    return parse


def one_of(allowed: list[str] | tuple[str, ...]) -> Callable[[str], str]:
    """Parses one of a few words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"{text!r} is not among {', '.join(allowed)}")
        return text

    return parse


def _value(bound: _Bound, view: Mapping[str, str]) -> Any:
    text = view.get(bound.name) if bound.name else None
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        return bound.default
    try:
        return bound.parse(text)
    except ValueError:
        return bound.default
