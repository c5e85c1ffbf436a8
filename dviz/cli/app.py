"""Serve the page."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from dviz.api.extras import needed_by
from dviz.cli import common


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = common.parser(
        "app",
        "Serve the page. Gradio's GRADIO_SERVER_NAME and GRADIO_SERVER_PORT count too.",
        "dviz app --checkpoints checkpoints --port 7861",
    )
    parser.add_argument(
        "--checkpoints",
        type=Path,
        help="their folder (default: DVIZ_CHECKPOINTS, else those that came with dviz)",
    )
    parser.add_argument(
        "--host", help="address to listen on (default: 127.0.0.1; on a Space every interface)"
    )
    parser.add_argument(
        "--port", type=int, help="port to listen on (default: the first free one from 7860)"
    )
    parser.add_argument(
        "--mcp",
        action="store_true",
        help="also serve the endpoints as tools for agents, at /gradio_api/mcp (pip install "
        "'.[mcp]')",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    import torch

    from dviz.api.app import launch

    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    with needed_by("dviz app"):
        import_module("dviz.ui.page")
    # What has been loaded stays: a look through all of it for garbage would stop the page for a
    # quarter of a second. And a thread that has much to do lets others have their turn soon.
    gc.freeze()
    sys.setswitchinterval(0.001)
    # One picture is a few milliseconds' work: more threads would only wait for each other.
    torch.set_num_threads(1)
    host = args.host or os.environ.get("GRADIO_SERVER_NAME")
    host = host or ("0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1")
    with needed_by("dviz app --mcp"):
        if args.mcp:
            import_module("mcp")
    launch(args.checkpoints, server_name=host, server_port=args.port, mcp_server=args.mcp)
