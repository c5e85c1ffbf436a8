"""What a tab is: a file with one declaration, listed once in `dviz.ui.tabs`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from dviz.ui.core.library import Library
from dviz.ui.parts.address import Address


@dataclass(frozen=True)
class Context:
    """What the page hands to a tab.

    Attributes:
        library: the checkpoints there are.
        checkpoint: a component whose value is the key of the checkpoint picked.
        refresh: triggers on which the tab is to show everything anew; they fire only while it is
            open.
        address: binds components to names in the page's address.
        photos: a state that holds the visitor's photos, `Prepared`, once there are some.
    """

    library: Library
    checkpoint: Component
    refresh: list[Any]
    address: Address
    photos: gr.State


@dataclass(frozen=True)
class Tab:
    """A tab: its name on the page, its name in an address, and what builds its inside."""

    name: str
    slug: str
    build: Callable[[Context], None]
