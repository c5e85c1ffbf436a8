"""Gradio's Blocks, made fit for a page that strangers visit."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.blocks import BlocksConfig

ODD = "this does not fit what the page asked for; reload it"


class QuietBlocks(gr.Blocks):
    """Blocks that answer in one line what does not fit their components, and keep it out of logs.

    Gradio would print a traceback, and tell whoever asked what would have been allowed. It would
    also describe every component anew for each session, which stops the page for 30 ms a visitor
    and takes most of a session's memory; that serves deep links alone, which are closed here.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.default_config.__class__ = _PageConfig

    async def preprocess_data(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().preprocess_data(*args, **kwargs)
        except Exception as error:
            raise gr.Error(ODD, print_exception=False) from error


def plain_file(**settings: Any) -> gr.File:
    """Gradio's File, whose events are given plain paths.

    By itself it leaves an empty file behind for every path, and hands out words of a class of its
    own, which load Gradio wherever they are unpacked.
    """
    file = gr.File(**settings)
    file._process_single_file = lambda f: f.path  # not a class: Gradio would write a file for it
    return file


def decided(asked: Any, value: Any) -> dict[str, Any]:
    """The part of an update that sets a choice: none where it is what was asked, since somebody may
    have chosen anew by the time that the update arrives."""
    return {} if asked == value else {"value": value}


class _PageConfig(BlocksConfig):
    """The page's own; sessions copy it."""

    def __copy__(self) -> BlocksConfig:
        new = super().__copy__()
        new.__class__ = _SessionConfig
        return new


class _SessionConfig(BlocksConfig):
    """A session's, which describes nothing."""

    @staticmethod
    def config_for_block(*_: Any, **__: Any) -> dict[str, Any]:
        return {}
