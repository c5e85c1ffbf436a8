"""What strangers may send, in numbers: every bound of the page and of the files it reads, once.

Bounds are checked before the work and the memory they bound. Each can be set for a private server
by the environment: `DVIZ_LIMIT_BODY_BYTES=5000000`. docs/limits.md lists them; `python -m
dviz.limits` writes its table.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields

PREFIX = "DVIZ_LIMIT_"
LARGEST = 2**53  # of any bound


def _bound(default: int, unit: str, reason: str) -> int:
    return field(default=default, metadata={"unit": unit, "reason": reason})


@dataclass(frozen=True)
class Limits:
    """The bounds; see the reasons beside them.

    >>> Limits.from_environment({"DVIZ_LIMIT_JSON_DEPTH": "8"}).json_depth
    8
    """

    # --- requests
    body_bytes: int = _bound(
        1_000_000, "bytes", "a request of the page is under 50 kB; JSON takes ten times its size"
    )
    body_seconds: int = _bound(30, "seconds", "until a request has arrived; uploads have ten times")
    json_depth: int = _bound(32, "levels", "requests of the page nest up to six deep")
    json_values: int = _bound(50_000, "values", "128 codes of 256 dimensions are 33 thousand")
    sessions: int = _bound(
        500, "sessions", "each keeps photos and tables; the oldest with no page open goes first"
    )
    queue: int = _bound(64, "requests", "that wait for their turn; more are told to come back")
    # --- uploads
    upload_bytes: int = _bound(20_000_000, "bytes a file", "a photograph of 50 megapixels fits")
    upload_files: int = _bound(24, "files a request", "the page shows twelve photographs at once")
    upload_request_bytes: int = _bound(
        250_000_000, "bytes a request", "twelve photographs of the largest size"
    )
    uploads_at_once: int = _bound(16, "requests", "each keeps a connection and a file open")
    uploads_waiting: int = _bound(200, "requests", "that wait for their turn, unread")
    uploads_visitor_bytes: int = _bound(
        500_000_000, "bytes a visitor", "two requests of the largest size"
    )
    uploads_visitor_files: int = _bound(2_000, "files a visitor", "each is a folder on disk")
    uploads_files: int = _bound(50_000, "files of all", "each takes a folder and memory")
    uploads_bytes: int = _bound(4_000_000_000, "bytes of all", "what a small disk can spare")
    upload_age_seconds: int = _bound(3_600, "seconds", "what nobody deleted goes after an hour")
    # --- pictures
    photo_bytes: int = _bound(25_000_000, "bytes", "a picture that is read, uploaded or not")
    photo_pixels: int = _bound(50_000_000, "pixels", "the sensors of good cameras")
    photo_webp_pixels: int = _bound(
        25_000_000, "pixels", "a WebP is decoded whole, to five copies of four bytes a pixel"
    )
    photo_scans: int = _bound(
        64, "scans", "a progressive JPEG has ten; each goes over all of its pixels again"
    )
    photo_scan_pixels: int = _bound(
        600_000_000, "scans × pixels", "a second of a core; ten scans of the largest picture fit"
    )
    photo_inside_pixels: int = _bound(
        8_000_000, "pixels", "a larger picture is decoded in a process of its own, under the next"
    )
    photo_cpu_seconds: int = _bound(2, "seconds of a core", "the largest honest picture takes one")
    photo_memory_bytes: int = _bound(
        900_000_000, "bytes", "three copies of the largest picture at four bytes a pixel, and room"
    )
    # --- tables
    csv_cells: int = _bound(2_000_000, "cells", "each takes some 100 bytes while it is read")
    csv_columns: int = _bound(512, "columns", "128 dimensions and 32 factors are measured here")
    csv_rows: int = _bound(500_000, "rows", "more belong into dviz evaluate")
    csv_categories: int = _bound(10_000, "values a factor", "more is no factor but a name a row")
    npz_members: int = _bound(16, "arrays", "the study's files hold two")
    npz_bytes: int = _bound(
        268_435_456, "bytes unpacked", "a small archive can hold a huge array: its directory tells"
    )
    table_numbers: int = _bound(
        5_000_000, "codes", "rows × dimensions that are measured at once: two seconds of a core"
    )
    tables_bytes: int = _bound(
        1_000_000_000, "bytes", "tables of all sessions; the largest takes 40 MB, for an hour"
    )
    table_inside_bytes: int = _bound(
        500_000, "bytes", "a larger table is read in a process of its own, so that nobody waits"
    )
    table_cpu_seconds: int = _bound(20, "seconds of a core", "the largest took less than three")
    # --- checkpoints
    config_bytes: int = _bound(500_000, "bytes", "the shipped ones are under 10 kB")
    factors: int = _bound(64, "factors", "the study's datasets have up to nine")
    factor_values: int = _bound(10_000, "values a factor", "a hundred objects are common")
    config_cells: int = _bound(
        20_000_000, "all values × dimensions", "what panels and probes allocate grows with it"
    )
    text_characters: int = _bound(1_000, "characters", "names and words of a checkpoint")
    settings: int = _bound(200, "entries", "settings of a training that a config keeps")
    report_bytes: int = _bound(
        2_000_000, "bytes", "the shipped ones are under 300 kB; JSON takes ten times its size"
    )
    report_results: int = _bound(64, "results", "datasets and baselines measured of a checkpoint")
    probe_members: int = _bound(1_000, "arrays", "a probe is a dozen, and there is one a factor")
    thumbnails_bytes: int = _bound(
        50_000_000, "bytes unpacked", "two thousand pictures of 64 × 64 pixels take half of it"
    )
    # --- the Hub
    hub_bytes: int = _bound(50_000_000, "bytes", "a checkpoint of the study's size has 2 MB")
    hub_files: int = _bound(1_000, "files", "of a repository; a checkpoint has eight")
    hub_at_once: int = _bound(2, "downloads", "each takes up to the size above, on disk and loaded")
    hub_wait_seconds: int = _bound(30, "seconds", "that one more download waits for its turn")
    # --- work
    measure_at_once: int = _bound(1, "measurements", "each takes two cores")
    measure_waiting: int = _bound(12, "people", "each waits up to a minute for each before")
    measure_memory_bytes: int = _bound(1_500_000_000, "bytes", "a process; the largest take 400 MB")
    measure_cpu_seconds: int = _bound(600, "seconds of a core", "the largest tables take 120")
    photos_at_once: int = _bound(1, "large pictures", "each takes the memory above")
    photos_waiting: int = _bound(24, "large pictures", "each waits a second for each before")

    def __post_init__(self) -> None:
        for bound in fields(self):
            value = getattr(self, bound.name)
            if type(value) is not int or not 1 <= value <= LARGEST:
                raise ValueError(
                    f"{PREFIX}{bound.name.upper()} is {value!r}; allowed are whole numbers from 1"
                )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Limits:
        """The bounds, those named in the environment replaced.

        Raises:
            ValueError: one is no whole number from 1, or there is no such bound.
        """
        given = os.environ if environment is None else environment
        known = {PREFIX + bound.name.upper(): bound.name for bound in fields(cls)}
        found = {}
        for variable, text in given.items():
            if not variable.startswith(PREFIX):
                continue
            if variable not in known:
                raise ValueError(f"{variable} is no limit of dviz; see docs/limits.md")
            try:
                found[known[variable]] = int(text)
            except ValueError as error:
                raise ValueError(
                    f"{variable} is {text!r}; allowed are whole numbers from 1"
                ) from error
        return cls(**found)


def table() -> str:
    """The bounds as a table in Markdown."""
    rows = ["| variable | bound | why |", "|---|---|---|"]
    return "\n".join(rows + [_row(bound) for bound in fields(Limits)]) + "\n"


def _row(bound: Field) -> str:
    value = f"{bound.default:,}".replace(",", " ")
    unit, reason = bound.metadata["unit"], bound.metadata["reason"]
    return f"| `{PREFIX}{bound.name.upper()}` | {value} {unit} | {reason} |"


LIMITS = Limits.from_environment()

if __name__ == "__main__":
    print(table(), end="")
