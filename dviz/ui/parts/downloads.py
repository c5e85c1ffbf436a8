"""Files to take away, as links that hold their content: none of it stays on the server."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

KINDS = {"csv": "text/csv", "json": "application/json"}


def links(files: Mapping[str, str]) -> str:
    """A paragraph of links, HTML; `files`: text by file name."""
    parts = (_link(name, text) for name, text in files.items())
    return f'<p class="note downloads">{" ".join(parts)}</p>'


def _link(name: str, text: str) -> str:
    kind = KINDS.get(name.rpartition(".")[2], "text/plain")
    content = base64.b64encode(text.encode()).decode()
    return (
        f'<a class="download" download="{escape(name)}" href="data:{kind};base64,{content}">'
        f"Download {escape(name)}</a>"
    )


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A CSV file; None and NaN become empty cells.

    A word that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([_cell(value) for value in header])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if value is None or value != value:
        return ""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
