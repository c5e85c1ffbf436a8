"""What is not installed, and what installs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dviz.errors import NotInstalledError

EXTRAS = {
    "app": ("anyio", "gradio", "gradio_client", "plotly", "starlette"),
    "scale": ("accelerate", "pyarrow", "ray", "tensorboard", "yaml"),
    "mcp": ("mcp",),
    "onnx": ("google", "onnx", "onnxruntime", "onnxscript"),
    "backbones": ("timm", "transformers"),
    "dev": ("playwright",),
}
"""Which extra of pyproject.toml brings a module; whatever else is missing comes with "train"."""


@contextmanager
def needed_by(what: str, extra: str = "") -> Iterator[None]:
    """Turn the failure to import a third party's module into one line that says what to install.

    Args:
        what: is asked for; extra: that brings all of it, where the module's own is not enough.

    Raises:
        NotInstalledError: in place of ModuleNotFoundError, unless a module of dviz is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "dviz").partition(".")[0]
        if module == "dviz":
            raise
        extra = extra or next(
            (name for name, brings in EXTRAS.items() if module in brings), "train"
        )
        raise NotInstalledError(
            f"{what} needs {module}, which is not installed: pip install '.[{extra}]' in "
            "dviz's folder"
        ) from error
