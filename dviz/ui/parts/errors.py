"""What a user can mend reaches the page as one line."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any, TypeVar

import gradio as gr

from dviz.errors import DvizError
from dviz.ui.core.defects import place_of

OURS = "something went wrong here, which is our mistake; try again, or reload the page"
log = logging.getLogger("dviz.page")

Function = TypeVar("Function", bound=Callable[..., Any])


def friendly(function: Function) -> Function:
    """Turn a DvizError into a toast with its text; of anything else, a defect of ours, the log
    keeps where it was, but none of what somebody sent."""

    def told(error: Exception) -> gr.Error:
        if isinstance(error, gr.Error):
            return error
        if isinstance(error, DvizError):
            return gr.Error(str(error), print_exception=False)
        log.error("%s in %s", place_of(error), function.__name__)
        return gr.Error(OURS, print_exception=False)

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise told(error) from error

    @wraps(function)
    def streamed(*args: Any, **kwargs: Any) -> Any:
        try:
            yield from function(*args, **kwargs)
        except Exception as error:
            raise told(error) from error

    # Gradio streams what a generator function yields, and tells one by looking at it.
    return streamed if isgeneratorfunction(function) else wrapped  # type: ignore[return-value]
