"""What a user can mend reaches the page as one line."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any, TypeVar

import gradio as gr

from dviz.errors import DvizError

Function = TypeVar("Function", bound=Callable[..., Any])


def friendly(function: Function) -> Function:
    """Turn a DvizError into a toast with its text; anything else stays a defect of ours."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except DvizError as error:
            raise gr.Error(str(error), print_exception=False) from error

    @wraps(function)
    def streamed(*args: Any, **kwargs: Any) -> Any:
        try:
            yield from function(*args, **kwargs)
        except DvizError as error:
            raise gr.Error(str(error), print_exception=False) from error

    # Gradio streams what a generator function yields, and tells one by looking at it.
    return streamed if isgeneratorfunction(function) else wrapped  # type: ignore[return-value]
